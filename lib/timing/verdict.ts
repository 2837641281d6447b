/**
 * The verdict of a comparison: whether the job waits or computes, and the simplest model that is good enough.
 *
 * The job is judged by the CPU time over the wall time of the sequential run, without the time that it queued
 * for a core. If the system doesn't report queueing, a task that computes looks as if it waited, so the gains
 * of the models count as well.
 */

import {
  type Comparison,
  type Interval,
  isOfCores,
  type ModelResult,
  type Verdict,
} from "./result.ts";
import { median } from "./statistics.ts";
import { BASELINE, isFixed, isRemote, MODELS, ranInOneLoop } from "../models.ts";
import { choose, gainLimit } from "../judge/choose.ts";
import { AS_GOOD, boundOfShare, IMPOSSIBLE, LEAST_THREAD_MS, WAITS } from "../judge/thresholds.ts";
import { capitalized, formatDuration, formatEnds } from "../text/format.ts";
import { isBusy } from "./meter/meter.ts";
import { PAIRWISE } from "./standings.ts";

/**
 * The median share of the run, from the first item to the last outcome, in which a model's tasks kept the CPU
 * busy, 0 to 1. Starting isn't counted, nor is queueing for a core that others had, if the system reports it.
 */
export function measuredCpuShare({ rounds }: Pick<ModelResult, "rounds">): number {
  return median(rounds.map(({ runCpuMs, cpuMs, runMs, queuedMs = 0 }) => {
    const usedMs = runCpuMs ?? cpuMs;
    // The two clocks aren't read at the same instant, so the run never counts as shorter than its CPU time.
    return usedMs / (Math.max(Math.min(usedMs, runMs), runMs - queuedMs) || 0.001);
  }));
}

/** If a run queued for more than this share of its time, it may have waited during that, too. */
const HIDDEN = 0.75;

/** The CPU share with queueing counted as waiting. */
function shareOfAll({ rounds }: ModelResult): number {
  return measuredCpuShare({ rounds: rounds.map((round) => ({ ...round, queuedMs: 0 })) });
}

/** The CPU share of the whole run, if queueing may hide what the tasks do; undefined otherwise. */
function untoldShareOf(model: ModelResult): number | undefined {
  const share = shareOfAll(model);
  const queued = median(model.rounds.map(({ runMs, queuedMs = 0 }) => queuedMs / (runMs || 0.001)));
  const isTold = queued <= HIDDEN || boundOfShare(share) === boundOfShare(measuredCpuShare(model));
  return isTold ? undefined : share;
}

/** If queueing changes the share by more than this, the text says so: the table counts the whole run. */
const TOLD = 0.05;

/** The share of a model's CPU time on the event loop's thread; 1 if that time is short, 0 if unknown. */
function onLoopOf({ rounds }: ModelResult): number {
  return median(
    rounds.map(({ cpuMs, runCpuMs = cpuMs, loopCpuMs = 0 }) =>
      runCpuMs < LEAST_THREAD_MS ? 1 : Math.min(1, loopCpuMs / runCpuMs)
    ),
  );
}

type MeasuredModels = Pick<Comparison, "ceiling" | "others"> & {
  readonly models: readonly ModelResult[];
};

/** Unknown models come last. */
const rank = ({ model }: ModelResult) => [...MODELS, model].indexOf(model);

const isEventLoop = (of: ModelResult) => of.model !== BASELINE && ranInOneLoop(of);
/** Whether it gains by lanes alone, or by lanes and slots that its user chose. */
const isParallel = (of: ModelResult) => !ranInOneLoop(of) && (isFixed(of.model) || of.slots === 1);

function times(speedup: Interval): string {
  const { median, low } = speedup;
  // Near 1, a single decimal would hide a small gain.
  const decimals = low < 1.1 ? 2 : 1;
  const by = (value: number) => value < 10 ? value.toFixed(decimals) : value.toFixed(0);
  return `${by(median)} times as fast (${formatEnds(speedup, { format: by, to: " to " })})`;
}

type Judged = NonNullable<ReturnType<typeof judged>>;

