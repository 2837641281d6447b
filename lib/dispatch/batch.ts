/** A batch: items of a run that travel to a lane together, and what its run and its lane are to the pool. */

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

/** What an item is counted under, where each key has a limit of its own. */
export type Key = string | number;

/** What whoever answers a key allows of it, as its refusals tell. */
export interface Pace {
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

/** The same, with what lanes needn't know. */
export interface BatchSettings extends LaneSettings {
  readonly loadTimeoutMs: number;
  /** Whether an item's buffers are empty in the caller once it has ended. */
  readonly emptiesItems: boolean;
}

/** A run, as the pool knows it. */
export interface PoolRun {
  readonly task: Task;
  readonly settings: BatchSettings;
  /** The async context of who wants its items run. */
  readonly context?: unknown;
  /** Its span, once it has begun; undefined without telemetry. */
  readonly span?: Pick<Span, "context"> | undefined;
  bagIndex: number;
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
  /** Whether slots are free for items that its source hasn't given yet. */
  readonly awaitsItems?: boolean;
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
  /** It is with its lane no more, or could not be given to one: told once of each that was taken. */
  onLeave(batch: Batch, startedAtMs: number): void;
  onReport(batch: Batch, report: Report): void;
  /** Its task can't be loaded on its lane; `isKnown` if it only waited there for what has failed another. */
  onUnloadable(batch: Batch, error: Error, isKnown: boolean): void;
  onLost(batch: Batch, blame: Blame, death: Death): void;
  /** It went on after it was asked to stop. */
  onForced(batch: Batch, end: ForcedEnd): void;
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

/** What became of a batch that went on after it was asked to stop. */
export interface ForcedEnd {
  /** How far the lane was with it then. */
  readonly at: BatchProgress;
  readonly forced: Forced;
  /** Whether others ran beside it. */
  readonly hadOthers: boolean;
}

export class OpenLane {
  lane!: Lane;
  /** How long it took to start, in milliseconds; undefined until it has. */
  startMs: number | undefined;
  /** What is with it, what waits there too. */
  readonly inFlight: Bag<Batch> = new Bag();
  /** What it was sent waits for tasks of others, as far as is known. */
  isHeldUp = false;
  /** Is being ended, for a task on it went on after it was asked to stop. */
  isForced = false;
  /** Which task couldn't be loaded there last, and when: what was sent before shares that failure. */
  loadFailure: { readonly task: string; readonly atMs: number } | undefined;
  /** Since when it has had nothing to do. */
  idleSinceMs = 0;
  /** How many wait until it can take tasks, and would miss it. */
  awaited = 0;

  constructor(
    /** Its number in outcomes and reports, from 0. */
    readonly number: number,
    /** How many tasks it may still be given; what is taken back unstarted counts no more. */
    public tasksLeft: number = Infinity,
  ) {}

  /** Whether it gets nothing more, unless what it has comes back. */
  get isSpent(): boolean {
    return this.tasksLeft === 0;
  }

  /** Whether one batch has it for itself, to find out whether it kills. */
  get isExclusive(): boolean {
    return this.inFlight.size === 1 && this.inFlight.first!.alone;
  }
}

/** What a batch's items have been through together. */
export interface History {
  /** Which start the next one will be, from 1. */
  readonly attempt: number;
  /**
   * How many of these starts use up no retry, for a lane was lost through another item's fault. A try that
   * never came to a start uses one up, and counts as −1.
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
  openLane: OpenLane | undefined = undefined;
  tellsStarts = false;
  sentAtMs = 0;
  sentCount = 0;
  sentBytes = 0;
  moved = false;
  /** Whether it waits for others' tasks, as far as is known. */
  isHeldUp = false;
  laneState: unknown = undefined;
  /** The pace of its key, if keys are paced. */
  pace: Pace | undefined = undefined;
  /** How many of its items have been reported. */
  reported = 0;
  /** When, why and at which item its task was asked to stop. */
  asked: { readonly atMs: number; readonly why: AskReason; readonly offset: number } | undefined =
    undefined;
  /** Since when, by the last look, nothing else runs on its lane and yet it isn't started; else Infinity. */
  nextSinceMs: number = Infinity;
  bagIndex = -1;
  readonly alone: boolean;
  readonly settings: BatchSettings;

  constructor(
    readonly run: PoolRun,
    readonly firstIndex: number,
    readonly items: readonly unknown[],
    /** When they were pulled from the input, in milliseconds. */
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

  /** Some of its items, queued again, perhaps with another history. */
  part(from: number, to: number, changes?: Partial<History>): Batch {
    const whole = from === 0 && to === this.items.length;
    const items = whole ? this.items : this.items.slice(from, to);
    const history = changes === undefined ? this.history : { ...this.history, ...changes };
    return new Batch(this.run, this.firstIndex + from, items, this.queuedAtMs, history);
  }
}
