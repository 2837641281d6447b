import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { studentCdf, studentQuantile } from "../../lib/timing/student_t.ts";

Deno.test("studentQuantile() gives the values of the printed tables", () => {
  // Student's t, two-sided 5 %: any table, such as Abramowitz and Stegun's 26.10.
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
