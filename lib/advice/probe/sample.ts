/**
 * What a probe's stretches come to: how long a task computes and waits, and how sure that is.
 *
 * @module
 */

import type { Others } from "../../timing/meter/reading.ts";
import { quantile, sorted } from "../../timing/statistics.ts";
import type { Probed } from "./probe.ts";

/** A job's sample in figures; times in milliseconds, per item unless named otherwise. */
export interface Sample {
  /** Items run. */
  readonly items: number;
  /** Items that failed. */
  readonly failed: number;
  /** How many items the job has; null if that can't be told. */
  readonly total: number | null;
  /** Wall time of the whole sample: all tasks together, and getting their items. */
  readonly tasksMs: number;
  /** Mean wall time. */
  readonly wallMs: number;
  /** Mean time to get an item from its source, which only one can do at a time. */
  readonly sourceMs: number;
  /** What each lane takes to load the job's module and to set it up; 0 unless known. */
  readonly laneMs?: number | undefined;
  /** Mean CPU time of the process, and of the programs that a task runs. */
  readonly cpuMs: number;
  /** The part of `cpuMs` on the event loop's own thread: what one lane can't do for two tasks at once. */
  readonly loopMs: number;
  /**
   * The mean wait that holds up the event loop, as synchronous I/O does: slots can't fill it, only other
   * lanes can.
   */
  readonly blockedMs: number;
  /** CPU time of a bare wait, which tasks pay one by one and hardly with many in flight. */
  readonly wakeMs: number;
  /** CPU over wall time, corrected for the share of a CPU that others left; 0 to 1. */
  readonly cpuShare: number;
  /** Standard error of `cpuShare`. */
  readonly cpuShareError: number;
  /** What one busy thread gets of a CPU on this machine at present, 0 to 1. */
  readonly available: number;
  /** How long a task queued for a core, as the system counted; undefined where it doesn't tell. */
  readonly queuedMs?: number | undefined;
  /** CPU time of the programs that a task ran, as the system counted. */
  readonly programsMs?: number | undefined;
  /** What others did to the machine in the sample, or until the race's end if that was more. */
  readonly others?: Others | undefined;
  /** What the first items took longer than the later ones: their code was still cold. */
  readonly coldMs: number;
  /** Standard deviation of the wall time over its mean. */
  readonly variation: number;
  /** Wall times of the sample's items in order, in stretches of equal ones where tasks are tiny. */
  readonly walls: readonly {
    readonly count: number;
    readonly wallMs: number;
    /** CPU time of this process for one of them; undefined if it isn't known. */
    readonly cpuMs?: number;
    /** Getting one of them from its source. */
    readonly sourceMs: number;
  }[];
  /** Mean size of an item as it is sent, in bytes. */
  readonly itemBytes: number;
  /** Mean size of a result. */
  readonly resultBytes: number;
  /** Writing and reading an item and its result once. */
  readonly cloneMs: number;
  /** What can't be sent to another lane. */
  readonly uncloneable: string | undefined;
  /** By how much the tasks raised the peak memory of the process, in bytes. */
  readonly memoryBytes: number;
  /** By how much the first task alone raised it: what each task in flight holds. */
  readonly taskBytes?: number;
}

/** A machine that leaves so much of a CPU to a busy thread counts as idle. */
const IDLE = 0.9;
const ENOUGH = 8;

/** A correction that the system counted may be off by this part of it, an estimated one by more. */
const COUNTED = 1 / 20;
const ESTIMATED = 1 / 4;

/** Other programs are taken to have hardly disturbed this share of the tasks. */
const UNDISTURBED = 0.1;

/** What tasks got of a core. */
interface Core {
  readonly available: number;
  /** Whether the system counted it. */
  readonly counted: boolean;
  /** CPU time of the programs that a task runs, and what of a core they got. */
  readonly programsMs: number;
  readonly programsAvailable: number;
}

