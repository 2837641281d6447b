import { assertEquals, assertThrows } from "@std/assert";
import fc from "../properties.ts";
import primes, { PRIMES_LIMIT } from "../../lib/tasks/primes.ts";
import { contextOf } from "./context.ts";

function countByTrial(n: number): number {
  let count = 0;
  for (let candidate = 2; candidate < n; candidate++) {
    let prime = true;
    for (let d = 2; d * d <= candidate && prime; d++) prime = candidate % d !== 0;
    if (prime) count++;
  }
  return count;
}

Deno.test("primes() counts as many as the tables of π(x) say", () => {
  // These numbers are OEIS A006880.
  const known = [4, 25, 168, 1_229, 9_592, 78_498, 664_579];
  for (const [index, count] of known.entries()) {
    assertEquals(primes(10 ** (index + 1), contextOf()), count);
  }
});

Deno.test("primes() counts the primes below n, not n itself", () => {
  assertEquals([0, 1, 2, 3, 4, 5, 6].map((n) => primes(n, contextOf())), [0, 0, 0, 1, 2, 2, 3]);
});

Deno.test("primes() agrees with trial division everywhere", () => {
  fc.assert(fc.property(fc.nat(5_000), (n) => {
    assertEquals(primes(n, contextOf()), countByTrial(n));
  }));
});

Deno.test("primes() is right around a segment's edge", () => {
  // There is no prime between 65,521 and 65,537; the first segment ends at 65,536.
  assertEquals(
    [65_521, 65_522, 65_535, 65_536, 65_537, 65_538].map((n) => primes(n, contextOf())),
    [6_541, 6_542, 6_542, 6_542, 6_542, 6_543],
  );
});

Deno.test("primes() refuses what is out of its range", () => {
  for (const value of [-1, 1.5, NaN, PRIMES_LIMIT + 1, "7" as unknown as number]) {
    assertThrows(() => primes(value, contextOf()), RangeError, String(value));
  }
});

Deno.test("primes() stops between segments when it is asked to", () => {
  const context = contextOf({ cancelAfter: 3 });
  assertEquals(assertThrows(() => primes(10 ** 12, context), DOMException).name, "AbortError");
  assertEquals(context.looks, 4);
});
