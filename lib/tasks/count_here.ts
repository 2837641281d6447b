/**
 * Tasks: count up a number that several tasks of one event loop share. Only at an `await` can another
 * of them have its turn, so where it stands decides whether updates are lost.
 */

import type { TaskContext } from "../lanes/task.ts";

export interface Counter {
  value: number;
}

/** Makes the counter, one for all tasks on the lane. */
export function setup(): Counter {
  return { value: 0 };
}

/** Awaits between reading and writing: what others wrote meanwhile is overwritten. Gives the count. */
export async function split(
  times: number,
  { resource: counter }: TaskContext<Counter>,
): Promise<number> {
  for (let time = 0; time < times; time++) {
    const seen = counter.value;
    await undefined;
    counter.value = seen + 1;
  }
  return counter.value;
}

/** Awaits as often, after each update: nobody can come between reading and writing. Gives the count. */
export async function whole(
  times: number,
  { resource: counter }: TaskContext<Counter>,
): Promise<number> {
  for (let time = 0; time < times; time++) {
    counter.value = counter.value + 1;
    await undefined;
  }
  return counter.value;
}
