import { assertEquals, assertStringIncludes } from "@std/assert";
import { MeasuringChild } from "../../lib/children/measuring_child.ts";
import { granted } from "../granted.ts";

const ignore = !granted("run", "read");
const entry = new URL("./listening_child.ts", import.meta.url);

Deno.test({
  name: "connectToParent() takes the order, and keeps what tasks print out of the messages",
  ignore,
  async fn() {
    await using child = new MeasuringChild({ entry });
    await child.send({ mark: child.mark, handlesTerm: true });
    assertEquals(await child.next(), { type: "begun", handles: true } as { type: string });
  },
});

Deno.test({
  name: "connectToParent() aborts its signal at SIGTERM, and the process ends soon after",
  ignore: ignore || Deno.build.os === "windows",
  async fn() {
    await using child = new MeasuringChild({ entry });
    await child.send({ mark: child.mark });
    await child.next();
    child.stop();
    assertEquals(await child.next(), { type: "ending" });
    assertEquals(await child.next(), undefined);
  },
});

Deno.test({
  name: "connectToParent() aborts its signal when stdin ends",
  ignore,
  async fn() {
    const child = new MeasuringChild({ entry });
    await child.send({ mark: child.mark });
    await child.next();
    const closed = child[Symbol.asyncDispose]();
    assertEquals(await child.next(), { type: "ending" });
    await closed;
  },
});

Deno.test({
  name: "connectToParent() fails without an order",
  ignore,
  async fn() {
    await using child = new MeasuringChild({ entry });
    const closed = child[Symbol.asyncDispose]();
    assertStringIncludes(await child.howItEnded(), "stdin ended before it said with what");
    await closed;
  },
});
