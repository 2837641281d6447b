import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { findKnee } from "../../../lib/scaling/laws/knee.ts";
import { throughputAt } from "../../../lib/scaling/laws/laws.ts";
import { checkLittle } from "../../../lib/scaling/laws/little.ts";
import { refinements } from "../../../lib/scaling/refine.ts";
import { curveOf, SIZES } from "../synthetic.ts";

/** Rises in proportion up to a size and is flat from there on. */
const plateau = (at: number, sizes: readonly number[] = SIZES) =>
  curveOf(sizes.map((size) => [size, 50 * Math.min(size, at)]));

Deno.test("findKnee() finds the corner of a plateau wherever it is", () => {
  for (const at of [2, 4, 8, 16, 32]) assertEquals(findKnee(plateau(at)), at);
});

Deno.test("findKnee() gives the paper's example: 1 − 1/x bends near 0.22 of its range", () => {
  // Satopää et al., figure 2: y = −1/x + 5 on ten points from 0 to 1 has its knee at x = 0.22.
  const x = Array.from({ length: 10 }, (_, i) => i / 9);
  const curve = x.map((at) => ({ size: at, throughputPerSecond: -1 / (at + 0.1) + 5 }));
  assertEquals(findKnee(curve), x[2]);
});

Deno.test("findKnee() finds none on a straight line, on one that steepens, and with two points", () => {
  assertEquals(findKnee(curveOf(SIZES.map((size) => [size, 50 * size]))), null);
  assertEquals(findKnee(curveOf(SIZES.map((size) => [size, size ** 2]))), null);
  assertEquals(findKnee(curveOf([[1, 1], [2, 2]])), null);
  assertEquals(findKnee(curveOf(SIZES.map((size) => [size, 7]))), null);
});

Deno.test("findKnee() lies before the peak of a curve that falls again, whatever the order", () => {
  fc.assert(fc.property(
    fc.double({ min: 0.01, max: 0.2, noNaN: true }),
    fc.double({ min: 0.001, max: 0.01, noNaN: true }),
    fc.shuffledSubarray([...SIZES], { minLength: 7 }),
    (sigma, kappa, sizes) => {
      const law = { lambda: 50, sigma, kappa };
      const knee = findKnee(curveOf(sizes.map((size) => [size, throughputAt(law, size)])));
      const best = sizes.toSorted((a, b) => throughputAt(law, b) - throughputAt(law, a))[0]!;
      assert(knee !== null && knee <= best);
    },
  ));
});

Deno.test("refinements() halves both gaps next to the bend, on the scale of doublings", () => {
  assertEquals(refinements(plateau(8)), [6, 11]);
  assertEquals(refinements(plateau(32)), [23, 45]);
  assertEquals(refinements(plateau(8).toReversed()), [6, 11]);
});

Deno.test("refinements() adds nothing to a straight curve, to noise, or between neighbours", () => {
  assertEquals(refinements(curveOf(SIZES.map((size) => [size, 50 * size]))), []);
  assertEquals(refinements(curveOf([[1, 50], [2, 99], [4, 203], [8, 397]])), []);
  assertEquals(refinements(plateau(2, [1, 2, 3, 4])), []);
  assertEquals(refinements(plateau(2, [1, 2, 4])), [3]);
  assertEquals(refinements([]), []);
});

Deno.test("refinements() gives only sizes that weren't measured, between those that were", () => {
  fc.assert(fc.property(
    fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { minLength: 3, maxLength: 12 }),
    fc.func(fc.double({ min: 1, max: 1000, noNaN: true })),
    (sizes, throughput) => {
      const added = refinements(curveOf(sizes.map((size) => [size, throughput(size)])));
      assert(added.length <= 2);
      for (const size of added) {
        assert(!sizes.includes(size));
        assert(size > Math.min(...sizes) && size < Math.max(...sizes));
      }
    },
  ));
});

Deno.test("checkLittle() says when slots stood empty, and when times can't be right", () => {
  assertEquals(checkLittle(400, 20, 8).ratio, 1);
  assert(checkLittle(400, 20, 8).meaning === null);
  const empty = checkLittle(200, 20, 8);
  assert(!empty.holds && empty.meaning!.includes("empty 50%"));
  const over = checkLittle(800, 20, 8);
  assert(!over.holds && over.meaning!.includes("more was in flight"));
});
