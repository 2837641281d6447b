import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fib, { FIB_LIMIT, fibCalls } from "../../lib/tasks/fib.ts";
import fibAsync from "../../lib/tasks/fib_async.ts";
import { contextOf } from "./context.ts";

Deno.test("fib() and its awaited twin give Fibonacci's numbers", async () => {
  // These numbers are OEIS A000045.
  const known = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1_597, 2_584];
  for (const [n, value] of known.entries()) {
    assertEquals(fib(n, contextOf()), value);
    assertEquals(await fibAsync(n, contextOf()), value);
  }
  assertEquals(fib(25, contextOf()), 75_025);
});

Deno.test("fib() and its awaited twin refuse what is out of range", async () => {
  for (const value of [-1, 1.5, NaN, FIB_LIMIT + 1, "7" as unknown as number]) {
    assertThrows(() => fib(value, contextOf()), RangeError, String(value));
    await assertRejects(() => fibAsync(value, contextOf()), RangeError, String(value));
  }
});

Deno.test("fib() and its awaited twin stop when they are asked to", async () => {
  assertThrows(() => fib(FIB_LIMIT, contextOf({ cancelAfter: 3 })), DOMException);
  await assertRejects(() => fibAsync(FIB_LIMIT, contextOf({ cancelAfter: 3 })), DOMException);
});

Deno.test("fibCalls() counts the calls that the recursion makes", () => {
  let calls = 0;
  const counted = (n: number): number => {
    calls++;
    return n < 2 ? n : counted(n - 1) + counted(n - 2);
  };
  for (let n = 0; n <= 18; n++) {
    calls = 0;
    counted(n);
    assertEquals(fibCalls(n), calls, `n = ${n}`);
  }
});
