/** What a probe's stretches come to: how long a task computes and waits, and how sure that is. */

import { z } from "zod";
import { amount, type Checked, count, share, whole } from "../../timing/json_file.ts";
import { LEAST_THREAD_MS } from "../../judge/thresholds.ts";
import { othersSchema } from "../../timing/result.ts";
import type { Probed } from "./probe.ts";

/** A sample's figures, as a file holds them; times in milliseconds, means per item unless named otherwise. */
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
  /** The part of it on the event loop's own thread: what one lane can't do for two tasks at once. */
  loopMs: amount,
  /** A wait that holds up the event loop, as synchronous I/O does: slots can't fill it, only lanes can. */
  blockedMs: amount,
  /** CPU over wall time, corrected for the share of a CPU that others left, and its standard error. */
  cpuShare: share,
  cpuShareError: amount,
  /** What one busy thread gets of a CPU on this machine at present, 0 to 1. */
  available: amount,
  /** As the system counted, where it tells: queueing for a core, and CPU time of programs that tasks ran. */
  queuedMs: amount.optional(),
  programsMs: amount.optional(),
  /** CPU time of these programs and of threads that ended: how long they queued isn't counted. */
  uncountedMs: amount.optional(),
  /** What others did to the machine in the sample, or until the race's end if that was more. */
  others: othersSchema.optional(),
  /** Standard deviation of the wall time over its mean. */
  variation: amount,
  /** Of an item and of a result as it is sent; and what writing and reading both takes. */
  itemBytes: amount,
  resultBytes: amount,
  cloneMs: amount,
  /** What can't be sent to another lane. */
  uncloneable: z.string().optional(),
  /** What of an item does not arrive there, such as its class. */
  classLost: z.string().optional(),
  resultLost: z.string().optional(),
  /** By how much the tasks raised the peak memory of the process, and the first one alone did. */
  memoryBytes: amount,
  taskBytes: amount.optional(),
  /** The most that programs which a task runs held together, where the system tells. */
  programsBytes: amount.optional(),
});

export type Sample = Checked<typeof sampleSchema> & {
  /** What each lane takes to load the job's module and to set it up; 0 unless known. */
  readonly laneMs?: number | undefined;
  /** The part of that which an event loop is spared, where the items have loaded the module already. */
  readonly loadMs?: number | undefined;
  /** Whether the items took other times when they ran again, so that `walls` holds but their mean. */
  readonly isDrawn?: boolean;
  /** What the items beyond the sample take on average, where that is known to be something else. */
  readonly rest?: Omit<Wall, "count"> | undefined;
  /** One by one in order, in stretches of equal ones where tasks are tiny. */
  readonly walls: readonly Wall[];
};

/** What so many items took, each. */
interface Wall {
  readonly count: number;
  readonly wallMs: number;
  /** CPU time of this process; undefined if it isn't known. */
  readonly cpuMs?: number;
  readonly sourceMs: number;
}

/** What so many items took on average. */
function meanOf(these: Probed["stretches"]) {
  const items = these.reduce((sum, { count }) => sum + count, 0);
  const mean = (of: "wallMs" | "cpuMs" | "sourceMs") =>
    these.reduce((sum, stretch) => sum + stretch[of], 0) / items;
  return { items, wallMs: mean("wallMs"), cpuMs: mean("cpuMs"), sourceMs: mean("sourceMs") };
}

/** A first item that takes so many times as long as the longest of so many others found all cold. */
const COLD = 3;
const MANY_OTHERS = 20;

/** What the items beyond a sample take, where its first one alone found all cold: code, a connection, a table. */
function warmRest([first, ...others]: Probed["stretches"]): Sample["rest"] {
  const eachMs = ({ wallMs, sourceMs, count }: typeof others[number]) =>
    (wallMs + sourceMs) / count;
  return others.length >= MANY_OTHERS && eachMs(first!) >= COLD * Math.max(...others.map(eachMs))
    ? meanOf(others)
    : undefined;
}

/** Whether the first item of a sample took so much longer than the rest of the job does. */
export function isCold({ walls: [first], rest }: Pick<Sample, "walls" | "rest">): boolean {
  return rest !== undefined && first!.count === 1 && first!.wallMs >= COLD * rest.wallMs;
}

