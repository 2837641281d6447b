/**
 * What was seen of a job that a reader should know: kinds with their figures, of which words are made last.
 *
 * @module
 */

import { BASELINE, isRemote } from "../models.ts";
import { COMPUTES, OTHER_COMPUTING, OTHER_WORK } from "../judge/thresholds.ts";
import { isRefusal } from "../tasks/http_signs.ts";
import type { FailureKind } from "../timing/failures.ts";
import { isBusy, type Others } from "../timing/meter/reading.ts";
import { spreadOrder } from "../timing/job_items.ts";
import { median } from "../timing/statistics.ts";
import type { Evidence } from "./evidence.ts";
import { type Candidate, inFlightOf, nameOf } from "./prediction/candidate.ts";
import type { Machine } from "./prediction/machine.ts";
import { graceFor } from "./probe/probe.ts";
import { blocks, type Sample } from "./probe/sample.ts";
import type { Race, Runner } from "./race/race.ts";

/** A figure of a finding, or a list of names. */
type Figures<Kind extends string, More extends object = object> =
  & { readonly kind: Kind }
  & Readonly<More>;

/** Something to mind, with its figures. */
export type Finding =
  /** Models gave other results; `orderMatters` is undefined where that isn't known. */
  | Figures<"results", { models: string[]; orderMatters?: boolean | undefined; loops: boolean }>
  /** The plain loop gives other results once the items run in another order. */
  | Figures<"order", { models: string[] }>
  /** So many tasks, one by one, read and wrote a file so many times, and it changed. */
  | Figures<"rewritten", { path: string; times: number; tasks: number }>
  /** The plain loop doesn't repeat its own results. */
  | Figures<"unrepeatable">
  /** The race wasn't the sampled job: it took `ratio` of the sample's time, or its results differ. */
  | Figures<"other-work", { ratio: number; sameResults: boolean; canReset: boolean }>
  /** A measured gain that can't be. */
  | Figures<"impossible", { model: string; gain: number; most: number; cores: number }>
  /** Other programs used the CPUs. */
  | Figures<
    "busy",
    { available: number; cores: number; ceiling: number; others?: Others | undefined }
  >
  /** Tasks hold up their thread while they wait, for this share of their time. */
  | Figures<"blocking", { share: number }>
  /** What can't be sent to another lane. */
  | Figures<"uncloneable", { what: string }>
  /** Items failed one by one. */
  | Figures<"failures", { failed: number; items: number; first?: FailureKind | undefined }>
  /** A server lets only so many items a second through; null if its pace isn't known. */
  | Figures<
    "rate",
    {
      refused: number;
      items: number;
      perSecond: number | null;
      horizon: number;
      status?: number | undefined;
      retryAfterMs?: number | undefined;
    }
  >
  /** Items fail with so many in flight, and not one by one. */
  | Figures<"refused" | "descriptors" | "late", Failing>
  /** Items fail in other lanes only. */
  | Figures<"lanes", Failing>
  /** A model could not run. */
  | Figures<"broken", { model: string; error: string }>
  /** Each task in flight holds `taskBytes`; `freeBytes` is undefined where it isn't known. */
  | Figures<
    "memory",
    {
      sampleBytes: number;
      taskBytes: number;
      inFlight: number;
      measuredBytes: number | null;
      freeBytes?: number | undefined;
      model: string | null;
    }
  >
  /** Tasks differ in length: the standard deviation over the mean. */
  | Figures<"uneven", { variation: number }>
  /** What was set up in a lane takes long to be taken down; null if it didn't end. */
  | Figures<"teardown", { ms: number | null; graceMs: number }>;

/** How items fail under a model. */
export interface Failing {
  /** The model with the fewest in flight that fails. */
  readonly model: string;
  /** How many it has in flight. */
  readonly inFlight: number;
  /** How many items failed. */
  readonly failed: number;
  /** Of how many. */
  readonly items: number;
  /** Further models under which items fail. */
  readonly others: readonly string[];
  /** Why, the most frequent first. */
  readonly reasons: readonly FailureKind[];
  /** Tasks in flight with which all went well; 1 for one by one. */
  readonly well: number;
  /** Items a second that went through once a server refused; null if not known. */
  readonly perSecond: number | null;
}

/** What Deno says when it has no file descriptor left. */
const DESCRIPTORS = /EMFILE|too many open files/i;
/** What JavaScript throws where state is missing, or an object lost its methods. */
const MISSING = new Set(["TypeError", "ReferenceError"]);
/** Of these TypeErrors the network is the cause. */
const NETWORK = /fetch failed|error sending request|connection|reading a body/i;

