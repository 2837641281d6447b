/** The tasks that a remote lane was told of, as its caller knows them: which are loaded, which is being loaded. */

import { notSetUp, unloadable } from "../lane_tasks.ts";
import type { TaskLoadError } from "../errors.ts";
import type { LaneBatch } from "../lane.ts";
import { nameOf, type Task } from "../task.ts";
import { clock } from "../timers.ts";

export class RemoteTask {
  state: "loading" | "loaded" | "failed" = "loading";
  /** Whether the lane has said that it loads it. */
  isBegun = false;
  isSetUp = false;
  /** Whether somebody waits for it without a batch. */
  isAwaited = false;
  /** Batches that wait until it is loaded, in their order. */
  readonly held: Set<LaneBatch> = new Set();
  readonly loaded: PromiseWithResolvers<void> = Promise.withResolvers();

  /** @param sinceMs When it began to be loaded, or the lane that loads it first to start; NaN while others are. */
  constructor(readonly number: number, readonly task: Task, public sinceMs: number) {
    this.loaded.promise.catch(() => {}); // told to those who wait for it
  }
}

export class RemoteTasks {
  readonly #known = new Map<string, RemoteTask>();
  /** By the task itself, for this is asked for every batch. */
  readonly #byTask = new WeakMap<Task, RemoteTask>();
  #lastNumber = 0;

  /** @param onNew Told of a task that the lane wasn't told of before. */
  constructor(private readonly onNew: (known: RemoteTask) => void) {}

  get all(): RemoteTask[] {
    return [...this.#known.values()];
  }

  /** The one that is just being loaded; those behind it wait. */
  get loading(): RemoteTask | undefined {
    for (const known of this.#known.values()) if (known.state === "loading") return known;
    return undefined;
  }

  /** The same if no batch waits for it any more: it may never come to its end, and blocks those behind it. */
  get blocking(): RemoteTask | undefined {
    const { loading } = this;
    return loading?.isBegun && loading.held.size === 0 ? loading : undefined;
  }

  find(task: Task): RemoteTask | undefined {
    return this.#known.get(nameOf(task));
  }

  numbered(number: number): RemoteTask | undefined {
    return this.all.find((known) => known.number === number);
  }

  /** The task, of which the lane is told if it wasn't. */
  of(task: Task): RemoteTask {
    let known = this.#byTask.get(task);
    if (known !== undefined && known.state !== "failed") return known;
    known = this.find(task) ?? this.#add(task);
    this.#byTask.set(task, known);
    return known;
  }

  #add(task: Task): RemoteTask {
    const sinceMs = this.loading === undefined ? clock.now() : NaN;
    const known = new RemoteTask(++this.#lastNumber, task, sinceMs);
    this.#known.set(nameOf(task), known);
    this.onNew(known);
    return known;
  }

  /** The lane has come to load it, or to set it up. */
  begin(number: number, isSetUp: boolean): void {
    const known = this.numbered(number);
    if (known === undefined) return;
    if (!known.isBegun) known.sinceMs = clock.now();
    known.isBegun = true;
    known.isSetUp = isSetUp;
  }

  /**
   * Its loading has ended. One that failed isn't kept: a file may be mended, or a permission granted,
   * before the next run.
   *
   * @returns The batches that waited for it.
   */
  end(number: number, error?: Error): LaneBatch[] {
    const known = this.numbered(number);
    if (known === undefined) return [];
    known.state = error === undefined ? "loaded" : "failed";
    if (error !== undefined) this.#known.delete(nameOf(known.task));
    if (error === undefined) known.loaded.resolve();
    else known.loaded.reject(error);
    const held = [...known.held];
    known.held.clear();
    return held;
  }
}

/** What is told of a task that a lane, which may have been setting it up, can't load. */
export function loadError(
  { module }: Task,
  why: string,
  cause?: unknown,
  inSetup = false,
): TaskLoadError {
  const options = cause === undefined ? undefined : { cause };
  if (inSetup) return notSetUp(module, why, options);
  const own = module === Deno.mainModule
    ? "; it is the program itself, whose top level runs in every lane: put what is not to run " +
      "there behind import.meta.main"
    : "";
  return unloadable(module, `${why}${own}`, options);
}
