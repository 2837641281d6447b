/** The program of each process that measures the machine's ceiling. It imports no npm package. */

import { isThenable } from "../lanes/attempt.ts";
import { LaneTasks, plainContext } from "../lanes/lane_tasks.ts";
import { hook, openItems, prepare } from "./job_items.ts";
import { connectToParent } from "../children/parent.ts";
import type { JobSpec } from "./spec.ts";

export interface CeilingOrder {
  /** The job whose items are the work; a fixed loop unless given. */
  readonly job: JobSpec | undefined;
}

/** A command, which may be repeated: do this many pieces of work, or work for about this long. */
export interface CeilingCommand {
  readonly pieces?: number;
  readonly ms?: number;
}

/** The message when the process is ready, and after each command. */
export interface CeilingMessage {
  readonly type: "done";
  readonly pieces: number;
}

/** The most items that are taken: more aren't needed, and sources may be endless. */
const ITEMS = 1000;

/** Many linear congruential steps: whole numbers only, no allocation, nothing shared. */
function spin(from: number): number {
  let state = from | 0;
  for (let step = 0; step < 100_000; step++) state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return state;
}

async function workOf(job: JobSpec | undefined, tasks: LaneTasks) {
  if (job === undefined) return spin;
  const items: unknown[] = [];
  for await (const item of (await openItems(job.items)).items) {
    if (items.push(item) >= ITEMS) break;
  }
  if (items.length === 0) return spin;
  const { fn, given } = await tasks.ready(job.task);
  const { signal } = new AbortController();
  return (piece: number) => {
    const index = piece % items.length;
    return fn(items[index], plainContext(index, signal, given));
  };
}

async function main(): Promise<void> {
  const { order: { job }, inbox, tell } = await connectToParent<CeilingOrder>({
    onTerm: "dies",
  });
  const done = (pieces: number) => tell({ type: "done", pieces } satisfies CeilingMessage);
  await using _prepared = await prepare(job && await hook(job, job.prepare));
  const tasks = new LaneTasks();
  const work = await workOf(job, tasks);
  done(0);
  for (let next = await inbox.next(); next !== undefined; next = await inbox.next()) {
    const { pieces: most = Infinity, ms = Infinity }: CeilingCommand = JSON.parse(next);
    const endMs = performance.now() + ms;
    let pieces = 0;
    // At least one piece. Only a promise is awaited: tasks that don't wait don't yield to the event loop.
    do {
      const result = work(pieces++);
      if (isThenable(result)) await result;
    } while (pieces < most && performance.now() < endMs);
    done(pieces);
  }
  await tasks.close();
}

if (import.meta.main) {
  await main();
  Deno.exit(0);
}
