import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { timeTicks } from "../../../lib/report/html/time_axis.ts";

Deno.test("timeTicks() are round and end with the axis", () => {
  assertEquals(timeTicks(9910, 8), [0, 2000, 4000, 6000, 8000]);
  assertEquals(timeTicks(66.2, 8), [0, 10, 20, 30, 40, 50, 60]);
});

Deno.test("timeTicks() are never too many, never beyond the axis, and more than the zero", () => {
  const ends = fc.double({ min: 1e-3, max: 1e15, noNaN: true });
  fc.assert(fc.property(ends, fc.integer({ min: 2, max: 12 }), (endMs, most) => {
    const ticks = timeTicks(endMs, most);
    assert(ticks.length >= 2 && ticks.length <= most + 1);
    assert(ticks.every((tick) => tick <= endMs * (1 + 1e-6)));
  }));
});

Deno.test("timeTicks() of an axis without length are the zero alone", () => {
  assertEquals(timeTicks(0, 8), [0]);
});
