/** Open-loop load at several rates, summed up with and without coordinated omission. */

import { sumOfFailures } from "../timing/failures.ts";
import { dueAfterMs } from "../timing/job_items.ts";
import { trialProcesses } from "../timing/run_trial.ts";
import type { Arrivals, JobSpec, ModelSpec, TrialResult } from "../timing/spec.ts";
import { quantile, sorted } from "../timing/statistics.ts";
import { runSweep, type SweepOptions } from "./run_sweep.ts";
import type { OpenLoopPoint, ResponseTimes } from "./sweep_result.ts";

interface OpenLoopSpec extends ModelSpec {
  readonly job: JobSpec;
  readonly rates: readonly number[];
  readonly rounds: number;
  readonly seed: number;
  /** How long requests are scheduled, and how long answers are waited for after that, in milliseconds. */
  readonly durationMs: number;
  readonly drainMs: number;
  readonly warmup: number;
}

const SUSTAINED_SHARE = 0.95;
const FAILED_SHARE = 0.01;

/** The most requests that were due but not started at any moment. */
function mostWaitingOf(due: readonly number[], startedMs: readonly number[]): number {
  const started = startedMs.toSorted((a, b) => a - b);
  let most = 0;
  let begun = 0;
  due.forEach((at, i) => {
    while (begun < started.length && started[begun]! < at) begun++;
    // The request that falls due now isn't waiting yet.
    most = Math.max(most, i - begun);
  });
  return Math.max(most, due.length - started.length);
}

/** How requests end that were unanswered when the run was cut off. */
const CUT: readonly string[] = ["cancelled", "abandoned"];

function roundOf(arrivals: Arrivals, durationMs: number, { round, timeline }: TrialResult) {
  const { index, lane, startedMs, endedMs, status } = timeline!;
  const due = Array.from({ length: arrivals.count }, (_, i) => dueAfterMs(i, arrivals));
  const answers = [...status.keys()].filter((at) => !CUT.includes(status[at]!));
  const answeredMs = new Map(answers.map((at) => [index[at]!, endedMs[at]!]));
  const since = (fromMs: number, place: number) =>
    Math.max(0, (answeredMs.get(place) ?? round.runMs) - fromMs);
  const started = [...lane.keys()].filter((at) => lane[at]! >= 0);
  const corrected = due.map(since);
  const naive = started.map((at) => since(startedMs[at]!, index[at]!));
  const usualMs = naive.length > 0 ? quantile(sorted(naive), 0.5) : 0;
  const good = answers.filter((at) => status[at] === "fulfilled");
  const inTime = good.filter((at) => endedMs[at]! <= durationMs + usualMs).length;
  const [unstarted, failed] = [due.length - started.length, answers.length - good.length];
  return {
    ...{ corrected, naive, failed, unstarted, succeeded: good.length },
    unanswered: due.length - answers.length - unstarted,
    mostWaiting: mostWaitingOf(due, started.map((at) => startedMs[at]!)),
    backlogAtEnd: due.length - answers.filter((at) => endedMs[at]! <= durationMs).length,
    // So many arguments to Math.max would overflow the stack.
    lastMs: answers.length === due.length
      ? answers.reduce((last, at) => Math.max(last, endedMs[at]!), durationMs)
      : round.runMs,
    sustained: inTime >= SUSTAINED_SHARE * due.length && failed <= FAILED_SHARE * due.length,
  };
}

function responseTimes(timesMs: readonly number[]): ResponseTimes {
  const sample = sorted(timesMs.length === 0 ? [0] : timesMs);
  const [median, p95, p99, max] = [0.5, 0.95, 0.99, 1].map((share) => quantile(sample, share));
  return { median: median!, p95: p95!, p99: p99!, max: max! };
}

/**
 * Sums up one rate. Naive times count from a request's real start and leave out its delay before that:
 * "coordinated omission" (Gil Tene, "How NOT to Measure Latency", 2013). Corrected times count from the
 * scheduled start. Unanswered requests count with their age at the end.
 */
export function openLoopFigures(
  arrivals: Arrivals,
  durationMs: number,
  results: readonly TrialResult[],
): OpenLoopPoint {
  const rounds = results.map((result) => roundOf(arrivals, durationMs, result));
  type Round = typeof rounds[number];
  const sum = (of: (round: Round) => number) => rounds.reduce((all, round) => all + of(round), 0);
  const { reasons, examples } = sumOfFailures(results.map(({ round }) => round));
  for (const reason of CUT) {
    delete reasons[reason];
    delete examples[reason];
  }
  return {
    ratePerSecond: arrivals.ratePerSecond,
    durationMs,
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

/** How long a trial may take beyond its schedule, in milliseconds. */
const SPARE_MS = 60_000;

/** Applies load at each rate; throws the first trial's error if no trial gave a result. */
export async function runOpenLoop(spec: OpenLoopSpec, options: Partial<SweepOptions> = {}) {
  const { rates, rounds, seed, durationMs, drainMs, ...common } = spec;
  const mostMs = durationMs + drainMs;
  const arrivalsAt = (ratePerSecond: number): Arrivals => (
    { ratePerSecond, count: Math.max(1, Math.round(ratePerSecond * durationMs / 1000)) }
  );
  const { sizes, partial, warnings } = await runSweep({
    sizes: rates,
    trialAt: (rate) => ({ ...common, arrivals: arrivalsAt(rate), mostMs, chunk: 1 }),
    nameOf: (rate) => `${rate} a second`,
    ...{ rounds, seed, refineSteps: 0 },
  }, { runTrial: trialProcesses({ guardMs: mostMs + SPARE_MS }), ...options });
  const points = sizes.map(({ size, trials }) =>
    openLoopFigures(arrivalsAt(size), durationMs, trials)
  );
  return { points, partial, warnings };
}
