/**
 * Numbers for tasks, so that a chunk names its task in eight bytes.
 *
 * @module
 */

import type { Task } from "./task.ts";

/** The tasks that one lane has been told of. */
export class TaskNumbers {
  readonly #byName = new Map<string, number>();
  /** The same by the task itself, for this is asked for every chunk. */
  readonly #byTask = new WeakMap<Task, number>();
  readonly #introduce: (task: Task, number: number) => void;

  /**
   * Knows no task yet.
   *
   * @param introduce Tells the lane of a task that is new to it.
   */
  constructor(introduce: (task: Task, number: number) => void) {
    this.#introduce = introduce;
  }

  /** A task's number, from 0; a task that is new is introduced first. */
  of(task: Task): number {
    const known = this.#byTask.get(task);
    if (known !== undefined) return known;
    const name = `${task.export} ${task.module}`;
    let number = this.#byName.get(name);
    if (number === undefined) {
      number = this.#byName.size;
      this.#byName.set(name, number);
      this.#introduce(task, number);
    }
    this.#byTask.set(task, number);
    return number;
  }
}
