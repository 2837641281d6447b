/**
 * What was seen of a job that a reader should know: kinds with their figures, of which words are made last.
 */

import type { RewrittenFile } from "./probe/order_probe.ts";
import { COMPUTES } from "../judge/thresholds.ts";
import { BASELINE, isRemote } from "../models.ts";
import type { HttpSigns } from "../tasks/http_signs.ts";
import type { FailureKind } from "../timing/failures.ts";
import { isBusy, type Others } from "../timing/meter/meter.ts";
import type { Evidence } from "./evidence.ts";
import { type Candidate, inFlightOf, nameOf } from "./prediction/candidate.ts";
import { heldBytes } from "./prediction/choose_candidates.ts";
import type { Machine } from "./prediction/machine.ts";
import { graceFor, type Probed } from "./probe/probe.ts";
import { blocks, mostCpuShare, type Sample } from "./probe/sample.ts";
import {
  type Failing,
  type FailingKind,
  failingOf,
  type PlainFailing,
  plainFailingOf,
} from "./race/failing.ts";
import { BUSY_CPU, sameWork } from "./race/same_work.ts";

type Found<Kind extends string, More extends object = object> =
  & { readonly kind: Kind }
  & Readonly<More>;

/** Something to mind. */
export type Finding =
  /** Models gave other results; `orderMatters` is undefined where that isn't known. */
  | Found<
    "results",
    {
      models: string[];
      orderMatters?: boolean | undefined;
      loops: boolean;
      /** Whether it is told besides what of an item doesn't arrive. */
      isLost?: boolean;
    }
  >
  /** The plain loop gives other results once the items run in another order. */
  | Found<"order", { models: string[] }>
  /** So many tasks, one by one, read and wrote a file so many times, and it changed. */
  | Found<"rewritten", RewrittenFile & { tasks: number }>
  | Found<"unrepeatable">
  /** The tasks give nothing back that could be compared. */
  | Found<"no-results">
  /** The race wasn't the sampled job: it took `ratio` of the sample's time, or its results differ. */
  | Found<
    "other-work",
    { ratio: number; sameResults: boolean; canReset: boolean; failing?: PlainFailing | undefined }
  >
  /** A measured gain that can't be. */
  | Found<"impossible", { model: string; gain: number; most: number; cores: number }>
  | Found<
    "busy",
    { available: number; cores: number; ceiling: number; others?: Others | undefined }
  >
  /** Tasks take turns within a lane, and not between those of the model that is recommended. */
  | Found<"turns", { model: string }>
  /** Tasks hold up their thread while they wait; `startsPrograms`: for they start programs. */
  | Found<"blocking", { share: number; startsPrograms?: boolean }>
  | Found<"uncloneable", { what: string }>
  /** An item arrives on other lanes without its class, and none was seen to give the same results. */
  | Found<"class", { what: string }>
  | Found<"failures", { failed: number; items: number; first?: FailureKind | undefined }>
  /** A server lets only so many items a second through; null if its pace isn't known. */
  | Found<
    "rate",
    {
      refused: number;
      items: number;
      perSecond: number | null;
      horizon: number;
      total: number | null;
      status?: number | undefined;
      retryAfterMs?: number | undefined;
    }
  >
  /** Items fail with so many in flight, and not one by one; `lanes`: in other lanes only. */
  | Found<FailingKind, Failing & { oneByOne?: number }>
  | Found<"broken", { model: string; error: string }>
  /** Each task in flight holds `taskBytes`; `freeBytes` is undefined where it isn't known. */
  | Found<
    "memory",
    {
      sampleBytes: number;
      taskBytes: number;
      inFlight: number;
      measuredBytes: number | null;
      freeBytes?: number | undefined;
      model: string;
    }
  >
  | Found<"uneven", { variation: number }>
  /** What was set up in a lane takes long to be taken down; null if it didn't end. */
  | Found<"teardown", { ms: number | null; graceMs: number }>;

