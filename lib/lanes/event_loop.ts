/**
 * The lane that is this event loop, and the turns of the event loop.
 *
 * This lane isolates nothing: a task that never yields blocks everything here, deadlines included, and a task
 * that exits ends the program.
 */

import { enterAsyncContext } from "./async_context.ts";
import { isPromise } from "./attempt.ts";
import type {
  AskReason,
  BatchProgress,
  Forced,
  Lane,
  LaneBatch,
  LaneEvents,
  LoadingStage,
  Usage,
} from "./lane.ts";
import { closeWithin, LaneTasks, type ReadyTask } from "./lane_tasks.ts";
import { type BatchHost, BatchRun } from "./run_batch.ts";
import type { Task } from "./task.ts";
import { traced } from "./telemetry.ts";
import { after, clock, type Timer } from "./timers.ts";

/** The state of a batch that was recalled while its task was still loading. */
const RECALLED = Symbol("recalled");

interface EventLoopLaneOptions {
  readonly shared?: unknown;
  /** How many milliseconds disposing the modules' resources may take; Infinity unless given. */
  readonly graceMs?: number;
}

export class EventLoopLane implements Lane {
  readonly ready: Promise<number> = Promise.resolve(0);
  readonly #host: BatchHost<LaneBatch> = {
    report: ({ batch }, report) => this.events.report(batch, report),
  };

  readonly #tasks: LaneTasks;
  /** Batches of tasks that are being loaded, in the order in which they are to start. */
  readonly #waiting = new Map<Task, Set<LaneBatch>>();

  constructor(
    private readonly events: LaneEvents,
    private readonly options: EventLoopLaneOptions = {},
  ) {
    this.#tasks = new LaneTasks({ shared: options.shared });
  }

  async load(task: Task): Promise<void> {
    await this.#tasks.ready(task);
  }

  stageOf(task: Task): LoadingStage {
    return this.#tasks.stageOf(task);
  }

  send(batch: LaneBatch): void {
    const { task } = batch;
    const others = this.#waiting.get(task);
    if (others !== undefined && others.size > 0) return void others.add(batch);
    const ready = this.#tasks.ready(task);
    if (!isPromise(ready)) return this.#start(batch, ready, batch.sentAtMs);
    const waiting = new Set([batch]);
    this.#waiting.set(task, waiting);
    const isProgram = task.module === Deno.mainModule;
    const come = isProgram ? after(PROGRAM_MS, warnOfProgram) : undefined;
    ready.finally(come).then((ready) => {
      // As each of them ends, another may come.
      for (const next of waiting) {
        waiting.delete(next);
        this.#start(next, ready);
      }
      this.#waiting.delete(task);
    }, (error) => {
      this.#waiting.delete(task);
      for (const each of waiting) {
        if (each.laneState !== RECALLED) this.events.unloadable(each, error);
      }
    });
  }

  #start(batch: LaneBatch, ready: ReadyTask, nowMs?: number): void {
    if (batch.laneState === RECALLED) return;
    const before = enterAsyncContext(batch.context);
    const run = new BatchRun(batch, traced(ready, batch.span), this.#host, ready.given);
    batch.laneState = run;
    batch.sentCount = batch.items.length;
    run.start(nowMs);
    enterAsyncContext(before);
  }

  ask({ laneState }: LaneBatch, why: AskReason, reason?: unknown): void {
    if (laneState instanceof BatchRun) laneState.ask(why, reason);
  }

  progress({ laneState, sentAtMs }: LaneBatch): BatchProgress {
    if (!(laneState instanceof BatchRun)) return { state: "loading", sinceMs: sentAtMs };
    if (!laneState.running) return { state: "waiting" };
    return { state: "running", offset: laneState.offset, sinceMs: laneState.sinceMs };
  }

  recall(batch: LaneBatch): boolean {
    if (batch.laneState instanceof BatchRun) return false;
    batch.laneState = RECALLED;
    return true;
  }

  force({ laneState }: LaneBatch): Forced {
    if (laneState instanceof BatchRun) laneState.forget();
    return "goes on";
  }

  usage(): Promise<Usage> {
    // This thread's CPU time is the caller's too; the trial that owns the process measures it.
    return Promise.resolve({ cpuMs: undefined, peakRssBytes: undefined });
  }

  hold(): void {}

  close(): Promise<void> {
    const { graceMs = Infinity } = this.options;
    return closeWithin(graceMs, () => this.#tasks.close(), () => this.#tasks.holds);
  }
}

/**
 * How many milliseconds a task of the program's own file may take to load before the user is warned. The file
 * is loaded already, so a longer wait means that its top level hasn't ended.
 */
const PROGRAM_MS = 1_000;
let warned = false;

function warnOfProgram(): void {
  if (warned) return;
  warned = true;
  console.error(
    "warning: a task of this program's own file can't start before the file's top level has ended; if " +
      "that waits for the task, give the function instead of its name",
  );
}

/**
 * After this many milliseconds the event loop's next turn is requested. If it hasn't begun after as long again,
 * no more tasks start until it has, so that timers, signals and aborts are handled.
 */
const TURN_MS = 10;
/**
 * After this many milliseconds the event loop sleeps once, or at once if data from another thread is expected.
 * Such data, for example bytes read or a signal, arrives when the loop sleeps, otherwise only after 31 turns. A
 * sleep takes a millisecond, so it isn't done each turn.
 */
const AWAKE_MS = 200;

/** Turns of this event loop: tasks that never wait are held back now and then so that other work can run. */
export class Turn {
  #beganMs = clock.now();
  #sleptMs = this.#beganMs;
  /** When the next turn was requested, in milliseconds; NaN if none is pending. */
  #askedMs = NaN;
  #next: Timer | undefined;
  #sleep: Timer | undefined;

  /**
   * @param onNext Called when a requested turn begins.
   * @param isAwaited Whether data from another thread is expected.
   */
  constructor(
    private readonly onNext: () => void,
    private readonly isAwaited: () => boolean = () => false,
  ) {}

  /** Whether no more tasks may start in this turn. `nowMs` is the time of the last start or end of a task. */
  isOver(nowMs: number): boolean {
    if (!Number.isNaN(this.#askedMs)) return nowMs - this.#askedMs >= TURN_MS;
    if (nowMs - this.#beganMs < TURN_MS) return false;
    // The clock is read anew, because `nowMs` may be from a much earlier turn.
    this.#askedMs = clock.now();
    const isAwake = nowMs - this.#sleptMs < AWAKE_MS && !this.isAwaited();
    if (isAwake) this.#next = clock.setImmediate(() => this.#begin());
    else {
      this.#sleep = clock.setTimeout(() => {
        this.#sleptMs = clock.now();
        this.#begin();
      });
    }
    return false;
  }

  #begin(): void {
    this.#askedMs = NaN;
    this.#beganMs = clock.now();
    this.onNext();
  }

  close(): void {
    clock.clearImmediate(this.#next);
    clock.clearTimeout(this.#sleep);
  }
}
