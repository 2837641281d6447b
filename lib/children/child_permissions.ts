/**
 * What a child that measures may do: what its job was given, and what its lanes need. No more.
 *
 * @module
 */

import { dirname, fromFileUrl } from "@std/path";
import { projectFiles } from "../lanes/project.ts";
import { type LanePermissions, permissionFlags } from "../lanes/subprocess/permissions.ts";
import type { Task } from "../lanes/task.ts";
import { type Model, MODEL_TABLE } from "../models.ts";
import { moduleFacts } from "./module_files.ts";

/** What of a job decides what its process may do. */
export interface ChildJob {
  readonly task: Task;
  readonly items: { readonly kind: "values" } | {
    readonly kind: "module";
    readonly module: string;
  };
  readonly permissions?: LanePermissions;
}

/** The flags of a trial's process: those of the job's own project, and `--allow-…` flags. */
export async function trialFlags(
  { task, items, permissions = {} }: ChildJob,
  model: Model,
): Promise<string[]> {
  const modules = [task.module, ...(items.kind === "module" ? [items.module] : [])];
  const facts = await Promise.all(modules.map(moduleFacts));
  const read = new Set(facts.flatMap(({ files }) => files));
  const listed = (allowed: boolean | readonly string[] | undefined) =>
    typeof allowed === "boolean" ? [] : allowed ?? [];
  const run = [...listed(permissions.run)];
  const { readsEntry, startsDeno } = MODEL_TABLE[model];
  if (readsEntry) read.add(dirname(fromFileUrl(new URL("../lanes/x", import.meta.url))));
  if (startsDeno) {
    run.push(Deno.execPath());
    // Its children are to run in the same project.
    for (const file of projectFiles(task.module)) read.add(file);
  }
  return [
    ...facts[0]!.flags,
    ...permissionFlags({
      ...permissions,
      read: permissions.read === true ? true : [...listed(permissions.read), ...read],
      run: permissions.run === true ? true : run,
    }),
  ];
}
