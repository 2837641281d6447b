/**
 * A lane that does nothing by itself: a test says step by step what happens on it. With it, counting, ordering
 * and blame are tested without threads, processes or time.
 */

import { LanePool, type PoolOptions } from "../../lib/dispatch/lane_pool.ts";
import type {
  AskReason,
  BatchProgress,
  Forced,
  ItemFailure,
  Lane,
  LaneBatch,
  LaneEvents,
  LoadingStage,
  Usage,
} from "../../lib/lanes/lane.ts";
import type { Task } from "../../lib/lanes/task.ts";
import { httpSigns } from "../../lib/tasks/http_signs.ts";

/** The value that the fake lane gives for an item. */
export function valueOf(item: unknown): string {
  return `value of ${item}`;
}

/** The lane's state of a batch. */
interface Held {
  at: BatchProgress;
  /** How many of its items were reported, and how many have ended since then. */
  reported: number;
  ended: number;
  values: unknown[];
  failures: ItemFailure[];
  /** When the first of the items that ended since then started. */
  fromMs: number;
  /** Why its running task was asked to stop; undefined if it wasn't. */
  asked: AskReason | undefined;
}

/** The settings of a fake lane. */
export interface FakeLaneOptions {
  /** Whether the lane reports which item of each batch runs, as threads can; default true. */
  readonly tells?: boolean;
  /** Whether the lane is ready, and has loaded every task, at once; default true. */
  readonly quick?: boolean;
}

const NO_EVENTS: LaneEvents = {
  report() {},
  unloadable() {},
  heldUp() {},
  leaving() {},
  died() {},
};

/** A lane whose steps are taken by a test. */
export class FakeLane implements Lane {
  readonly ready: Promise<number>;
  readonly number: number;
  /** The modules of the tasks that the lane was opened for. */
  readonly tasks: readonly string[];
  /** The calls that the lane received, in order, such as `send 10` for the batch whose first index is 10. */
  readonly log: string[] = [];
  accepting: (task: Task) => boolean = () => true;
  /** The result of stopping a task by force. */
  forces: (batch: LaneBatch, others: boolean) => Forced = () => "stopped";
  /** How many slots the lane turns out to have; as many as were asked for if undefined. */
  slots: number | undefined;
  /** Whether the lane keeps the program alive. */
  holds = true;
  /** Whether waiting batches can be taken back at once; if false, the lane is asked for them. */
  givesBackAtOnce = true;
  /** The result of `load`; resolved at once by default. */
  loads: (task: Task) => Promise<void> = () => Promise.resolve();
  /** How far loading its tasks has come. */
  stage: LoadingStage | undefined = "loading";
  /** The promise that `close` waits for. */
  closing: Promise<void> = Promise.resolve();
  isClosed = false;
  readonly tells: boolean;
  readonly #events: LaneEvents;
  readonly #quick: boolean;
  readonly #ready = Promise.withResolvers<number>();
  readonly #on = new Set<LaneBatch>();
  readonly #known = new WeakMap<LaneBatch, Held>();

  constructor(
    { tells = true, quick = true }: FakeLaneOptions = {},
    number = 0,
    events = NO_EVENTS,
    tasks: readonly Task[] = [],
  ) {
    this.tells = tells;
    this.#quick = quick;
    this.number = number;
    this.#events = events;
    this.tasks = tasks.map(({ module }) => module);
    this.ready = this.#ready.promise;
    if (quick) this.becomeReady();
  }

