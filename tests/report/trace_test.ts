import type { ResultFile } from "../../lib/timing/result.ts";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { renderTrace, tracedOf, type TraceEvent } from "../../lib/report/trace.ts";
import { hostileResult, ioComparison, resultOf } from "./fixture.ts";

function traceOf(result: ResultFile): string {
  const { environment, partial } = result;
  return renderTrace(tracedOf(result), { ...environment, partial });
}

function eventsOf(text: string): TraceEvent[] {
  return JSON.parse(text).traceEvents;
}

Deno.test("the trace has every task of every model, where and when it ran", () => {
  const result = resultOf(ioComparison());
  const events = eventsOf(traceOf(result));
  for (const [at, model] of result.comparisons[0]!.models.entries()) {
    const spans = events.filter(({ ph, cat, pid }) =>
      ph === "X" && cat === "task" && pid === at + 1
    );
    assertEquals(spans.length, 160);
    const timeline = model.timeline!;
    for (const span of spans) {
      const which = timeline.index.indexOf(span.args!.index as number);
      const startMs = model.rounds[0]!.startMs + timeline.startedMs[which]!;
      assertAlmostEquals(span.ts!, startMs * 1000, 0.01);
      assertAlmostEquals(
        span.dur!,
        (timeline.endedMs[which]! - timeline.startedMs[which]!) * 1000,
        0.01,
      );
    }
  }
});

Deno.test("spans of one thread of the trace never overlap", () => {
  const events = eventsOf(traceOf(resultOf(ioComparison())));
  const spans = events.filter(({ ph }) => ph === "X");
  for (const of of Map.groupBy(spans, ({ pid, tid }) => `${pid}/${tid}`).values()) {
    of.sort((a, b) => a.ts! - b.ts!);
    for (const [at, span] of of.entries()) {
      const before = of[at - 1];
      // Times are rounded to nanoseconds, so a task may overlap the next one by 1 ns.
      if (before) assert(before.ts! + before.dur! <= span.ts! + 0.002);
    }
  }
});

Deno.test("the trace names each model and each slot, and every thread has a name", () => {
  const events = eventsOf(traceOf(resultOf(ioComparison())));
  const named = (kind: string) => events.filter(({ ph, name }) => ph === "M" && name === kind);
  assertEquals(named("process_name").map(({ args }) => args!.name), [
    "sequential: download 160 pages",
    "concurrent: download 160 pages",
    "limited: download 160 pages",
    "workers: download 160 pages",
    "processes: download 160 pages",
  ]);
  const threads = new Set(named("thread_name").map(({ pid, tid }) => `${pid}/${tid}`));
  assertEquals(threads.size, 1 + 160 + 5 + 5 + 2);
  for (const { ph, pid, tid } of events) {
    if (ph === "X") assert(threads.has(`${pid}/${tid}`));
  }
});

Deno.test("waiting in the queue is a span of its own that ends when the task starts", () => {
  const events = eventsOf(traceOf(resultOf(ioComparison())));
  const begins = events.filter(({ ph }) => ph === "b");
  const ends = new Map(events.filter(({ ph }) => ph === "e").map((event) => [event.id, event]));
  assert(begins.length > 100);
  for (const begin of begins) {
    const end = ends.get(begin.id)!;
    assertEquals([end.cat, end.name, end.pid, end.tid], [
      begin.cat,
      begin.name,
      begin.pid,
      begin.tid,
    ]);
    assert(end.ts! >= begin.ts!);
    const task = events.find(({ ph, name, pid }) =>
      ph === "X" && pid === begin.pid && `${name} queued` === begin.name
    )!;
    assertEquals(task.ts, end.ts);
  }
});

Deno.test("a task that never started is an instant that says why", () => {
  const comparison = ioComparison();
  const model = comparison.models[0]!;
  const timeline = {
    ...model.timeline!,
    lane: model.timeline!.lane.map((lane, at) => (at === 7 ? -1 : lane)),
    status: model.timeline!.status.map((status, at) => (at === 7 ? "cancelled" : status)),
  };
  const events = eventsOf(
    traceOf(resultOf({ ...comparison, models: [{ ...model, timeline }] })),
  );
  const instants = events.filter(({ ph }) => ph === "i");
  assertEquals(instants.map(({ name, args }) => [name, args!.status]), [["task 7", "cancelled"]]);
  assertEquals(events.filter(({ cat, ph }) => cat === "task" && ph === "X").length, 159);
});

Deno.test("a trace of hostile text and of numbers that aren't any is JSON", () => {
  const result = hostileResult();
  result.comparisons[0]!.models[0]!.timeline!.queuedMs[0] = NaN;
  const events = eventsOf(traceOf(result));
  for (const { ph, ts, dur } of events) {
    if (ph !== "M") assert(Number.isFinite(ts));
    if (ph === "X") assert(Number.isFinite(dur) && dur! >= 0);
  }
});

Deno.test("the trace's first lines", async (t) => {
  const comparison = ioComparison();
  const text = traceOf(resultOf({ ...comparison, models: comparison.models.slice(2, 4) }));
  await t.assertSnapshot(text.split("\n").slice(0, 40).join("\n"));
});

Deno.test("a trace takes a hundred thousand tasks", () => {
  const tasks = 100_000;
  const column = (of: (at: number) => number) => Array.from({ length: tasks }, (_, at) => of(at));
  const comparison = ioComparison();
  const timeline = {
    round: 0,
    lanes: [{ lane: 0, startMs: 0, cpuShare: null }],
    index: column((at) => at),
    lane: column(() => 0),
    queuedMs: column(() => 0),
    startedMs: column((at) => at),
    endedMs: column((at) => at + 1),
    status: Array<string>(tasks).fill("fulfilled"),
  };
  const models = comparison.models.slice(0, 1).map((model) => ({ ...model, timeline }));
  const events = eventsOf(traceOf(resultOf({ ...comparison, models })));
  assertEquals(events.filter(({ cat, ph }) => cat === "task" && ph === "X").length, tasks);
});

Deno.test("a trace labels each model with what failed", () => {
  const comparison = ioComparison();
  const [first] = comparison.models;
  const rounds = [{
    ...first!.rounds[0]!,
    failed: 2,
    reasons: { refused: 2 },
    examples: { refused: "item 0, GET http://a/" },
  }];
  const events = eventsOf(
    traceOf(resultOf({ ...comparison, models: [{ ...first!, rounds }] })),
  );
  assertEquals(
    events.filter(({ name }) => name === "process_labels").map(({ args }) => args),
    [{ labels: "2 refused: item 0, GET http://a/" }],
  );
});
