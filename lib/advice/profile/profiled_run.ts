/**
 * Runs some of a job's items one by one between two marks that a profile shows. It imports no npm
 * package.
 */

import type { Items } from "../../dispatch/options.ts";
import { type Given, plainContext } from "../../lanes/lane_tasks.ts";
import type { TaskFunction } from "../../lanes/task.ts";
import { ItemPuller } from "../../timing/job_items.ts";

export interface ProfileOrder {
  readonly stride: number;
  readonly targetMs: number;
}

export interface ProfiledRun {
  readonly tasks: number;
  readonly tasksMs: number;
}

/** A mark computes for so long, so that V8 sees it; a thread's CPU time is told in steps of 10 ms. */
const MARK_CPU_MS = 20;
/** Where a core isn't to be had, a mark ends after so long. */
const MOST_MARK_MS = 1000;

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function spin(): void {
  const endCpuMs = threadCpuMs() + MARK_CPU_MS;
  const endMs = performance.now() + MOST_MARK_MS;
  while (threadCpuMs() < endCpuMs && performance.now() < endMs);
}

/** A profile shows this function where the tasks begin. */
export function profileBegins(): void {
  spin();
}

/** A profile shows this function where the tasks have ended. */
export function profileEnds(): void {
  spin();
}

/** Once so many have failed and none succeeded, the rest will fail too. */
const ALL_FAIL = 5;

export async function profiledRun(
  items: Items<unknown>,
  limit: number,
  { stride, targetMs }: ProfileOrder,
  task: TaskFunction,
  given?: Given,
  places?: readonly number[],
): Promise<ProfiledRun> {
  const puller = new ItemPuller(items);
  const { signal } = new AbortController();
  let [tasks, failed, tasksMs] = [0, 0, 0];
  profileBegins();
  for (let index = 0; index < limit && tasksMs < targetMs; index++) {
    const pulled = await puller.pull(1);
    if (pulled.length === 0) break;
    if (index % stride !== 0) continue;
    const startMs = performance.now();
    try {
      await task(pulled[0], plainContext(places?.[index] ?? index, signal, given));
    } catch {
      failed++;
    }
    tasks++;
    tasksMs += performance.now() - startMs;
    if (failed === tasks && failed >= ALL_FAIL) break;
  }
  profileEnds();
  await puller.close();
  return { tasks, tasksMs };
}
