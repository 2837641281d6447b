/** Whether the results of a job depend on the order of its tasks. */

import type { ChildOptions } from "../../children/measuring_child.ts";
import { audited, FileAudit, type RewrittenFile } from "../../children/file_audit.ts";
import type { JobSpec } from "../../timing/spec.ts";
import type { Race } from "../race/race.ts";
import { countNeighbours, type Probed, startProbe } from "./probe.ts";
import type { ProbeMessage } from "./probe_message.ts";
import type { Sample } from "./sample.ts";

/** A run from last to first: how many items, and the checksum of their results from first to last, if it is known. */
export interface OrderCheck {
  readonly count: number;
  readonly forwards: string | undefined;
}

export function orderCheckOf(
  { failed }: Pick<Sample, "failed">,
  probed: Pick<Probed, "done" | "forwards" | "stretches">,
): OrderCheck | undefined {
  const count = countNeighbours(probed);
  return count < 2 || failed > 0 ? undefined : { count, forwards: probed.forwards };
}

/**
 * The run from last to first wherever the plain loop is left, for results that agreed in the race may
 * have agreed by luck, and where some didn't agree.
 */
export function orderCheck(
  sample: Pick<Sample, "failed">,
  probed: Pick<Probed, "done" | "forwards" | "stretches">,
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

/**
 * Runs neighbours, the list's first items, from last to first in a fresh process and compares the
 * results with those of the sample, in which others had run before; if it left some of them out, with a
 * run from first to last.
 */
export const orderProbe: OrderProber = async (job, { count, forwards, guardMs, signal }) => {
  const { read, write } = job.permissions ?? {};
  const mayRewrite = read !== undefined && write !== undefined && count >= LEAST_TASKS;
  const permissions = mayRewrite ? audited(job.permissions!) : undefined;
  const run = async (job: JobSpec, order: "forwards" | "backwards", env: ChildOptions["env"]) => {
    const wanted = { limit: count, targetMs: 0, order };
    await using child = await startProbe(job, wanted, { guardMs, signal }, { env });
    let message: ProbeMessage | undefined;
    do message = await child.next(); while (
      message !== undefined && message.type !== "broken" && message.type !== "checksum"
    );
    return message?.type === "checksum" ? message.checksum : undefined;
  };
  const expected = forwards ?? await run(job, "forwards", {});
  await using audit = permissions && await FileAudit.start();
  const watched = permissions === undefined ? job : { ...job, permissions };
  const found = await run(watched, "backwards", audit?.env ?? {});
  return expected === undefined || found === undefined ? { orderMatters: undefined } : {
    orderMatters: found !== expected,
    rewritten: await audit?.mostRewritten(count),
  };
};
