/** Whether a race did the job that was sampled: its plain loop the same work, its lanes with all of an item. */

import { isRemote, MODEL_TABLE } from "../../models.ts";
import { COMPUTES, OTHER_COMPUTING, OTHER_WORK } from "../../judge/thresholds.ts";
import { isBusy } from "../../timing/meter/meter.ts";
import { median } from "../../timing/statistics.ts";
import { BUSY_CPU } from "../prediction/busy.ts";
import { byChance, mostCpuShare, type Sample, TELLS_ITEMS } from "../probe/sample.ts";
import { type PlainFailing, plainFailingOf } from "./failing.ts";
import { didTheWork, plainOf, type Race, type Runner } from "./runner.ts";

/** Dealing items out may take so long of each. */
const DEALING_MS = 0.05;
/** A difference of less may be what a trial's own beginning takes, on a machine that others use. */
const LEAST_MS = 50;

interface SameWork {
  readonly ratio: number;
  readonly sameResults: boolean;
  readonly same: boolean;
  readonly failing?: PlainFailing;
  /** Whether the ratio is that of a model's computing, and not of the plain loop's time. */
  readonly isOfComputing?: true;
}

type Times = Pick<Sample["walls"][number], "wallMs" | "cpuMs" | "sourceMs">;

/** What so many of the first items took in the sample; those beyond it as much as its mean, unless it is known better. */
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
 * The sample as the race bears it out. Where its plain loop took what as many items take on average, and
 * not what these very ones took in the sample, their times are drawn anew each time, and tell of no item.
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
): SameWork | undefined {
  const { cpuMs, programsMs = 0, cpuShare, available, others } = sample;
  const knownMs = sampledMs(sample, items);
  if (knownMs <= 0 || rounds.length === 0) return undefined;
  const runMs = median(rounds.map(({ runMs }) => runMs));
  const cpuTimes = rounds.flatMap(({ runCpuMs }) => runCpuMs ?? []);
  const waits = mostCpuShare(sample) < COMPUTES;
  // On a busy machine computing takes longer, but not more CPU time; dealing items out isn't the job's.
  // A trial counts its own CPU time, and not that of programs that tasks run.
  const ownMs = cpuMs - programsMs + DEALING_MS;
  const computed = cpuTimes.length === 0 ? 1 : median(cpuTimes) / (items * ownMs);
  const longer = (runMs - items * DEALING_MS) / knownMs;
  const alone = available >= BUSY_CPU && !(others !== undefined && isBusy(others));
  const slower = waits && alone ? longer : Math.min(longer, computed);
  // The time in which other programs had the CPU isn't the job's.
  const shorter = runMs / (knownMs * (1 - cpuShare * (1 - available)));
  const faster = waits || cpuTimes.length === 0 ? shorter : Math.max(shorter, computed);
  const ratio = faster < 1 ? faster : slower > 1 ? slower : 1;
  // What others use the CPUs for meanwhile makes waits longer, too.
  const isTold = waits && (alone || ratio < 1);
  const most = byChance(sample, items) * (isTold ? OTHER_WORK : OTHER_COMPUTING);
  const isLittle = Math.abs(runMs - knownMs) < LEAST_MS;
  return {
    ratio,
    sameResults,
    same: sameResults && (isLittle || (ratio < most && ratio > 1 / most)),
  };
}

/** Where what tasks compute is counted as their trial's own. */
const COUNTED: ReadonlySet<string> = new Set(["event loop", "thread"]);

/** The least share of what its items computed in the sample that any model computed, where that is counted. */
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

/** Compares the race's plain loop with the sample; undefined if it didn't run again. */
export function sameWork(sample: Sample, race: Race | undefined): SameWork | undefined {
  const failing = plainFailingOf(race);
  if (failing !== undefined) return { ratio: 1, sameResults: false, same: false, failing };
  const plain = plainOf(race?.runners);
  const work = plain && compareWork(sample, plain, !race!.otherResults || race!.unrepeatable);
  if (!work?.same || mostCpuShare(sample) < COMPUTES || sample.programsMs) return work;
  // Of a few items what a trial itself computes hides that theirs is done: others run more of them.
  const ratio = leastComputed(sample, race!.runners);
  return ratio * OTHER_COMPUTING * byChance(sample, plain!.items) < 1
    ? { ...work, ratio, same: false, isOfComputing: true }
    : work;
}

/** What of an item loses its class on other lanes; undefined if some gave the same results for all that. */
export function classLostOf(
  { sample, race }: { readonly sample: Sample; readonly race: Race | undefined },
): string | undefined {
  const isSame = race !== undefined && !race.unrepeatable &&
    race.runners.some((of) =>
      isRemote(of.candidate.model) && of.rounds.length > 0 && didTheWork(of)
    );
  return isSame ? undefined : sample.classLost;
}