/** The parallel model that starts fastest, if starting costs too much of the best possible gain. */
function startCost({ sequential, measured }: Judged) {
  const lanes = measured.models.filter(({ model }) => isRemote(model) && isFixed(model));
  const costs = lanes.map((of) => {
    const startMs = median(of.rounds.map((round) => round.startMs));
    // The possible gain of a GPU isn't known beforehand, and the ceiling is that of this machine.
    const ceiling = isOfCores(of) ? measured.ceiling?.speedup : undefined;
    const atBest = of.device ? Infinity : ceiling ?? of.lanes;
    const saved = median(sequential.rounds.map(({ runMs }) => runMs)) * (1 - 1 / atBest);
    return { model: of.model, startMs, eaten: saved <= 2 * startMs };
  });
  return costs.every(({ eaten }) => eaten)
    ? costs.toSorted((a, b) => a.startMs - b.startMs)[0]
    : undefined;
}

function boundOf(of: Judged): Verdict["bound"] {
  const { cpuShare, choice, sequential, measured, concurrencyPays, parallelismPays } = of;
  const pays = concurrencyPays || parallelismPays;
  if (cpuShare > WAITS && !pays && choice.chosen === sequential && startCost(of)) {
    return "small";
  }
  if (of.isHidden) return "unknown";
  const bound = boundOfShare(cpuShare);
  if (bound !== "mixed" || sequential.rounds.every(({ queuedMs }) => queuedMs !== undefined)) {
    return bound;
  }
  // The system doesn't report queueing: if slots on one event loop gain nothing, the tasks didn't wait.
  return parallelismPays && measured.models.some(isEventLoop) && !concurrencyPays ? "cpu" : "mixed";
}

/** A gain by rounds that differs by more than this share from the ratio of the times is named as such. */
const SEEN = 0.04;

const DOES = { io: "wait", cpu: "compute", mixed: "wait and compute" } as const;

function reasonOf(of: Judged, bound: Verdict["bound"]): string {
  const { sequential, choice, cpuShare, measured, gainOf, concurrencyPays, impossible } = of;
  const { chosen, best, bestGain, rival, decision } = choice;
  const alone = formatDuration(sequential.wallMs.median);
  if (bound === "small") {
    const { startMs, model } = startCost(of)!;
    return `The job is small: sequential takes ${alone}, and starting lanes alone takes ` +
      `${formatDuration(startMs)} (${model}), which eats what parallelism could gain.`;
  }
  const share = Math.min(100, Math.round(cpuShare * 100));
  const apart = cpuShare - shareOfAll(sequential) > TOLD ? ", its waits for a core left out" : "";
  const nature = bound === "unknown"
    ? "Whether the tasks wait or compute can't be told, for others had the cores for most of the " +
      `sequential run, and it had a CPU for ${share}%.`
    : `The tasks ${DOES[bound]}: the CPU was busy ${share}% of the sequential run${apart}.`;
  if (impossible !== undefined) {
    const { of: { model }, gain, most } = impossible;
    return `${nature} The measurement can't be right: ${model} was ${times(gain)}, where ` +
      `cores and waiting can give ${most.toFixed(1)} at most, so that nothing can be told. Run ` +
      `it again${isBusy(measured.others) ? " on an idle machine" : ""}.`;
  }
  if (decision === "can't tell" && bestGain !== null && bestGain.median > AS_GOOD) {
    const busy = isBusy(measured.others) ? " on so busy a machine" : "";
    return `${nature} Whether another model is faster can't be told${busy}: ${best.model}, the best, ` +
      `was ${times(bestGain)}.`;
  }
  if (chosen === sequential) {
    const [most] = measured.models.flatMap((of) => {
      const gain = of === sequential ? null : gainOf(of);
      return gain !== null && gain.low > 1 ? [{ model: of.model, gain }] : [];
    }).sort((a, b) => b.gain.median - a.gain.median);
    return most === undefined
      ? `${nature} No model was detectably faster than sequential, which took ${alone}.`
      : `${nature} No model surely gained enough on sequential, which took ${alone}: ${most.model} ` +
        `was ${times(most.gain)}.`;
  }
  const what = isEventLoop(chosen)
    ? "Concurrency pays"
    : !isParallel(chosen)
    ? "Concurrency and parallelism pay"
    : bound === "cpu" || !concurrencyPays
    ? "Parallelism pays"
    : "More lanes pay";
  const idle = measured.models.find(isEventLoop);
  const little = idle !== undefined && (gainOf(idle)?.low ?? 1) > 1 ? "hardly anything" : "nothing";
  const nothing = bound === "cpu" && idle !== undefined && !concurrencyPays
    ? `; concurrency alone gained ${little} (${idle.model})`
    : "";
  const where = chosen.device?.software
    ? ` ${chosen.model} computed on the same cores, by their vector units: a graphics card was not seen.`
    : "";
  const took = formatDuration(chosen.wallMs.median);
  const gain = gainOf(chosen)!;
  const ofTimes = sequential.wallMs.median / chosen.wallMs.median;
  const byRound = Math.abs(ofTimes / gain.median - 1) > SEEN ? "round by round " : "";
  const faster = rival === undefined
    ? ""
    : ` ${capitalized(rival.model)} may well be faster still, which these rounds can't tell.`;
  return `${nature} ${what}: ${chosen.model} took ${took} instead of ${alone}, ` +
    `${byRound}${times(gain)}${nothing}.${faster}${where}`;
}

