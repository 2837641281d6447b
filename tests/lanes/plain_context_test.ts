import { assertEquals } from "@std/assert";
import { plainContext } from "../../lib/lanes/plain_context.ts";

Deno.test("a context without a lane tells what it was made of", () => {
  const stop = new AbortController();
  const context = plainContext(3, stop.signal, { resource: "r", shared: "s" });
  const { index, attempt, resource, shared } = context;
  assertEquals([index, attempt, resource, shared, context.cancelled()], [3, 1, "r", "s", false]);
  stop.abort();
  assertEquals([context.cancelled(), plainContext(0, stop.signal).resource], [true, undefined]);
});
