import { assert, assertEquals } from "@std/assert";
import fc from "../properties.ts";
import { laneName, tasksOf } from "../../lib/report/slots.ts";
import type { Timeline } from "../../lib/timing/result.ts";

interface Span {
  readonly lane: number;
  readonly startedMs: number;
  readonly lastedMs: number;
}

function timelineOf(spans: readonly Span[]): Timeline {
  return {
    round: 0,
    lanes: [0, 1, 2].map((lane) => ({ lane, startMs: 0, cpuShare: null })),
    index: spans.map((_, index) => index),
    lane: spans.map(({ lane }) => lane),
    queuedMs: spans.map(() => 0),
    startedMs: spans.map(({ startedMs }) => startedMs),
    endedMs: spans.map(({ startedMs, lastedMs }) => startedMs + lastedMs),
    status: spans.map(() => "fulfilled"),
  };
}

const span = fc.record({
  lane: fc.nat(2),
  startedMs: fc.nat(50),
  lastedMs: fc.nat(20),
});

Deno.test("tasksOf() never gives one slot to two tasks at once", () => {
  fc.assert(fc.property(fc.array(span), (spans) => {
    const slot = tasksOf(timelineOf(spans)).tasks.map(({ slot }) => slot);
    for (let a = 0; a < spans.length; a++) {
      for (let b = a + 1; b < spans.length; b++) {
        if (spans[a]!.lane !== spans[b]!.lane || slot[a] !== slot[b]) continue;
        const [first, then] = spans[a]!.startedMs <= spans[b]!.startedMs
          ? [spans[a]!, spans[b]!]
          : [spans[b]!, spans[a]!];
        const together = first.startedMs === then.startedMs
          ? Math.min(first.lastedMs, then.lastedMs) > 0
          : first.startedMs + first.lastedMs > then.startedMs;
        assert(!together, `tasks ${a} and ${b} share slot ${slot[a]}`);
      }
    }
  }));
});

Deno.test("tasksOf() uses as many slots as tasks were in flight at most", () => {
  const lasting = fc.record({
    ...{ lane: fc.nat(2), startedMs: fc.nat(50) },
    lastedMs: fc.integer({ min: 1, max: 20 }),
  });
  fc.assert(fc.property(fc.array(lasting), (spans) => {
    const { used } = tasksOf(timelineOf(spans));
    for (const lane of [0, 1, 2]) {
      const of = spans.filter((span) => span.lane === lane);
      const depths = of.map(({ startedMs }) =>
        of.filter((o) => o.startedMs <= startedMs && o.startedMs + o.lastedMs > startedMs).length
      );
      assertEquals(used.get(lane), Math.max(0, ...depths));
    }
  }));
});

Deno.test("a task that never started has no slot", () => {
  const timeline = { ...timelineOf([{ lane: 0, startedMs: 0, lastedMs: 1 }]), lane: [-1] };
  const { tasks, ran } = tasksOf(timeline);
  assertEquals([tasks[0]!.slot, ran], [undefined, []]);
});

Deno.test("tasks that ran come in the order in which they started, those alike in their own", () => {
  const at = (...starts: number[]) =>
    timelineOf(starts.map((startedMs) => ({ lane: 0, startedMs, lastedMs: 1 })));
  assertEquals(tasksOf(at(5, 3, 3, 0)).ran.map(({ index }) => index), [3, 1, 2, 0]);
});

Deno.test("lanes of one machine stand together, and are called by its name", () => {
  const timeline = timelineOf([]);
  const machines = ["\x1b[31mbeta", undefined, "alpha of a very long name"];
  const named = {
    ...timeline,
    lanes: timeline.lanes.map((lane, at) => ({
      ...lane,
      ...(machines[at] !== undefined && { machine: machines[at] }),
    })),
  };
  assertEquals([...tasksOf(named).used.keys()].map((lane) => laneName(named, lane)), [
    "lane 1",
    "alpha of a … lane 2",
    "beta lane 0",
  ]);
});