/** What a comparison's figures say; undefined without a sequential run, or another model to compare it to. */
function judged(measured: MeasuredModels, processors: number) {
  const { models } = measured;
  const sequential = models.find(({ model }) => model === BASELINE);
  if (sequential === undefined || models.length < 2) return undefined;
  const others = models.filter((of) => of !== sequential).sort((a, b) => rank(a) - rank(b));
  const gainOf = (of: ModelResult) => PAIRWISE.ratio(sequential, of);
  const pays = (of: ModelResult) => {
    const gain = gainOf(of);
    return gain !== null && gain.low > 1 && gain.median > AS_GOOD;
  };
  const untold = untoldShareOf(sequential);
  const cpuShare = untold ?? measuredCpuShare(sequential);
  const tasks = { cpuShare: Math.min(1, cpuShare), onLoop: onLoopOf(sequential) };
  const cores = Math.max(processors, measured.ceiling?.speedup ?? 1);
  const [impossible] = others.flatMap((of) => {
    const gain = isOfCores(of) ? gainOf(of) : null;
    const size = { lanes: isRemote(of.model) ? Infinity : 1, inFlight: Infinity };
    const most = gainLimit(tasks, cores, size);
    // A gain that may be none is noise and raises no alarm.
    const isAlarm = gain !== null && gain.low > 1 && gain.median > IMPOSSIBLE * most;
    return isAlarm ? [{ of, gain, most }] : [];
  }).sort((a, b) => b.gain.median / b.most - a.gain.median / a.most);
  const choice = choose(sequential, impossible === undefined ? others : [], PAIRWISE);
  return {
    /** The most impossible gain, if there is one: the measurement is then wrong. */
    impossible,
    ...{ measured, sequential, choice, gainOf, cpuShare },
    /** Whether tasks may wait though the CPU seems busy, because others had the cores for most of the run. */
    isHidden: untold !== undefined,
    /** Whether more slots, and whether more lanes, were detectably faster than sequential. */
    concurrencyPays: others.filter(isEventLoop).some(pays),
    parallelismPays: others.filter(isParallel).some(pays),
  };
}

/**
 * Judges a comparison whose models agree, by the rule of judge/choose.ts. `small` means that the whole job is
 * too short to be worth starting lanes for.
 *
 * Returns null without a sequential run, or without another model to compare it to.
 */
export function judge(
  measured: MeasuredModels,
  processors = navigator.hardwareConcurrency,
): Verdict | null {
  const of = judged(measured, processors);
  if (of === undefined) return null;
  const { choice, cpuShare, impossible, isHidden } = of;
  const bound = boundOf(of);
  return {
    bound,
    cpuShare: Math.round(cpuShare * 1000) / 1000,
    recommended: choice.chosen.model,
    confidence: impossible === undefined && !isHidden
      ? Math.round(choice.confidence * 1000) / 1000
      : 0.5,
    reason: reasonOf(of, bound),
  };
}
