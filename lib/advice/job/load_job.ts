/**
 * Takes a job module from the command line: finds it, has Deno check it, and loads it in a process of
 * its own, with no more rights than it was given.
 *
 * @module
 */

import { fromFileUrl, toFileUrl } from "@std/path";
import { moduleFacts } from "../../children/module_files.ts";
import { userFolder } from "../../files/user_path.ts";
import { type NamedFile, UsageError } from "../../options.ts";
import { plain } from "../../text/plain.ts";
import type { Meter } from "../../timing/meter/meter.ts";
import type { LanePermissions } from "../../lanes/subprocess/permissions.ts";
import type { JobSpec } from "../../timing/spec.ts";
import { graceFor, probe, type Probed, type Prober } from "../probe/probe.ts";

/** How long checking types may take, in milliseconds. */
const CHECK_MS = 30_000;

/** The URL of the module that a person named; a UsageError if there is no such local file. */
export async function jobModule(typed: string, path: (typed: string) => string): Promise<string> {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(typed)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== "file") {
    const remedy = "save it here, and give the file's path";
    throw new UsageError("module", typed, "not a local file", remedy);
  }
  const url = scheme === undefined ? toFileUrl(path(typed)) : URL.parse(typed);
  if (url === null || url.host !== "") {
    throw new UsageError("module", typed, "not a local file", "write file:///path/to/job.ts");
  }
  const file = fromFileUrl(url);
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(file);
  } catch (cause) {
    const missing = cause instanceof Deno.errors.NotFound ||
      cause instanceof Deno.errors.NotADirectory;
    throw new UsageError(
      "module",
      typed,
      missing ? "there is no such file" : `it can't be read (${(cause as Error).name})`,
      "give the path of a module that exports a task and its items",
      { cause },
    );
  }
  if (info.isDirectory) {
    throw new UsageError("module", typed, "a folder", "name the module's file in it");
  }
  return new URL(url.pathname, "file:").href;
}

/** The first error among what `deno check` says: what, and where. */
function firstError(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const at = lines.findIndex((line) => /\berror\b/i.test(line));
  const what = (lines[at] ?? lines[0] ?? "it can't be loaded")
    .replace(/^error: /, "").replace(/^(TS\d+) \[ERROR\]: /, "$1: ");
  const where = lines.slice(Math.max(0, at)).map((line) => /^at (file:\S+)/.exec(line)?.[1])
    .find((found) => found !== undefined);
  const already = where === undefined || what.includes(where);
  return already ? what : `${what} (${where.slice(where.lastIndexOf("/") + 1)})`;
}

/** Has Deno check a module's syntax, imports and types, and throws its first error; nothing of it is run. */
async function checkJobModule(
  typed: string,
  module: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const limit = AbortSignal.timeout(CHECK_MS);
  const { flags } = await moduleFacts(module);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", ...flags, module],
    cwd: userFolder(),
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
  }).output();
  signal?.throwIfAborted();
  // A check that takes too long isn't the job's fault: what is wrong shows when it is loaded.
  if (success || limit.aborted) return;
  const problem = firstError(new TextDecoder().decode(stderr));
  throw new UsageError("module", typed, problem, "mend it, and try again");
}

/** A job's module and all local modules that it imports: what advice on it is made from. */
export async function jobFiles(module: string): Promise<NamedFile[]> {
  const own = fromFileUrl(module);
  const files = new Set([own, ...(await moduleFacts(module)).files]);
  return [...files].map((path) => ({
    option: path === own ? "the job's module" : "a module that the job imports",
    path,
  }));
}

/** Which job, and what it may do. */
interface JobRequest {
  /** The module as the person named it: a path, or a `file:` URL. */
  readonly typed: string;
  /** Makes a path as typed absolute. */
  readonly path: (typed: string) => string;
  /** The task's export; default `default`. */
  readonly export?: string | undefined;
  /** How many items to take at most; all unless given. */
  readonly items?: number | undefined;
  /** Whether its items are its own, instead of from elsewhere; default true. */
  readonly ownItems?: boolean;
  /** What it may do. */
  readonly permissions: LanePermissions;
  /** How long loading and the sample may take, in milliseconds. */
  readonly guardMs: number;
  /** The option that gives it longer, for errors; default `--budget`. */
  readonly guardOption?: string;
  /** A sample to run one by one; without it nothing of the module is run but its top level. */
  readonly sample?: { readonly items: number; readonly targetMs: number };
  /** Tells waiting from queueing for a core in the sample. */
  readonly meter?: Meter;
  /** Ends loading. */
  readonly signal?: AbortSignal;
}

/** A job, and what was seen when it was loaded. */
interface LoadedJob {
  /** The job, with its title and `prepare` if it has them. */
  readonly job: JobSpec;
  /** What its module exports, and the sample if one was asked for. */
  readonly probed: Probed;
}

/**
 * Loads a job module. Throws a UsageError if it isn't there, has an error, or lacks an export, items or a
 * permission; a JobError if it can't be loaded, or its sample can't be run.
 */
export async function loadJob(request: JobRequest, prober: Prober = probe): Promise<LoadedJob> {
  const { typed, path, items, permissions, guardMs, guardOption, sample, meter, signal } = request;
  const module = await jobModule(typed, path);
  await checkJobModule(typed, module, signal);
  const file = module.slice(module.lastIndexOf("/") + 1);
  const job: JobSpec = {
    name: file,
    task: { module, export: request.export ?? "default" },
    items: request.ownItems === false ? { kind: "values", values: [] } : {
      kind: "module",
      module,
      export: "items",
      ...(items !== undefined && { limit: items }),
    },
    permissions,
    options: {},
  };
  const probed = await prober(job, {
    typed,
    limit: sample === undefined ? 0 : Math.min(sample.items, items ?? Infinity),
    targetMs: sample?.targetMs ?? 0,
    guardMs,
    dry: sample === undefined,
    ...(guardOption !== undefined && { guardOption }),
    ...(meter && { meter }),
    ...(signal && { signal }),
  }, () => []);
  const { title, prepare, reset } = probed.exports;
  const graceMs = graceFor(probed);
  return {
    job: {
      ...job,
      name: title === undefined ? file : plain(title),
      ...(prepare && { prepare: "prepare" }),
      ...(graceMs !== undefined && { graceMs }),
      ...(reset && { reset: "reset" }),
    },
    probed,
  };
}