/** Memory that a model needs more of than this is worth a word, in bytes. */
const MUCH_MEMORY = 200 * (1 << 20);
/** A task this much longer than the mean decides when all end. */
const UNEVEN = 1;
/** Other programs count if they leave less than this of what all cores could gain. */
const BUSY_CORES = 0.75;
/** Others that use less than this share of the machine keep nobody waiting. */
const IDLE_SHARE = 0.05;
/** Who computes less than this doesn't mind them. */
const MINDS_BUSY = 0.3;
/** From so many refusals on, and from this share of the items on, a server limits the rate of the plain loop. */
const FEW_REFUSED = 3;
const SHARE_REFUSED = 0.02;
/** From this share of the time on, getting the items from their source is what takes it. */
const SOURCE_LIMITS = 0.7;
/** A source this fast is part of dealing items out. */
const SOURCE_MS = 0.1;

/** Whether other programs used the CPUs so much that figures of lanes that compute may not hold. */
export function wasBusy(
  { available, others }: Pick<Sample, "available" | "others">,
  { cores, ceiling }: Machine,
): boolean {
  // Where others used hardly anything, a thread that queued did so behind others of its own program.
  const queued = available < BUSY_CPU &&
    (others === undefined || others.used >= IDLE_SHARE * others.cores);
  return (others !== undefined && isBusy(others)) || queued || ceiling < BUSY_CORES * cores;
}

/** Whether that is worth a word of tasks that compute. */
export function mindsBusy({ sample, machine }: Pick<Evidence, "sample" | "machine">): boolean {
  return mostCpuShare(sample) > MINDS_BUSY && wasBusy(sample, machine);
}

/** The limit that a server sets already to the plain loop; undefined for a refusal here and there. */
export function rateLimitOf({ done }: Pick<Evidence["probed"], "done">) {
  const refused = done?.refused;
  return refused !== undefined && refused.count >= FEW_REFUSED &&
      refused.count >= SHARE_REFUSED * done!.items
    ? refused
    : undefined;
}

/** What of an item loses its class on other lanes; undefined if some gave the same results for all that. */
export function classLostOf({ sample, race }: Pick<Evidence, "sample" | "race">) {
  const isSame = race !== undefined && !race.unrepeatable &&
    race.runners.some(({ candidate, rounds, out }) =>
      isRemote(candidate.model) && rounds.length > 0 && (out === undefined || out === "slower")
    );
  return isSame ? undefined : sample.classLost;
}

/** The share of the time, with a gain, that the source of items takes, if that makes it the limit. */
export function sourceLimit(
  { sourceMs, wallMs }: Pick<Sample, "sourceMs" | "wallMs">,
  gain: number,
): number | undefined {
  const share = Math.min(1, sourceMs * gain / (sourceMs + wallMs));
  return sourceMs >= SOURCE_MS && share >= SOURCE_LIMITS ? share : undefined;
}

/** What the results came to: other ones, the order of tasks, chance, or other work. */
function* ofResults({ race, backwards, sample, probed, pace }: Evidence): Generator<Finding> {
  const wrong = (race?.runners ?? []).filter(({ out }) => out === "results");
  const models = wrong.map(({ candidate }) => nameOf(candidate));
  const orderMatters = backwards?.orderMatters;
  if (orderMatters) yield { kind: "order", models };
  else if (wrong.length > 0) {
    const loops = wrong.some(({ candidate }) => candidate.lanes === 1);
    const isLost = !loops && sample.classLost !== undefined;
    yield { kind: "results", models, orderMatters, loops, ...(isLost && { isLost }) };
  }
  if (backwards?.rewritten) {
    yield { kind: "rewritten", tasks: backwards.items, ...backwards.rewritten };
  }
  const work = sameWork(sample, race);
  const isOther = work?.same === false && !pace?.ofPlainLoop;
  // Work that was done already gives other results for that reason.
  if (race?.unrepeatable && !isOther) yield { kind: "unrepeatable" };
  if (isOther) {
    const { ratio, sameResults, failing } = work;
    const canReset = probed.exports.hooks.includes("reset");
    yield { kind: "other-work", ratio, sameResults, canReset, failing };
  }
}

