/** Sums up a probe's stretches: how long a task computes and waits, how sure that is, and other signs. */

import { z } from "zod";
import { amount, type Checked, count, share, whole } from "../../timing/json_file.ts";
import { LEAST_THREAD_MS } from "../../judge/thresholds.ts";
import { othersSchema } from "../../timing/result.ts";
import type { Probed } from "./probe.ts";
import { spreadOrder } from "../../timing/job_items.ts";
import { mean } from "../../timing/statistics.ts";
import type { SharedState } from "../job/shared_state.ts";

/** A sample's figures as a file holds them: times in milliseconds, means per item unless named otherwise. */
export const sampleSchema = z.object({
  items: whole,
  failed: count,
  /** How many items the job has; null if that can't be told. */
  total: count.nullable(),
  /** Wall time of the whole sample: all tasks together, and getting their items. */
  tasksMs: amount,
  wallMs: amount,
  /** Getting an item from its source, which only one can do at a time. */
  sourceMs: amount,
  /** CPU time of the process, and of the programs that a task runs. */
  cpuMs: amount,
  /** The part of `cpuMs` on the event loop's own thread, which can't be shared by two tasks at once. */
  loopMs: amount,
  /** Waiting that holds up the event loop, as synchronous I/O does; only lanes can fill it, slots can't. */
  blockedMs: amount,
  /** CPU over wall time, corrected for the share of a CPU that others left, and its standard error. */
  cpuShare: share,
  cpuShareError: amount,
  /** The share of a CPU that one busy thread gets on this machine at present, 0 to 1. */
  available: amount,
  /** Queueing for a core, and CPU time of programs that tasks ran, if the system counts them. */
  queuedMs: amount.optional(),
  programsMs: amount.optional(),
  /** CPU time of those programs and of threads that ended, whose queueing isn't counted. */
  uncountedMs: amount.optional(),
  /** How others used the machine during the sample, or until the race's end if that was more. */
  others: othersSchema.optional(),
  /** Standard deviation of the wall time over its mean. */
  variation: amount,
  /** Bytes of an item and of a result as sent, and the time to write and read both. */
  itemBytes: amount,
  resultBytes: amount,
  cloneMs: amount,
  /** The value that can't be sent to another lane. */
  uncloneable: z.string().optional(),
  /** The value that can be sent to a thread, but not to another process. */
  unserializable: z.string().optional(),
  /** The part of an item that doesn't arrive there, such as its class. */
  classLost: z.string().optional(),
  resultLost: z.string().optional(),
  /** How much all tasks raised the peak memory of the process, and how much the first one did, in bytes. */
  memoryBytes: amount,
  taskBytes: amount.optional(),
  /** The most memory that a task's programs held together in bytes, if the system tells. */
  programsBytes: amount.optional(),
});

export type Sample = Checked<typeof sampleSchema> & {
  /** Time that each lane takes to load the job's module and set it up; 0 unless known. */
  readonly laneMs?: number | undefined;
  /** The part of `laneMs` that an event loop saves, because the items have loaded the module already. */
  readonly loadMs?: number | undefined;
  /** Whether a second run of the same items took other times, so that `walls` holds only their mean. */
  readonly isDrawn?: boolean;
  /** The mean of the items beyond the sample, where it is known to differ. */
  readonly rest?: Omit<Wall, "count"> | undefined;
  /** The items' times in the order in which they ran, in stretches of equal times where tasks are tiny. */
  readonly walls: readonly Wall[];
};

/** The times of `count` items, each. */
interface Wall {
  readonly count: number;
  readonly wallMs: number;
  /** CPU time of this process; undefined if unknown. */
  readonly cpuMs?: number;
  readonly sourceMs: number;
}

/** The mean times of all items in these stretches. */
function meanOf(these: Probed["stretches"]) {
  const items = these.reduce((sum, { count }) => sum + count, 0);
  const mean = (of: "wallMs" | "cpuMs" | "sourceMs") =>
    these.reduce((sum, stretch) => sum + stretch[of], 0) / items;
  return { items, wallMs: mean("wallMs"), cpuMs: mean("cpuMs"), sourceMs: mean("sourceMs") };
}

/** A first item that takes COLD times as long as the longest of MANY_OTHERS others or more was cold. */
const COLD = 3;
const MANY_OTHERS = 20;

