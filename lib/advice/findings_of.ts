/**
 * What could go wrong with a job under a model: what was seen, not what might be feared.
 *
 * @module
 */

import { COMPUTES, OTHER_COMPUTING, OTHER_WORK } from "../judge/thresholds.ts";
import { isBusy } from "../timing/meter/reading.ts";
import type { FailureKind } from "../timing/failures.ts";
import { median } from "../timing/statistics.ts";
import { spreadOrder } from "../timing/job_items.ts";
import { failingOf } from "./failing.ts";
import { graceFor } from "./probe/probe.ts";
import type { Finding } from "./finding.ts";
import type { Findings } from "./findings.ts";
import { type Candidate, inFlightOf, nameOf } from "./prediction/candidate.ts";
import type { Machine } from "./prediction/machine.ts";
import { blocks, type Sample } from "./probe/sample.ts";
import type { Race } from "./race/race.ts";

/** Memory that a model needs more of than this is worth a word, in bytes. */
const MUCH_MEMORY = 200 * (1 << 20);
/** A task this much longer than the mean decides when all end. */
const UNEVEN = 1;
/** Other programs count if they leave less than this of a CPU, or of what all cores could gain. */
const BUSY_CPU = 0.85;
const BUSY_CORES = 0.75;
/** What a trial takes to deal an item out at most, in milliseconds. */
const DEALING_MS = 0.05;
/** From so many refusals on, and from this share of the items on, a server limits the rate of the plain loop. */
const FEW_REFUSED = 3;
const SHARE_REFUSED = 0.02;

/** Whether other programs used the CPUs so much that figures of lanes that compute may not hold. */
export function wasBusy(
  { available, others }: Pick<Sample, "available" | "others">,
  { cores, ceiling }: Machine,
): boolean {
  return (others !== undefined && isBusy(others)) || available < BUSY_CPU ||
    ceiling < BUSY_CORES * cores;
}

/** Where the plain loop itself meets a server's limit: what was refused, and the pace. */
export interface Limited {
  /** How many items were refused. */
  readonly refused: number;
  /** Items a second; null if not known. */
  readonly perSecond: number | null;
}

/**
 * Whether a server limits the rate already of the plain loop.
 *
 * @returns The limit; undefined if there is none, or only a refusal here and there.
 */
export function rateLimitOf({ done }: Pick<Findings["probed"], "done">): Limited | undefined {
  if (done?.refused === undefined) return undefined;
  const { count, pacePerSecond } = done.refused;
  if (count < FEW_REFUSED || count < SHARE_REFUSED * done.items) return undefined;
  return { refused: count, perSecond: pacePerSecond };
}

/** How the race's plain loop relates to the sample's, on the same items. */
export interface SameWork {
  /** Its time over the sample's. */
  readonly ratio: number;
  /** Whether the results were the same, as far as they could be compared. */
  readonly sameResults: boolean;
  /** Whether it was the same work. */
  readonly same: boolean;
}

/**
 * Holds the race's plain loop against the sample.
 *
 * @returns What came of it; undefined if the plain loop didn't run again.
 */
export function sameWork(
  sample: Pick<Sample, "walls" | "cpuMs" | "cpuShare" | "available">,
  race: Race | undefined,
): SameWork | undefined {
  const { walls, cpuMs, cpuShare, available } = sample;
  const plain = race?.runners.find(({ candidate }) => candidate.model === "sequential");
  if (race === undefined || plain === undefined || plain.rounds.length === 0) return undefined;
  let [sampledMs, left] = [0, plain.items];
  for (const { count, wallMs, sourceMs } of walls) {
    const taken = Math.min(left, count);
    sampledMs += taken * (wallMs + sourceMs);
    left -= taken;
  }
  if (left > 0 || sampledMs <= 0) return undefined;
  // What others took of the CPUs while the sample ran is nobody's work.
  const idleMs = sampledMs * (1 - cpuShare * (1 - available));
  const runMs = median(plain.rounds.map(({ runMs }) => runMs));
  // On a busy machine computing takes longer, but not more CPU time; and dealing out isn't the job's.
  const sampledCpuMs = plain.items * (cpuMs + DEALING_MS);
  const cpuTimes = plain.rounds.flatMap(({ runCpuMs }) => runCpuMs ?? []);
  const computed = cpuTimes.length === 0 ? 1 : median(cpuTimes) / sampledCpuMs;
  const waits = cpuShare < COMPUTES;
  const longer = (runMs - plain.items * DEALING_MS) / sampledMs;
  const slower = waits && available >= BUSY_CPU ? longer : Math.min(longer, computed);
  const faster = waits || cpuTimes.length === 0
    ? runMs / idleMs
    : Math.max(runMs / idleMs, computed);
  const ratio = faster < 1 ? faster : slower > 1 ? slower : 1;
  const sameResults = !race.otherResults || race.unrepeatable;
  const bound = waits ? OTHER_WORK : OTHER_COMPUTING;
  const same = ratio < bound && ratio > 1 / bound;
  return { ratio, sameResults, same: same && sameResults };
}

/** From this share of the time on, getting the items from their source is what takes it. */
const SOURCE_LIMITS = 0.7;
/** A source this fast is part of dealing items out, in milliseconds. */
const SOURCE_MS = 0.1;

/**
 * Whether the source of items is the limit: the share of the time, with a gain, that it alone takes.
 *
 * @returns The share; undefined where other things take most of the time.
 */
