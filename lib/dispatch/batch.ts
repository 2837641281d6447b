/** A batch: items of a run that travel to a lane together; and the pool's view of a run and an open lane. */

import type {
  AskReason,
  BatchProgress,
  Death,
  Forced,
  Lane,
  LaneBatch,
  LaneSettings,
  Report,
} from "../lanes/lane.ts";
import type { Task } from "../lanes/task.ts";
import type { Span, SpanContext } from "../lanes/telemetry.ts";
import { Bag } from "./collections.ts";

/** A key under which items are counted, where each key has a limit of its own. */
export type Key = string | number;

/** How fast a key's server may be asked by all runs together, learned from its refusals. */
export interface Pace {
  /** Whether there is a limit at all, which is lost if the pace is dropped. */
  readonly isBound: boolean;
  /**
   * How long no task of the key may start, in milliseconds; Infinity until one in flight has ended or more may
   * be: then `onFree` is called, once.
   */
  waitMs(nowMs: number, onFree: () => void): number;
  /** Counts a task that is about to be sent. */
  take(): void;
  /** Notes that a task ended or comes back. */
  leave(): void;
  /** Called once by each of its users, when it needs the pace no more. */
  release(): void;
}

/** Returns the pace of a key, for one more user. */
export type PaceMaker = (key: Key) => Pace;

/** The settings that lanes read, and those that only the dispatcher does. */
export interface BatchSettings extends LaneSettings {
  readonly loadTimeoutMs: number;
  /** Whether an item's buffers are emptied in the caller once the item has ended. */
  readonly emptiesItems: boolean;
}

/** The pool's view of a run. */
export interface PoolRun {
  readonly task: Task;
  readonly settings: BatchSettings;
  /** The async context of the caller. */
  readonly context?: unknown;
  /** The run's telemetry span, once the run has begun; undefined without telemetry. */
  readonly span?: Pick<Span, "context"> | undefined;
  bagIndex: number;
  /** Set by the pool: whether the run waits for its turn to send. */
  isReady: boolean;
  /** Whether it sends only one batch, unless that is put back. */
  readonly isCall?: boolean;
  /** Set by the pool: whether the run keeps no lane alive for now. */
  rests?: boolean;
  /** How many batches may wait on a lane for each of its slots. */
  readonly ahead: number;
  /** Items not yet sent; undefined if the number isn't known. */
  readonly remaining: number | undefined;
  /** Whether slots are free for items that the input hasn't given yet. */
  readonly awaitsItems?: boolean;
  /** Undefined if it has nothing to send; `alone` if the next batch needs a lane to itself. */
  peek(): { readonly alone: boolean } | undefined;
  /** Takes the next batch out of the queue; undefined if there is none after all. */
  take(): Batch | undefined;
  /** Puts back a batch of which nothing was started. */
  putBack(batch: Batch): void;
  /** Called before a batch is given to its lane. */
  onSend(batch: Batch): void;
  /** Called after a batch was given to its lane, unless it ended during that. */
  onSent?(batch: Batch): void;
  /** Called once for each taken batch, when it leaves its lane or couldn't be given to one. */
  onLeave(batch: Batch, startedAtMs: number): void;
  onReport(batch: Batch, report: Report): void;
  /** Called when a task can't be loaded on its lane; `isKnown` if an earlier failure there covers it. */
  onUnloadable(batch: Batch, error: Error, isKnown: boolean): void;
  onLost(batch: Batch, blame: Blame, death: Death): void;
  /** Called when a task went on after it was asked to stop. */
  onForced(batch: Batch, end: ForcedEnd): void;
  fail(error: unknown): void;
  /** Stops the run; resolves when it has ended. Its input, too, is waited for only `graceMs`. */
  close(reason: unknown): Promise<void>;
}

/** How a lost batch is related to its lane's death. */
export interface Blame {
  /** How far the lane was with the batch. */
  readonly at: BatchProgress;
  /** Whether its running item, or the one about to run, ended the lane. */
  readonly fault: "none" | "perhaps" | "certain";
}

/** How a batch ended that went on after it was asked to stop. */
export interface ForcedEnd {
  /** How far the lane was with the batch then. */
  readonly at: BatchProgress;
  readonly forced: Forced;
  /** Whether other tasks ran on the lane. */
  readonly hadOthers: boolean;
}

