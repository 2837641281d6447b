/** Whether the results of a job depend on the order of its tasks. */

import { audited, FileAudit, type RewrittenFile } from "../../children/file_audit.ts";
import type { JobSpec } from "../../timing/spec.ts";
import type { Race } from "../race/race.ts";
import { type Probed, startProbe } from "./probe.ts";
import type { ProbeMessage } from "./probe_message.ts";
import type { Sample } from "./sample.ts";

/** Items run from last to first at most: a few show whether tasks need earlier ones. */
const MOST_BACKWARDS = 16;
/** Of the sample no more than this share, unless they take no longer than so many milliseconds. */
const SHARE_BACKWARDS = 1 / 8;
const QUICK_MS = 250;

export function countBackwards({ done, stretches }: Pick<Probed, "done" | "stretches">): number {
  const kept = done?.kept ?? 0;
  const sampleMs = stretches.reduce((sum, { wallMs }) => sum + wallMs, 0);
  const quick = Math.floor(QUICK_MS * kept / Math.max(1e-9, sampleMs));
  return Math.min(kept, MOST_BACKWARDS, Math.max(2, Math.ceil(SHARE_BACKWARDS * kept), quick));
}

/** A run from last to first: how many items, and the checksum of their results from first to last. */
export interface OrderCheck {
  readonly count: number;
  readonly forwards: string;
}

export function orderCheckOf(
  { failed }: Pick<Sample, "failed">,
  probed: Pick<Probed, "done" | "checksums" | "stretches">,
): OrderCheck | undefined {
  const count = countBackwards(probed);
  const forwards = probed.checksums.get(count);
  return forwards === undefined || count < 2 || failed > 0 ? undefined : { count, forwards };
}

/**
 * The run from last to first wherever the plain loop is left, for results that agreed in the race may
 * have agreed by luck, and where some didn't agree.
 */
export function orderCheck(
  sample: Pick<Sample, "failed">,
  probed: Pick<Probed, "done" | "checksums" | "stretches">,
  race: Race | undefined,
  leavesPlainLoop: boolean,
): OrderCheck | undefined {
  if (race?.otherResults) return undefined;
  const isDue = leavesPlainLoop || race?.runners.some(({ out }) => out === "results");
  return isDue ? orderCheckOf(sample, probed) : undefined;
}

export interface OrderFound {
  /** Whether the results were others; undefined if that couldn't be found out. */
  readonly orderMatters: boolean | undefined;
  /** A file that was read and written as many times as there were tasks, or more. */
  readonly rewritten?: RewrittenFile | undefined;
}

/** Runs the first items from last to first. A test's own answers at once. */
export type OrderProber = (
  job: JobSpec,
  options: OrderCheck & { readonly guardMs: number; readonly signal: AbortSignal },
) => Promise<OrderFound>;

/** Of fewer tasks it isn't told what files they share. */
const LEAST_TASKS = 4;

/** Runs the first items from last to first in a fresh process and compares the results. */
export const orderProbe: OrderProber = async (job, { count, forwards, guardMs, signal }) => {
  const { read, write } = job.permissions ?? {};
  const mayRewrite = read !== undefined && write !== undefined && count >= LEAST_TASKS;
  const permissions = mayRewrite ? audited(job.permissions!) : undefined;
  await using audit = permissions && await FileAudit.start();
  await using child = await startProbe(
    permissions === undefined ? job : { ...job, permissions },
    { limit: count, targetMs: 0, backwards: true },
    { guardMs, signal },
    { env: audit?.env ?? {} },
  );
  let message: ProbeMessage | undefined;
  do message = await child.next(); while (
    message !== undefined && message.type !== "broken" && message.type !== "checksum"
  );
  return message?.type !== "checksum" ? { orderMatters: undefined } : {
    orderMatters: message.checksum !== forwards,
    rewritten: await audit?.mostRewritten(count),
  };
};
