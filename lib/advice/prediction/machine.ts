/**
 * What the machine does, measured without running the job: how long lanes take to start, and what
 * independent processes gain.
 *
 * @module
 */

import { MODEL_TABLE } from "../../models.ts";
import { ceiling } from "../../timing/ceiling.ts";
import { median } from "../../timing/statistics.ts";
import type { JobSpec, ModelSpec, TrialRunner } from "../../timing/spec.ts";

/** What the machine does, measured. */
export interface Machine {
  /** How many CPUs there are. */
  readonly cores: number;
  /** What independent processes gain on all cores. */
  readonly ceiling: number;
  /** Memory that is free, in bytes; undefined if that may not be known. */
  readonly memoryBytes?: number | undefined;
  /** Until a model's lanes can take tasks, in milliseconds, with as many lanes as cores. */
  readonly startMs: Readonly<Record<"eventLoop" | "workers" | "processes", number>>;
}

/** How the machine is measured. */
interface MachineOptions {
  /** Runs one trial. */
  readonly runTrial: TrialRunner;
  /** How many CPUs there are. */
  readonly cores: number;
  /** Stops it. */
  readonly signal: AbortSignal;
  /** Whether to measure what independent processes gain; it takes most of a second. */
  readonly ceiling: boolean;
}

/** Measures a machine; a test's own answers at once. */
export type MachineMeter = (options: MachineOptions) => Promise<Machine>;

const STARTS = 2;

const NOTHING: JobSpec = {
  name: "start",
  task: { module: "data:text/javascript,export default (n) => n", export: "default" },
  items: { kind: "values", values: [] },
  options: {},
};

/**
 * Measures the machine: each kind of lane is started twice in a fresh process with no item to run.
 */
export const measureMachine: MachineMeter = async (
  { runTrial, cores, signal, ceiling: wanted },
): Promise<Machine> => {
  const startOf = async (spec: ModelSpec, usualMs: number): Promise<number> => {
    const times: number[] = [];
    for (let round = 0; round < STARTS && !signal.aborted; round++) {
      try {
        times.push((await runTrial({ ...spec, job: NOTHING, round }, { signal })).round.startMs);
      } catch {
        // The race, if it comes so far, says what is wrong.
      }
    }
    return times.length === 0 ? usualMs : median(times);
  };
  const startMs = {
    eventLoop: await startOf({ model: "limited", slots: 2 }, MODEL_TABLE.limited.usualStartMs),
    workers: await startOf({ model: "workers", lanes: cores }, MODEL_TABLE.workers.usualStartMs),
    processes: await startOf(
      { model: "processes", lanes: cores },
      MODEL_TABLE.processes.usualStartMs,
    ),
  };
  const speedup = !wanted || signal.aborted
    ? cores
    : await ceiling(undefined, cores, { signal, pieceMs: 60 }).then(
      ({ speedup }) => speedup,
      () => cores,
    );
  const memoryBytes = freeMemory();
  return {
    cores,
    ceiling: Math.max(1, speedup),
    startMs,
    ...(memoryBytes !== undefined && { memoryBytes }),
  };
};

function freeMemory(): number | undefined {
  try {
    return Deno.systemMemoryInfo().available;
  } catch {
    // Without --allow-sys=systemMemoryInfo nobody knows.
    return undefined;
  }
}
