/**
 * Takes a job module from the command line: finds it, looks at what it exports in a process of its own,
 * and makes a job of it.
 *
 * @module
 */

import { toFileUrl } from "@std/path";
import { UsageError } from "../../options.ts";
import { plain } from "../../reporting/plain.ts";
import { userPath } from "../../reporting/output_files.ts";
import { trialFlags } from "../../timing/child_permissions.ts";
import { MeasuringChild } from "../../timing/measuring_child.ts";
import type { JobSpec, TrialPermissions } from "../../timing/spec.ts";
import type { JobExports } from "./job_module_main.ts";

/** How a job module is taken. */
export interface JobModuleOptions {
  /** What its task may do. */
  readonly permissions: TrialPermissions;
  /** How many of its items to run at most. */
  readonly items: number;
  /** Ends looking at it. */
  readonly signal?: AbortSignal;
}

/** How long a module may take to load, in milliseconds. */
const LOAD_MS = 15_000;

type Message =
  | { readonly type: "exports"; readonly exports: JobExports }
  | { readonly type: "error"; readonly message: string };

async function urlOf(text: string): Promise<URL> {
  if (/^(https?|data|npm|jsr):/.test(text)) {
    throw new UsageError("module", text, "not a file", "name a file on this machine");
  }
  const url = text.startsWith("file:") ? URL.parse(text) : toFileUrl(userPath(text));
  if (url === null) {
    throw new UsageError("module", text, "not a file's address", "write it as ./my_job.ts");
  }
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(url);
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound;
    throw new UsageError(
      "module",
      text,
      missing ? "there is no such file" : "it can't be read",
      "give io, cpu, or the path of a job module such as ./my_job.ts",
      { cause: error },
    );
  }
  if (!info.isFile) {
    throw new UsageError("module", text, "a folder, not a file", "name a file in it");
  }
  return url;
}

/** A permission that is missing is told by Deno with the flag that grants it. */
function loadProblem(text: string, message: string): UsageError {
  const line = plain(message).slice(0, 300);
  const flag = /--allow-\w+/.exec(message)?.[0];
  const remedy = flag === undefined ? "mend the module, deno check tells more" : `add ${flag}`;
  return new UsageError("module", text, `it can't be loaded: ${line}`, remedy);
}

async function exportsOf(
  text: string,
  module: string,
  { permissions, signal }: JobModuleOptions,
): Promise<JobExports> {
  const job = emptyJob(module, permissions);
  const flags = await trialFlags(job, "sequential");
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), LOAD_MS);
  const either = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  const entry = new URL("./job_module_main.ts", import.meta.url);
  try {
    await using child = new MeasuringChild({ entry, flags, signal: either });
    await child.send({ mark: child.mark, module });
    const message = await child.next() as Message | undefined;
    signal?.throwIfAborted();
    if (message?.type === "exports") return message.exports;
    if (late.signal.aborted) {
      const problem = `it didn't load within ${LOAD_MS / 1000} seconds`;
      throw new UsageError("module", text, problem, "do its work in the task or in setup");
    }
    throw loadProblem(text, message?.message ?? `its process ended, ${await child.obituary()}`);
  } finally {
    clearTimeout(timer);
  }
}

function emptyJob(module: string, permissions: TrialPermissions): JobSpec {
  return {
    name: module,
    task: { module, export: "default" },
    items: { kind: "values", values: [] },
    permissions,
    options: {},
  };
}

/**
 * Takes a job module: its default export is the task, its export `items` an iterable, an async
 * iterable, or a function that returns one; `title`, `setup` and `teardown` are optional.
 *
 * @param text A path, relative to where the user is, or a `file:` address.
 * @param options What it may do, and how many items to run.
 * @returns The job.
 * @throws {UsageError} If there is no such file, it can't be loaded, or an export is missing.
 *
 * @example
 * ```ts
 * import { jobModule } from "./job_module.ts";
 *
 * try {
 *   await jobModule("https://example.org/job.ts", { permissions: {}, items: 10 });
 * } catch (error) {
 *   console.log((error as Error).name); // "UsageError"
 * }
 * ```
 */
export async function jobModule(text: string, options: JobModuleOptions): Promise<JobSpec> {
  const module = (await urlOf(text)).href;
  const { functions, items, title } = await exportsOf(text, module, options);
  if (!functions.includes("default")) {
    const remedy = "write export default function (item) { … }";
    throw new UsageError("module", text, "its default export is not a function", remedy);
  }
  if (items === "undefined") {
    const remedy = "add export const items = [ … ], or a function that returns them";
    throw new UsageError("module", text, "it has no export named items", remedy);
  }
  return {
    name: title === undefined ? module.slice(module.lastIndexOf("/") + 1) : plain(title),
    task: { module, export: "default" },
    items: { kind: "module", module, export: "items", limit: options.items },
    permissions: options.permissions,
    options: { items: options.items },
    ...(functions.includes("setup") && { setup: "setup" }),
    ...(functions.includes("teardown") && { teardown: "teardown" }),
  };
}
