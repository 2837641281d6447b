/**
 * Timelines as trace events, for Perfetto (ui.perfetto.dev) or chrome://tracing.
 *
 * The format is the "Trace Event Format" of the Chromium project, as a JSON object: `M` names
 * processes and threads, `X` is a span on a thread, `b` and `e` begin and end one that may overlap
 * others.
 */

import type { ModelResult, ResultFile, Timeline } from "../timing/result.ts";
import { sumOfFailures } from "../timing/failures.ts";
import { plain } from "../text/plain.ts";
import { assignSlots, hasStarted, laneName } from "./slots.ts";

/** One trace event; times in microseconds. */
export interface TraceEvent {
  readonly name: string;
  readonly ph: "M" | "X" | "b" | "e" | "i";
  /** The model, from 1. */
  readonly pid: number;
  /** The slot of a lane, from 1; 0 is the model itself. */
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  /** What belongs together, of spans that may overlap. */
  readonly id?: string;
  /** The scope of an instant: its thread. */
  readonly s?: "t";
  readonly args?: Readonly<Record<string, unknown>>;
}

/** Tasks that are traced together. */
export interface Traced {
  readonly name: string;
  /** What else is to be known of them. */
  readonly labels: string;
  /** How long their lanes took to start, in milliseconds. */
  readonly startMs: number;
  readonly timeline: Timeline;
}

/** The tasks of comparisons, model by model. */
export function tracedOf({ comparisons }: Pick<ResultFile, "comparisons">): Traced[] {
  return comparisons.flatMap(({ job, models }) =>
    models.flatMap(({ model, timeline, rounds }) => {
      if (timeline === undefined) return [];
      const startMs = rounds.find(({ round }) => round === timeline.round)?.startMs ?? 0;
      return [{ name: `${model}: ${job.name}`, labels: labelsOf(rounds), startMs, timeline }];
    })
  );
}

/**
 * Writes timelines as a trace: each a process, each slot of a lane a thread, each task a span, its wait in
 * the queue an asynchronous span of category "queue" before it, and each lane's start-up a span.
 */
export function renderTrace(
  traced: readonly Traced[],
  otherData: Readonly<Record<string, unknown>>,
): string {
  const events: TraceEvent[] = [];
  traced.forEach((of, at) => {
    events.push(...processEvents(at + 1, of));
    // One by one: as arguments of one call, a hundred thousand tasks would overflow the stack.
    for (const event of taskEvents(at + 1, of)) events.push(event);
  });
  // An event a line: half the size of indented JSON, and still readable with a pager.
  const lines = events.map((event) => JSON.stringify(event)).join(",\n");
  const rest = JSON.stringify({ displayTimeUnit: "ms", otherData });
  return `{"traceEvents":[${lines === "" ? "" : `\n${lines}\n`}],${rest.slice(1)}\n`;
}

function labelsOf(rounds: ModelResult["rounds"]): string {
  const { reasons, examples } = sumOfFailures(rounds);
  return Object.entries(reasons).map(([reason, count]) =>
    `${count} ${reason}${examples[reason] === undefined ? "" : `: ${examples[reason]}`}`
  ).join("; ");
}

function processEvents(pid: number, { name, labels }: Traced): TraceEvent[] {
  const about = (name: string, args: TraceEvent["args"]): TraceEvent => ({
    name,
    ph: "M",
    pid,
    tid: 0,
    args,
  });
  return [
    ...(labels === "" ? [] : [about("process_labels", { labels: plain(labels) })]),
    about("process_name", { name: plain(name) }),
    about("process_sort_index", { sort_index: pid }),
  ];
}

function taskEvents(pid: number, { timeline: spans, startMs }: Traced): TraceEvent[] {
  const { slot, used } = assignSlots(spans);
  const events: TraceEvent[] = [];
  const firstTid = new Map<number, number>();
  let tid = 1;
  for (const [lane, slots] of used) {
    firstTid.set(lane, tid);
    for (let which = 0; which < Math.max(1, slots); which++, tid++) {
      const name = `${laneName(spans, lane)}${slots > 1 ? ` slot ${which}` : ""}`;
      events.push(
        { name: "thread_name", ph: "M", pid, tid, args: { name } },
        { name: "thread_sort_index", ph: "M", pid, tid, args: { sort_index: tid } },
      );
    }
  }
  for (const { lane, startMs, cpuShare } of spans.lanes) {
    if (startMs === 0) continue;
    const [tid, dur] = [firstTid.get(lane)!, microseconds(startMs)];
    events.push({ name: "start", ph: "X", cat: "lane", pid, tid, ts: 0, dur, args: { cpuShare } });
  }
  for (let at = 0; at < spans.index.length; at++) {
    const tid = hasStarted(spans, at) ? firstTid.get(spans.lane[at]!)! + slot[at]! : 0;
    events.push(...oneTask(spans, at, pid, tid, startMs));
  }
  return events;
}

function oneTask(
  spans: Timeline,
  at: number,
  pid: number,
  tid: number,
  startMs: number,
): TraceEvent[] {
  const index = spans.index[at]!;
  const name = `task ${index}`;
  const args = { index, status: plain(spans.status[at]!) };
  const queued = microseconds(startMs + spans.queuedMs[at]!);
  const ended = microseconds(startMs + spans.endedMs[at]!);
  // Of a task that never ran the wait ends without a span, and an instant says how.
  const ts = tid === 0 ? Math.max(queued, ended) : microseconds(startMs + spans.startedMs[at]!);
  const wait = { name: `${name} queued`, cat: "queue", id: `${pid}.${index}`, pid, tid };
  const task = { name, cat: "task", pid, tid, ts, args };
  return [
    ...(ts > queued || tid === 0
      ? [{ ...wait, ph: "b", ts: queued } as const, { ...wait, ph: "e", ts } as const]
      : []),
    tid === 0 ? { ...task, ph: "i", s: "t" } : {
      ...task,
      ph: "X",
      dur: Math.max(0, microseconds(spans.endedMs[at]! - spans.startedMs[at]!)),
    },
  ];
}

/** Trace times are microseconds; three decimals keep what the clock gave. */
function microseconds(ms: number): number {
  return Number.isFinite(ms) ? Math.round(ms * 1e6) / 1e3 : 0;
}
