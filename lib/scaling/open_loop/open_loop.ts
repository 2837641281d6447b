/** Open-loop load at several rates, summed up with and without coordinated omission. */

import { MeasuringChild } from "../../children/measuring_child.ts";
import { trialFlags } from "../../children/trial_flags.ts";
import { intendedMs, type OpenLoopTrace, type OpenLoopTrial } from "./trial_main.ts";
import { messageOf, sumOfFailures } from "../../timing/failures.ts";
import { quantile, sorted } from "../../timing/statistics.ts";
import type { OpenLoopPoint, ResponseTimes } from "../sweep_result.ts";
import { schedule } from "../../timing/random.ts";

/** Runs one open-loop trial: in a fresh process, or at once in tests. */
type OpenLoopRunner = (
  trial: OpenLoopTrial,
  options: { readonly signal?: AbortSignal },
) => Promise<OpenLoopTrace>;

/** How long a trial may take beyond its schedule. */
const SPARE_MS = 60_000;

/** Runs an open-loop trial in a process of its own; throws a TrialError if it gives no result. */
async function openLoopTrial(
  trial: OpenLoopTrial,
  { signal }: { readonly signal?: AbortSignal },
): Promise<OpenLoopTrace> {
  signal?.throwIfAborted();
  await using child = new MeasuringChild({
    entry: new URL("./trial_main.ts", import.meta.url),
    order: { ...trial, job: { ...trial.job, options: {} } },
    flags: await trialFlags(trial.job, trial),
    signal,
    guardMs: trial.durationMs + trial.drainMs + SPARE_MS,
  });
  return await child.result(`The trial at ${trial.ratePerSecond} a second`);
}

const SUSTAINED_SHARE = 0.95;
const FAILED_SHARE = 0.01;

export const SUSTAINED_DEFINITION: string =
  "a rate is sustained if in every round 95% of the requests are answered by the schedule's end " +
  "plus one median answer time, and at most 1% fail";

/** Most that were due but hadn't been started, at any moment. */
function mostWaitingOf(due: readonly number[], startedMs: readonly (number | null)[]): number {
  const started = startedMs.filter((at) => at !== null).toSorted((a, b) => a - b);
  let most = 0;
  let begun = 0;
  due.forEach((at, i) => {
    while (begun < started.length && started[begun]! < at) begun++;
    // The one that falls due now isn't waiting yet.
    most = Math.max(most, i - begun);
  });
  return Math.max(most, startedMs.length - started.length);
}

function roundOf({ ratePerSecond, durationMs }: OpenLoopTrial, trace: OpenLoopTrace) {
  const { startedMs, endedMs, failed, endMs } = trace;
  const due = startedMs.map((_, i) => intendedMs(i, ratePerSecond));
  const since = (fromMs: number, i: number) => Math.max(0, (endedMs[i] ?? endMs) - fromMs);
  const corrected = due.map(since);
  const naive = startedMs.flatMap((at, i) => at === null ? [] : since(at, i));
  const answered = endedMs.filter((at) => at !== null);
  const failures = new Set(failed);
  const usualMs = naive.length > 0 ? quantile(sorted(naive), 0.5) : 0;
  const inTime =
    endedMs.filter((at, i) => at !== null && !failures.has(i) && at <= durationMs + usualMs).length;
  const unstarted = startedMs.length - naive.length;
  return {
    corrected,
    naive,
    succeeded: answered.length - failed.length,
    failed: failed.length,
    unanswered: due.length - answered.length - unstarted,
    unstarted,
    mostWaiting: mostWaitingOf(due, startedMs),
    backlogAtEnd: due.length - answered.filter((at) => at <= durationMs).length,
    // Spread into Math.max, so many would overflow the stack.
    lastMs: answered.length === due.length
      ? answered.reduce((a, b) => Math.max(a, b), durationMs)
      : endMs,
    sustained: inTime >= SUSTAINED_SHARE * due.length && failed.length <= FAILED_SHARE * due.length,
  };
}

