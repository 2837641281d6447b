/**
 * Runs an open-loop trial in a fresh process.
 *
 * @module
 */

import { MeasuringChild, trialFlags } from "../../children/measuring_child.ts";
import { TrialError } from "../../timing/run_trial.ts";
import type { OpenLoopTrace, OpenLoopTrial } from "./open_loop_spec.ts";

type Message =
  | { readonly type: "result"; readonly trace: OpenLoopTrace }
  | { readonly type: "error"; readonly name: string; readonly message: string };

/** Runs one open-loop trial; the real one starts a process, a test's one answers at once. */
export type OpenLoopRunner = (
  trial: OpenLoopTrial,
  options: { readonly signal?: AbortSignal },
) => Promise<OpenLoopTrace>;

/** Beyond its schedule, for starting and ending, in milliseconds. */
const SPARE_MS = 60_000;

/**
 * Runs an open-loop trial in a process that may do what its job's permissions say and no more.
 *
 * @throws {TrialError} If the trial gives no result.
 * @throws The signal's reason, if it is aborted.
 */
export async function openLoopTrial(
  trial: OpenLoopTrial,
  { signal }: { readonly signal?: AbortSignal },
): Promise<OpenLoopTrace> {
  signal?.throwIfAborted();
  const flags = await trialFlags(trial.job, trial.model);
  const guard = new AbortController();
  const timer = setTimeout(() => guard.abort(), trial.durationMs + trial.drainMs + SPARE_MS);
  const either = signal ? AbortSignal.any([signal, guard.signal]) : guard.signal;
  const entry = new URL("./open_loop_main.ts", import.meta.url);
  try {
    await using child = new MeasuringChild({ entry, flags, signal: either });
    await child.send({ mark: child.mark, trial: { ...trial, job: { ...trial.job, options: {} } } });
    const message = await child.next() as Message | undefined;
    signal?.throwIfAborted();
    if (message?.type === "result") return message.trace;
    const why = guard.signal.aborted
      ? "it did not end in time"
      : message?.type === "error"
      ? `${message.name}: ${message.message}`
      : await child.howItEnded();
    throw new TrialError(`The trial at ${trial.ratePerSecond} a second gave no result: ${why}`);
  } finally {
    clearTimeout(timer);
  }
}
