/** How refusals are met. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Refusals } from "../../lib/adaptive/refusals.ts";

Deno.test("there are fewer slots than got through, and near what was too many no more for a while", () => {
  const refusals = new Refusals();
  Object.assign(refusals, { refused: 1, through: 99 });
  assert(!refusals.areTooMany);
  Object.assign(refusals, { refused: 5, through: 15 });
  assert(refusals.areTooMany);
  refusals.hold(0);
  assertAlmostEquals(refusals.fewer(20), 0.7 * 15);
  assert(refusals.holds(1, 18) && !refusals.holds(1, 16));
  // The second while is twice as long.
  assert(refusals.holds(1_999, 18) && !refusals.holds(2_000, 18));
  refusals.hold(2_000);
  assert(refusals.holds(5_999, 18) && !refusals.holds(6_000, 18));
});

Deno.test("where one task at once is too many they start more and more slowly, unless none gets through", () => {
  const refusals = new Refusals();
  Object.assign(refusals, { refused: 1, through: 3 });
  refusals.slower(0);
  assertEquals(refusals.gapMs, 20);
  refusals.slower(0);
  assertEquals(refusals.gapMs, 25);
  refusals.faster(1, 100);
  assertEquals(refusals.gapMs, 25);
  refusals.faster(100_000, 10);
  assertEquals(refusals.gapMs, 20);
  // A pause that is short beside the task is none.
  refusals.faster(100_000, 100);
  assertEquals(refusals.gapMs, 0);
  refusals.through = 0;
  for (let time = 0; time < 9; time++) refusals.slower(0);
  assertEquals(refusals.gapMs, 1_000);
  refusals.slower(0);
  assertEquals(refusals.gapMs, 0);
});