function responseTimes(timesMs: readonly number[]): ResponseTimes {
  const sample = sorted(timesMs.length === 0 ? [0] : timesMs);
  const [median, p95, p99, max] = [0.5, 0.95, 0.99, 1].map((share) => quantile(sample, share));
  return { median: median!, p95: p95!, p99: p99!, max: max! };
}

/**
 * Sums up one rate. Naive times count from a request's real start and leave out what was held up:
 * "coordinated omission" (Gil Tene, "How NOT to Measure Latency", 2013); corrected ones from the
 * schedule's. What wasn't answered counts with its age at the end.
 */
export function openLoopFigures(
  trial: OpenLoopTrial,
  traces: readonly OpenLoopTrace[],
): OpenLoopPoint {
  const rounds = traces.map((trace) => roundOf(trial, trace));
  type Round = typeof rounds[number];
  const sum = (of: (round: Round) => number) => rounds.reduce((all, round) => all + of(round), 0);
  const { reasons, examples } = sumOfFailures(traces);
  return {
    ratePerSecond: trial.ratePerSecond,
    durationMs: trial.durationMs,
    rounds: rounds.length,
    scheduled: sum(({ corrected }) => corrected.length),
    succeeded: sum(({ succeeded }) => succeeded),
    failed: sum(({ failed }) => failed),
    unanswered: sum(({ unanswered }) => unanswered),
    unstarted: sum(({ unstarted }) => unstarted),
    achievedPerSecond: sum(({ succeeded }) => succeeded) / sum(({ lastMs }) => lastMs) * 1000,
    corrected: responseTimes(rounds.flatMap(({ corrected }) => corrected)),
    naive: responseTimes(rounds.flatMap(({ naive }) => naive)),
    mostWaiting: Math.max(...rounds.map(({ mostWaiting }) => mostWaiting)),
    backlogAtEnd: Math.max(...rounds.map(({ backlogAtEnd }) => backlogAtEnd)),
    sustained: rounds.every(({ sustained }) => sustained),
    reasons,
    ...(Object.keys(examples).length > 0 && { examples }),
  };
}

interface OpenLoopSpec extends Omit<OpenLoopTrial, "ratePerSecond"> {
  readonly rates: readonly number[];
  readonly rounds: number;
  readonly seed: number;
}

interface OpenLoopOptions {
  readonly runTrial?: OpenLoopRunner;
  readonly signal?: AbortSignal;
  readonly onTrial?: (ratePerSecond: number, number: number, of: number) => void;
  readonly onTrace?: (ratePerSecond: number, trace: OpenLoopTrace) => void;
}

/** Applies load at each rate. Throws what the first trial threw, if there is none that gave a result. */
export async function runOpenLoop(spec: OpenLoopSpec, options: OpenLoopOptions = {}) {
  const { rates, rounds, seed, ...common } = spec;
  const { runTrial = openLoopTrial, signal, onTrial, onTrace } = options;
  const traces = new Map<number, OpenLoopTrace[]>();
  const warnings = new Set<string>();
  let partial = false;
  let number = 0;
  for (const ratePerSecond of schedule(rates, rounds, seed).flat()) {
    partial = signal?.aborted ?? false;
    if (partial) break;
    onTrial?.(ratePerSecond, ++number, rates.length * rounds);
    try {
      const trace = await runTrial({ ...common, ratePerSecond }, { signal });
      onTrace?.(ratePerSecond, trace);
      traces.set(ratePerSecond, [...traces.get(ratePerSecond) ?? [], trace]);
    } catch (error) {
      partial = signal?.aborted ?? false;
      if (partial) break;
      if (traces.size === 0) throw error;
      warnings.add(`A trial at ${ratePerSecond} a second is missing: ${messageOf(error)}`);
    }
  }
  const points = [...traces].toSorted(([a], [b]) => a - b).map(([ratePerSecond, of]) =>
    openLoopFigures({ ...common, ratePerSecond }, of)
  );
  return { points, partial, warnings: [...warnings] };
}
