/**
 * Whether the results of a job depend on the order of its tasks: when it is worth finding out, and a
 * run of a few items from last to first in a fresh process.
 *
 * @module
 */

import { audited, FileAudit, type RewrittenFile } from "../../children/file_audit.ts";
import type { JobSpec } from "../../timing/spec.ts";
import type { Race } from "../race/race.ts";
import { type Probed, startProbe } from "./probe.ts";
import type { ProbeMessage } from "./probe_message.ts";
import type { Sample } from "./sample.ts";

/** Items run from last to first, of the sample and at most: a few show whether tasks need earlier ones. */
const SHARE_BACKWARDS = 1 / 8;
const MOST_BACKWARDS = 16;
/** What the whole advice may cost then, in sequential runs of the sample. */
const MOST_RUNS = 2.97;

/** How many first items would be run from last to first. */
export function countBackwards({ done }: Pick<Probed, "done">): number {
  const kept = done?.kept ?? 0;
  return Math.min(kept, MOST_BACKWARDS, Math.max(2, Math.ceil(SHARE_BACKWARDS * kept)));
}

/**
 * Decides on a run from last to first, and of how many items: where anything but the plain loop may be
 * recommended, or models differ in their results, the plain loop repeats its own, and the run can be
 * afforded. Results that agreed may have agreed by luck. Undefined for no run.
 */
export function orderCheck(
  sample: Pick<Sample, "tasksMs" | "wallMs" | "failed">,
  probed: Pick<Probed, "done" | "checksums">,
  race: Race | undefined,
  leavesPlainLoop: boolean,
): { readonly count: number; readonly forwards: string } | undefined {
  if (race === undefined || race.otherResults || sample.failed > 0) return undefined;
  if (!leavesPlainLoop && !race.runners.some(({ out }) => out === "results")) return undefined;
  const count = countBackwards(probed);
  const forwards = probed.checksums.get(count);
  const costMs = sample.tasksMs + race.costMs + count * sample.wallMs;
  // A race that went on beyond its allowance has cost more already, and the answer rests on it.
  const affordable = race.extended || costMs <= MOST_RUNS * sample.tasksMs;
  return forwards === undefined || count < 2 || !affordable ? undefined : { count, forwards };
}

/** Which items are run, and how long that may take. */
interface OrderProbeOptions {
  /** How many first items. */
  readonly count: number;
  /** The checksum of their results, run from first to last. */
  readonly forwards: string;
  /** How long it may take, in milliseconds. */
  readonly guardMs: number;
  /** Stops it. */
  readonly signal: AbortSignal;
}

/** What a run from last to first showed. */
export interface OrderFound {
  /** Whether the results were others; undefined if that couldn't be found out. */
  readonly orderMatters: boolean | undefined;
  /** A file that was read and written as many times as there were tasks, or more. */
  readonly rewritten?: RewrittenFile | undefined;
}

/** Runs the first items from last to first. A test's own answers at once. */
export type OrderProber = (job: JobSpec, options: OrderProbeOptions) => Promise<OrderFound>;

/** Of fewer tasks it isn't told what files they share. */
const LEAST_TASKS = 4;

/** Runs the first items from last to first in a fresh process and compares the results. */
export const orderProbe: OrderProber = async (
  job,
  { count, forwards, guardMs, signal },
): Promise<OrderFound> => {
  const guard = new AbortController();
  const timer = setTimeout(() => guard.abort(), guardMs);
  const { read, write } = job.permissions ?? {};
  const mayRewrite = read !== undefined && write !== undefined && count >= LEAST_TASKS;
  const permissions = mayRewrite ? audited(job.permissions!) : undefined;
  await using audit = permissions && await FileAudit.start();
  try {
    await using child = await startProbe(
      permissions === undefined ? job : { ...job, permissions },
      { dry: false, limit: count, targetMs: 0, backwards: true },
      AbortSignal.any([signal, guard.signal]),
      { env: audit?.env ?? {} },
    );
    for (
      let message = await child.next() as ProbeMessage | undefined;
      message !== undefined;
      message = await child.next() as ProbeMessage | undefined
    ) {
      if (message.type === "broken") break;
      if (message.type !== "checksum") continue;
      return {
        orderMatters: message.checksum !== forwards,
        rewritten: await audit?.mostRewritten(count),
      };
    }
    return { orderMatters: undefined };
  } finally {
    clearTimeout(timer);
  }
};
