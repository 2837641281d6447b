/**
 * Timelines as trace events, for Perfetto (ui.perfetto.dev) or chrome://tracing.
 *
 * The format is the "Trace Event Format" of the Chromium project, as a JSON object: `M` names
 * processes and threads, `X` is a span on a thread, `b` and `e` begin and end a span that may overlap
 * others, `i` is an instant.
 */

import type { ModelResult, ResultFile, Timeline } from "../timing/result.ts";
import { sumOfFailures } from "../timing/failures.ts";
import { plain } from "../text/plain.ts";
import { laneName, startUpMs, tasksOf } from "./slots.ts";

export interface TraceEvent {
  readonly name: string;
  readonly ph: "M" | "X" | "b" | "e" | "i";
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  /** Links the events that begin and end a span that may overlap others. */
  readonly id?: string;
  /** The scope of an instant: its thread. */
  readonly s?: "t";
  readonly args?: Readonly<Record<string, unknown>>;
}

export interface Traced {
  readonly name: string;
  readonly labels: string;
  readonly startMs: number;
  readonly timeline: Timeline;
}

export function tracedOf({ comparisons }: Pick<ResultFile, "comparisons">): Traced[] {
  return comparisons.flatMap(({ job, models }) =>
    models.flatMap((of) => {
      const { model, timeline, rounds } = of;
      if (timeline === undefined) return [];
      const [labels, startMs] = [labelsOf(rounds), startUpMs(of)];
      return [{ name: `${model}: ${job.name}`, labels, startMs, timeline }];
    })
  );
}

/**
 * Writes timelines as a trace: each timeline is a process, each slot of a lane a thread, each task and each
 * lane's start-up a span, and a task's wait in the queue an asynchronous span of category "queue".
 */
export function renderTrace(traced: readonly Traced[], otherData: object): string {
  // One event per line is half the size of indented JSON, and still readable with a pager.
  const lines = traced.flatMap((of, at) =>
    Array.from(eventsOf(at + 1, of), (event) => JSON.stringify(event))
  ).join(",\n");
  const rest = JSON.stringify({ displayTimeUnit: "ms", otherData });
  return `{"traceEvents":[${lines === "" ? "" : `\n${lines}\n`}],${rest.slice(1)}\n`;
}

function labelsOf(rounds: ModelResult["rounds"]): string {
  const { reasons, examples } = sumOfFailures(rounds);
  return Object.entries(reasons).map(([reason, count]) =>
    `${count} ${reason}${examples[reason] === undefined ? "" : `: ${examples[reason]}`}`
  ).join("; ");
}

function* eventsOf(
  pid: number,
  { name, labels, timeline: spans, startMs }: Traced,
): Generator<TraceEvent> {
  const about = (name: string, tid: number, args: TraceEvent["args"]): TraceEvent => (
    { name, ph: "M", pid, tid, args }
  );
  if (labels !== "") yield about("process_labels", 0, { labels: plain(labels) });
  yield about("process_name", 0, { name: plain(name) });
  yield about("process_sort_index", 0, { sort_index: pid });
  const { tasks, used } = tasksOf(spans);
  const firstTid = new Map<number, number>();
  let tid = 1;
  for (const [lane, slots] of used) {
    firstTid.set(lane, tid);
    for (let which = 0; which < Math.max(1, slots); which++, tid++) {
      const name = `${laneName(spans, lane)}${slots > 1 ? ` slot ${which}` : ""}`;
      yield about("thread_name", tid, { name });
      yield about("thread_sort_index", tid, { sort_index: tid });
    }
  }
  for (const { lane, startMs, cpuShare } of spans.lanes) {
    if (startMs === 0) continue;
    const [tid, dur] = [firstTid.get(lane)!, microseconds(startMs)];
    yield { name: "start", ph: "X", cat: "lane", pid, tid, ts: 0, dur, args: { cpuShare } };
  }
  for (const { index, lane, slot, status, ...times } of tasks) {
    const isTimed = slot !== undefined;
    const tid = isTimed ? firstTid.get(lane)! + slot : 0;
    const [queued, started, ended] = [times.queuedMs, times.startedMs, times.endedMs]
      .map((ms) => microseconds(startMs + ms)) as [number, number, number];
    // If a task never ran, no span follows its wait, but an instant that says how it ended.
    const ts = isTimed ? started : Math.max(queued, ended);
    const wait = { name: `task ${index} queued`, cat: "queue", id: `${pid}.${index}`, pid, tid };
    if (ts > queued || !isTimed) {
      yield { ...wait, ph: "b", ts: queued };
      yield { ...wait, ph: "e", ts };
    }
    const args = { index, status: plain(status) };
    const task = { name: `task ${index}`, cat: "task", pid, tid, ts, args };
    const ranMs = times.endedMs - times.startedMs;
    if (isTimed) yield { ...task, ph: "X", dur: Math.max(0, microseconds(ranMs)) };
    else yield { ...task, ph: "i", s: "t" };
  }
}

/** Trace times are microseconds; three decimals keep what the clock gave. */
function microseconds(ms: number): number {
  return Number.isFinite(ms) ? Math.round(ms * 1e6) / 1e3 : 0;
}
