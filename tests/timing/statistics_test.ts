import fc from "../properties.ts";
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  mean,
  median,
  outliers,
  quantile,
  sorted,
  studentCdf,
  studentQuantile,
} from "../../lib/timing/statistics.ts";

const sample = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), {
  minLength: 1,
  maxLength: 50,
});

Deno.test("quantile() gives what R's type 7 gives", () => {
  // In R: quantile(c(1, 2, 4, 8, 16), c(.1, .25, .5, .9), type = 7)
  const values = sorted([16, 1, 8, 2, 4]);
  assertEquals([0.1, 0.25, 0.5, 0.9].map((share) => quantile(values, share)), [1.4, 2, 4, 12.8]);
});

Deno.test("quantile() never leaves the sample and never falls as the share grows", () => {
  fc.assert(fc.property(sample, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
    const ordered = sorted(values);
    const value = quantile(ordered, share);
    return value >= ordered[0]! && value <= ordered.at(-1)! && value <= quantile(ordered, 1) &&
      quantile(ordered, share / 2) <= value;
  }));
});

Deno.test("median() doesn't depend on the order and moves with the sample", () => {
  fc.assert(fc.property(fc.array(fc.integer(), { minLength: 1 }), fc.integer(), (values, by) => {
    assertEquals(median(values), median(values.toReversed()));
    assertEquals(median(values.map((value) => value + by)), median(values) + by);
  }));
});

Deno.test("median() of one value is that value, of two the mean", () => {
  assertEquals([median([7]), median([1, 2])], [7, 1.5]);
});

Deno.test("sorted() refuses what can't be described", () => {
  assertThrows(() => sorted([]), RangeError, "empty");
  for (const bad of [NaN, Infinity, -Infinity]) {
    assertThrows(() => sorted([1, bad]), RangeError, `value 1 is ${bad}`);
  }
});

Deno.test("sorted() leaves its input as it was", () => {
  const values = [3, 1, 2];
  assertEquals([...sorted(values)], [1, 2, 3]);
  assertEquals(values, [3, 1, 2]);
});

Deno.test("outliers() names one wild value, and only that", () => {
  assertEquals(outliers([100, 101, 99, 102, 300]), [4]);
});

Deno.test("outliers() names what differs from values that are all equal", () => {
  assertEquals(outliers([5, 5, 5, 9]), [3]);
});

Deno.test("outliers() names nothing among two values, or values that lie close together", () => {
  assertEquals(outliers([1, 100]), []);
  assertEquals(outliers([100, 100.1, 100.2, 104]), []);
});

Deno.test("studentQuantile() gives the values of the printed tables", () => {
  // Student's t, two-sided 5 %, from any table, such as Abramowitz and Stegun's 26.10.
  const table = [[1, 12.706], [2, 4.303], [3, 3.182], [4, 2.776], [9, 2.262], [30, 2.042]];
  for (const [freedom, t] of table) {
    assertAlmostEquals(studentQuantile(0.975, freedom!), t!, 5e-4);
  }
});

Deno.test("studentCdf() and studentQuantile() undo each other", () => {
  fc.assert(fc.property(
    fc.double({ min: 0.001, max: 0.999, noNaN: true }),
    fc.integer({ min: 1, max: 40 }),
    (share, freedom) => {
      assertAlmostEquals(studentCdf(studentQuantile(share, freedom), freedom), share, 1e-9);
    },
  ));
});

Deno.test("studentQuantile() is 0 in the middle, and turns over there", () => {
  assertAlmostEquals(studentQuantile(0.5, 3), 0, 1e-9);
  assertAlmostEquals(studentQuantile(0.2, 3), -studentQuantile(0.8, 3), 1e-9);
});

Deno.test("studentCdf() is symmetric and reaches 0 and 1", () => {
  assertAlmostEquals(studentCdf(-1.5, 3) + studentCdf(1.5, 3), 1, 1e-12);
  assertEquals([studentCdf(-Infinity, 2), studentCdf(Infinity, 2)], [0, 1]);
  assertEquals([studentCdf(-Infinity, 5), studentCdf(Infinity, 5)], [0, 1]);
});

Deno.test("Student's t refuses what has no meaning", () => {
  assertThrows(() => studentCdf(NaN, 2), RangeError);
  assertThrows(() => studentCdf(1, 1.5), RangeError);
  assertThrows(() => studentQuantile(1, 2), RangeError);
});

Deno.test("what is no sample and no share is refused, up to the bounds", () => {
  for (const bad of [[], [NaN, 1], [1, Infinity]]) assertThrows(() => sorted(bad), RangeError);
  const sample = sorted([3, 1, 2]);
  assertEquals([quantile(sample, 0), quantile(sample, 1)], [1, 3]);
  for (const share of [-0.1, 1.1, NaN]) assertThrows(() => quantile(sample, share), RangeError);
  for (const probability of [0, 1, NaN]) {
    assertThrows(() => studentQuantile(probability, 3), RangeError);
  }
});

Deno.test("mean() is the sum over the number", () => {
  assertEquals([mean([1, 2, 6]), mean([])], [3, NaN]);
});

Deno.test("outliers() asks more of few values: none of two, a quarter of fewer than five", () => {
  assertEquals(outliers([100, 200]), []);
  assertEquals(outliers([100, 100, 200]), [2]);
  assertEquals(outliers([100, 100, 100, 120]), []);
  assertEquals(outliers([100, 100, 100, 100, 120]), [4]);
});
