/**
 * Which files a child's code reads and writes again and again: from the log that Deno writes of every
 * permission asked for (`DENO_AUDIT_PERMISSIONS`).
 */

import { resolve } from "@std/path";
import type { LanePermissions } from "../lanes/subprocess/permissions.ts";
import { userFolder } from "../files/user_path.ts";

/** A file that was read and written several times, and changed. */
export interface RewrittenFile {
  /** Where it lies. */
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

  /** Begins an empty log. */
  static async start(): Promise<FileAudit> {
    return new FileAudit(await Deno.makeTempFile({ prefix: "lanes-audit-" }));
  }

  /** The child's environment. */
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

  /** Removes the log. */
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
    let noted: { permission?: unknown; value?: unknown } | null;
    try {
      noted = JSON.parse(line);
    } catch {
      // The last line may be cut, and programs that the child starts may write here too.
      continue;
    }
    const permission = noted?.permission;
    if (permission !== "read" && permission !== "write") continue;
    if (typeof noted?.value !== "string") continue;
    const path = resolve(userFolder(), noted.value);
    const known = files.get(path) ?? { read: 0, write: 0 };
    files.set(path, { ...known, [permission]: known[permission] + 1 });
  }
  return files;
}