/** Items that are equal to earlier ones take so many times less where tasks keep their results. */
const KEEPS = 1.5;

/**
 * What the rest of a list takes, where items that are equal to earlier ones took far less: those that are
 * new in it as much as new ones did, all others as little as those.
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

/** What share of the queueing for a core may be wrong: as the system counted it, and as it is estimated. */
const COUNTED = 1 / 10;
const ESTIMATED = 1 / 4;

/** What had to be waited for a core to compute for so long. */
function queuedMs(cpuMs: number, available: number): number {
  return cpuMs * (1 - available) / available;
}

/** The standard deviation of what tasks took over their mean; of tiny ones only the means of stretches are known. */
function variationOf(stretches: Probed["stretches"]): number {
  // The first ones compile the code.
  const means = stretches.slice(stretches.length > 8 ? 2 : 0)
    .map(({ count, wallMs }) => wallMs / count);
  const middle = means.reduce((sum, ms) => sum + ms, 0) / means.length;
  const squares = means.reduce((sum, ms) => sum + (ms - middle) ** 2, 0);
  return Math.sqrt(squares / means.length) / Math.max(middle, 1e-9);
}

/**
 * The standard error of the share of computing: that of a ratio estimator (Cochran, "Sampling
 * Techniques", 1977, section 6.3), with each stretch as a cluster.
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
 * From this share of the computing on the event loop the rest is collecting garbage and compiling; below
 * it, tasks' own work on other threads.
 */
const ALL_ON_LOOP = 0.85;

/**
 * What an item computes, and where, and what it waits for. Wall less CPU time is waiting, once queueing for a
 * CPU is taken off: as the system counted it, or by what a busy thread was seen to get.
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
  // What a program queued isn't counted: it is taken to get as much of a core as a thread that only computes.
  const programsQueuedMs = queuedMs(programsMs, done?.available ?? available);
  // Threads that collect garbage or compile queue while the tasks run: that part is no wait of theirs.
  const ownQueuedMs = queuedMs((load?.countedShare ?? 1) * ownMs, available);
  const waitMs = Math.max(0, wallMs - cpuMs - ownQueuedMs - programsQueuedMs);
  // Threads beside the event loop's may use more CPU time than passes: then nothing waits.
  const cpuShare = cpuMs <= 0 ? 0 : Math.min(1, cpuMs / (cpuMs + waitMs));
  const onLoop = cpuMs * items >= LEAST_THREAD_MS
    ? Math.min(1, (done?.threadCpuMs ?? 0) / (cpuMs * items))
    : 1;
  // What is computed before a task gives its promise holds up the event loop, whichever threads help.
  const inCall = Math.min(1, mean((of) => of.syncCpuMs) / Math.max(1e-9, cpuMs));
  const held = mean(({ syncMs, syncCpuMs }) => syncMs - syncCpuMs) -
    queuedMs(mean((of) => of.syncCpuMs), available);
  // Like the computing, what holds up takes its share of what the task queued for a core.
  const blockedMs = Math.min(waitMs + programsMs, Math.max(0, held)) *
    Math.max(1, wallMs / Math.max(1e-9, cpuMs + waitMs));
  const error = errorOf(stretches, { items, wallMs, cpuMs }, programsMs);
  // How much the share changes with what is taken for queueing, not waiting.
  const queueing = cpuMs <= 0 ? 0 : cpuShare ** 2 * (ownQueuedMs + programsQueuedMs) / cpuMs;
  return {
    ...{
      wallMs,
      sourceMs,
      cpuMs,
      programsMs,
      queuedMs: ownQueuedMs,
      blockedMs,
      cpuShare,
      available,
    },
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

/** How long an answer takes: what is refused at once says nothing of that. */
export function answerMs({ failed, items, wallMs }: Sample): number {
  return wallMs * items / Math.max(1, items - failed);
}

/** Less of the computing than this is collecting garbage, or what starting a program takes. */
const UNCOUNTED = 0.15;

/**
 * The most that the share of computing may be. How long programs and threads queued for a core that a
 * task starts isn't counted: no longer than others used all of them. Where nothing is counted, the less a
 * busy thread was seen to get, the less that tells of what tasks got.
 */
