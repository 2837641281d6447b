/** Whether the results of a job depend on the order of its tasks. */

import { attempt } from "../../lanes/attempt.ts";
import { isRefusal } from "../../tasks/http_signs.ts";
import { limitedTo } from "../../timing/job_items.ts";
import { trialProcesses } from "../../timing/run_trial.ts";
import type { JobSpec } from "../../timing/spec.ts";
import type { Race } from "../race/race.ts";
import { checksumOfFirst, countNeighbours, type Probed } from "./probe.ts";
import type { Sample } from "./sample.ts";
import { resolve } from "node:path";
import type { LanePermissions } from "../../lanes/permissions.ts";
import { BASELINE } from "../../models.ts";
import { passingPath, userFolder } from "../../files/user_files.ts";

/** A run from last to first: how many items, and the checksum of their results from first to last, if it is known. */
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

/** The run from last to first wherever the plain loop is left, or tasks share something: results may agree by luck. */
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

/** From this share of failures on they may come from the order in which a sample takes a list's items. */
const MANY_FAIL = 0.3;
/** So many tasks that failed in that order alone are hardly chance. */
const FEW_FAILED = 2;

/** Whether tasks of a sample may have failed, or not ended, for want of those before them in the list. */
export function mayLean({ spread, cutOff, done, failures, stretches }: Probed): boolean {
  if (spread === undefined || failures.some(isRefusal)) return false;
  // Only the first two are sure to have all before them: what hangs later hangs by itself.
  const ran = stretches.reduce((sum, { count }) => sum + count, 0);
  return cutOff !== undefined ? ran <= 2 : done!.failed >= MANY_FAIL * done!.items;
}

/** The job with the items of its list in their own order; undefined if they come in no other. */
function inListOrder(job: JobSpec): JobSpec | undefined {
  const { items } = job;
  if (items.kind !== "module" || !items.spread) return undefined;
  return { ...job, items: { ...items, spread: false } };
}

/** Whether tasks that failed, or didn't end, do well after those before them in the list. */
export function leanOnEarlier({ cutOff, failures }: Probed, { done }: Probed): boolean {
  if (done === undefined || done.failed > 0) return false;
  return cutOff !== undefined
    ? done.items === done.total
    : failures.filter(({ index }) => index < done.items).length >= FEW_FAILED;
}

/** A job as it is to be measured, and its sample. */
interface Sampled {
  readonly job: JobSpec;
  readonly probed: Probed;
  /** Whether tasks fail, or don't end, for want of those before them in the list. */
  readonly leans: boolean;
}

/**
 * Samples a job: in the list's own order if its tasks lean on earlier ones there, or share something, for
 * what they keep for the next ones, such as the last one's table, is worth as much as in the whole job only so.
 */
export async function sampled(
  job: JobSpec,
  shares: boolean,
  sample: (job: JobSpec, isAgain: boolean) => Promise<Probed>,
): Promise<Sampled> {
  const probed = await sample(job, false);
  const listed = inListOrder(job);
  if (listed === undefined) return { job, probed, leans: false };
  const inOrder = mayLean(probed) ? await sample(listed, true).catch(() => undefined) : undefined;
  if (inOrder !== undefined && leanOnEarlier(probed, inOrder)) {
    return { job: listed, probed: inOrder, leans: true };
  }
  return { job: shares && probed.spread === undefined ? listed : job, probed, leans: false };
}

