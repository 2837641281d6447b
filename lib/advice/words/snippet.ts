/**
 * The few lines of code that run a job under the recommended model.
 *
 * @module
 */

import { type LanePermissions, permissionFlags } from "../../lanes/subprocess/permissions.ts";
import type { Candidate } from "../prediction/candidate.ts";

/** What the lines are written for. */
export interface SnippetJob {
  /** The job's module, as a URL. */
  readonly module: string;
  /** The name of the task's export. */
  readonly export: string;
  /** Whether `items` is a function. */
  readonly itemsAreMade: boolean;
  /** What its `prepare` gives, if there is one. */
  readonly prepare?: "gives nothing" | "gives what is to be disposed" | undefined;
  /** How long a lane's teardown may take, in milliseconds; the usual time unless given. */
  readonly graceMs?: number | undefined;
  /** The deno.json of the job's own project, by which its imports go wherever the program is saved. */
  readonly config?: string | undefined;
  /** What the job was allowed. */
  readonly permissions: LanePermissions;
  /** The library's entry, as a URL. */
  readonly library: string;
  /** How often an item is tried again; default 0. */
  readonly retries?: number;
}

/** A program, and how to run it. */
export interface Snippet {
  /** The program, whole. */
  readonly code: string;
  /** The flags that `deno run` needs. */
  readonly flags: readonly string[];
}

function optionsOf(
  { model, lanes, slots }: Candidate,
  { permissions, graceMs }: SnippetJob,
): string {
  const parts: string[] = [];
  if (model === "workers" || model === "processes") parts.push(`lanes: ${lanes}`);
  if (model === "limited" || (parts.length > 0 && slots > 1)) parts.push(`slots: ${slots}`);
  if (graceMs !== undefined) parts.push(`graceMs: ${graceMs}`);
  if (model === "processes" && Object.keys(permissions).length > 0) {
    parts.push(`permissions: ${JSON.stringify(permissions)}`);
  }
  return parts.length === 0 ? "" : `{ ${parts.join(", ")} }`;
}

function flagsOf(job: SnippetJob, { model }: Candidate): string[] {
  const { permissions } = job;
  const list = (given: boolean | readonly string[] | undefined) =>
    given === true || given === undefined || given === false ? [] : given;
  const project = job.config === undefined ? [] : [`--config=${job.config}`];
  const allowed = permissionFlags({
    ...permissions,
    // Modules named by URL are read when they are first needed.
    read: true,
    run: permissions.run === true ? true : [
      ...list(permissions.run),
      ...(model === "processes" ? [Deno.execPath()] : []),
    ],
  });
  return [...project, ...allowed];
}

/** Writes the lines of code that run the whole job under a model, with nothing left to fill in. */
export function snippetFor(job: SnippetJob, candidate: Candidate): Snippet {
  const { model } = candidate;
  const name = job.export === "default" ? "" : `, ${JSON.stringify(job.export)}`;
  const items = job.itemsAreMade ? "await job.items()" : "job.items";
  const retries = job.retries ? `, { retries: ${job.retries} }` : "";
  const run = [
    `await using executor = ${model}(${optionsOf(candidate, job)});`,
    `const work = task<typeof job${name}>(${JSON.stringify(job.module)}${name});`,
    `for await (const result of executor.map(work, ${items}${retries})) console.log(result);`,
  ];
  const lines = [
    `import { ${["task", model].sort().join(", ")} } from ${JSON.stringify(job.library)};`,
    `import * as job from ${JSON.stringify(job.module)};`,
    "",
    // What was prepared is disposed after the lanes are closed.
    ...(job.prepare === "gives nothing" ? ["await job.prepare();"] : []),
    ...(job.prepare === "gives what is to be disposed"
      ? ["await using _prepared = await job.prepare();"]
      : []),
    ...run,
  ];
  return { code: `${lines.join("\n")}\n`, flags: flagsOf(job, candidate) };
}
