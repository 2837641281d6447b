/** Items on their way, in their run and on a lane; and what runs and lanes are to each other. */

import type {
  AskReason,
  BatchProgress,
  Death,
  Forced,
  Lane,
  LaneBatch,
  Report,
  Whole,
} from "../lanes/lane.ts";
import type { Task } from "../lanes/task.ts";
import type { Span, SpanPlace } from "../lanes/telemetry.ts";

/** What an item is counted under, where each key has a limit of its own. */
export type Key = string | number;

/** What whoever answers a key allows of it, as its refusals tell. */
export interface Pace {
  /** Tasks in flight at most. */
  readonly slots: number;
  /** They start no closer together than this. */
  readonly gapMs: number;
  /** Whether it has to be remembered. */
  readonly isBound: boolean;
  /** For how long none starts. */
  waitMs(nowMs: number): number;
}

/** Makes the pace of a key, of which so many tasks are in flight. */
export type PaceMaker = (inFlight: () => number) => Pace;

/** What all batches of a run have in common. */
export interface BatchSettings {
  /** Infinity for none. */
  readonly timeoutMs: number;
  readonly loadTimeoutMs: number;
  readonly timed: boolean;
  readonly transfer: boolean;
  /** Whether an item's buffers are empty in the caller once it has ended. */
  readonly emptiesItems: boolean;
  /** Whether they may move. */
  readonly movesItems: boolean;
  readonly whole: Whole;
  readonly mostBytes: number;
}

/** A run, as the pool knows it. */
export interface PoolRun {
  readonly task: Task;
  readonly settings: BatchSettings;
  /** The async context of who wants its items run. */
  readonly context?: unknown;
  /** Its span, once it has begun; undefined without telemetry. */
  readonly span?: Pick<Span, "place"> | undefined;
  /** Its place among the pool's runs. */
  place: number;
  /** Pool: whether it waits for its turn to send. */
  isReady: boolean;
  /** Whether it never sends more than one batch, unless that comes back. */
  readonly isCall?: boolean;
  /** Pool: whether it keeps no lane alive for the moment. */
  rests?: boolean;
  /** How many batches may wait on a lane for each of its slots. */
  readonly ahead: number;
  /** Items that were not sent yet; undefined if that isn't known. */
  readonly remaining: number | undefined;
  /** Whether it has something to send, and whether that needs a lane for itself. */
  peek(): { readonly alone: boolean } | undefined;
  /** What it sends next; undefined if there is nothing after all. */
  take(): Batch | undefined;
  /** Takes a batch back of which nothing was started. */
  putBack(batch: Batch): void;
  /** The batch is about to be given to its lane. */
  onSend(batch: Batch): void;
  /** It was given to its lane, and has not ended yet. */
  onSent?(batch: Batch): void;
  onReport(batch: Batch, report: Report): void;
  onUnloadable(batch: Batch, error: Error): void;
  onLost(batch: Batch, blame: Blame, death: Death): void;
  /** It went on after it was asked to stop, and was made to, or given up, when it was so far. */
  onForced(batch: Batch, at: BatchProgress, forced: Forced, hadOthers: boolean): void;
  /** The pace of a batch's key, if keys are paced. */
  paceOf?(batch: Batch): Pace | undefined;
  /** Stops it with an error. */
  fail(error: unknown): void;
  /** Stops it; resolves when nothing of it goes on. Its input is waited for as long as lanes are. */
  close(reason: unknown): Promise<void>;
}

/** What is known of the part that a lost batch had in its lane's death. */
export interface Blame {
  /** How far the lane was with it. */
  readonly at: BatchProgress;
  /** Whether what ran of it, or was about to, ended the lane. */
  readonly fault: "none" | "perhaps" | "certain";
}

export class OpenLane {
  lane!: Lane;
  /** How long it took to start, in milliseconds; undefined until it has. */
  startMs: number | undefined;
  /** What is with it, what waits there too. */
  readonly inFlight = new Bag<Batch>();
  /** Gets nothing more, and is closed once what is in flight has ended. */
  retired = false;
  /** What it was sent waits for tasks of others, as far as is known. */
  isHeldUp = false;
  /** Is being ended, for a task on it went on after it was asked to stop. */
  isForced = false;
  /** How many tasks it was given. */
  tasks = 0;
  /** Since when it has had nothing to do. */
  idleSinceMs = 0;
  /** How many wait until it can take tasks, and would miss it. */
  awaited = 0;

