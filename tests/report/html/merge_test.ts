import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Bar, mergeBars } from "../../../lib/report/html/merge.ts";

const bar = (fromMs: number, toMs: number, status = "fulfilled"): Bar => ({
  fromMs,
  toMs,
  status,
  index: Math.round(fromMs),
  queuedForMs: 0,
  tasks: 1,
});

Deno.test("mergeBars() joins neighbours narrower than a pixel", () => {
  const merged = mergeBars([bar(0, 1), bar(1, 2), bar(2, 3)], 10, Infinity);
  assertEquals(merged, [{ ...bar(0, 3), tasks: 3 }]);
});

Deno.test("mergeBars() leaves bars alone that can be seen", () => {
  const bars = [bar(0, 20), bar(20, 21), bar(21, 60)];
  assertEquals(mergeBars(bars, 1, Infinity), bars);
});

Deno.test("mergeBars() leaves a gap that can be seen", () => {
  const bars = [bar(0, 1), bar(9, 10)];
  assertEquals(mergeBars(bars, 10, Infinity), bars);
});

Deno.test("mergeBars() never hides a failure among successes", () => {
  const bars = [bar(0, 1), bar(1, 2, "failed"), bar(2, 3)];
  assertEquals(mergeBars(bars, 10, Infinity).map(({ status }) => status), [
    "fulfilled",
    "failed",
    "fulfilled",
  ]);
});

Deno.test("mergeBars() loses no task, moves no edge and keeps runs within their bound", () => {
  const spans = fc.array(
    fc.record({
      gap: fc.double({ min: 0, max: 20, noNaN: true }),
      length: fc.double({ min: 0, max: 20, noNaN: true }),
      status: fc.constantFrom("fulfilled", "failed"),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(spans, fc.double({ min: 0.1, max: 30, noNaN: true }), (spans, pixelMs) => {
      let at = 0;
      const bars = spans.map(({ gap, length, status }) => {
        const from = at + gap;
        at = from + length;
        return bar(from, at, status);
      });
      const merged = mergeBars(bars, pixelMs, 12);
      assertEquals(merged.reduce((sum, { tasks }) => sum + tasks, 0), bars.length);
      assertEquals(merged.at(0)?.fromMs, bars.at(0)?.fromMs);
      assertEquals(merged.at(-1)?.toMs, bars.at(-1)?.toMs);
      for (const run of merged) {
        if (run.tasks > 1) assert(run.toMs - run.fromMs <= 12 * pixelMs);
      }
    }),
  );
});
