import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "../../properties.ts";
import {
  depthOverTime,
  mergeBars,
  runningShares,
  type TaskBar,
  timelineSection,
} from "../../../lib/report/html/timeline.ts";
import { tasksOf } from "../../../lib/report/slots.ts";
import { all, parsed, texts } from "./parsed.ts";

const span = ([startedMs, endedMs]: readonly [number, number]) => ({ startedMs, endedMs });

Deno.test("depthOverTime() counts what is in flight at once", () => {
  assertEquals(depthOverTime(([[0, 10], [0, 5], [5, 10]] as const).map(span), 10, 2), [
    { fromMs: 0, toMs: 10, depth: 2, ended: 3 },
  ]);
});

Deno.test("depthOverTime() counts a slot that is handed on as one", () => {
  assertEquals(
    depthOverTime(([[0, 5], [5, 10]] as const).map(span), 10, 10).map(({ depth }) => depth),
    [1],
  );
});

Deno.test("depthOverTime() counts what starts with the axis's end", () => {
  assertEquals(depthOverTime([span([10, 10])], 10, 2), [{
    fromMs: 5,
    toMs: 10,
    depth: 1,
    ended: 1,
  }]);
});

Deno.test("depthOverTime() leaves idle time out", () => {
  const stretches = depthOverTime(([[0, 2], [8, 10]] as const).map(span), 10, 10);
  assertEquals(stretches.map(({ fromMs, toMs }) => [fromMs, toMs]), [[0, 2], [8, 10]]);
});

Deno.test("depthOverTime() finds the deepest moment and every end, whatever the buckets", () => {
  const spans = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 1, max: 10 })),
  );
  fc.assert(fc.property(spans, fc.integer({ min: 1, max: 50 }), (spans, buckets) => {
    const from = spans.map(([start]) => start), to = spans.map(([start, length]) => start + length);
    const stretches = depthOverTime(from.map((start, i) => span([start, to[i]!])), 100, buckets);
    const deepest = Math.max(
      0,
      ...from.map((at) =>
        spans.filter(([start, length]) => start <= at && at < start + length).length
      ),
    );
    assertEquals(Math.max(0, ...stretches.map(({ depth }) => depth)), deepest);
    assertEquals(stretches.reduce((sum, { ended }) => sum + ended, 0), spans.length);
    stretches.forEach(({ fromMs }, i) =>
      assert(i === 0 || fromMs >= stretches[i - 1]!.toMs - 1e-9)
    );
  }));
});

const bar = (startedMs: number, endedMs: number, status = "fulfilled"): TaskBar => ({
  ...{ startedMs, endedMs, status, index: Math.round(startedMs) },
  ...{ lane: 0, queuedMs: startedMs, tasks: 1 },
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
      assertEquals(merged.at(0)?.startedMs, bars.at(0)?.startedMs);
      assertEquals(merged.at(-1)?.endedMs, bars.at(-1)?.endedMs);
      for (const run of merged) {
        if (run.tasks > 1) assert(run.endedMs - run.startedMs <= 12 * pixelMs);
      }
    }),
  );
});

const timeline = (cpuShare: number | null, spans: readonly [number, number][]) => ({
  round: 0,
  lanes: [{ lane: 0, startMs: 0, cpuShare }],
  index: spans.map((_, i) => i),
  lane: spans.map(() => 0),
  queuedMs: spans.map(() => 0),
  startedMs: spans.map(([from]) => from),
  endedMs: spans.map(([, to]) => to),
  status: spans.map(() => "fulfilled"),
});

const sharesOf = (of: ReturnType<typeof timeline>) => runningShares(of.lanes, tasksOf(of).ran);

Deno.test("a task alone on its lane runs for its lane's CPU share", () => {
  assertAlmostEquals(sharesOf(timeline(0.9, [[0, 10], [10, 30]])).get(0)!, 0.9);
});

Deno.test("tasks in flight together on one lane never run more than one at a time", () => {
  assertAlmostEquals(sharesOf(timeline(0.9, [[0, 10], [0, 10], [0, 10]])).get(0)!, 1 / 3);
});

Deno.test("a lane whose CPU time couldn't be told has no running share", () => {
  assertEquals(sharesOf(timeline(null, [[0, 10]])).size, 0);
});

Deno.test("the table tells each lane's own CPU share, and the note which model's tasks never started", () => {
  const whole = timeline(0.9, [[0, 10], [10, 30], [0, 20]]);
  const two = {
    ...whole,
    lanes: [0.9, 0.2].map((cpuShare, lane) => ({ lane, startMs: 0, cpuShare })),
    lane: [0, 0, 1],
  };
  const models = [
    { model: "workers", lanes: 2, slots: 1, timeline: two },
    { model: "limited", lanes: 1, slots: 2, timeline: { ...whole, lane: [0, 0, -1] } },
  ];
  const { text } = timelineSection({ models, job: { items: 3 } }, "t");
  const page = parsed(`<html><body>${text}</body></html>`);
  const rows = all(page, "tbody tr").map((row) => texts(row, "th, td"));
  assertEquals(rows.map((cells) => [cells[0], cells[1], cells.at(-1)]), [
    ["workers, lane 0", "2", "90%"],
    ["workers, lane 1", "1", "20%"],
    ["limited, lane 0", "2", "90%"],
  ]);
  assertEquals(
    /Not shown: [^.]*/.exec(text)?.[0],
    "Not shown: 1 task of limited that never started",
  );
});