export interface OrderFound {
  /** Whether the results were others; undefined if that couldn't be found out. */
  readonly orderMatters: boolean | undefined;
  /** Whether tasks fail then, or don't end. */
  readonly fails?: boolean;
  /** A file that was read and written as many times as there were tasks, or more; and one only written. */
  readonly rewritten?: SharedFile | undefined;
  readonly written?: SharedFile | undefined;
  /** Whether anything was asked of the network; undefined if that couldn't be found out. */
  readonly usesNetwork?: boolean | undefined;
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
  const { permissions = {}, items } = limitedTo(job, count);
  const { write, net } = permissions;
  const narrowed = write !== undefined && count >= LEAST_TASKS ? audited(permissions) : undefined;
  await using audit = narrowed !== undefined || net !== undefined ? await Audit.start() : undefined;
  const run = async (backwards: boolean) => {
    const ordered = { ...job, items: { ...items, spread: false, backwards } };
    const watched = { ...ordered, permissions: narrowed ?? permissions };
    const runTrial = trialProcesses({ guardMs, env: backwards ? audit?.env : undefined });
    const trial = { model: BASELINE, job: backwards ? watched : ordered, round: 0 };
    return await runTrial(trial, { signal }).then(({ round }) => round, () => undefined);
  };
  const expected = forwards ?? (await run(false))?.checksum;
  const found = await run(true);
  // What fails now in the list's own order, too, is refused, or can be done only once.
  const isTold = found !== undefined && expected !== undefined &&
    (found.checksum === expected || found.failed === 0 || forwards === undefined ||
      (await run(false))?.checksum === expected);
  return !isTold ? { orderMatters: undefined } : {
    orderMatters: found.checksum !== expected,
    ...(found.checksum !== expected && found.failed > 0 && { fails: true }),
    ...(narrowed && await audit?.sharedFiles(count)),
    usesNetwork: await audit?.usesNetwork(),
  };
};

/** A file that several tasks opened, and that changed. */
export interface SharedFile {
  readonly path: string;
  /** How many times it was opened to write; or to read, if that was less often and is told of. */
  readonly times: number;
}

/** What a file of SQLite begins with. */
const SQLITE = "SQLite format 3";

/** The log of what one child was permitted. Leaving an `await using` block removes it. */
export class Audit implements AsyncDisposable {
  readonly #log: string;
  readonly #startMs = Date.now();

  readonly #held: AsyncDisposable;

  private constructor(log: string) {
    this.#log = log;
    this.#held = passingPath(log);
  }

  static async start(): Promise<Audit> {
    return new Audit(await Deno.makeTempFile({ prefix: "lanes-audit-" }));
  }

  get env(): Record<string, string> {
    return { DENO_AUDIT_PERMISSIONS: this.#log };
  }

  /** The files most often read and written, and only written, `least` times or more, that have changed. */
  async sharedFiles(least: number): Promise<Pick<OrderFound, "rewritten" | "written">> {
    const opened = [...accesses(await Deno.readTextFile(this.#log))];
    const most = async (files: readonly SharedFile[]) => {
      const often = files.filter(({ times }) => times >= least);
      for (const file of often.toSorted((a, b) => b.times - a.times)) {
        if (await this.#changed(file.path) && !await isDatabase(file.path)) return file;
      }
      return undefined;
    };
    const both = ({ read, write }: Accesses) => Math.min(read, write);
    const onlyWritten = ({ read, write }: Accesses) => read < least ? write : 0;
    const [rewritten, written] = [both, onlyWritten]
      .map((times) => most(opened.map(([path, of]) => ({ path, times: times(of) }))));
    return { rewritten: await rewritten, written: await written };
  }

  async usesNetwork(): Promise<boolean> {
    return notes(await Deno.readTextFile(this.#log)).some(({ permission }) => permission === "net");
  }

  async #changed(path: string): Promise<boolean> {
    const info = await Deno.stat(path).catch(() => undefined);
    return info?.isFile === true && (info.mtime?.getTime() ?? 0) >= this.#startMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held[Symbol.asyncDispose]();
  }
}

/** Whether a file is a database, which keeps those apart that change it at the same time. */
async function isDatabase(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(path);
    const bytes = new Uint8Array(SQLITE.length);
    await file.read(bytes);
    return new TextDecoder().decode(bytes) === SQLITE;
  } catch {
    return false;
  }
}

/**
 * What a child may do, so that its log tells reading from writing: of one that may read or write all
 * files Deno notes both each time. Undefined on Windows, where no folder holds all files.
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

interface Note {
  readonly permission?: unknown;
  readonly value?: unknown;
}

/** The lines of a log; the last may be cut, and programs that the child starts may write there too. */
function notes(log: string): Note[] {
  return log.split("\n").flatMap((line) => attempt(() => JSON.parse(line) as Note, null) ?? []);
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