export class OpenLane {
  lane!: Lane;
  /** How long the lane took to start, in milliseconds; undefined until it has. */
  startMs: number | undefined;
  /** Batches on the lane, including those that wait there. */
  readonly inFlight: Bag<Batch> = new Bag();
  /** Whether its batches wait for tasks of other programs, as far as is known. */
  isHeldUp = false;
  /** Whether it is being ended because a task on it went on after it was asked to stop. */
  isForced = false;
  /** The task that last failed to load there, and when; batches sent before that share the failure. */
  loadFailure: { readonly task: string; readonly atMs: number } | undefined;
  /** When it last became idle. */
  idleSinceMs = 0;
  /** How many callers of `openAll` wait for it, so that it isn't closed as idle. */
  awaited = 0;

  constructor(
    /** The lane's number in outcomes and reports, from 0. */
    readonly number: number,
    /** How many more tasks it may be given; tasks taken back unstarted don't count. */
    public tasksLeft: number = Infinity,
  ) {}

  /** Whether it gets no more tasks, unless some are taken back. */
  get isSpent(): boolean {
    return this.tasksLeft === 0;
  }

  /** Whether one batch has the lane to itself, to find out whether it ends lanes. */
  get isExclusive(): boolean {
    return this.inFlight.size === 1 && this.inFlight.first!.alone;
  }
}

/** The history that all items of a batch share. */
export interface History {
  /** The number of the next attempt, from 1. */
  readonly attempt: number;
  /**
   * How many of these attempts used up no retry, because a lane was lost through another item's fault. A retry
   * that was used up without a start counts as −1.
   */
  readonly reruns: number;
  /** How many lanes this item is held to have ended. */
  readonly kills: number;
  /** How many lanes died, perhaps because of the item, before it was started. */
  readonly losses: number;
  /** Whether each item must have a lane to itself, to find out which one ends lanes. */
  readonly alone: boolean;
  /** The key that they are counted under; undefined if there is none. */
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

/** Consecutive items of the input that share a history and travel together. */
export class Batch implements LaneBatch {
  // Set while the batch is on a lane:
  /** The lane it was sent to, which may have died since; undefined while queued. */
  openLane: OpenLane | undefined = undefined;
  tellsStarts = false;
  sentAtMs = 0;
  sentCount = 0;
  sentBytes = 0;
  moved = false;
  /** Whether it waits for tasks of other programs, as far as is known. */
  isHeldUp = false;
  laneState: unknown = undefined;
  /** The pace of the items' key, if keys are paced. */
  pace: Pace | undefined = undefined;
  /** How many of its items the lane has reported. */
  reported = 0;
  /** When, why and at which item its task was asked to stop. */
  asked: { readonly atMs: number; readonly why: AskReason; readonly offset: number } | undefined =
    undefined;
  /** Since when nothing else was seen to run on its lane while it still wasn't started; Infinity otherwise. */
  nextSinceMs: number = Infinity;
  /** The time limit that it was looked at too late for, so that it is looked at once more; NaN otherwise. */
  missedDueMs: number = NaN;
  bagIndex = -1;
  readonly alone: boolean;
  readonly settings: BatchSettings;

  constructor(
    readonly run: PoolRun,
    readonly firstIndex: number,
    readonly items: readonly unknown[],
    /** When the items were pulled from the input, in milliseconds. */
    readonly queuedAtMs: number,
    readonly history: History = UNSENT,
  ) {
    this.alone = history.alone;
    this.settings = run.settings;
  }

  get task(): Task {
    return this.run.task;
  }

  get attempt(): number {
    return this.history.attempt;
  }

  get context(): unknown {
    return this.run.context;
  }

  get span(): SpanContext | undefined {
    return this.run.span?.context;
  }

  /** A new batch of some of its items, to be queued again, perhaps with another history. */
  part(from: number, to: number, changes?: Partial<History>): Batch {
    const whole = from === 0 && to === this.items.length;
    const items = whole ? this.items : this.items.slice(from, to);
    const history = changes === undefined ? this.history : { ...this.history, ...changes };
    return new Batch(this.run, this.firstIndex + from, items, this.queuedAtMs, history);
  }
}
