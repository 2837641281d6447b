import { assertEquals } from "@std/assert";
import { ONE } from "../../lib/adaptive/watch.ts";
import type { Outcome } from "../../lib/dispatch/output.ts";
import type { LaneUsage } from "../../lib/executor.ts";
import { TIMELINE_TASKS, timelineOf } from "../../lib/timing/timeline.ts";
import { outcome } from "./fake.ts";

Deno.test("timelineOf() puts items in order and counts from the first item", () => {
  const outcomes = [outcome(1, 0, 110, 120), outcome(0, 0, 100, 110.0004)];
  const { index, queuedMs, startedMs, endedMs, status } = timelineOf({
    round: 0,
    outcomes,
    before: [],
    after: [],
    firstMs: 100,
  });
  assertEquals([index, queuedMs, startedMs, endedMs], [[0, 1], [0, 0], [0, 10], [10, 20]]);
  assertEquals(status, ["fulfilled", "fulfilled"]);
});

Deno.test("timelineOf() counts a lane's CPU over the time it had tasks in flight, once", () => {
  const usage = { lane: 0, startMs: 5, peakRssBytes: undefined };
  const { lanes } = timelineOf({
    round: 0,
    // Two tasks from 100 to 120, none until 140, one until 160: 40 ms in flight.
    outcomes: [outcome(0, 0, 100, 120), outcome(1, 0, 105, 115), outcome(2, 0, 140, 160)],
    before: [{ ...usage, cpuMs: 7 }],
    after: [{ ...usage, cpuMs: 17 }],
    firstMs: 100,
  });
  assertEquals(lanes, [{ lane: 0, startMs: 5, cpuShare: 0.25 }]);
});

Deno.test("timelineOf() says null where a lane's CPU time can't be told", () => {
  const usage = { startMs: 0, cpuMs: undefined, peakRssBytes: undefined };
  const after = [{ ...usage, lane: 0 }, { ...usage, lane: 1 }];
  const of = (outcomes: Outcome<unknown>[], after: LaneUsage[]) =>
    timelineOf({ round: 0, outcomes, before: [], after, firstMs: 0 })
      .lanes.map(({ cpuShare }) => cpuShare);
  assertEquals(of([], after), [null, null]);
  assertEquals(of([outcome(0, 0, 100, 120)], after), [null, null]);
  assertEquals(of([], [{ ...after[0]!, cpuMs: 5 }]), [null]);
});

Deno.test("timelineOf() gives a task that never started no length", () => {
  const never: Outcome<unknown> = {
    index: 0,
    item: 0,
    lane: -1,
    attempts: 0,
    queuedAtMs: 0,
    startedAtMs: NaN,
    endedAtMs: 3,
    status: "rejected",
    ended: "cancelled",
    reason: null,
  };
  const { startedMs, endedMs, status } = timelineOf({
    round: 0,
    outcomes: [never],
    before: [],
    after: [],
    firstMs: 0,
  });
  assertEquals([startedMs, endedMs, status], [[3], [3], ["cancelled"]]);
});

Deno.test("timelineOf() thins out more tasks than it keeps, evenly", () => {
  const outcomes = Array.from({ length: 2 * TIMELINE_TASKS + 1 }, (_, n) => outcome(n, 0, 0, 1));
  const { index } = timelineOf({ round: 0, outcomes, before: [], after: [], firstMs: 0 });
  assertEquals(index.slice(0, 3), [0, 3, 6]);
  assertEquals(index.length, Math.ceil(outcomes.length / 3));
});

Deno.test("a timeline tells what was decided, from the first item on", () => {
  const figures = { busyShare: 1, latencyMs: NaN, perSecond: 0, refused: 0 };
  const decision = { from: ONE, to: ONE, why: "stays" as const, figures };
  const decided = (atMs: number) => ({
    atMs,
    ...decision,
    figures: { ...figures, latencyMs: null },
  });
  const parts = { round: 0, outcomes: [], before: [], after: [], firstMs: 100 };
  const { decisions } = timelineOf({
    ...parts,
    decisions: [{ atMs: 90, ...decision }, { atMs: 112, ...decision }],
  });
  assertEquals(decisions, [decided(0), decided(12)]);
  assertEquals("decisions" in timelineOf({ ...parts, decisions: [] }), false);
});