/** The mean of the items beyond a sample whose first item alone was cold (code, a connection, a table). */
function warmRest([first, ...others]: Probed["stretches"]): Sample["rest"] {
  const eachMs = ({ wallMs, sourceMs, count }: typeof others[number]) =>
    (wallMs + sourceMs) / count;
  return others.length >= MANY_OTHERS && eachMs(first!) >= COLD * Math.max(...others.map(eachMs))
    ? meanOf(others)
    : undefined;
}

/** Whether the sample's first item was cold, that is, far slower than the rest of the job. */
export function isCold({ walls: [first], rest }: Pick<Sample, "walls" | "rest">): boolean {
  return rest !== undefined && first!.count === 1 && first!.wallMs >= COLD * rest.wallMs;
}

/** If items equal to earlier ones are this many times faster, tasks keep their results. */
const KEEPS = 1.5;

/**
 * The mean of a list's rest, if items equal to earlier ones were far faster: an item that is new in the rest
 * takes as long as new ones did, and all others as long as equal ones did.
 */
function restOf(
  stretches: Probed["stretches"],
  done: Probed["done"],
  total: number,
): Sample["rest"] {
  const { equal } = done ?? {};
  if (equal === undefined) return undefined;
  const among = (isOf: (again: number, count: number) => boolean) =>
    meanOf(stretches.filter(({ count }, place) => isOf(equal.again[place] ?? 0, count)));
  const [fresh, same] = [among((again) => again === 0), among((again, count) => again === count)];
  if (fresh.items === 0 || same.items === 0 || fresh.wallMs < KEEPS * same.wallMs) return undefined;
  const items = stretches.reduce((sum, { count }) => sum + count, 0);
  const seen = items - equal.again.reduce((sum, count) => sum + count, 0);
  const left = total - items;
  if (left <= 0) return undefined;
  const share = Math.min(1, (equal.distinct - seen) / left);
  const mean = (of: "wallMs" | "cpuMs" | "sourceMs") => share * fresh[of] + (1 - share) * same[of];
  return { wallMs: mean("wallMs"), cpuMs: mean("cpuMs"), sourceMs: mean("sourceMs") };
}

/** The share of the queueing for a core that may be wrong, if the system counts it and if it is estimated. */
const COUNTED = 1 / 10;
const ESTIMATED = 1 / 4;

/** How long a thread queues for a core to compute for `cpuMs`. */
function queuedMs(cpuMs: number, available: number): number {
  return cpuMs * (1 - available) / available;
}

/** Standard deviation of the tasks' times over their mean; for tiny tasks, of the stretches' means. */
function variationOf(stretches: Probed["stretches"]): number {
  // The first ones compile the code.
  const means = stretches.slice(stretches.length > 8 ? 2 : 0)
    .map(({ count, wallMs }) => wallMs / count);
  const middle = means.reduce((sum, ms) => sum + ms, 0) / means.length;
  const squares = means.reduce((sum, ms) => sum + (ms - middle) ** 2, 0);
  return Math.sqrt(squares / means.length) / Math.max(middle, 1e-9);
}

/**
 * The standard error of the CPU share: that of a ratio estimator (Cochran, "Sampling Techniques", 1977, section
 * 6.3), with each stretch as a cluster.
 */
function errorOf(
  stretches: Probed["stretches"],
  { items, wallMs, cpuMs }: Pick<Sample, "items" | "wallMs" | "cpuMs">,
  programsMs: number,
): number {
  const n = stretches.length;
  const squares = stretches.reduce(
    (sum, of) => sum + (of.cpuMs + of.count * programsMs - cpuMs / wallMs * of.wallMs) ** 2,
    0,
  );
  return n < 2 ? 0.25 : Math.sqrt(squares * n / (n - 1)) / (wallMs * items);
}

/**
 * If at least this share of the computing is on the event loop, the rest is garbage collection and compiling;
 * below it, the tasks themselves compute on other threads.
 */
const ALL_ON_LOOP = 0.85;

/**
 * How much an item computes, where, and how long it waits. Waiting is wall time less CPU time and less queueing
 * for a CPU, which the system counts or which is estimated by what a busy thread gets.
 */
