/** Checks and loads a job module, in a process of its own. */

import { jobModule } from "../../files/named_files.ts";
import { TOLD_LATER_MS } from "../../children/parent.ts";
import { moduleFacts } from "../../children/trial_flags.ts";
import { UsageError } from "../../text/option_values.ts";
import { fit, plain } from "../../text/plain.ts";
import { titleOf } from "../../lanes/task.ts";
import { type LanePermissions, permissionFlags } from "../../lanes/permissions.ts";
import { startDeno } from "../../lanes/subprocess/child.ts";
import type { JobSpec } from "../../timing/spec.ts";
import { sampled } from "../probe/order_probe.ts";
import { missingFlag } from "./job_permissions.ts";
import { sharedBy } from "./shared_state.ts";
import { closingOf, probe, type Probed, type ProbeOptions, type Prober } from "../probe/probe.ts";

const CHECK_MS = 30_000;

/** The first error that `deno check` reports, and its place. */
function firstError(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const at = Math.max(0, lines.findIndex((line) => /\berror\b/i.test(line)));
  const what = (lines[at] ?? "it can't be loaded")
    .replace(/^error: /, "").replace(/^(TS\d+) \[ERROR\]: /, "$1: ").replace(/\.$/, "");
  const where = lines.slice(at).map((line) => /^at (file:\S+)/.exec(line)?.[1])
    .find((found) => found !== undefined);
  return where === undefined || what.includes(where)
    ? what
    : `${what} (${where.slice(where.lastIndexOf("/") + 1)})`;
}

/** Has Deno check a module's syntax, imports and types without running it; throws the first error. */
async function checkJobModule({ typed, permissions, signal }: JobRequest, module: string) {
  const limit = AbortSignal.timeout(CHECK_MS);
  const { flags } = await moduleFacts(module);
  const hasPackages = flags.includes("--node-modules-dir=manual");
  const kept = flags.filter((flag) => !(hasPackages && flag === "--no-config"));
  const { success, stderr } = await startDeno({
    args: ["check", "--quiet", ...kept, ...permissionFlags({ import: permissions.import }), module],
    // Runs in the module's folder, so that a tsconfig.json beside its package.json counts as usual.
    cwd: new URL(".", module),
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
  }).output();
  signal?.throwIfAborted();
  // A check that takes too long isn't the job's fault; errors show when the module is loaded.
  if (success || limit.aborted) return;
  const problem = firstError(new TextDecoder().decode(stderr));
  const missing = missingFlag(problem);
  if (missing !== undefined) {
    throw new UsageError("module", typed, `it needs ${missing.wanted}`, `add ${missing.flag}`);
  }
  const remedy = /\bnot a dependency\b/.test(problem)
    ? "name it in its deno.json, or install what its package.json names, as with deno install"
    : "mend it, and try again";
  throw new UsageError("module", typed, problem, remedy);
}

interface JobRequest
  extends Pick<ProbeOptions, "guardMs" | "taskMs" | "guardOption" | "meter" | "model" | "signal"> {
  /** The module as the person named it: a path, or a `file:` URL. */
  readonly typed: string;
  readonly export?: string | undefined;
  readonly items?: number | undefined;
  /** Whether the job's own items are used, rather than items from elsewhere; default true. */
  readonly ownItems?: boolean;
  readonly permissions: LanePermissions;
  /** A sample to run one by one; without it only the module's top level runs. */
  readonly sample?: { readonly items: number; readonly targetMs: number };
}

export function jobOf(
  name: string,
  task: JobSpec["task"],
  permissions: LanePermissions,
  limit?: number,
): JobSpec {
  const items = { kind: "module", module: task.module, export: "items", limit } as const;
  return { name, task, items, permissions, options: {} };
}

/** Takes a list's items in an order in which the first few are typical of all. */
export function spread(job: JobSpec): JobSpec {
  const { items } = job;
  return items.kind === "values"
    ? job
    : { ...job, items: { ...items, order: "spread", first: items.limit } };
}

/** The job with the hooks that its module has, and what its teardown needs. */
export function withHooks(job: JobSpec, probed: Pick<Probed, "exports" | "teardownMs">): JobSpec {
  const named = probed.exports.hooks.filter((hook) => hook !== "setup" && hook !== "teardown");
  return { ...job, ...Object.fromEntries(named.map((hook) => [hook, hook])), ...closingOf(probed) };
}

/** The most columns of a job's title in reports: a few lines of a terminal. */
const MOST_TITLE = 200;

/** Exports of a job's module that can't be its task. */
const NO_TASKS = ["items", "title", "prepare", "reset", "setup", "teardown"];

/** Loads a job module. Throws a UsageError if it lacks something, a JobError if it can't be run. */
export async function loadJob(request: JobRequest, prober: Prober = probe) {
  try {
    return await loadedJob(request, prober);
  } catch (error) {
    // An interrupt may also have ended the process that loads the job, so it is thrown in the error's place.
    await new Promise((resolve) => setTimeout(resolve, TOLD_LATER_MS));
    request.signal?.throwIfAborted();
    throw error;
  }
}

async function loadedJob(request: JobRequest, prober: Prober) {
  const { typed, items, permissions, ownItems, sample, export: name = "default" } = request;
  const { guardMs, taskMs, guardOption, meter, signal, model } = request;
  const module = await jobModule(typed);
  if (NO_TASKS.includes(name)) {
    const remedy = "name the export that is the task";
    throw new UsageError("--export", name, "no task, but a part of a job", remedy);
  }
  await checkJobModule(request, module);
  const file = titleOf({ module, export: "default" });
  const own = jobOf(file, { module, export: name }, permissions, items);
  const shared = sample && await sharedBy(own.task);
  const job: JobSpec = ownItems === false
    ? { ...own, items: { kind: "values", values: [] } }
    : sample === undefined
    ? own
    : spread(own);
  const found = await sampled(job, shared !== undefined, (job) =>
    prober(job, {
      ...{ typed, guardMs, taskMs, guardOption, meter, signal, model, dry: sample === undefined },
      shares: shared !== undefined,
      limit: sample === undefined ? 0 : Math.min(sample.items, items ?? Infinity),
      targetMs: sample?.targetMs ?? 0,
    }));
  const title = fit(plain(found.probed.exports.title ?? ""), MOST_TITLE);
  const named = { ...found.job, name: title || file };
  // State that sampled tasks share keeps a list in its own order, unless it has equal items.
  return { ...found, job: withHooks(named, found.probed), shared };
}
