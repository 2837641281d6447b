import { assertEquals, assertThrows } from "@std/assert";
import fc from "../properties.ts";
import sumSquares, { SUM_SQUARES_LIMIT } from "../../lib/tasks/sum_squares.ts";
import { contextOf } from "./context.ts";

/** The closed form of the sum, which the loop's result must equal. */
function closedForm(n: number): bigint {
  const m = BigInt(n);
  return m === 0n ? 0n : (m - 1n) * m * (2n * m - 1n) / 6n;
}

Deno.test("sumSquares() gives Python's answer to the article's first number", () => {
  assertEquals(sumSquares(5_000_000, contextOf()), 41666654166667500000n);
});

Deno.test("sumSquares() is exact around every block's edge", () => {
  for (const n of [0, 1, 2, 3, 1_023, 1_024, 1_025, 2_047, 2_048, 2_049, 300_080, 300_081]) {
    assertEquals(sumSquares(n, contextOf()), closedForm(n), String(n));
  }
});

Deno.test("sumSquares() is exact where squares themselves pass 2⁵³", () => {
  for (const n of [94_906_266, 94_906_267, 134_217_728, 134_217_729]) {
    assertEquals(sumSquares(n, contextOf()), closedForm(n), String(n));
  }
});

Deno.test("sumSquares() is exact for any n", () => {
  fc.assert(
    fc.property(fc.nat(3_000_000), (n) => {
      assertEquals(sumSquares(n, contextOf()), closedForm(n));
    }),
    { numRuns: 50 },
  );
});

Deno.test("sumSquares()'s limit keeps a block's sum below 2⁵³, and little more would not", () => {
  const sumOfBlockAt = (base: bigint) => {
    let sum = 0n;
    for (let x = 0n; x < 1_024n; x++) sum += x * (2n * base + x);
    return sum;
  };
  const last = BigInt(SUM_SQUARES_LIMIT) - 1_024n;
  assertEquals(sumOfBlockAt(last) < 2n ** 53n, true);
  assertEquals(sumOfBlockAt(last * 101n / 100n) < 2n ** 53n, false);
});

Deno.test("sumSquares() takes a BigInt, as Python's integers come", () => {
  assertEquals(sumSquares(100_000n, contextOf()), sumSquares(100_000, contextOf()));
});

Deno.test("sumSquares() refuses what it can't sum exactly, naming value and limit", () => {
  const values = [SUM_SQUARES_LIMIT + 1, 2 ** 60, 10n ** 30n, -1, -1n, 1.5, NaN, Infinity];
  for (const value of values) {
    const error = assertThrows(() => sumSquares(value, contextOf()), RangeError);
    assertEquals(error.message.includes(String(value)), true, error.message);
    assertEquals(error.message.includes(String(SUM_SQUARES_LIMIT)), true, error.message);
  }
  assertThrows(() => sumSquares("5" as unknown as number, contextOf()), TypeError);
});

Deno.test("sumSquares() stops between blocks when it is asked to", () => {
  const context = contextOf({ cancelAfter: 2 });
  const error = assertThrows(() => sumSquares(SUM_SQUARES_LIMIT, context), DOMException);
  assertEquals(error.name, "AbortError");
  assertEquals(context.looks, 3);
});
