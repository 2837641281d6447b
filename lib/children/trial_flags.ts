/** The flags of a process that runs a job: its project and its permissions. */

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { projectFiles, projectFlags, THREAD_FOLDERS } from "../lanes/project.ts";
import { type LanePermissions, permissionFlags } from "../lanes/permissions.ts";
import { hostOf, type ServerOptions } from "../lanes/cluster/broker.ts";
import { startDeno } from "../lanes/subprocess/child.ts";
import type { Task } from "../lanes/task.ts";
import { type Model, MODEL_TABLE, needsServer } from "../models.ts";
import { UsageError } from "../text/option_values.ts";

/** The part of a job that decides its process's permissions. */
interface ChildJob {
  readonly task: Task;
  readonly items: { readonly kind: "values" } | {
    readonly kind: "module";
    readonly module: string;
  };
  readonly permissions?: LanePermissions;
}

/**
 * The flags of a trial's process: those of the job's own project, and `--allow-…` flags.
 *
 * @throws {UsageError} If the project excludes what the model needs, or its files can't be named in flags.
 */
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
  if (readsEntry) { for (const folder of THREAD_FOLDERS) read.add(fileURLToPath(folder)); }
  if (startsDeno) {
    run.push(Deno.execPath());
    // Its children run in the same project.
    for (const file of projectFiles(task.module)) read.add(file);
  }
  const { servers = [], creds, tlsCa } = server ?? {};
  const net = servers.map(hostOf);
  for (const file of [creds, tlsCa]) if (file !== undefined) read.add(file);
  const parted = permissions.read === true
    ? undefined
    : [...read].find((file) => file.includes(","));
  if (parted !== undefined) {
    const problem = "Deno takes a comma for the end of what it is allowed to read";
    throw new UsageError("module", parted, problem, "move it, or add --allow-read for all");
  }
  const joined = (allowed: boolean | readonly string[] = [], more: Iterable<string>) =>
    allowed === true ? true : [...allowed || [], ...more];
  const own = facts[0]!.flags;
  return [
    ...needsServer(model) ? await brokerFlags(own, task.module) : own,
    ...permissionFlags({
      ...permissions,
      net: joined(permissions.net, net),
      read: joined(permissions.read, read),
      run: joined(permissions.run, run),
    }),
  ];
}

const BROKER = new URL("../lanes/cluster/nats_broker.ts", import.meta.url).href;
const cached = new Map<string, Promise<boolean>>();

/**
 * A child fetches nothing, so the npm packages of the server's client are fetched beforehand, with the flags
 * that the child will have. Without a lock Deno asks the registry for more than with this library's own lock,
 * and a project's lock that lacks the client can't be enforced.
 */
async function brokerFlags(flags: readonly string[], module: string): Promise<readonly string[]> {
  const { unlocked } = projectFlags([module], undefined, []);
  const isCached = await cached.getOrInsertComputed(flags.join("\0"), () => cache(BROKER, flags));
  if (isCached || flags.includes("--no-lock")) return flags;
  if (unlocked.includes("--frozen")) {
    const problem = "its frozen deno.lock lacks what cluster needs of npm";
    throw new UsageError("module", module, problem, 'leave "frozen" out of its deno.json');
  }
  await cached.getOrInsertComputed(unlocked.join("\0"), () => cache(BROKER, unlocked));
  return unlocked;
}

async function cache(module: string, flags: readonly string[]): Promise<boolean> {
  const silent = { stdin: "null", stdout: "null", stderr: "null" } as const;
  const args = ["cache", "--quiet", ...flags, module];
  return (await startDeno({ args, ...silent }).status).success;
}

interface ModuleFacts {
  /** The local files that it imports, or its folder: a dynamic import needs permission to read each. */
  readonly files: readonly string[];
  /** The flags for a child that runs it in its own project, whose lock is never written. */
  readonly flags: readonly string[];
}

const known = new Map<string, Promise<ModuleFacts>>();

/** The facts of a module; found only once. */
export function moduleFacts(module: string): Promise<ModuleFacts> {
  return known.getOrInsertComputed(module, findFacts);
}

async function findFacts(module: string): Promise<ModuleFacts> {
  // This program's own flags don't apply to the job's project.
  const { flags, unlocked } = projectFlags([module], undefined, []);
  if (!module.startsWith("file:")) return { files: [], flags: unlocked };
  // A lock that lacks some of the job's imports can't be enforced.
  for (const tried of flags === unlocked ? [flags] : [flags, unlocked]) {
    const files = await findFiles(module, tried);
    if (files !== undefined) return { files, flags: tried };
  }
  return { files: [dirname(fileURLToPath(module))], flags: unlocked };
}

async function findFiles(
  module: string,
  flags: readonly string[],
): Promise<string[] | undefined> {
  try {
    const { success, stdout } = await startDeno({
      args: ["info", "--json", "--quiet", ...flags.map(forInfo), module],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    if (!success) return undefined;
    const { modules }: { modules: { local?: string; specifier: string; error?: string }[] } = JSON
      .parse(new TextDecoder().decode(stdout));
    if (modules.some(({ specifier, error }) => specifier === module && error !== undefined)) {
      return undefined;
    }
    const files = modules.flatMap(({ specifier }) =>
      specifier.startsWith("file:") ? [fileURLToPath(specifier)] : []
    );
    return files.length > 0 ? files : undefined;
  } catch {
    return undefined;
  }
}

/** `deno info` accepts the flag only under its old name. */
function forInfo(flag: string): string {
  return flag === "--frozen" ? "--frozen-lockfile" : flag;
}
