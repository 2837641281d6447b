/** Whether the results of a job depend on the order of its tasks. */

import type { ChildOptions } from "../../children/measuring_child.ts";
import { attempt } from "../../lanes/attempt.ts";
import type { JobSpec } from "../../timing/spec.ts";
import type { Race } from "../race/race.ts";
import { countNeighbours, type Probed, startProbe } from "./probe.ts";
import type { ProbeMessage } from "./probe_message.ts";
import type { Sample } from "./sample.ts";
import { resolve } from "@std/path";
import type { LanePermissions } from "../../lanes/permissions.ts";
import { userFolder } from "../../files/user_files.ts";

/** A run from last to first: how many items, and the checksum of their results from first to last, if it is known. */
interface OrderCheck {
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

/** The run from last to first wherever the plain loop is left: results may agree by luck. */
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

/** A file that was read and written several times, and changed. */
export interface RewrittenFile {
  readonly path: string;
  /** How many times it was opened to read, or to write, whichever was less often. */
  readonly times: number;
}

/** What a file of SQLite begins with. */
const SQLITE = "SQLite format 3";

/** The log of one child. Leaving an `await using` block removes it. */
export class FileAudit implements AsyncDisposable {
  readonly #log: string;
  readonly #startMs = Date.now();

  private constructor(log: string) {
    this.#log = log;
  }

  static async start(): Promise<FileAudit> {
    return new FileAudit(await Deno.makeTempFile({ prefix: "lanes-audit-" }));
  }

  get env(): Record<string, string> {
    return { DENO_AUDIT_PERMISSIONS: this.#log };
  }

  /** The file that was most often read and written, `least` times or more, and has changed meanwhile. */
  async mostRewritten(least: number): Promise<RewrittenFile | undefined> {
    const files = [...accesses(await Deno.readTextFile(this.#log))]
      .map(([path, { read, write }]) => ({ path, times: Math.min(read, write) }))
      .filter(({ times }) => times >= least)
      .sort((a, b) => b.times - a.times);
    for (const file of files) {
      if (await this.#changed(file.path) && !await isDatabase(file.path)) return file;
    }
    return undefined;
  }

  async #changed(path: string): Promise<boolean> {
    const info = await Deno.stat(path).catch(() => undefined);
    return info?.isFile === true && (info.mtime?.getTime() ?? 0) >= this.#startMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#log).catch(() => {});
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

/** How often each file was opened to read and to write, by a log's lines. */
export function accesses(log: string): Map<string, { read: number; write: number }> {
  const files = new Map<string, { read: number; write: number }>();
  for (const line of log.split("\n")) {
    // The last line may be cut, and programs that the child starts may write here too.
    const noted: { permission?: unknown; value?: unknown } | null = attempt(
      () => JSON.parse(line),
      null,
    );
    const permission = noted?.permission;
    if (permission !== "read" && permission !== "write") continue;
    if (typeof noted?.value !== "string") continue;
    const path = resolve(userFolder(), noted.value);
    files.getOrInsert(path, { read: 0, write: 0 })[permission]++;
  }
  return files;
}
