/**
 * Takes a job module from the command line: finds it, has Deno check it, and loads it in a process of
 * its own, with no more rights than it was given.
 *
 * @module
 */

import { plain } from "../../text/plain.ts";
import type { Meter } from "../../timing/meter/meter.ts";
import type { JobSpec, TrialPermissions } from "../../timing/spec.ts";
import { graceFor } from "./grace.ts";
import { checkJobModule, jobModule } from "./job_module.ts";
import { probe, type Probed, type Prober } from "../probe/probe.ts";

/** Which job, and what it may do. */
export interface JobRequest {
  /** The module as the person named it: a path, or a `file:` URL. */
  readonly typed: string;
  /** Makes a path as typed absolute. */
  readonly path: (typed: string) => string;
  /** The task's export; default `default`. */
  readonly export?: string | undefined;
  /** How many items to take at most; all unless given. */
  readonly items?: number | undefined;
  /** What it may do. */
  readonly permissions: TrialPermissions;
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
export interface LoadedJob {
  /** The job, with its title and `prepare` if it has them. */
  readonly job: JobSpec;
  /** What its module exports, and the sample if one was asked for. */
  readonly probed: Probed;
}

/**
 * Loads a job module.
 *
 * @throws {UsageError} If it isn't there, has an error, or lacks an export, items or a permission.
 * @throws {JobError} If it can't be loaded, fails at every item, ends its process, or never settles.
 */
export async function loadJob(request: JobRequest, prober: Prober = probe): Promise<LoadedJob> {
  const { typed, path, items, permissions, guardMs, guardOption, sample, meter, signal } = request;
  const module = await jobModule(typed, path);
  await checkJobModule(typed, module, signal);
  const file = module.slice(module.lastIndexOf("/") + 1);
  const job: JobSpec = {
    name: file,
    task: { module, export: request.export ?? "default" },
    items: {
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