  constructor(
    /** Its number in outcomes and reports, from 0. */
    readonly number: number,
  ) {}
}

/** What a batch's items have been through together. */
export interface History {
  /** Which start the next one will be, from 1. */
  readonly attempt: number;
  /**
   * Starts among these that nobody asked for, a lane being lost through another item's fault, less the
   * tries that never started.
   */
  readonly reruns: number;
  /** How many lanes died while this very item ran. */
  readonly kills: number;
  /** How many lanes were lost with it before it had been started. */
  readonly losses: number;
  /** Whether each item must have its lane for itself, to find out which one kills. */
  readonly alone: boolean;
  /** What they are counted under; undefined if they aren't. */
  readonly key: Key | undefined;
}

/** The history of items that were never sent. */
export const UNSENT: History = {
  attempt: 1,
  reruns: 0,
  kills: 0,
  losses: 0,
  alone: false,
  key: undefined,
};

/** Items that follow on each other in the input, share their history, and travel together. */
export class Batch implements LaneBatch {
  // While it is on a lane:
  /** The lane, which the pool may have lost since; undefined while queued. */
  on: OpenLane | undefined = undefined;
  giveBackMs = Infinity;
  mark = false;
  sentAtMs = 0;
  sentCount = 0;
  sentBytes = 0;
  moved = false;
  /** Whether it waits for others' tasks, as far as is known. */
  isHeldUp = false;
  note: unknown = undefined;
  /** How many of its items have been reported. */
  reported = 0;
  /** When, why and at which item its task was asked to stop. */
  asked: { readonly atMs: number; readonly why: AskReason; readonly offset: number } | undefined =
    undefined;
  /** Whether it is with a lane, for its run. */
  isOut = false;
  /** Its place among its lane's batches. */
  place = -1;

  constructor(
    readonly run: PoolRun,
    readonly firstIndex: number,
    readonly items: readonly unknown[],
    /** When they were pulled from the input, in milliseconds. */
    readonly queuedAtMs: number,
    readonly history: History = UNSENT,
  ) {}

  get task(): Task {
    return this.run.task;
  }

  get attempt(): number {
    return this.history.attempt;
  }

  get alone(): boolean {
    return this.history.alone;
  }

  get timeoutMs(): number {
    return this.run.settings.timeoutMs;
  }

  get timed(): boolean {
    return this.run.settings.timed;
  }

  get transfer(): boolean {
    return this.run.settings.transfer;
  }

  get movesItems(): boolean {
    return this.run.settings.movesItems;
  }

  get whole(): Whole {
    return this.run.settings.whole;
  }

  get mostBytes(): number {
    return this.run.settings.mostBytes;
  }

  get context(): unknown {
    return this.run.context;
  }

  get span(): SpanPlace | undefined {
    return this.run.span?.place;
  }

  /** Some of its items, queued again, perhaps with another history. */
  part(from: number, to: number, changes?: Partial<History>): Batch {
    const whole = from === 0 && to === this.items.length;
    const items = whole ? this.items : this.items.slice(from, to);
    const history = changes === undefined ? this.history : { ...this.history, ...changes };
    return new Batch(this.run, this.firstIndex + from, items, this.queuedAtMs, history);
  }
}

/** What keeps its place in the bag that it is in; −1 if it is in none. */
interface Placed {
  place: number;
}

/** What is somewhere, in no order. Unlike a Set it makes no garbage when it comes and goes. */
export class Bag<T extends Placed> implements Iterable<T> {
  readonly #all: T[] = [];

  get size(): number {
    return this.#all.length;
  }

  add(one: T): void {
    one.place = this.#all.length;
    this.#all.push(one);
  }

  has(one: T): boolean {
    return this.#all[one.place] === one;
  }

  /** Returns whether it was there. */
  delete(one: T): boolean {
    if (!this.has(one)) return false;
    const at = one.place;
    const last = this.#all.pop()!;
    if (last !== one) {
      this.#all[at] = last;
      last.place = at;
    }
    one.place = -1;
    return true;
  }

  clear(): void {
    for (const one of this.#all) one.place = -1;
    this.#all.length = 0;
  }

  /** Those that are there now; they may come and go meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    return [...this.#all][Symbol.iterator]();
  }
}
