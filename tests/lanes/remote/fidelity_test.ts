import { assertEquals } from "@std/assert";
import { failureLoss } from "../../../lib/lanes/remote/fidelity.ts";
import { toThread } from "./ways.ts";

Deno.test("a response that was thrown arrives whole but for a body that nobody has read", async () => {
  const read = new Response("body");
  await read.text();
  const unread = new Response("body");
  const losses = [new Response(null), read, unread].map((reason) =>
    failureLoss({ offset: 0, ended: "failed", reason }, toThread(), "classes")
  );
  const [none, once, lost] = losses.map((loss) => loss?.includes("whose body would not arrive"));
  assertEquals([none, once, lost], [undefined, undefined, true]);
});
