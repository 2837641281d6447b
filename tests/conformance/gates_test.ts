import { assertEquals } from "@std/assert";
import { granted } from "../granted.ts";
import { Gates, turns } from "./gates.ts";

Deno.test({
  name: "a failed test that still waited at its gates has no second error told",
  ignore: !granted("net"),
  async fn() {
    const told: string[] = [];
    const gates = new Gates();
    void gates.full(1).then(() => told.push("full"), String).then((error) => told.push(`${error}`));
    await gates[Symbol.asyncDispose]();
    await turns();
    // Its timer would be found by the sanitizer.
    assertEquals(told, []);
  },
});
