/**
 * What is told of a task whose lane died.
 *
 * @module
 */

import { CrashedError } from "../lanes/errors.ts";
import type { Death } from "../lanes/lane.ts";

/** A task that killed so many lanes is quarantined: it is not tried again. */
export const MAX_KILLS = 2;

/**
 * The error of a task whose lane died.
 *
 * @param index The item's place in the input, from 0.
 * @param kills How many lanes died with it.
 * @param started Whether the task is known to have been running.
 * @param death How the lane died.
 * @returns The error; not `retryable` once {@linkcode MAX_KILLS} is reached.
 *
 * @example
 * ```ts
 * import { crashed } from "./crash.ts";
 *
 * const error = crashed(3, 2, true, { how: "exited with code 1", starting: false });
 * console.log(error.retryable); // false
 * ```
 */
export function crashed(
  index: number,
  kills: number,
  started: boolean,
  death: Death,
): CrashedError {
  const when = started ? "while its task ran" : "before its task could start";
  const quarantined = kills >= MAX_KILLS;
  const error = new CrashedError(
    `Item ${index} lost its lane ${when}: the lane ${death.how}` +
      (quarantined ? `; it killed ${kills} lanes and is quarantined` : ""),
    "error" in death ? { cause: death.error } : undefined,
  );
  error.retryable = !quarantined;
  return error;
}
