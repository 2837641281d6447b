/** What files and network the tasks of one child used, by the log of what it was permitted. */

import { resolve } from "node:path";
import { endsOf, passingPath, userFolder } from "../../files/user_files.ts";
import { attempt } from "../../lanes/attempt.ts";
import type { LanePermissions } from "../../lanes/permissions.ts";

/** A file that several tasks opened, and that changed. */
export interface SharedFile {
  readonly path: string;
  /** How many times it was opened to write; or to read, if that was less often and is told of. */
  readonly times: number;
}

/**
 * A file that was read and written as many times as there were tasks, or more; one that was only written; and
 * a database, however often it was opened.
 */
export interface SharedFiles {
  readonly rewritten?: SharedFile | undefined;
  readonly written?: SharedFile | undefined;
  readonly database?: SharedFile | undefined;
}

/** What a file of SQLite begins with, and the end of the name of the file to which it may write first. */
const SQLITE = "SQLite format 3";
const WRITTEN_AHEAD = "-wal";

/** The log of what one child was permitted. Leaving an `await using` block removes it. */
export class Audit implements AsyncDisposable {
  readonly #log: string;
  readonly #startMs = Date.now();
  readonly #held: AsyncDisposable;

  private constructor(log: string) {
    this.#log = log;
    this.#held = passingPath(log);
  }

  /** Undefined where no file can be made for it: what was measured is worth more than what it would add. */
  static async start(): Promise<Audit | undefined> {
    const log = Deno.makeTempFile({ prefix: "lanes-audit-" });
    return await log.then((path) => new Audit(path), () => undefined);
  }

  get env(): Record<string, string> {
    return { DENO_AUDIT_PERMISSIONS: this.#log };
  }

  /** The files most often read and written, and only written, `least` times or more, that have changed; and a database. */
  async sharedFiles(least: number): Promise<SharedFiles> {
    const opened = [...accesses(await Deno.readTextFile(this.#log))];
    const most = async (timesOf: (of: Accesses) => number, least: number, areDatabases = false) => {
      const often = opened.map(([path, of]) => ({ path, times: timesOf(of) }))
        .filter(({ times }) => times >= least);
      for (const file of often.toSorted((a, b) => b.times - a.times)) {
        if (await this.#changed(file.path) && await isDatabase(file.path) === areDatabases) {
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

  async #changed(path: string): Promise<boolean> {
    const infos = await Promise.all(
      [path, path + WRITTEN_AHEAD].map((of) => Deno.stat(of).catch(() => undefined)),
    );
    return infos.some((info) =>
      info?.isFile === true && (info.mtime?.getTime() ?? 0) >= this.#startMs
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held[Symbol.asyncDispose]();
  }
}

/** Whether a file is a database, which keeps those apart that change it at the same time, statement by statement. */
async function isDatabase(path: string): Promise<boolean> {
  return (await endsOf(path).catch(() => "")).startsWith(SQLITE);
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