export function mostCpuShare(
  {
    cpuShare,
    cpuMs = 0,
    wallMs = 0,
    queuedMs: counted = 0,
    uncountedMs = 0,
    others,
    available = 1,
  }:
    & Pick<Sample, "cpuShare">
    & Partial<Sample>,
): number {
  if (others === undefined) {
    const waitMs = Math.max(0, wallMs - cpuMs - queuedMs(cpuMs, available) / available);
    return Math.max(cpuShare, cpuMs / Math.max(1e-9, cpuMs + waitMs));
  }
  if (uncountedMs <= UNCOUNTED * cpuMs) return cpuShare;
  const alone = 1 - others.used / others.cores;
  const surelyWaitsMs = Math.max(0, alone * wallMs - cpuMs - counted);
  return Math.max(cpuShare, cpuMs / (cpuMs + surelyWaitsMs));
}

/** What computes hardly ever queues for more than so many times as long. */
const MOST_QUEUEING = 4;

/** The most of a task's time that others could give back by leaving it their cores. */
export function mostHeldShare(sample: Pick<Sample, "cpuShare" | "cpuMs" | "wallMs">): number {
  return Math.min(mostCpuShare(sample), (1 + MOST_QUEUEING) * sample.cpuMs / sample.wallMs);
}

/** So many times as long, or as short, may items take that differ, if what they take is drawn anew. */
export function byChance({ variation }: Pick<Sample, "variation">, items: number): number {
  return Math.exp(variation / Math.sqrt(items));
}

/** From this ratio on items are dearer or cheaper than others, and not only by chance. */
export const TELLS_ITEMS = 1.25;

/** Items whose mean is so many times the sample's, or that part of it, don't stand for all. */
const UNTYPICAL = 1.5;

/** From how many of the first items on these cost, on average, about what all do. */
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

/** Waiting for a CPU that others use holds up a thread too, but hardly for this share of the time. */
const BLOCKS = 0.25;

/** Whether tasks hold up their thread while they wait. */
export function blocks({ blockedMs, wallMs }: Pick<Sample, "blockedMs" | "wallMs">): boolean {
  return blockedMs >= BLOCKS * wallMs;
}

/** Tasks that hold less than this each don't fill a machine's memory: the runtime itself grows as much at first. */
const MUCH_MEMORY = 50 * (1 << 20);

/** What programs hold that a task runs, if that is much. */
export function heldByPrograms({ programsBytes = 0 }: Pick<Sample, "programsBytes">): number {
  return programsBytes < MUCH_MEMORY ? 0 : programsBytes;
}

/** What each task in flight holds, as far as the first one shows. */
export function heldBytes(sample: Pick<Sample, "taskBytes" | "programsBytes">): number {
  const { taskBytes = 0 } = sample;
  return (taskBytes < MUCH_MEMORY ? 0 : taskBytes) + heldByPrograms(sample);
}

/** Whether tasks compute beside their event loop, as far as this process itself can see. */
export function computesBeside({ cpuMs, loopMs }: Pick<Sample, "cpuMs" | "loopMs">): boolean {
  return loopMs < ALL_ON_LOOP * cpuMs;
}

/** How long a task holds up its event loop, by computing or by waiting without letting others run. */
export function heldMs({ wallMs, cpuShare, loopMs, cpuMs, blockedMs }: Sample): number {
  return wallMs * cpuShare * (loopMs / Math.max(1e-9, cpuMs)) + blockedMs;
}

/** A source this fast is part of dealing items out. */
export const SOURCE_MS = 0.1;
/** From this share of the time on, getting the items from their source is what takes it. */
const SOURCE_LIMITS = 0.7;

/** The share of the time, with a gain, that the source of items takes, if that makes it the limit. */
export function sourceLimit(
  { sourceMs, wallMs }: Pick<Sample, "sourceMs" | "wallMs">,
  gain: number,
): number | undefined {
  const share = Math.min(1, sourceMs * gain / (sourceMs + wallMs));
  return sourceMs >= SOURCE_MS && share >= SOURCE_LIMITS ? share : undefined;
}