function* ofFailures({ sample, probed, race, horizon, total, pace }: Evidence): Generator<Finding> {
  const [failure] = probed.failures;
  const { failed, items } = sample;
  const again = plainFailingOf(race);
  const limit = rateLimitOf(probed);
  if (pace?.ofPlainLoop) {
    const signs: HttpSigns[] = [...probed.failures, ...(again?.reasons ?? [])];
    yield {
      kind: "rate",
      refused: limit?.count ?? again?.failed ?? 0,
      perSecond: pace.perSecond ?? limit?.pacePerSecond ?? null,
      items: limit === undefined ? again?.items ?? items : items,
      horizon,
      total,
      status: signs.find(({ status }) => status !== undefined)?.status,
      retryAfterMs: signs.find(({ retryAfterMs }) => retryAfterMs)?.retryAfterMs,
    };
  } else if (failed > 0) {
    const first = failure && { ...failure, reason: failure.name, count: failed };
    yield { kind: "failures", failed, items, first };
  }
  const failing = failingOf(race?.runners);
  if (failing !== undefined) {
    yield { ...failing, perSecond: pace?.perSecond ?? failing.perSecond, oneByOne: failed };
  }
}

function* ofTasks(
  found: Evidence,
  chosen: Candidate,
  moreBytes: MoreBytes,
): Generator<Finding> {
  const { sample, machine, horizon, predicted, probed } = found;
  const { uncloneable, variation, memoryBytes: sampleBytes } = sample;
  const taskBytes = heldBytes(sample);
  // What computes nearly all the time was held up by others, at most.
  if (blocks(sample) && sample.cpuShare < COMPUTES) {
    const startsPrograms = (sample.programsMs ?? 0) > 0;
    yield { kind: "blocking", share: sample.blockedMs / sample.wallMs, startsPrograms };
  }
  if (uncloneable !== undefined) yield { kind: "uncloneable", what: uncloneable };
  const classLost = classLostOf(found);
  if (classLost !== undefined) yield { kind: "class", what: classLost };
  // Where the plain loop stays, a reader may still ask what the model with most tasks in flight would need.
  const widest = chosen.model !== BASELINE ? chosen : predicted.map((of) => of.candidate)
    .reduce((a, b) => inFlightOf(b, horizon) > inFlightOf(a, horizon) ? b : a, chosen);
  const inFlight = inFlightOf(widest, horizon);
  const measuredBytes = moreBytes(widest);
  if (Math.max(measuredBytes ?? inFlight * taskBytes, sampleBytes) > MUCH_MEMORY) {
    yield {
      kind: "memory",
      sampleBytes,
      taskBytes,
      inFlight,
      measuredBytes,
      freeBytes: machine.memoryBytes,
      model: nameOf(widest),
    };
  }
  if (variation > UNEVEN && inFlightOf(chosen, horizon) > 1 && !found.pace?.ofPlainLoop) {
    yield { kind: "uneven", variation };
  }
  yield* ofTeardown(probed);
}

/** A teardown that is slow, or doesn't end. */
export function* ofTeardown(probed: Pick<Probed, "teardownMs">): Generator<Finding> {
  const graceMs = graceFor(probed);
  if (graceMs === undefined) return;
  const { teardownMs: ms = 0 } = probed;
  yield { kind: "teardown", ms: Number.isFinite(ms) ? ms : null, graceMs };
}

/** Whether no result tells what a task did. */
export function givesNothing({ probed }: Pick<Evidence, "probed">): boolean {
  return probed.done?.isVoid === true && probed.done.kept > 0;
}

/** What a model was measured to need more than the plain loop; null if it wasn't. */
export type MoreBytes = (of: Candidate) => number | null;

/** Names what was seen. */
export function findingsOf(
  found: Evidence,
  chosen: Candidate,
  moreBytes: MoreBytes,
  ofModels: readonly Finding[],
): Finding[] {
  const { available, others } = found.sample;
  const { cores, ceiling } = found.machine;
  return [
    ...ofResults(found),
    ...(givesNothing(found) && chosen.model !== BASELINE ? [{ kind: "no-results" as const }] : []),
    ...ofModels,
    ...ofFailures(found),
    ...(mindsBusy(found) ? [{ kind: "busy" as const, available, cores, ceiling, others }] : []),
    ...(found.race?.runners ?? []).filter(({ out }) => out === "broken")
      .map(({ candidate, error = "" }) =>
        ({ kind: "broken", model: nameOf(candidate), error }) as const
      ),
    ...ofTasks(found, chosen, moreBytes),
  ];
}
