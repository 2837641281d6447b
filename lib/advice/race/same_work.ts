/** Whether the race did the sampled job: the plain loop the same work, and lanes with whole items. */

import { isRemote, MODEL_TABLE } from "../../models.ts";
import { COMPUTES, OTHER_COMPUTING, OTHER_WORK } from "../../judge/thresholds.ts";
import { isBusy } from "../../timing/meter/meter.ts";
import { median } from "../../timing/statistics.ts";
import { BUSY_CPU } from "../prediction/predict.ts";
import { byChance, mostCpuShare, type Sample, TELLS_ITEMS } from "../probe/sample.ts";
import { type PlainFailing, plainFailingOf } from "./failing.ts";
import { didTheWork, plainOf, type Race, type Runner } from "./runner.ts";

/** How long handing out one item may take, in milliseconds. */
const DEALING_MS = 0.05;
/** A smaller difference, in milliseconds, may come from a trial's own start on a busy machine. */
const LEAST_MS = 50;

type Times = Pick<Sample["walls"][number], "wallMs" | "cpuMs" | "sourceMs">;

/** The time of the first `items` items in the sample; those beyond it count with `rest`, or with the mean. */
function sampledMs(
  { walls, rest, ...mean }: Sample,
  items: number,
  msOf: (of: Times) => number = ({ wallMs, sourceMs }) => wallMs + sourceMs,
): number {
  let [ms, left] = [0, items];
  for (const wall of walls) {
    const taken = Math.min(left, wall.count);
    ms += taken * msOf(wall);
    left -= taken;
  }
  return ms + left * msOf(rest ?? mean);
}

/**
 * Corrects the sample by the race. If the plain loop's time fits the mean of all items better than these items'
 * own times, the times are random, so each item is given the mean.
 */
export function asRaced(sample: Sample, runners: readonly Runner[] = []): Sample {
  const { walls, wallMs, sourceMs, cpuMs, programsMs = 0, items: count } = sample;
  const plain = plainOf(runners);
  if (plain === undefined || plain.out !== undefined || plain.rounds.length === 0) return sample;
  const itsOwnMs = sampledMs(sample, plain.items);
  const meanMs = plain.items * (wallMs + sourceMs);
  const runMs = median(plain.rounds.map(({ runMs }) => runMs));
  const off = (ms: number) => Math.abs(Math.log(Math.max(1e-9, runMs) / Math.max(1e-9, ms)));
  if (off(meanMs) + Math.log(TELLS_ITEMS) > off(itsOwnMs)) return sample;
  const known = walls.every((wall) => wall.cpuMs !== undefined);
  const wall = { count, wallMs, sourceMs, ...(known && { cpuMs: cpuMs - programsMs }) };
  return { ...sample, walls: [wall], isDrawn: true };
}

/** Compares a plain loop that ran again with the sample; undefined if it didn't run. */
export function compareWork(
  sample: Sample,
  { items, rounds }: {
    readonly items: number;
    readonly rounds: readonly { readonly runMs: number; readonly runCpuMs?: number | undefined }[];
  },
  sameResults = true,
) {
  const { cpuMs, programsMs = 0, cpuShare, available, others } = sample;
  const knownMs = sampledMs(sample, items);
  if (knownMs <= 0 || rounds.length === 0) return undefined;
  const runMs = median(rounds.map(({ runMs }) => runMs));
  const cpuTimes = rounds.flatMap(({ runCpuMs }) => runCpuMs ?? []);
  const waits = mostCpuShare(sample) < COMPUTES;
  // On a busy machine computing takes longer, but not more CPU time; handing out items isn't part of the job. A
  // trial counts only its own CPU time, not that of programs that its tasks run.
  const ownMs = cpuMs - programsMs + DEALING_MS;
  const computed = cpuTimes.length === 0 ? 1 : median(cpuTimes) / (items * ownMs);
  const longer = (runMs - items * DEALING_MS) / knownMs;
  const alone = available >= BUSY_CPU && !isBusy(others);
  const slower = waits && alone ? longer : Math.min(longer, computed);
  // Time in which other programs had the CPU isn't part of the job.
  const shorter = runMs / (knownMs * (1 - cpuShare * (1 - available)));
  const faster = waits || cpuTimes.length === 0 ? shorter : Math.max(shorter, computed);
  const ratio = faster < 1 ? faster : slower > 1 ? slower : 1;
  // Other programs on the CPUs lengthen waits, too.
  const isTold = waits && (alone || ratio < 1);
  const most = byChance(sample, items) * (isTold ? OTHER_WORK : OTHER_COMPUTING);
  const isLittle = Math.abs(runMs - knownMs) < LEAST_MS;
  return {
    ratio,
    sameResults,
    same: sameResults && (isLittle || (ratio < most && ratio > 1 / most)),
  };
}

type Work = NonNullable<ReturnType<typeof compareWork>>;

/** The lane kinds whose CPU time is counted as their trial's own. */
const COUNTED: ReadonlySet<string> = new Set(["event loop", "thread"]);

/** The smallest share of the sample's computing for the same items that a model did, where it is counted. */
function leastComputed(sample: Sample, runners: readonly Runner[]): number {
  const shares = runners.flatMap((of) => {
    const { items, rounds, candidate: { model } } = of;
    const cpuTimes = rounds.flatMap(({ runCpuMs }) => runCpuMs ?? []);
    const knownMs = sampledMs(sample, items, ({ cpuMs = 0 }) => cpuMs);
    const isCounted = didTheWork(of) && COUNTED.has(MODEL_TABLE[model].laneKind) &&
      cpuTimes.length > 0 && knownMs - median(cpuTimes) >= LEAST_MS;
    return isCounted ? [median(cpuTimes) / knownMs] : [];
  });
  return Math.min(1, ...shares);
}

/**
 * Compares the race's plain loop with the sample; undefined if it didn't run again. The ratio is of a model's
 * computing, not of the plain loop's time, if `isOfComputing`.
 */
export function sameWork(
  sample: Sample,
  race: Race | undefined,
): Work & { readonly failing?: PlainFailing; readonly isOfComputing?: true } | undefined {
  const failing = plainFailingOf(race);
  if (failing !== undefined) return { ratio: 1, sameResults: false, same: false, failing };
  const plain = plainOf(race?.runners);
  const work = plain && compareWork(sample, plain, !race!.otherResults || race!.unrepeatable);
  if (!work?.same || mostCpuShare(sample) < COMPUTES || sample.programsMs) return work;
  // With few items a trial's own computing hides missing work; other models run more items.
  const ratio = leastComputed(sample, race!.runners);
  return ratio * OTHER_COMPUTING * byChance(sample, plain!.items) < 1
    ? { ...work, ratio, same: false, isOfComputing: true }
    : work;
}

/** The part of an item that loses its class on other lanes; undefined if a lane gave the same results. */
export function classLostOf(
  { sample, race }: { readonly sample: Sample; readonly race: Race | undefined },
): string | undefined {
  const isSame = race !== undefined && !race.unrepeatable &&
    race.runners.some((of) =>
      isRemote(of.candidate.model) && of.rounds.length > 0 && didTheWork(of)
    );
  return isSame ? undefined : sample.classLost;
}