/** What had to be waited for a core to compute for so long. */
function queuedMs(cpuMs: number, available: number): number {
  return cpuMs * (1 - available) / available;
}

type Measured = Pick<Probed["stretches"][number], "count" | "wallMs" | "cpuMs">;

/**
 * How long a task waits on average, in milliseconds. Wall less CPU time is waiting for the outside and
 * waiting for a CPU that others use. The second is taken off: in proportion to the CPU time, by what the
 * process queued for a core while it ran, if the system counted that; otherwise by what a busy thread
 * was seen to get, and since what others do can only add, no more is believed than the least disturbed
 * tenth of the tasks shows, whether waits are alike or grow with the computing.
 */
function waitMs(
  stretches: readonly Measured[],
  { available, counted, programsMs, programsAvailable }: Core,
): number {
  const items = stretches.reduce((sum, { count }) => sum + count, 0);
  const cpuMs = stretches.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / items;
  const wallMs = stretches.reduce((sum, { wallMs }) => sum + wallMs, 0) / items;
  const lost = wallMs - cpuMs - programsMs;
  const proportional = Math.max(
    0,
    lost - queuedMs(cpuMs, available) - queuedMs(programsMs, programsAvailable),
  );
  if (counted || available >= IDLE || stretches.length < ENOUGH) return proportional;
  const least = (of: readonly number[]) => quantile(sorted(of), UNDISTURBED);
  const lostBy = ({ wallMs, cpuMs }: { wallMs: number; cpuMs: number }) =>
    Math.max(0, wallMs - cpuMs);
  const alike = least(stretches.map((stretch) => lostBy(stretch) / stretch.count));
  const growing = least(
    stretches.map((stretch) => lostBy(stretch) / Math.max(1e-6, stretch.cpuMs)),
  );
  return Math.min(proportional, Math.max(alike, growing * cpuMs));
}

/** Code is warm after so many items. */
const WARM_AFTER = 6;

/** What the first items computed longer than any of the later ones, in milliseconds: a dear item isn't cold. */
function coldMs(stretches: Probed["stretches"]): number {
  if (stretches.length < 2 * WARM_AFTER) return 0;
  const later = stretches.slice(WARM_AFTER)
    .reduce((most, { cpuMs, count }) => Math.max(most, cpuMs / count), 0);
  return stretches.slice(0, WARM_AFTER).reduce(
    (sum, { cpuMs, count }) => sum + Math.max(0, cpuMs - count * later),
    0,
  );
}

/** `threadCpuUsage` has steps of 10 ms: below this many of them its figure says nothing. */
const STEPS_MS = 100;

/**
 * Sums up a probe that ran at least one item. The CPU share is the ratio of two sums, its error that of a
 * ratio estimator (Cochran, "Sampling Techniques", 1977, section 6.3), with each stretch as a cluster.
 */
