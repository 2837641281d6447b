/**
 * What a worker lane may do: what the program may, or less if it was told so.
 *
 * @module
 */

import type { Task } from "./task.ts";

/**
 * The permissions to start a thread with: those asked for, and leave to read the folders of its tasks,
 * whose modules are imported in it.
 *
 * @param asked What was asked for; the program's own unless given.
 * @param tasks The tasks that the thread is to run.
 * @returns What to give to the Worker; undefined to leave it as it is.
 *
 * @example
 * ```ts
 * import { workerPermissions } from "./worker_permissions.ts";
 *
 * const tasks = [{ module: "file:///jobs/hash.ts", export: "default" }];
 * console.log(workerPermissions({ net: false }, tasks)); // { net: false, read: ["/jobs/"] }
 * ```
 */
export function workerPermissions(
  asked: Deno.PermissionOptions | undefined,
  tasks: readonly Task[],
): Deno.PermissionOptions | undefined {
  if (asked === undefined || asked === "inherit") return undefined;
  const given = asked === "none" ? {} : asked;
  if (given.read === true || given.read === "inherit") return given;
  return { ...given, read: [...(given.read || []), ...tasks.filter(isFile).map(folderOf)] };
}

/**
 * Whether a thread that was started so may import a task.
 *
 * @param asked What was asked for when it was started.
 * @param tasks The tasks that it was started for.
 * @param task The task.
 * @returns False if a new thread is needed.
 *
 * @example
 * ```ts
 * import { mayImport } from "./worker_permissions.ts";
 *
 * console.log(mayImport("none", [], { module: "file:///jobs/hash.ts", export: "default" })); // false
 * ```
 */
export function mayImport(
  asked: Deno.PermissionOptions | undefined,
  tasks: readonly Task[],
  task: Task,
): boolean {
  if (asked === undefined || asked === "inherit" || !isFile(task)) return true;
  if (asked !== "none" && (asked.read === true || asked.read === "inherit")) return true;
  return tasks.some((other) => isFile(other) && folderOf(other) === folderOf(task));
}

function isFile({ module }: Task): boolean {
  return module.startsWith("file:");
}

function folderOf({ module }: Task): string {
  return decodeURIComponent(new URL(".", module).pathname);
}
