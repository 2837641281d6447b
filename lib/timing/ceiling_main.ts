/**
 * What runs in each of the independent processes that measure the machine's ceiling. It imports no npm
 * package. It gets ready, and then works each time it is told "go".
 *
 * @module
 */

import { LaneTasks, plainContext } from "../lanes/lane_tasks.ts";
import { openItems, prepare } from "./job_items.ts";
import { connectToParent } from "../children/parent.ts";
import type { JobSpec } from "./spec.ts";

/** What a process is told first. */
export interface CeilingOrder {
  /** What its messages are to begin with. */
  readonly mark: string;
  /** The job to work on; a fixed loop unless given. */
  readonly job?: JobSpec;
}

/** What it is told next, as often as wanted. */
export type CeilingCommand =
  /** Work for about this long, and tell how many pieces that were. */
  | { readonly type: "calibrate"; readonly ms: number }
  /** Work on this many pieces. */
  | { readonly type: "go"; readonly pieces: number };

/** More items than this aren't needed to fill the time; endless sources must end. */
const ITEMS = 1000;

type Work = (piece: number) => unknown;

/** A linear congruential step, many times: whole numbers only, nothing to allocate, nothing to share. */
function spin(from: number): number {
  let state = from | 0;
  for (let step = 0; step < 100_000; step++) state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return state;
}

async function workOf(job: JobSpec | undefined, tasks: LaneTasks): Promise<Work> {
  if (job === undefined) return spin;
  const items: unknown[] = [];
  for await (const item of await openItems(job.items)) {
    if (items.push(item) >= ITEMS) break;
  }
  if (items.length === 0) return spin;
  const { fn, given } = await tasks.ready(job.task);
  const { signal } = new AbortController();
  return (piece) => {
    const index = piece % items.length;
    return fn(items[index], plainContext(index, signal, given));
  };
}

async function preparing({ task, prepare }: JobSpec): Promise<(() => unknown) | undefined> {
  if (prepare === undefined) return undefined;
  const module: Record<string, () => unknown> = await import(task.module);
  return module[prepare];
}

async function main(): Promise<void> {
  const { order: { job }, inbox, writer } = await connectToParent<CeilingOrder>({
    handlesTerm: false,
  });
  await using _prepared = await prepare(job && await preparing(job));
  const tasks = new LaneTasks();
  const work = await workOf(job, tasks);
  writer.write({ type: "ready" });
  for (let next = await inbox.next(); next !== undefined; next = await inbox.next()) {
    const command: CeilingCommand = JSON.parse(next);
    let pieces = 0;
    const endMs = performance.now() + (command.type === "calibrate" ? command.ms : Infinity);
    const most = command.type === "go" ? command.pieces : Infinity;
    // One piece at least. Only a promise is awaited: tasks that don't wait don't yield to the event loop.
    do {
      const result = work(pieces++);
      if (result instanceof Promise) await result;
    } while (pieces < most && performance.now() < endMs);
    writer.write({ type: "done", pieces });
  }
  await tasks.close();
}

if (import.meta.main) {
  await main();
  Deno.exit(0);
}