export function sampleOf(
  { stretches, done, failures, load, total, laneMs }: Probed,
): Sample {
  const items = stretches.reduce((sum, { count }) => sum + count, 0);
  const sourceMs = stretches.reduce((sum, { sourceMs }) => sum + sourceMs, 0) / Math.max(1, items);
  if (items === 0) throw new RangeError("Cannot sum up a sample: no item was run");
  const tasksMs = Math.max(1e-6, stretches.reduce((sum, { wallMs }) => sum + wallMs, 0));
  const ownCpu = stretches.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
  const cpu = ownCpu + (load?.childrenCpuMs ?? 0);
  const available = load?.available ?? done?.available ?? 1;
  const programsMs = (cpu - ownCpu) / items;
  // What a program queued isn't counted: it is taken to get as much of a core as a thread that only computes.
  const programsAvailable = done?.available ?? available;
  const core = { available, counted: load !== undefined, programsMs, programsAvailable };
  const ratio = cpu / tasksMs;
  const threadCpu = done?.threadCpuMs ?? 0;
  // Threads beside the event loop's also collect garbage and compile: a small part is no task's.
  const onLoop = cpu >= STEPS_MS ? Math.min(1, threadCpu / cpu) : 1;
  // What is computed before a task gives its promise holds up the event loop, whichever threads help.
  const inCall = stretches.reduce((sum, { syncCpuMs }) => sum + syncCpuMs, 0);
  const loopShare = onLoop > 0.85 ? 1 : Math.max(onLoop, Math.min(1, inCall / Math.max(1e-9, cpu)));
  const n = stretches.length;
  const squares = stretches.reduce(
    (sum, { count, wallMs, cpuMs }) => sum + (cpuMs + count * programsMs - ratio * wallMs) ** 2,
    0,
  );
  const error = n < 2 ? 0.25 : Math.sqrt(squares * n / (n - 1)) / tasksMs;
  const wallMs = tasksMs / items;
  const waits = waitMs(stretches, core);
  const held = stretches.map(({ count, syncMs, syncCpuMs }) => ({
    count,
    wallMs: syncMs,
    cpuMs: syncCpuMs,
  }));
  const blockedMs = Math.min(
    waits + programsMs,
    Math.max(0, waitMs(held, { ...core, programsMs: 0 })),
  );
  // Threads beside the event loop's may use more CPU time than passes: then nothing waits.
  const cpuShare = cpu <= 0 ? 0 : Math.min(1, cpu / items / (cpu / items + waits));
  // The first ones compile the code; of tiny tasks only the means of stretches are known.
  const settled = stretches.length > ENOUGH ? stretches.slice(2) : stretches;
  const means = settled.map(({ count, wallMs }) => wallMs / count);
  const middle = means.reduce((sum, ms) => sum + ms, 0) / means.length;
  const spread = means.reduce((sum, ms) => sum + (ms - middle) ** 2, 0) / means.length;
  return {
    items,
    failed: done?.failed ?? failures.length,
    total: done?.total ?? total ?? null,
    laneMs,
    tasksMs: tasksMs + items * sourceMs,
    sourceMs,
    wallMs,
    cpuMs: cpu / items,
    loopMs: cpu / items * loopShare,
    wakeMs: done?.wakeMs ?? 0,
    // Like the computing, it takes its share of what the task queued for a core.
    blockedMs: blockedMs * Math.max(1, wallMs / Math.max(1e-9, cpu / items + waits)),
    cpuShare,
    cpuShareError: Math.hypot(
      error,
      (cpuShare - Math.min(1, ratio)) * (core.counted ? COUNTED : ESTIMATED),
    ),
    available,
    ...(load && {
      queuedMs: queuedMs(ownCpu / items, available),
      programsMs,
      others: load.others,
    }),
    coldMs: coldMs(stretches),
    variation: Math.sqrt(spread) / Math.max(middle, 1e-9),
    walls: stretches.map(({ count, wallMs, cpuMs, sourceMs }) => ({
      count,
      wallMs: wallMs / count,
      cpuMs: cpuMs / count,
      sourceMs: sourceMs / count,
    })),
    itemBytes: done?.transfer.itemBytes ?? 0,
    resultBytes: done?.transfer.resultBytes ?? 0,
    cloneMs: done?.transfer.cloneMs ?? 0,
    uncloneable: done?.transfer.uncloneable,
    taskBytes: done?.rssFirstBytes === undefined
      ? 0
      : Math.max(0, done.rssFirstBytes - done.rssBeforeBytes),
    memoryBytes: done === undefined ? 0 : Math.max(0, done.rssAfterBytes - done.rssBeforeBytes),
  };
}

/** Waiting for a CPU that others use holds up a thread too, but hardly for this share of the time. */
const BLOCKS = 0.25;

/** Whether tasks hold up their thread while they wait. */
export function blocks({ blockedMs, wallMs }: Pick<Sample, "blockedMs" | "wallMs">): boolean {
  return blockedMs >= BLOCKS * wallMs;
}