  /** The batches on the lane, in the order of their arrival. */
  get batches(): LaneBatch[] {
    return [...this.#on];
  }

  accepts(task: Task): boolean {
    return this.accepting(task);
  }

  load(task: Task): Promise<void> {
    this.log.push(`load ${task.module}`);
    return this.loads(task);
  }

  stageOf(): LoadingStage | undefined {
    return this.stage;
  }

  send(batch: LaneBatch): void {
    if (this.isClosed) throw new Error("a batch was sent to a lane that is gone");
    if (this.#on.has(batch)) throw new Error("a batch was sent twice");
    this.log.push(`send ${batch.firstIndex}`);
    this.#on.add(batch);
    const at: BatchProgress = { state: "loading", sinceMs: batch.sentAtMs };
    this.#known.set(batch, {
      at,
      reported: 0,
      ended: 0,
      values: [],
      failures: [],
      fromMs: NaN,
      asked: undefined,
    });
    if (this.#quick) this.loaded(batch);
  }

  ask(batch: LaneBatch, why: AskReason): void {
    this.log.push(`ask ${batch.firstIndex} ${why}`);
    this.held(batch).asked = why;
  }

  progress(batch: LaneBatch): BatchProgress {
    const { at } = this.held(batch);
    const canTell = this.tells || batch.tellsStarts || at.state === "loading";
    return canTell ? at : { state: "unknown" };
  }

  askBack(batch: LaneBatch): boolean {
    if (this.givesBackAtOnce) return false;
    this.log.push(`ask back ${batch.firstIndex}`);
    return true;
  }

  recall(batch: LaneBatch, goesOn = false): boolean {
    if (!this.givesBackAtOnce) return false;
    const { state } = this.held(batch).at;
    const can = state === "loading" || (state === "waiting" && this.tells && !batch.moved);
    if (can) this.#on.delete(batch);
    const how = goesOn ? ", loading on" : "";
    this.log.push(`${can ? "recall" : "keep"} ${batch.firstIndex}${how}`);
    return can;
  }

  force(batch: LaneBatch, others: boolean): Forced {
    this.log.push(`force ${batch.firstIndex}${others ? " beside others" : ""}`);
    const forced = this.forces(batch, others);
    if (forced !== "ends") this.#on.delete(batch);
    return forced;
  }

  usage(): Promise<Usage> {
    return Promise.resolve({ cpuMs: undefined, peakRssBytes: undefined });
  }

  hold(keepsAlive: boolean): void {
    this.holds = keepsAlive;
  }

  close(): Promise<void> {
    if (!this.isClosed) this.log.push("close");
    this.isClosed = true;
    this.#ready.resolve(NaN);
    this.#on.clear();
    return this.closing;
  }

  /** The lane's state of a batch that it was sent. */
  held(batch: LaneBatch): Held {
    const held = this.#known.get(batch);
    if (held === undefined) throw new Error("the lane was never sent this batch");
    return held;
  }

  /** From now on the lane can take tasks. */
  becomeReady(startMs = 3): void {
    this.#ready.resolve(startMs);
  }

  /** The batch's task is loaded, and `count` of its items are sent to the lane, by default all. */
  loaded(batch: LaneBatch, count = batch.items.length): void {
    batch.sentCount = count;
    this.stage = "loaded";
    this.held(batch).at = { state: "waiting" };
  }

  /** The batch's first item starts. */
  start(batch: LaneBatch, sinceMs = performance.now()): void {
    Object.assign(this.held(batch), {
      at: { state: "running", offset: 0, sinceMs },
      fromMs: sinceMs,
    });
  }

  /** The running item ends; the next one starts, or after the last the batch is reported. */
  end(batch: LaneBatch, how: "ok" | ItemFailure["ended"] = "ok", reason?: unknown): void {
    if (this.endOnly(batch, how, reason)) return this.report(batch, true);
    const held = this.held(batch);
    const offset = held.reported + held.ended;
    held.at = { state: "running", offset, sinceMs: performance.now() };
  }

  /** The running item ends, and no other one starts; returns whether it was the last. */
  endOnly(batch: LaneBatch, how: "ok" | ItemFailure["ended"] = "ok", reason?: unknown): boolean {
    const held = this.held(batch);
    const at = held.reported + held.ended;
    const value = how === "ok" ? valueOf(batch.items[at]) : undefined;
    held.values.push(value);
    const { retryAfterMs } = httpSigns(reason);
    if (how !== "ok") held.failures.push({ offset: held.ended, ended: how, reason, retryAfterMs });
    held.ended++;
    if (held.asked === "timeout") held.asked = undefined;
    return at + 1 === batch.sentCount;
  }

  /** Reports the items that have ended; the last report gives back those that never started. */
  report(batch: LaneBatch, last = false): void {
    const held = this.held(batch);
    const { ended: count, values, failures, fromMs } = held;
    held.fromMs = performance.now();
    held.reported += count;
    held.ended = 0;
    held.values = [];
    held.failures = [];
    if (last) this.#on.delete(batch);
    this.#events.report(batch, {
      count,
      values,
      failures: failures.length > 0 ? failures : undefined,
      startedAtMs: fromMs,
      endedAtMs: performance.now(),
      times: undefined,
      last,
    });
  }

  /** All remaining items of a batch end well, or in the way given. */
  finish(batch: LaneBatch, how: "ok" | ItemFailure["ended"] = "ok", reason?: unknown): void {
    if (this.held(batch).at.state === "waiting") this.start(batch);
    while (this.#on.has(batch)) this.end(batch, how, reason);
  }

  /** The batch waits for other programs' tasks. */
  holdUp(batch: LaneBatch): void {
    this.#events.heldUp(batch);
  }

  /** The lane's machine is about to leave. */
  leave(): void {
    this.#events.leaving();
  }

  /** The batch's task can't be loaded. */
  unloadable(batch: LaneBatch, error: Error): void {
    this.#on.delete(batch);
    this.#events.unloadable(batch, error);
  }

  /** The lane has died. */
  die(how = "was ended by SIGKILL", more: { starting?: boolean; error?: unknown } = {}): void {
    this.#ready.resolve(NaN);
    this.#on.clear();
    this.#events.died({ how, starting: false, ...more });
  }
}

/** A pool of fake lanes, with the lanes it made. */
export interface FakePool {
  readonly pool: LanePool;
  /** Every lane, in the order of making. */
  readonly made: FakeLane[];
}

/** The settings of a fake pool; by default it has one remote lane with one slot. */
export interface FakePoolOptions extends Partial<Omit<PoolOptions, "makeLane">>, FakeLaneOptions {
  /** Called before each lane is made; an error that it throws is why the lane can't be made. */
  readonly beforeMaking?: (number: number) => void;
}

/** A pool of lanes whose steps are taken by a test. */
export function poolOf(
  { tells, quick, beforeMaking = () => {}, ...more }: FakePoolOptions = {},
): FakePool {
  const made: FakeLane[] = [];
  const pool = new LanePool({
    lanes: 1,
    slots: 1,
    graceMs: 100,
    remote: true,
    takesAhead: false,
    moves: false,
    ...more,
    makeLane: (number, events, tasks) => {
      beforeMaking(number);
      const lane = new FakeLane({ tells, quick }, number, events, tasks);
      made.push(lane);
      return lane;
    },
  });
  return { pool, made };
}
