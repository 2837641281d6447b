/** Whether results depend on the order of tasks, and which files and databases the tasks share. */

import { isRefusal } from "../../tasks/http_signs.ts";
import { limitedTo } from "../../timing/job_items.ts";
import { trialProcesses } from "../../timing/run_trial.ts";
import type { JobSpec } from "../../timing/spec.ts";
import type { Race } from "../race/runner.ts";
import { checksumOfFirst, countNeighbours, type Probed } from "./probe.ts";
import type { Sample } from "./sample.ts";
import { BASELINE } from "../../models.ts";
import { resolve } from "node:path";
import { beginAndEnd, passingPath, userFolder } from "../../files/user_files.ts";
import { attempt } from "../../lanes/attempt.ts";
import type { LanePermissions } from "../../lanes/permissions.ts";

/** A run from last to first: its number of items, and their checksum from first to last if known. */
interface OrderCheck {
  readonly count: number;
  readonly forwards: string | undefined;
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
  { leavesPlainLoop, shares }: { readonly leavesPlainLoop: boolean; readonly shares: boolean },
): OrderCheck | undefined {
  if (race?.otherResults) return undefined;
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
export const orderProbe: OrderProber = async (job, { count, forwards, guardMs, signal }) => {
  const { permissions = {}, items } = limitedTo(job, count);
  const { write, net } = permissions;
  const narrowed = write !== undefined && count >= LEAST_TASKS ? audited(permissions) : undefined;
  await using audit = narrowed !== undefined || net !== undefined ? await Audit.start() : undefined;
  const run = async (backwards: boolean) => {
    const order = backwards ? "backwards" as const : undefined;
    const ordered = { ...job, items: items.kind === "values" ? items : { ...items, order } };
    const watched = { ...ordered, permissions: narrowed ?? permissions };
    const runTrial = trialProcesses({ guardMs, env: backwards ? audit?.env : undefined });
    const trial = { model: BASELINE, job: backwards ? watched : ordered, round: 0 };
    return await runTrial(trial, { signal }).catch(() => undefined);
  };
  const checksum = async () => (await run(false))?.round.checksum;
  const expected = forwards ?? await checksum();
  const { round: found, beganAtMs = 0 } = await run(true) ?? {};
  // If the list's own order now fails too, a server refuses, or the items can be done only once.
  const isTold = found !== undefined && expected !== undefined &&
    (found.checksum === expected || found.failed === 0 || forwards === undefined ||
      await checksum() === expected);
  return !isTold ? { orderMatters: undefined } : {
    orderMatters: found.checksum !== expected,
    ...(found.checksum !== expected && found.failed > 0 && { fails: true }),
    ...(narrowed && await audit?.sharedFiles(count, beganAtMs)),
    usesNetwork: await audit?.usesNetwork(),
  };
};

/** A file that several tasks opened, and that changed. */
export interface SharedFile {
  readonly path: string;
  /** How many times it was opened to write; for `rewritten`, to read if that was less often. */
  readonly times: number;
}

/**
 * A file that was read and written at least once for each task; one that was written so often, but read less;
 * and a database, however often it was opened to write.
 */
export interface SharedFiles {
  readonly rewritten?: SharedFile | undefined;
  readonly written?: SharedFile | undefined;
  readonly database?: SharedFile | undefined;
}

/** The first bytes of an SQLite file, and the suffix of the file that SQLite may write first. */
const SQLITE = "SQLite format 3";
const WRITTEN_AHEAD = "-wal";

/** The permission log of one child; leaving an `await using` block removes it. */
export class Audit implements AsyncDisposable {
  readonly #log: string;
  readonly #startMs = Date.now();
  readonly #held: AsyncDisposable;

  private constructor(log: string) {
    this.#log = log;
    this.#held = passingPath(log);
  }

  /** Undefined if no log file can be made; the measurement goes on without it. */
  static async start(): Promise<Audit | undefined> {
    const log = Deno.makeTempFile({ prefix: "lanes-audit-" });
    return await log.then((path) => new Audit(path), () => undefined);
  }

  get env(): Record<string, string> {
    return { DENO_AUDIT_PERMISSIONS: this.#log };
  }

  /**
   * Finds changed files that were read and written, or only written, `least` times or more; and a database that
   * changed after the tasks began, as prepare() may have made it.
   */
  async sharedFiles(least: number, beganAtMs: number): Promise<SharedFiles> {
    const opened = [...accesses(await Deno.readTextFile(this.#log))];
    const most = async (timesOf: (of: Accesses) => number, least: number, areDatabases = false) => {
      const often = opened.map(([path, of]) => ({ path, times: timesOf(of) }))
        .filter(({ times }) => times >= least);
      for (const file of often.toSorted((a, b) => b.times - a.times)) {
        const sinceMs = areDatabases ? beganAtMs : this.#startMs;
        if (await changed(file.path, sinceMs) && await isDatabase(file.path) === areDatabases) {
          return file;
        }
      }
      return undefined;
    };
    return {
      rewritten: await most(({ read, write }) => Math.min(read, write), least),
      written: await most(({ read, write }) => read < least ? write : 0, least),
      database: await most(({ write }) => write, 1, true),
    };
  }

  async usesNetwork(): Promise<boolean> {
    return notes(await Deno.readTextFile(this.#log)).some(({ permission }) => permission === "net");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held[Symbol.asyncDispose]();
  }
}

async function changed(path: string, sinceMs: number): Promise<boolean> {
  const infos = await Promise.all(
    [path, path + WRITTEN_AHEAD].map((of) => Deno.stat(of).catch(() => undefined)),
  );
  return infos.some((info) => info?.isFile === true && (info.mtime?.getTime() ?? 0) >= sinceMs);
}

/** Whether a file is a database, which keeps concurrent changes apart by itself. */
async function isDatabase(path: string): Promise<boolean> {
  return (await beginAndEnd(path).catch(() => "")).startsWith(SQLITE);
}

/**
 * Permissions under which the log tells reading from writing: of a child that may read or write all files Deno
 * logs both each time, so `true` becomes the root folder. Undefined on Windows, which has no root of all files.
 */
export function audited<P extends LanePermissions>(permissions: P): P | undefined {
  if (Deno.build.os === "windows") return undefined;
  const { read, write } = permissions;
  return {
    ...permissions,
    ...(read === true && { read: ["/"] }),
    ...(write === true && { write: ["/"] }),
  };
}

/** The lines of a log; the last may be cut, and programs that the child starts may write to it too. */
function notes(log: string): { readonly permission?: unknown; readonly value?: unknown }[] {
  return log.split("\n").flatMap((line) => attempt(() => JSON.parse(line), null) ?? []);
}

interface Accesses {
  read: number;
  write: number;
}

/** How often each file was opened to read and to write, by a log's lines. */
export function accesses(log: string): Map<string, Accesses> {
  const files = new Map<string, Accesses>();
  for (const { permission, value } of notes(log)) {
    if (permission !== "read" && permission !== "write") continue;
    if (typeof value !== "string") continue;
    const path = resolve(userFolder(), value);
    files.getOrInsert(path, { read: 0, write: 0 })[permission]++;
  }
  return files;
}