function computingOf({ stretches, done, load }: Probed, items: number) {
  const mean = (of: (stretch: Probed["stretches"][number]) => number) =>
    stretches.reduce((sum, stretch) => sum + of(stretch), 0) / items;
  const wallMs = Math.max(1e-6 / items, mean((of) => of.wallMs));
  const sourceMs = mean((of) => of.sourceMs);
  const ownMs = mean((of) => of.cpuMs);
  const programsMs = (load?.childrenCpuMs ?? 0) / items;
  const cpuMs = ownMs + programsMs;
  const available = load?.available ?? done?.available ?? 1;
  // A program's queueing isn't counted; it is taken to get as much of a core as a thread that only computes.
  const programsQueuedMs = queuedMs(programsMs, done?.available ?? available);
  // Threads that collect garbage or compile queue while the tasks run, so that isn't the tasks' waiting.
  const ownQueuedMs = queuedMs((load?.countedShare ?? 1) * ownMs, available);
  const waitMs = Math.max(0, wallMs - cpuMs - ownQueuedMs - programsQueuedMs);
  // With threads beside the event loop's, CPU time may exceed wall time; then nothing waits.
  const cpuShare = cpuMs <= 0 ? 0 : Math.min(1, cpuMs / (cpuMs + waitMs));
  const onLoop = cpuMs * items >= LEAST_THREAD_MS
    ? Math.min(1, (done?.threadCpuMs ?? 0) / (cpuMs * items))
    : 1;
  // Computing before a task returns its promise holds up the event loop, even if other threads help.
  const inCall = Math.min(1, mean((of) => of.syncCpuMs) / Math.max(1e-9, cpuMs));
  const held = mean(({ syncMs, syncCpuMs }) => syncMs - syncCpuMs) -
    queuedMs(mean((of) => of.syncCpuMs), available);
  // The blocked time, like the computing, includes its share of the task's queueing for a core.
  const blockedMs = Math.min(waitMs + programsMs, Math.max(0, held)) *
    Math.max(1, wallMs / Math.max(1e-9, cpuMs + waitMs));
  const error = errorOf(stretches, { items, wallMs, cpuMs }, programsMs);
  // How much the CPU share depends on what is taken for queueing rather than waiting.
  const queueing = cpuMs <= 0 ? 0 : cpuShare ** 2 * (ownQueuedMs + programsQueuedMs) / cpuMs;
  return {
    ...{ wallMs, sourceMs, cpuMs, programsMs, queuedMs: ownQueuedMs },
    ...{ blockedMs, cpuShare, available },
    loopMs: cpuMs * (onLoop > ALL_ON_LOOP ? 1 : Math.max(onLoop, inCall)),
    cpuShareError: Math.hypot(error, queueing * (load === undefined ? ESTIMATED : COUNTED)),
  };
}

export function sampleOf(probed: Probed): Sample {
  const { stretches, done, failures, load, total, laneMs, loadMs } = probed;
  const items = stretches.reduce((sum, { count }) => sum + count, 0);
  if (items === 0) throw new RangeError("Cannot sum up a sample: no item was run");
  const { queuedMs, programsMs, ...computing } = computingOf(probed, items);
  const { rssBeforeBytes = 0, rssFirstBytes = 0, rssAfterBytes = 0, transfer } = done ?? {};
  return {
    items,
    failed: done?.failed ?? failures.length,
    total: done?.total ?? total ?? null,
    laneMs,
    loadMs,
    rest: restOf(stretches, done, done?.total ?? total ?? 0) ?? warmRest(stretches),
    tasksMs: items * (computing.wallMs + computing.sourceMs),
    ...computing,
    ...(load && {
      queuedMs,
      programsMs,
      programsBytes: load.childrenBytes,
      uncountedMs: load.uncountedCpuMs / items,
      others: load.others,
    }),
    variation: variationOf(stretches),
    walls: stretches.map(({ count, ...of }) => (
      { count, wallMs: of.wallMs / count, cpuMs: of.cpuMs / count, sourceMs: of.sourceMs / count }
    )),
    ...{ itemBytes: 0, resultBytes: 0, cloneMs: 0, ...transfer },
    taskBytes: Math.max(0, rssFirstBytes - rssBeforeBytes),
    memoryBytes: Math.max(0, rssAfterBytes - rssBeforeBytes),
  };
}

/** How long an answer takes, in milliseconds; tasks that fail at once don't count. */
export function answerMs({ failed, items, wallMs }: Sample): number {
  return wallMs * items / Math.max(1, items - failed);
}

/** A smaller share of the computing is garbage collection, or the start of a program. */
const UNCOUNTED = 0.15;

/**
 * The highest CPU share that the tasks may have. The queueing of programs and threads that a task starts isn't
 * counted, but it lasts no longer than other programs used all cores. If the system counts nothing, the
 * estimate is the less certain the less a busy thread got.
 */