function kindOf(
  failing: readonly Runner[],
  went: readonly Runner[],
): "refused" | "descriptors" | "late" | "lanes" {
  const reasons = failing.flatMap(({ failures = [] }) => failures);
  const names = failing.flatMap(({ rounds }) =>
    rounds.flatMap((round) => Object.keys(round.reasons ?? {}))
  );
  const texts = [...names, ...reasons.map(({ message }) => message)];
  if (texts.some((text) => DESCRIPTORS.test(text))) return "descriptors";
  if (names.length > 0 && names.every((name) => name === "timed-out")) return "late";
  const inLanes = failing.every(({ candidate: { model } }) => isRemote(model));
  const most = Math.max(...went.map(({ candidate, items }) => inFlightOf(candidate, items)));
  const least = Math.min(...failing.map(({ candidate, items }) => inFlightOf(candidate, items)));
  const isMissing = reasons.length > 0 &&
    reasons.every(({ reason, message }) => MISSING.has(reason) && !NETWORK.test(message));
  const refuses = reasons.some(isRefusal);
  return inLanes && !refuses && (isMissing || most >= least) ? "lanes" : "refused";
}

/**
 * Says from how many tasks in flight on some fail, why, and how many went well; undefined if nothing
 * failed that didn't fail one by one.
 */
export function failingOf(
  runners: readonly Runner[],
): Extract<Finding, Failing> | undefined {
  const inFlight = ({ candidate, items }: Runner) => inFlightOf(candidate, items);
  const failing = runners.filter(({ out, rounds }) => out === "failures" && rounds.length > 0)
    .toSorted((a, b) => inFlight(a) - inFlight(b));
  const [first, ...others] = failing;
  if (first === undefined) return undefined;
  const went = runners.filter(({ out, rounds }) => out !== "failures" && rounds.length > 0);
  const worst = first.rounds.reduce((a, b) => b.failed > a.failed ? b : a);
  const well = went.map(inFlight).filter((count) => count < inFlight(first));
  const paces = failing.flatMap(({ pacePerSecond }) => pacePerSecond ?? []);
  return {
    kind: kindOf(failing, went),
    model: nameOf(first.candidate),
    inFlight: inFlight(first),
    failed: worst.failed,
    items: worst.failed + worst.succeeded,
    others: others.map(({ candidate }) => nameOf(candidate)),
    reasons: first.failures ??
      Object.entries(worst.reasons ?? {}).map(([reason, count]) => ({
        reason,
        count,
        index: 0,
        message: "",
      })),
    well: Math.max(1, ...well),
    perSecond: paces.length === 0 ? null : Math.min(...paces),
  };
}

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

/** A server's limit that the plain loop itself meets. */
interface RateLimit {
  /** How many items were refused. */
  readonly refused: number;
  /** Items a second; null if not known. */
  readonly perSecond: number | null;
}

/** The limit that a server sets already to the plain loop; undefined for a refusal here and there. */
export function rateLimitOf({ done }: Pick<Evidence["probed"], "done">): RateLimit | undefined {
  if (done?.refused === undefined) return undefined;
  const { count, pacePerSecond } = done.refused;
  if (count < FEW_REFUSED || count < SHARE_REFUSED * done.items) return undefined;
  return { refused: count, perSecond: pacePerSecond };
}

/** How the race's plain loop relates to the sample's, on the same items. */
interface SameWork {
  /** Its time over the sample's. */
  readonly ratio: number;
  /** Whether the results were the same, as far as they could be compared. */
  readonly sameResults: boolean;
  /** Whether it was the same work. */
  readonly same: boolean;
}

/** Compares the race's plain loop with the sample; undefined if the plain loop didn't run again. */
export function sameWork(
  sample: Pick<Sample, "walls" | "cpuMs" | "cpuShare" | "available">,
  race: Race | undefined,
): SameWork | undefined {
  const { walls, cpuMs, cpuShare, available } = sample;
  const plain = race?.runners.find(({ candidate }) => candidate.model === BASELINE);
  if (race === undefined || plain === undefined || plain.rounds.length === 0) return undefined;
  let [sampledMs, left] = [0, plain.items];
  for (const { count, wallMs, sourceMs } of walls) {
    const taken = Math.min(left, count);
    sampledMs += taken * (wallMs + sourceMs);
    left -= taken;
  }
  if (left > 0 || sampledMs <= 0) return undefined;
  // The time in which other programs had the CPU isn't the job's.
  const idleMs = sampledMs * (1 - cpuShare * (1 - available));
  const runMs = median(plain.rounds.map(({ runMs }) => runMs));
  // On a busy machine computing takes longer, but not more CPU time; dealing items out isn't the job's.
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
 * The share of the time, with a gain, that the source of items alone takes, if that makes it the limit;
 * undefined where other things take most of the time.
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
  if (backwards?.rewritten) {
    yield { kind: "rewritten", tasks: backwards.items, ...backwards.rewritten };
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
type FoundOf = Pick<
  Evidence,
  "sample" | "race" | "machine" | "backwards" | "probed" | "horizon" | "pace" | "predicted"
>;

/** Names what was seen. `memoryBytes` is what the model needs more than the plain loop, if measured. */
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
  // Where the plain loop stays, a reader may still ask what the model with most tasks in flight would need.
  const widest = chosen.model !== BASELINE ? chosen : found.predicted.map((of) => of.candidate)
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
