/**
 * Runs a trial in a fresh process, so that no model profits from another's warm code, connections or
 * memory.
 *
 * @module
 */

import { isRemote } from "../models.ts";
import { MeasuringChild, trialFlags } from "../children/measuring_child.ts";
import type { Meter } from "./meter/meter.ts";
import { loadBetween, type Reading } from "./meter/reading.ts";
import type { TrialResult, TrialRunner, TrialSpec } from "./spec.ts";

/**
 * Says where a value holds something that JSON changes or drops, such as `"items[3].size is a bigint"`;
 * undefined if nothing is lost.
 */
export function lostInJson(value: unknown, path: string): string | undefined {
  if (value === null || typeof value === "string" || typeof value === "boolean") return undefined;
  if (typeof value === "number") {
    return Number.isFinite(value) && !Object.is(value, -0)
      ? undefined
      : `${path} is ${Object.is(value, -0) ? "-0" : value}`;
  }
  if (typeof value !== "object") return `${path} is a ${typeof value}`;
  if (Array.isArray(value)) {
    for (let place = 0; place < value.length; place++) {
      const lost = lostInJson(value[place], `${path}[${place}]`);
      if (lost !== undefined) return lost;
    }
    return undefined;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    return `${path} is a ${prototype?.constructor?.name ?? "class instance"}`;
  }
  for (const [key, held] of Object.entries(value)) {
    // Hardly any code tells an absent property from one that is undefined.
    const lost = held === undefined ? undefined : lostInJson(held, `${path}.${key}`);
    if (lost !== undefined) return lost;
  }
  return undefined;
}

/** A trial gave no result. */
export class TrialError extends Error {
  /** `"TrialError"`. */
  override name = "TrialError";
}

/** How trials are run. */
export interface TrialProcessOptions {
  /** How long a trial may take with everything, in milliseconds; default 10 minutes. */
  readonly guardMs?: number;
  /** Tells how long a trial of one event loop queued for a core. */
  readonly meter?: Meter;
  /** The file that a trial's process runs; default `trial_main.ts`. */
  readonly entry?: URL;
}

type Message =
  | { readonly type: "meter" }
  | { readonly type: "progress"; readonly settled: number; readonly total?: number }
  | { readonly type: "result"; readonly result: TrialResult }
  | { readonly type: "error"; readonly name: string; readonly message: string };

function nameOf({ model, round }: TrialSpec): string {
  return `trial of ${model}, round ${round + 1}`;
}

function withQueueing(
  result: TrialResult,
  [first, last]: readonly (Reading | undefined)[],
): TrialResult {
  const load = first && last && loadBetween(first, last);
  return load === undefined
    ? result
    : { ...result, round: { ...result.round, queuedMs: load.queuedMs } };
}

/**
 * Makes a runner that starts a process for each trial.
 *
 * The process may do what the job's permissions say and what its lanes need, and nothing else. When
 * the signal aborts, it is asked to end, and killed if it hasn't after 0.8 seconds.
 *
 * The runner rejects with {@linkcode TrialError} if the trial gives no result, with
 * `TypeError` if an item can't travel as JSON, and with the signal's reason if that is aborted.
 */
export function trialProcesses(options: TrialProcessOptions = {}): TrialRunner {
  const { guardMs = 600_000, meter, entry = new URL("./trial_main.ts", import.meta.url) } = options;
  return async (trial, { signal, onEvent }) => {
    signal?.throwIfAborted();
    if (trial.job.items.kind === "values") {
      const lost = lostInJson(trial.job.items.values, "items");
      if (lost !== undefined) {
        throw new TypeError(
          `Cannot send the job's items to a trial: ${lost}, which JSON can't carry; export the items ` +
            `from a module and name it as their source`,
        );
      }
    }
    const flags = await trialFlags(trial.job, trial.model);
    const guard = new AbortController();
    const timer = setTimeout(() => guard.abort(), guardMs);
    const either = signal ? AbortSignal.any([signal, guard.signal]) : guard.signal;
    // Lanes that are threads or processes queue for cores side by side: their sum says nothing.
    const metered = meter !== undefined && !isRemote(trial.model);
    const readings: (Reading | undefined)[] = [];
    try {
      await using child = new MeasuringChild({ entry, flags, signal: either });
      // What only reports need isn't needed to run the trial, and may not be JSON.
      await child.send({
        mark: child.mark,
        trial: { ...trial, job: { ...trial.job, options: {} } },
        ...(metered && { metered }),
      });
      while (true) {
        const message = await child.next() as Message | undefined;
        if (message?.type === "progress") {
          onEvent?.({ type: "progress", settled: message.settled, total: message.total });
          continue;
        }
        if (message?.type === "meter") {
          readings.push(await meter?.read(child.pid));
          await child.send({});
          continue;
        }
        signal?.throwIfAborted();
        if (guard.signal.aborted) {
          throw new TrialError(`The ${nameOf(trial)} did not end within ${guardMs} ms`);
        }
        if (message?.type === "result") return withQueueing(message.result, readings);
        const why = message?.type === "error"
          ? `${message.name}: ${message.message}`
          : await child.howItEnded();
        throw new TrialError(`The ${nameOf(trial)} gave no result: ${why}`);
      }
    } finally {
      clearTimeout(timer);
    }
  };
}
