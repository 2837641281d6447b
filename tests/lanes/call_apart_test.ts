import { assertEquals, assertThrows } from "@std/assert";
import { callApart } from "../../lib/lanes/call_apart.ts";
import { plainContext } from "../../lib/lanes/plain_context.ts";

const context = plainContext(3, AbortSignal.abort());

Deno.test("a task that is called apart gets its item and context, and gives what it gives", () => {
  assertEquals(callApart((item, { index }) => [item, index], "a", context), ["a", 3]);
  const fails = () => {
    throw new RangeError("no");
  };
  assertThrows(() => callApart(fails, "a", context), RangeError, "no");
});