export function mostCpuShare(sample: Pick<Sample, "cpuShare"> & Partial<Sample>): number {
  const { cpuShare, cpuMs = 0, wallMs = 0, uncountedMs = 0, others, available = 1 } = sample;
  if (others === undefined) {
    const waitMs = Math.max(0, wallMs - cpuMs - queuedMs(cpuMs, available) / available);
    return Math.max(cpuShare, cpuMs / Math.max(1e-9, cpuMs + waitMs));
  }
  if (uncountedMs <= UNCOUNTED * cpuMs) return cpuShare;
  const alone = 1 - others.used / others.cores;
  const surelyWaitsMs = Math.max(0, alone * wallMs - cpuMs - (sample.queuedMs ?? 0));
  return Math.max(cpuShare, cpuMs / (cpuMs + surelyWaitsMs));
}

/** Computing hardly ever queues for more than this many times its own time. */
const MOST_QUEUEING = 4;

/** The greatest share of a task's time that other programs could give back by leaving it their cores. */
export function mostHeldShare(sample: Pick<Sample, "cpuShare" | "cpuMs" | "wallMs">): number {
  return Math.min(mostCpuShare(sample), (1 + MOST_QUEUEING) * sample.cpuMs / sample.wallMs);
}

/** By what factor the time of `items` items may differ by chance, if each item's time is random. */
export function byChance({ variation }: Pick<Sample, "variation">, items: number): number {
  return Math.exp(variation / Math.sqrt(items));
}

/** From this ratio on, items differ from others in cost, and not only by chance. */
export const TELLS_ITEMS = 1.25;

/** Items whose mean differs from the sample's by this factor aren't typical of all. */
const UNTYPICAL = 1.5;

/** How many of the first items have, together, about the mean time of all, as all larger numbers do. */
export function typicalFrom({ walls, wallMs }: Pick<Sample, "walls" | "wallMs">): number {
  let [items, ms, from] = [0, 0, 1];
  for (const wall of walls) {
    items += wall.count;
    ms += wall.count * wall.wallMs;
    const off = Math.abs(Math.log(ms / (items * wallMs)));
    if (off > Math.log(UNTYPICAL)) from = items + 1;
  }
  return from;
}

/** Waiting for a busy CPU holds up a thread too, but hardly for this share of the time. */
const BLOCKS = 0.25;

/** Whether tasks hold up their thread while they wait. */
export function blocks({ blockedMs, wallMs }: Pick<Sample, "blockedMs" | "wallMs">): boolean {
  return blockedMs >= BLOCKS * wallMs;
}

/** Less held memory per task, in bytes, can't fill a machine; the runtime itself grows as much at first. */
const MUCH_MEMORY = 50 * (1 << 20);

/** Memory that a task's programs hold in bytes; 0 if it is little. */
export function heldByPrograms({ programsBytes = 0 }: Pick<Sample, "programsBytes">): number {
  return programsBytes < MUCH_MEMORY ? 0 : programsBytes;
}

/** Memory that each task in flight holds in bytes, judged by the first task. */
export function heldBytes(sample: Pick<Sample, "taskBytes" | "programsBytes">): number {
  const { taskBytes = 0 } = sample;
  return (taskBytes < MUCH_MEMORY ? 0 : taskBytes) + heldByPrograms(sample);
}

/** Whether tasks compute on threads beside their event loop's, as far as this process can see. */
export function computesBeside({ cpuMs, loopMs }: Pick<Sample, "cpuMs" | "loopMs">): boolean {
  return loopMs < ALL_ON_LOOP * cpuMs;
}

/** How long a task holds up its event loop, by computing or by synchronous waiting, in milliseconds. */
export function heldMs({ wallMs, cpuShare, loopMs, cpuMs, blockedMs }: Sample): number {
  return wallMs * cpuShare * (loopMs / Math.max(1e-9, cpuMs)) + blockedMs;
}

/** A source that takes less for an item, in milliseconds, counts as a part of handing items out. */
export const SOURCE_MS = 0.1;
/** From this share of the time on, the source of the items is the limit. */
const SOURCE_LIMITS = 0.7;

/** The share of the time that the source takes at a given gain; undefined if the source isn't the limit. */
export function sourceLimit(
  { sourceMs, wallMs }: Pick<Sample, "sourceMs" | "wallMs">,
  gain: number,
): number | undefined {
  const share = Math.min(1, sourceMs * gain / (sourceMs + wallMs));
  return sourceMs >= SOURCE_MS && share >= SOURCE_LIMITS ? share : undefined;
}

