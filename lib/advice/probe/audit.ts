/** Finds the files and the network use of one child's tasks in Deno's log of granted permissions. */

import { resolve } from "node:path";
import { beginAndEnd, passingPath, userFolder } from "../../files/user_files.ts";
import { attempt } from "../../lanes/attempt.ts";
import type { LanePermissions } from "../../lanes/permissions.ts";

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

/**
 * Starts the permission log of one child, which its disposal removes. Undefined if no log file can be made; the
 * measurement goes on without it.
 */
export async function startAudit() {
  const startMs = Date.now();
  const log = await Deno.makeTempFile({ prefix: "lanes-audit-" }).catch(() => undefined);
  return log === undefined ? undefined : {
    ...passingPath(log),
    env: { DENO_AUDIT_PERMISSIONS: log },
    /**
     * Finds changed files that were read and written, or only written, `least` times or more; and a database that
     * changed after the tasks began, as prepare() may have made it.
     */
    async sharedFiles(least: number, beganAtMs: number): Promise<SharedFiles> {
      const opened = [...accesses(await Deno.readTextFile(log))];
      const most = async (
        timesOf: (of: Accesses) => number,
        least: number,
        areDatabases = false,
      ) => {
        const often = opened.map(([path, of]) => ({ path, times: timesOf(of) }))
          .filter(({ times }) => times >= least);
        for (const file of often.toSorted((a, b) => b.times - a.times)) {
          const sinceMs = areDatabases ? beganAtMs : startMs;
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
    },
    async usesNetwork(): Promise<boolean> {
      return notes(await Deno.readTextFile(log)).some(({ permission }) => permission === "net");
    },
  };
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
