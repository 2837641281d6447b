import { assert, assertEquals } from "@std/assert";
import { findKnee, kneeOf } from "../../lib/scaling/knee.ts";
import { throughputAt } from "../../lib/scaling/laws.ts";
import fc from "../properties.ts";
import { curveOf, SIZES } from "./synthetic.ts";

/** A curve that rises in proportion up to a size, and is flat from there on. */
const flatFrom = (at: number, sizes: readonly number[] = SIZES) =>
  curveOf(sizes.map((size) => [size, 50 * Math.min(size, at)]));

Deno.test("findKnee() finds the corner of a flatFrom wherever it is", () => {
  for (const at of [2, 4, 8, 16, 32]) assertEquals(findKnee(flatFrom(at)), at);
});

Deno.test("findKnee() gives the paper's example: 1 − 1/x bends near 0.22 of its range", () => {
  // In Satopää et al., figure 2, y = −1/x + 5 on ten points from 0 to 1 has its knee at x = 0.22.
  const x = Array.from({ length: 10 }, (_, i) => i / 9);
  const curve = x.map((at) => ({ size: at, throughputPerSecond: -1 / (at + 0.1) + 5 }));
  assertEquals(findKnee(curve), x[2]);
});

Deno.test("findKnee() finds none on a straight line, on one that steepens, and with two points", () => {
  assertEquals(findKnee(curveOf(SIZES.map((size) => [size, 50 * size]))), null);
  assertEquals(findKnee(curveOf(SIZES.map((size) => [size, size ** 2]))), null);
  assertEquals(findKnee(curveOf([[1, 1], [2, 2]])), null);
  assertEquals(findKnee(curveOf([[1, 50], [2, 99], [4, 203], [8, 397]])), null);
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

Deno.test("findKnee() takes three points, and no bend that the mean step could be", () => {
  assertEquals(findKnee(curveOf([[1, 50], [2, 100], [9, 100]])), 2);
  assertEquals(findKnee(curveOf([[1, 50], [2, 100], [3, 100]])), null);
});

Deno.test("findKnee() takes the first of two that lie as high, and the higher of two that don't", () => {
  // The heights above the straight line, in units of 1/9.
  const curve = (heights: readonly number[]) =>
    curveOf(heights.map((height, at) => [at + 1, at / 9 + height / 9]));
  assertEquals(findKnee(curve([0, 4, 2, 0, 4, 2, 1, 1, 1, 0])), 2);
  assertEquals(findKnee(curve([0, 3, 2, 0, 4, 2, 1, 1, 1, 0])), 5);
  assertEquals(findKnee(curve([0, 4, 2, 0, 3, 2, 1, 1, 1, 0])), 2);
});

Deno.test("kneeOf() gives the knee with its range over resampled rounds, if the curve rises at all", () => {
  const series = (of: (size: number) => readonly number[]) =>
    SIZES.map((size) => ({ size, throughputs: of(size) }));
  const steady = (size: number) => [1, 1, 1].map((one) => one * 50 * Math.min(size, 8));
  assertEquals(kneeOf(series(steady), 1), { size: 8, low: 8, high: 8 });
  assertEquals(kneeOf([], 1), null);
  const step = (to: number) => series((size) => [size === SIZES[0] ? 100 : to]);
  assertEquals([kneeOf(step(119), 1), kneeOf(step(121), 1)?.size], [null, SIZES[1]]);
  // Only one round in three saw a bend.
  const seldom = series((size) => [50 * size, 50 * size, 50 * Math.min(size, 4)]);
  assertEquals(kneeOf(seldom, 1), null);
});
