/** Whether the results of a job depend on the order of its tasks. */

import { isRefusal } from "../../tasks/http_signs.ts";
import { limitedTo } from "../../timing/job_items.ts";
import { trialProcesses } from "../../timing/run_trial.ts";
import type { JobSpec } from "../../timing/spec.ts";
import type { Race } from "../race/runner.ts";
import { checksumOfFirst, countNeighbours, type Probed } from "./probe.ts";
import type { Sample } from "./sample.ts";
import { BASELINE } from "../../models.ts";
import { audited, type SharedFiles, startAudit } from "./audit.ts";

/** A run from last to first: its number of items, and their checksum from first to last if known. */
interface OrderCheck {
  readonly count: number;
  readonly forwards: string | undefined;
  /** Whether results differ from run to run in any order, so that only what tasks share is looked for. */
  readonly differs?: boolean;
}

export function orderCheckOf(
  { failed }: Pick<Sample, "failed">,
  probed: Probed,
): OrderCheck | undefined {
  const count = countNeighbours(probed);
  if (count < 2 || failed > 0) return undefined;
  return { count, forwards: checksumOfFirst(count, probed, "listed") };
}

/** The run from last to first; undefined if the plain loop is recommended and tasks share nothing. */
export function orderCheck(
  sample: Pick<Sample, "failed">,
  probed: Probed,
  race: Race | undefined,
  { leavesPlainLoop, shares, mayWrite = false }: {
    readonly leavesPlainLoop: boolean;
    readonly shares: boolean;
    readonly mayWrite?: boolean;
  },
): OrderCheck | undefined {
  if (race?.otherResults) {
    const check = leavesPlainLoop && mayWrite ? orderCheckOf(sample, probed) : undefined;
    return check && { ...check, differs: true };
  }
  const isDue = leavesPlainLoop ||
    race?.runners.some(({ out }) => out === "results" || shares);
  return isDue ? orderCheckOf(sample, probed) : undefined;
}

/** From this share of failures on, the order in which the sample takes the items may be the cause. */
const MANY_FAIL = 0.3;
/** This many tasks that failed only in that order are hardly chance. */
const FEW_FAILED = 2;

/** Whether the sample's tasks may have failed or hung because earlier ones of the list hadn't run. */
export function mayNeedOrder({ spread, cutOff, done, failures, stretches }: Probed): boolean {
  if (spread === undefined || failures.some(isRefusal)) return false;
  // Only the first two have surely all before them; if one was missing, the third would hang.
  const ran = stretches.reduce((sum, { count }) => sum + count, 0);
  return cutOff !== undefined ? ran <= 2 : done!.failed >= MANY_FAIL * done!.items;
}

/** The job with its list in its own order; undefined if it isn't taken in another. */
function inListOrder(job: JobSpec): JobSpec | undefined {
  const { items } = job;
  if (items.kind !== "module" || items.order !== "spread") return undefined;
  return { ...job, items: { ...items, order: undefined } };
}

/** Whether tasks that failed or hung succeed once those before them in the list have run. */
export function needOrder({ cutOff, failures }: Probed, { done }: Probed): boolean {
  if (done === undefined || done.failed > 0) return false;
  return cutOff !== undefined
    ? done.items === done.total
    : failures.filter(({ index }) => index < done.items).length >= FEW_FAILED;
}

/**
 * Samples a job, in the list's own order if its tasks need earlier ones or share something. Only in that order
 * is what tasks keep for the next ones, such as the last table, worth as much as in the whole job. `needsOrder`
 * if tasks fail or hang unless those before them in the list have run.
 */
export async function sampled(
  job: JobSpec,
  shares: boolean,
  sample: (job: JobSpec, isAgain: boolean) => Promise<Probed>,
) {
  const probed = await sample(job, false);
  const listed = inListOrder(job);
  if (listed === undefined) return { job, probed, needsOrder: false };
  const inOrder = mayNeedOrder(probed)
    ? await sample(listed, true).catch(() => undefined)
    : undefined;
  if (inOrder !== undefined && needOrder(probed, inOrder)) {
    return { job: listed, probed: inOrder, needsOrder: true };
  }
  return { job: shares && probed.spread === undefined ? listed : job, probed, needsOrder: false };
}

export interface OrderFound extends SharedFiles {
  /** Whether the results differed; undefined if that couldn't be found out. */
  readonly orderMatters: boolean | undefined;
  /** Whether tasks fail or hang in that order. */
  readonly fails?: boolean;
  /** How often each item ran. */
  readonly timesRun?: number;
  /** Whether the tasks used the network; undefined if that couldn't be found out. */
  readonly usesNetwork?: boolean | undefined;
}

/** Runs the first items from last to first; a test's own returns at once. */
export type OrderProber = (
  job: JobSpec,
  options: OrderCheck & { readonly guardMs: number; readonly signal: AbortSignal },
) => Promise<OrderFound>;

/** With fewer tasks, shared files aren't looked for. */
const LEAST_TASKS = 4;

/**
 * Runs the list's first items from last to first in a fresh process, and compares the results with the
 * sample's, in which other items had run before. If the sample left some of these items out, it compares with a
 * run from first to last.
 */
export const orderProbe: OrderProber = async (job, check) => {
  const { count, forwards, differs, guardMs, signal } = check;
  const { permissions = {}, items } = limitedTo(job, count);
  const { write, net } = permissions;
  const narrowed = write !== undefined && count >= LEAST_TASKS ? audited(permissions) : undefined;
  await using audit = narrowed !== undefined || net !== undefined ? await startAudit() : undefined;
  let timesRun = 0;
  const run = async (backwards: boolean) => {
    timesRun++;
    const order = backwards ? "backwards" as const : undefined;
    const ordered = { ...job, items: items.kind === "values" ? items : { ...items, order } };
    const watched = { ...ordered, permissions: narrowed ?? permissions };
    const runTrial = trialProcesses({ guardMs, env: backwards ? audit?.env : undefined });
    const trial = { model: BASELINE, job: backwards ? watched : ordered, round: 0 };
    return await runTrial(trial, { signal }).catch(() => undefined);
  };
  const checksum = async () => (await run(false))?.round.checksum;
  const expected = forwards ?? (differs ? undefined : await checksum());
  const { round: found, beganAtMs = 0 } = await run(true) ?? {};
  // If the list's own order now fails too, a server refuses, or the items can be done only once.
  const isTold = found !== undefined && !differs && expected !== undefined &&
    (found.checksum === expected || found.failed === 0 || forwards === undefined ||
      await checksum() === expected);
  const orderMatters = isTold ? found.checksum !== expected : undefined;
  return found === undefined ? { orderMatters, timesRun } : {
    timesRun,
    orderMatters,
    ...(orderMatters && found.failed > 0 && { fails: true }),
    ...(narrowed && await audit?.sharedFiles(count, beganAtMs)),
    usesNetwork: await audit?.usesNetwork(),
  };
};
