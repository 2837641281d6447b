/** The caller's record of the tasks of a remote lane: which are loaded, and which one is being loaded. */

import type { LaneBatch } from "../lane.ts";
import { type Task, taskName } from "../task.ts";
import { clock } from "../timers.ts";

export class RemoteTask {
  state: "loading" | "loaded" | "failed" = "loading";
  /** Whether the lane has reported that it loads the task. */
  isBegun = false;
  isSetUp = false;
  /** Whether it is to be loaded although its batches went to other lanes. */
  isWanted = false;
  /** Whether a call of `load` waits for the task. */
  isAwaited = false;
  /** Batches that wait until the task is loaded, in order. */
  readonly held: Set<LaneBatch> = new Set();
  readonly loaded: PromiseWithResolvers<void> = Promise.withResolvers();

  /** @param sinceMs When loading it began, or the lane's start for the first task; NaN while others load. */
  constructor(readonly number: number, readonly task: Task, public sinceMs: number) {
    this.loaded.promise.catch(() => {}); // reported to the callers that wait for it
  }
}

export class RemoteTasks {
  readonly #known = new Map<string, RemoteTask>();
  /** Keyed by the task object, because every batch looks it up. */
  readonly #byTask = new WeakMap<Task, RemoteTask>();
  #lastNumber = 0;

  /** @param onNew Called with each task that the lane doesn't know yet. */
  constructor(private readonly onNew: (known: RemoteTask) => void) {}

  get all(): RemoteTask[] {
    return [...this.#known.values()];
  }

  /** The task that is being loaded; the tasks after it wait. */
  get loading(): RemoteTask | undefined {
    for (const known of this.#known.values()) if (known.state === "loading") return known;
    return undefined;
  }

  /** The same task if no batch waits for it any more: it may load forever, and it blocks the tasks after it. */
  get blocking(): RemoteTask | undefined {
    const { loading } = this;
    if (loading === undefined || !loading.isBegun || loading.isWanted) return undefined;
    return loading.held.size === 0 ? loading : undefined;
  }

  find(task: Task): RemoteTask | undefined {
    const known = this.#byTask.get(task);
    return known === undefined || known.state === "failed"
      ? this.#known.get(taskName(task))
      : known;
  }

  numbered(number: number): RemoteTask | undefined {
    return this.all.find((known) => known.number === number);
  }

  /** The record of a task; a new task is announced to the lane. */
  of(task: Task): RemoteTask {
    const known = this.find(task) ?? this.#add(task);
    this.#byTask.set(task, known);
    return known;
  }

  #add(task: Task): RemoteTask {
    const sinceMs = this.loading === undefined ? clock.now() : NaN;
    const known = new RemoteTask(++this.#lastNumber, task, sinceMs);
    this.#known.set(taskName(task), known);
    this.onNew(known);
    return known;
  }

  /** The lane has begun to load the task, or to set it up. */
  begin(number: number, isSetUp: boolean): void {
    const known = this.numbered(number);
    if (known === undefined) return;
    if (!known.isBegun) known.sinceMs = clock.now();
    known.isBegun = true;
    known.isSetUp = isSetUp;
  }

  /**
   * Loading has ended. A failure isn't kept: a file may be fixed, or a permission granted, before the next run.
   *
   * @returns The batches that waited for the task.
   */
  end(number: number, error?: Error): LaneBatch[] {
    const known = this.numbered(number);
    if (known === undefined) return [];
    known.state = error === undefined ? "loaded" : "failed";
    if (error !== undefined) this.#known.delete(taskName(known.task));
    if (error === undefined) known.loaded.resolve();
    else known.loaded.reject(error);
    const held = [...known.held];
    known.held.clear();
    return held;
  }
}
