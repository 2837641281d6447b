/** Task: computes for a given time without ever yielding, like a tight loop in anyone's program. */

import type { TaskContext } from "../lanes/task.ts";
import { stopIfCancelled } from "./stop_if_cancelled.ts";

/** Steps between two looks at clock and cancel flag: some microseconds. */
const STEPS_BETWEEN_LOOKS = 2_000;

function steps(seed: number): number {
  let x = seed;
  for (let step = 0; step < STEPS_BETWEEN_LOOKS; step++) x = (Math.imul(x, 1_664_525) + 1) | 0;
  return x;
}

export default function spin(item: number, context: TaskContext): number {
  if (!(item >= 0 && item < Infinity)) {
    throw new RangeError(`Cannot spin: ${item} is no time in milliseconds`);
  }
  const end = performance.now() + item;
  let x = 1;
  while (performance.now() < end) {
    stopIfCancelled(context);
    x = steps(x);
  }
  // The result depends on the steps, so that no compiler may leave them out.
  return x === 0.5 ? -1 : item;
}
