/** How long lanes take to start on this machine, and what independent processes gain on it. */

import { z } from "zod";
import { isRemote, type Model, MODEL_TABLE, needsServer } from "../../models.ts";
import { attempt } from "../../lanes/attempt.ts";
import { ceiling } from "../../timing/ceiling.ts";
import { amount, type Checked, whole } from "../../timing/json_file.ts";
import { median } from "../../timing/statistics.ts";
import type { JobSpec, ModelSpec, TrialRunner } from "../../timing/spec.ts";
import { type Candidate, joined } from "./candidate.ts";

export const adviceMachineSchema = z.object({
  cores: whole,
  /** The gain of independent processes, one on each core. */
  ceiling: z.number().positive(),
  memoryBytes: z.number().positive().optional(),
  /** How long a model's lanes take to be ready, with as many lanes as cores, in milliseconds. */
  startMs: z.object({ eventLoop: amount, workers: amount, processes: amount }),
  /** The lanes of other machines that run the job's tasks, if a server was given. */
  joined: z.object({
    lanes: whole,
    machines: z.array(z.string()),
    startMs: amount,
  }).optional(),
});
export type Machine = Checked<typeof adviceMachineSchema>;

export function startMsOf({ startMs, joined }: Machine, model: Model): number {
  const measured: Partial<Record<Model, number>> = startMs;
  const ofModel = needsServer(model) ? joined?.startMs : measured[model];
  return isRemote(model) ? ofModel ?? MODEL_TABLE[model].usualStartMs : startMs.eventLoop;
}

/** The machine as a model sees it: each lane on another machine counts as a core as fast as those here. */
export function withCoresOf(machine: Machine, { model, lanes }: Candidate): Machine {
  return needsServer(model) ? { ...machine, cores: lanes, ceiling: lanes } : machine;
}

interface MachineOptions {
  readonly runTrial: TrialRunner;
  readonly cores: number;
  readonly signal: AbortSignal;
  readonly ceiling: boolean;
}

/** Measures a machine; a test's own returns at once. */
export type MachineMeter = (options: MachineOptions) => Promise<Machine>;

const STARTS = 2;
const PIECE_MS = 60;

const NOTHING: JobSpec = {
  name: "start",
  task: { module: "data:text/javascript,export default (n) => n", export: "default" },
  items: { kind: "values", values: [] },
  options: {},
};

/** Measures the machine: each lane kind but the event loop starts twice in a fresh process without items. */
export const measureMachine: MachineMeter = async (options) => {
  const { runTrial, cores, signal } = options;
  const startOf = async (model: Model): Promise<number> => {
    const times: number[] = [];
    for (let round = 0; round < STARTS && !signal.aborted; round++) {
      // If lanes can't start, the race reports why.
      const result = await runTrial({ model, lanes: cores, job: NOTHING, round }, { signal })
        .catch(() => undefined);
      if (result !== undefined) times.push(result.round.startMs);
    }
    return times.length === 0 ? MODEL_TABLE[model].usualStartMs : median(times);
  };
  const startMs = {
    // An event loop starts in almost no time, so it isn't measured.
    eventLoop: MODEL_TABLE.limited.usualStartMs,
    workers: await startOf("workers"),
    processes: await startOf("processes"),
  };
  const speedup = options.ceiling && !signal.aborted
    ? await ceiling(undefined, cores, { signal, pieceMs: PIECE_MS })
      .then(({ speedup }) => speedup, () => cores)
    : cores;
  return { cores, ceiling: Math.max(1, speedup), memoryBytes: freeMemory(), startMs };
};

/**
 * The lanes of other machines on which the job's task can be loaded now.
 *
 * @throws {TrialError} If there are none.
 */
export async function joinedLanes(
  { name, task, permissions = {}, graceMs }: JobSpec,
  server: NonNullable<ModelSpec["server"]>,
  { runTrial, signal }: Pick<MachineOptions, "runTrial" | "signal">,
): Promise<NonNullable<Machine["joined"]>> {
  const { model } = joined(1);
  const nothing = { name, task, permissions, items: NOTHING.items, options: {} };
  const job = { ...nothing, ...(graceMs !== undefined && { graceMs }) };
  const trial = { model, server, job, round: 0, timeline: true };
  const { round, timeline } = await runTrial(trial, { signal });
  const { lanes } = timeline!;
  const machines = new Set(lanes.flatMap(({ machine }) => machine ?? []));
  return { lanes: lanes.length, machines: [...machines], startMs: round.startMs };
}

/** Undefined without --allow-sys=systemMemoryInfo. */
function freeMemory(): number | undefined {
  return attempt(() => Deno.systemMemoryInfo().available);
}
