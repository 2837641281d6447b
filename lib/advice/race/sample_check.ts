/**
 * Whether a race did the job that was sampled: how items fail in it, and whether its plain loop did the
 * same work.
 */

import { BASELINE, isRemote, needsServer } from "../../models.ts";
import { isRefusal } from "../../tasks/http_signs.ts";
import { type FailureKind, UNSETTLED } from "../../timing/failures.ts";
import { nameOf } from "../prediction/candidate.ts";
import { inFlight, plainOf, type Race, type Runner } from "./race.ts";
import { COMPUTES, OTHER_COMPUTING, OTHER_WORK } from "../../judge/thresholds.ts";
import { isBusy } from "../../timing/meter/meter.ts";
import { median } from "../../timing/statistics.ts";
import { byChance, mostCpuShare, type Sample, TELLS_ITEMS } from "../probe/sample.ts";

/** What they fail for: a server, the process's limits, each other, or what isn't there in other lanes. */
type FailingKind = "refused" | "descriptors" | "late" | "lanes";

/** How items that went well in the sample fail in the race's plain loop. */
export interface PlainFailing {
  readonly failed: number;
  readonly items: number;
  readonly reasons: readonly FailureKind[];
}

/** How items fail under a model. */
export interface Failing extends PlainFailing {
  /** The model with the fewest in flight that fails, and further ones. */
  readonly model: string;
  readonly inFlight: number;
  readonly others: readonly string[];
  /** Tasks in flight with which all went well; 1 for one by one. */
  readonly well: number;
  /** Items a second that went through once a server refused; null if not known. */
  readonly perSecond: number | null;
  /** How long after that tasks one by one were seen to fail, too; undefined if they went on well. */
  readonly lastedMs?: number | undefined;
  /** Whether only other machines fail. */
  readonly isElsewhere?: boolean;
  /** Whether only one event loop fails, and lanes went well with as many in flight. */
  readonly isOfOneLoop?: boolean;
}

const DESCRIPTORS = /EMFILE|too many open files/i;
/** Such as a deadline of the task's own, `TimeoutError`, or what Node calls `ETIMEDOUT`. */
const LATE = new RegExp(`^${UNSETTLED}$|time.?d?.?out`, "i");
/** What JavaScript throws where state is missing, or an object lost its methods. */
export const MISSING: ReadonlySet<string> = new Set(["TypeError", "ReferenceError"]);
/** Of errors that say so the network is the cause, and so whatever a task asks there. */
export const NETWORK = /fetch failed|error sending request|connection|reading a body/i;

function kindOf(failing: readonly Runner[], went: readonly Runner[]): FailingKind {
  const reasons = failing.flatMap(({ failures = [] }) => failures);
  const names = failing.flatMap(({ rounds }) =>
    rounds.flatMap((round) => Object.keys(round.reasons ?? {}))
  );
  const texts = [...names, ...reasons.map(({ message }) => message)];
  if (texts.some((text) => DESCRIPTORS.test(text))) return "descriptors";
  if (names.length > 0 && names.every((name) => LATE.test(name))) return "late";
  const inLanes = failing.every(({ candidate: { model } }) => isRemote(model));
  const isMissing = reasons.length > 0 &&
    reasons.every(({ reason, message }) => MISSING.has(reason) && !NETWORK.test(message));
  const asManyWent = Math.max(...went.map(inFlight)) >= Math.min(...failing.map(inFlight));
  const isOfLanes = isMissing || asManyWent || failing.every(isElsewhere);
  return inLanes && !reasons.some(isRefusal) && isOfLanes ? "lanes" : "refused";
}

const isElsewhere = ({ candidate: { model } }: Runner) => needsServer(model);

/** From how many tasks in flight on some fail that didn't one by one, and why. */
export function failingOf(
  runners: readonly Runner[] = [],
): Failing & { readonly kind: FailingKind } | undefined {
  const ran = runners.filter(({ candidate, rounds, out }) =>
    rounds.length > 0 && (out !== "failures" || candidate.model !== BASELINE)
  );
  const went = ran.filter(({ out }) => out !== "failures");
  const failing = ran.filter(({ out }) => out === "failures")
    .sort((a, b) => inFlight(a) - inFlight(b));
  const [first, ...others] = failing;
  if (first === undefined) return undefined;
  const worst = first.rounds.reduce((a, b) => b.failed > a.failed ? b : a);
  const well = went.map(inFlight).filter((count) => count < inFlight(first));
  const lasted = failing.flatMap(({ lastedMs }) => lastedMs ?? []);
  const paces = failing.flatMap(({ pacePerSecond }) => pacePerSecond ?? []);
  const isOfOneLoop = lasted.length === 0 &&
    failing.every((of) => !isRemote(of.candidate.model) && !of.failures?.some(isRefusal)) &&
    went.some((of) => isRemote(of.candidate.model) && inFlight(of) >= inFlight(first));
  return {
    kind: kindOf(failing, went),
    model: nameOf(first.candidate),
    inFlight: inFlight(first),
    failed: worst.failed,
    items: worst.failed + worst.succeeded,
    others: others.map(({ candidate }) => nameOf(candidate)),
    reasons: first.failures ??
      Object.entries(worst.reasons ?? {})
        .map(([reason, count]) => ({ reason, count, index: 0, message: "" })),
    well: Math.max(1, ...well),
    perSecond: paces.length === 0 ? null : Math.min(...paces),
    ...(lasted.length > 0 && { lastedMs: Math.max(...lasted) }),
    ...(failing.every(isElsewhere) && { isElsewhere: true }),
    ...(isOfOneLoop && { isOfOneLoop }),
  };
}

/** How the race's plain loop fails; undefined if it does so no more than the sample did. */
export function plainFailingOf(race: Race | undefined): PlainFailing | undefined {
  const plain = plainOf(race?.runners);
  if (plain?.out !== "failures") return undefined;
  const { failed, succeeded } = plain.rounds.at(-1)!;
  return { failed, items: failed + succeeded, reasons: plain.failures ?? [] };
}

/** Dealing items out may take so long of each. */
const DEALING_MS = 0.05;
/** Other programs count if they leave less than this of a CPU. */
export const BUSY_CPU = 0.85;

interface SameWork {
  readonly ratio: number;
  readonly sameResults: boolean;
  readonly same: boolean;
  readonly failing?: PlainFailing;
}

/** What so many of the first items took in the sample; those beyond it as much as its mean, unless it is known better. */
function sampledMs({ walls, rest, ...mean }: Sample, items: number): number {
  let [ms, left] = [0, items];
  for (const { count, wallMs, sourceMs } of walls) {
    const taken = Math.min(left, count);
    ms += taken * (wallMs + sourceMs);
    left -= taken;
  }
  const { wallMs, sourceMs } = rest ?? mean;
  return ms + left * (wallMs + sourceMs);
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
  return { ratio, sameResults, same: sameResults && ratio < most && ratio > 1 / most };
}

/** Compares the race's plain loop with the sample; undefined if it didn't run again. */
export function sameWork(sample: Sample, race: Race | undefined): SameWork | undefined {
  const failing = plainFailingOf(race);
  if (failing !== undefined) return { ratio: 1, sameResults: false, same: false, failing };
  const plain = plainOf(race?.runners);
  return plain && compareWork(sample, plain, !race!.otherResults || race!.unrepeatable);
}
