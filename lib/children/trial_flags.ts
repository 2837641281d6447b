/**
 * What a process that runs a job under a model is started with: its project, and what it may do.
 */

import { dirname, fromFileUrl } from "@std/path";
import { projectFiles } from "../lanes/project.ts";
import { type LanePermissions, permissionFlags } from "../lanes/subprocess/permissions.ts";
import { hostOf, type ServerOptions } from "../lanes/cluster/server_options.ts";
import type { Task } from "../lanes/task.ts";
import { type Model, MODEL_TABLE } from "../models.ts";
import { moduleFacts } from "./module_files.ts";

/** What of a job decides what its process may do. */
interface ChildJob {
  readonly task: Task;
  readonly items: { readonly kind: "values" } | {
    readonly kind: "module";
    readonly module: string;
  };
  readonly permissions?: LanePermissions;
}

/** Where everything lies that a thread's entry file imports; tests/structure_test.ts checks it. */
const ENTRY_FOLDERS = ["../lanes/x", "../tasks/x"].map((path) =>
  dirname(fromFileUrl(new URL(path, import.meta.url)))
);

/** The flags of a trial's process: those of the job's own project, and `--allow-…` flags. */
export async function trialFlags(
  { task, items, permissions = {} }: ChildJob,
  { model, server }: {
    readonly model: Model;
    readonly server?: ServerOptions | undefined;
  },
): Promise<string[]> {
  const modules = [task.module, ...(items.kind === "module" ? [items.module] : [])];
  const facts = await Promise.all(modules.map(moduleFacts));
  const read = new Set(facts.flatMap(({ files }) => files));
  const run: string[] = [];
  const { readsEntry, startsDeno } = MODEL_TABLE[model];
  if (readsEntry) { for (const folder of ENTRY_FOLDERS) read.add(folder); }
  if (startsDeno) {
    run.push(Deno.execPath());
    // Its children are to run in the same project.
    for (const file of projectFiles(task.module)) read.add(file);
  }
  const { servers = [], creds, tlsCa } = server ?? {};
  const net = servers.map(hostOf);
  for (const file of [creds, tlsCa]) if (file !== undefined) read.add(file);
  const joined = (allowed: boolean | readonly string[] = [], more: Iterable<string>) =>
    allowed === true ? true : [...allowed || [], ...more];
  return [
    ...facts[0]!.flags,
    ...permissionFlags({
      ...permissions,
      net: joined(permissions.net, net),
      read: joined(permissions.read, read),
      run: joined(permissions.run, run),
    }),
  ];
}