/** From this number and this share of refusals on, a server limits the rate of the plain loop. */
const FEW_REFUSED = 3;
const SHARE_REFUSED = 0.02;

/** The limit that a server sets even to the plain loop; undefined for a few stray refusals. */
export function rateLimitOf({ done }: Pick<Probed, "done">) {
  const refused = done?.refused;
  return refused !== undefined && refused.count >= FEW_REFUSED &&
      refused.count >= SHARE_REFUSED * done!.items
    ? refused
    : undefined;
}

/** Less is the runtime's own, in milliseconds; a smaller share of the tasks' time matters little. */
const LEFT_MS = 30;
const SHARE_LEFT = 0.25;

/** CPU time after all tasks had settled in milliseconds, if it is much compared with theirs. */
export function leftOver(
  { probed, sample }: { readonly probed: Pick<Probed, "done">; readonly sample: Sample },
): number | undefined {
  const { leftMs = 0 } = probed.done ?? {};
  return leftMs >= Math.max(LEFT_MS, SHARE_LEFT * sample.tasksMs) ? leftMs : undefined;
}

/** A task that takes less than FOUND of the mean found its result ready; MANY_FOUND of all are many. */
const FOUND = 0.1;
const MANY_FOUND = 0.25;

/** Whether many tasks found ready what others had to wait for, as in a cache. */
export function findMuch({ walls, wallMs, items }: Sample): boolean {
  const found = walls.filter((of) => of.wallMs < FOUND * wallMs);
  return found.reduce((sum, { count }) => sum + count, 0) >= MANY_FOUND * items;
}

/** Whether no result shows what a task did. */
export function givesNothing({ done }: Pick<Probed, "done">): boolean {
  return done?.isVoid === true && done.kept > 0;
}

/** A difference of this many standard errors is hardly chance. */
const HARDLY_CHANCE = 2;
/** With fewer items, their order shows nothing. */
const MANY_ITEMS = 20;

interface Sampled {
  readonly sample: Sample;
  readonly probed: Pick<Probed, "spread">;
  readonly shared?: SharedState | undefined;
}

/**
 * The mean time of the first half of the items, and of the second, by their places; undefined for few items, or
 * if the difference may be chance.
 */
function halvesOf(
  { items, walls, wallMs, variation }: Sample,
  placeOf: (turn: number) => number = (turn) => turn,
) {
  if (items < MANY_ITEMS) return undefined;
  const times = walls.flatMap(({ count, wallMs }) => Array<number>(count).fill(wallMs))
    .map((ms, turn) => ({ ms, place: placeOf(turn) })).sort((a, b) => a.place - b.place)
    .map(({ ms }) => ms);
  const half = times.length >> 1;
  const [first, second] = [mean(times.slice(0, half)), mean(times.slice(half))];
  // Tiny tasks are measured in stretches, and vary no more than these.
  const error = 2 * wallMs * variation / Math.sqrt(walls.length);
  return Math.abs(second - first) > HARDLY_CHANCE * error ? { first, second } : undefined;
}

/**
 * Whether tasks keep something that saves later ones time, such as a cache or a table: the later an item ran,
 * the less it took. It can be seen only if items are taken from all over a list, or tasks share something.
 */
export function sparesLater({ sample, probed, shared }: Sampled): boolean {
  const mayKeep = probed.spread !== undefined || shared !== undefined;
  const halves = mayKeep ? halvesOf(sample) : undefined;
  return halves !== undefined && halves.first > TELLS_ITEMS * halves.second;
}

/** Whether the rest of the job may be unlike its sample because of that. */
export function isRestUnlike(found: Sampled & { readonly horizon: number }): boolean {
  const { horizon, sample } = found;
  return horizon > sample.items && sample.rest === undefined && sparesLater(found);
}

/** If the second half takes this many times as long as the first, there is a trend. */
const TREND = 2;

/** How many times as long as the first half the second half takes; undefined if it is chance, or less. */
export function trendOf({ sample, probed }: Sampled): number | undefined {
  const places = spreadOrder(probed.spread ?? 0);
  const { first = 1, second = 0 } = halvesOf(sample, (turn) => places[turn] ?? turn) ?? {};
  return second >= TREND * first ? second / first : undefined;
}