export function sourceLimit(
  { sourceMs, wallMs }: Pick<Sample, "sourceMs" | "wallMs">,
  gain: number,
): number | undefined {
  const share = Math.min(1, sourceMs * gain / (sourceMs + wallMs));
  return sourceMs >= SOURCE_MS && share >= SOURCE_LIMITS ? share : undefined;
}

/** The item's place in the job, where the race took items in another order. */
function inJob(failure: FailureKind, spread: number | undefined): FailureKind {
  if (spread === undefined) return failure;
  return { ...failure, index: spreadOrder(spread)[failure.index] ?? failure.index };
}

/** What the results came to: other ones, the order of tasks, chance, or other work. */
function* ofResults(
  { race, backwards, sample, probed }: FoundOf,
): Generator<Finding> {
  const wrong = (race?.runners ?? []).filter(({ out }) => out === "results");
  const models = wrong.map(({ candidate }) => nameOf(candidate));
  const orderMatters = backwards?.orderMatters;
  if (orderMatters) yield { kind: "order", models };
  else if (wrong.length > 0) {
    const loops = wrong.some(({ candidate }) => candidate.lanes === 1);
    yield { kind: "results", models, orderMatters, loops };
  }
  const work = sameWork(sample, race);
  // Work that was done already gives other results for that reason.
  if (race?.unrepeatable && work?.same !== false) yield { kind: "unrepeatable" };
  if (work !== undefined && !work.same) {
    const { ratio, sameResults } = work;
    yield { kind: "other-work", ratio, sameResults, canReset: probed.exports.reset ?? false };
  }
}

function* ofFailures({ sample, probed, race, horizon, pace }: FoundOf): Generator<Finding> {
  const [failure] = probed.failures;
  const limit = pace?.ofPlainLoop ? rateLimitOf(probed) : undefined;
  if (limit !== undefined) {
    const signs = probed.failures.find(({ status }) => status !== undefined);
    yield {
      kind: "rate",
      refused: limit.refused,
      perSecond: pace?.perSecond ?? limit.perSecond,
      items: sample.items,
      horizon,
      status: signs?.status,
      retryAfterMs: probed.failures.find(({ retryAfterMs }) => retryAfterMs)?.retryAfterMs,
    };
  } else if (sample.failed > 0) {
    yield {
      kind: "failures",
      failed: sample.failed,
      items: sample.items,
      first: failure && { ...failure, reason: failure.name, count: sample.failed },
    };
  }
  const failing = failingOf(race?.runners ?? []);
  if (failing !== undefined) {
    const perSecond = pace?.perSecond ?? failing.perSecond;
    yield { ...failing, perSecond, reasons: failing.reasons.map((of) => inJob(of, probed.spread)) };
  }
}

/** What findings are made of. */
export type FoundOf = Pick<
  Findings,
  "sample" | "race" | "machine" | "backwards" | "probed" | "horizon" | "pace" | "predicted"
>;

/**
 * Names what was seen.
 *
 * @param memoryBytes What that model was measured to need more than the plain loop; null if it wasn't.
 */
export function findingsOf(
  found: FoundOf,
  chosen: Candidate,
  memoryBytes: number | null,
  impossible: readonly Finding[],
): Finding[] {
  const { sample, race, machine, horizon } = found;
  const { cores, ceiling } = machine;
  const findings: Finding[] = [...ofResults(found), ...impossible, ...ofFailures(found)];
  if (sample.cpuShare > 0.3 && wasBusy(sample, machine)) {
    findings.push({
      kind: "busy",
      available: sample.available,
      cores,
      ceiling,
      others: sample.others,
    });
  }
  if (blocks(sample)) {
    findings.push({ kind: "blocking", share: sample.blockedMs / sample.wallMs });
  }
  if (sample.uncloneable !== undefined) {
    findings.push({ kind: "uncloneable", what: sample.uncloneable });
  }
  for (const { candidate, error, out } of race?.runners ?? []) {
    if (out !== "broken") continue;
    findings.push({ kind: "broken", model: nameOf(candidate), error: error ?? "" });
  }
  // Where the plain loop stays, what the widest model would hold is worth knowing.
  const widest = chosen.model !== "sequential" ? chosen : found.predicted.map((of) => of.candidate)
    .reduce((a, b) => inFlightOf(b, horizon) > inFlightOf(a, horizon) ? b : a, chosen);
  const inFlight = inFlightOf(widest, horizon);
  const taskBytes = sample.taskBytes ?? 0;
  const measuredBytes = chosen === widest ? memoryBytes : null;
  const needs = measuredBytes ?? inFlight * taskBytes;
  if (needs > MUCH_MEMORY || sample.memoryBytes > MUCH_MEMORY) {
    findings.push({
      kind: "memory",
      sampleBytes: sample.memoryBytes,
      taskBytes,
      inFlight,
      measuredBytes: measuredBytes === null ? null : Math.max(0, measuredBytes),
      freeBytes: machine.memoryBytes,
      model: nameOf(widest),
    });
  }
  if (sample.variation > UNEVEN && inFlightOf(chosen, horizon) > 1) {
    findings.push({ kind: "uneven", variation: sample.variation });
  }
  const graceMs = graceFor(found.probed);
  if (graceMs !== undefined) {
    const { teardownMs: ms = 0 } = found.probed;
    findings.push({ kind: "teardown", ms: Number.isFinite(ms) ? ms : null, graceMs });
  }
  return findings;
}
