/** Runs a trial in a fresh process, so that no code, connection or memory of another one is warm. */

import { isRemote } from "../models.ts";
import { UsageError } from "../text/option_values.ts";
import { MeasuringChild, TrialError } from "../children/measuring_child.ts";
import { trialFlags } from "../children/trial_flags.ts";
import { cpuMsBetween, loadBetween, type Meter } from "./meter/meter.ts";
import type { Reading } from "./meter/meter_main.ts";
import type { TrialMessage, TrialOrder } from "./trial_main.ts";
import type { TrialResult, TrialRunner } from "./spec.ts";

/** Thrown if a trial's model can't start lanes here: then no round can measure it. */
export class NoLaneError extends TrialError {
  /** `why` names what is missing and, after a semicolon, how to get it, if known. */
  constructor(readonly model: string, readonly why: string) {
    super(`${model} was not measured, for no lane can be started: ${why}`);
  }
}

/** How long a whole trial may take unless given, in milliseconds. */
const GUARD_MS = 600_000;

/**
 * Makes a runner that starts a process for each trial.
 *
 * The process may do what the job's permissions allow and what its lanes need, and nothing else. When the
 * signal aborts, the process is asked to end, and killed if it hasn't after 0.8 seconds.
 *
 * The runner rejects with {@linkcode TrialError} if the trial gives no result, and with the signal's reason if
 * that is aborted.
 */
export function trialProcesses(
  { guardMs = GUARD_MS, env, meter }: {
    readonly guardMs?: number;
    readonly env?: Readonly<Record<string, string>> | undefined;
    /** Measures how long a trial of one event loop queued for a core, and the CPU time of tasks' programs. */
    readonly meter?: Meter | undefined;
  } = {},
): TrialRunner {
  return async (trial, { signal, onEvent }) => {
    signal?.throwIfAborted();
    const { job, model, round } = trial;
    // Data that only reports need isn't sent, since it may not be JSON.
    const sent = { ...trial, job: { ...job, options: {} } };
    const metered = meter !== undefined;
    await using child = new MeasuringChild<TrialMessage>({
      entry: new URL("./trial_main.ts", import.meta.url),
      order: { trial: sent, metered } satisfies TrialOrder,
      flags: await trialFlags(job, trial).catch((error) => {
        throw error instanceof UsageError ? new NoLaneError(model, error.message) : error;
      }),
      ...(env && { env }),
      signal,
      guardMs,
    });
    const readings: (Reading | undefined)[] = [];
    const result = await child.result<TrialResult>(
      `The trial of ${model}, round ${round + 1}`,
      async (message) => {
        if (message.type !== "meter") return onEvent?.(message);
        readings.push(await meter?.read(child.pid));
        await child.send({});
      },
    ).catch((error) => {
      const { name, message } = (error.cause ?? {}) as Partial<Error>;
      if (name !== "LaneStartError") throw error;
      throw new NoLaneError(model, message!.replace(/^Cannot start a lane: (it )?/, ""));
    });
    const [first, last] = readings;
    // Lanes that are threads or processes queue in parallel: the sum of their times means nothing.
    const queuedMs = isRemote(model)
      ? undefined
      : first && last && loadBetween(first, last)?.queuedMs;
    const cpuMs = cpuMsBetween(first, last);
    const { runCpuMs } = result.round;
    return {
      ...result,
      ...(cpuMs !== undefined && runCpuMs !== undefined && {
        programsMs: Math.max(0, cpuMs - runCpuMs),
      }),
      round: { ...result.round, ...(queuedMs !== undefined && { queuedMs }) },
    };
  };
}
