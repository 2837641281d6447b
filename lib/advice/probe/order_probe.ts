/**
 * Finds out, in a fresh process, whether a job's results depend on the order of its tasks.
 *
 * @module
 */

import { trialFlags } from "../../children/child_permissions.ts";
import { MeasuringChild } from "../../children/measuring_child.ts";
import type { JobSpec } from "../../timing/spec.ts";
import { spreadOf } from "./probe.ts";
import type { ProbeMessage, ProbeOrder } from "./probe_message.ts";

/** Which items are run, and how long that may take. */
export interface OrderProbeOptions {
  /** How many first items. */
  readonly count: number;
  /** The checksum of their results, run from first to last. */
  readonly forwards: string;
  /** How long it may take, in milliseconds. */
  readonly guardMs: number;
  /** Stops it. */
  readonly signal: AbortSignal;
}

/** Says whether the order matters; undefined if that couldn't be found out. A test's own answers at once. */
export type OrderProber = (
  job: JobSpec,
  options: OrderProbeOptions,
) => Promise<boolean | undefined>;

/**
 * Runs the first items from last to first in a fresh process and compares the results.
 *
 * @returns Whether the results differ; undefined if the run failed or took too long.
 */
export const orderProbe: OrderProber = async (
  job,
  { count, forwards, guardMs, signal },
): Promise<boolean | undefined> => {
  const guard = new AbortController();
  const timer = setTimeout(() => guard.abort(), guardMs);
  try {
    const flags = await trialFlags(job, "sequential");
    await using child = new MeasuringChild({
      entry: new URL("./probe_main.ts", import.meta.url),
      flags,
      signal: AbortSignal.any([signal, guard.signal]),
    });
    const order: ProbeOrder = {
      mark: child.mark,
      module: job.task.module,
      export: job.task.export,
      dry: false,
      limit: count,
      targetMs: 0,
      backwards: true,
      ...spreadOf(job),
    };
    await child.send(order);
    for (
      let message = await child.next() as ProbeMessage | undefined;
      message !== undefined;
      message = await child.next() as ProbeMessage | undefined
    ) {
      if (message.type === "broken") return undefined;
      if (message.type === "checksum") return message.checksum !== forwards;
    }
    return undefined;
  } finally {
    clearTimeout(timer);
  }
};
