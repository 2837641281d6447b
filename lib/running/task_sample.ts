/**
 * An even sample of a run's tasks, however many they are: every one, then every second, and so on. It
 * imports no npm package.
 */

import type { Outcome } from "../dispatch/output.ts";

export const MOST_KEPT = 20_000;

export class TaskSample {
  #kept: Outcome<undefined>[] = [];
  #seen = 0;
  #every = 1;

  /** Takes note of a task, without what it gave and what it was given. */
  add(outcome: Outcome<unknown>): void {
    if (this.#seen++ % this.#every !== 0) return;
    const kept = { ...outcome, item: undefined };
    this.#kept.push(
      kept.status === "fulfilled" ? { ...kept, value: undefined } : { ...kept, reason: undefined },
    );
    if (this.#kept.length < MOST_KEPT) return;
    this.#kept = this.#kept.filter((_, at) => at % 2 === 0);
    this.#every *= 2;
  }

  /** Those that were kept, in the order in which they ended. */
  get kept(): readonly Outcome<undefined>[] {
    return this.#kept;
  }
}
