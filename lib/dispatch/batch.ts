/**
 * A batch: items of a run that travel to a lane together. How many they are, and what a batch's run and
 * its lane are to the pool.
 */

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
  /** Whether it has something to send, and whether that needs a lane for itself. */
  peek(): { readonly alone: boolean } | undefined;
  /** What it sends next; undefined if there is nothing after all. The time is NaN unless it is known. */
  take(nowMs: number): Batch | undefined;
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
  /** One batch has it for itself, to find out whether it kills. */
  exclusive = false;
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
  /** How many of its items have been reported. */
  reported = 0;
  /** When, why and at which item its task was asked to stop. */
  asked: { readonly atMs: number; readonly why: AskReason; readonly offset: number } | undefined =
    undefined;
  /** Since when, by the last look, nothing else runs on its lane and yet it isn't started; else Infinity. */
  nextSinceMs = Infinity;
  bagIndex = -1;
  readonly alone: boolean;

  constructor(
    readonly run: PoolRun,
    readonly firstIndex: number,
    readonly items: readonly unknown[],
    /** When they were pulled from the input, in milliseconds. */
    readonly queuedAtMs: number,
    readonly history: History = UNSENT,
  ) {
    this.alone = history.alone;
  }

  get task(): Task {
    return this.run.task;
  }

  get attempt(): number {
    return this.history.attempt;
  }

  get settings(): BatchSettings {
    return this.run.settings;
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

/** How long a batch of tiny tasks is to take. Long against a message, short against a person. */
export const TARGET_MS = 4;
/** A lane that took this many times as long as was aimed at gives the rest of a batch back. */
const GIVE_BACK_FACTOR = 4;
/** Never more items than this in a batch, however short they are. */
const MOST_ITEMS = 8192;
/** Never more bytes than about this in a batch of more than one item, or in what waits behind it. */
const MOST_BYTES = 1 << 20;
/** A batch is at most this many times as large as the one before: one quick task proves little. */
const GROWTH = 8;
/**
 * Below this task time a lane is sent batches ahead, so that it needn't wait for the next message: where
 * all cores compute, that takes up to a millisecond.
 */
const AHEAD_BELOW_MS = 100;
/** The same where several runs share the lanes: what waits there makes another run's turn late. */
const SHARED_AHEAD_BELOW_MS = 1;
/** How much work a slot is to have ahead, in milliseconds, and in how many batches at most. */
const AHEAD_MS = 0.5;
const MOST_AHEAD = 8;
/** Above this task time a lane that can't be watched says which item it starts. */
const LONG_MS = 1;
/** Weight of the newest measurement. */
const WEIGHT = 0.5;

export interface BatchLimits {
  /** How long one of tiny tasks is to take, in milliseconds. */
  readonly targetMs: number;
  /** How many items the first one has: one, unless they run side by side. */
  readonly firstItems: number;
  /** Never more items than this, however short they are. */
  readonly mostItems: number;
  /** Below this task time a lane is sent batches ahead, in milliseconds; 100 unless given. */
  readonly aheadBelowMs?: number;
  /** Above this one it says which item it starts, where that costs a message; 1 unless given. */
  readonly longMs?: number;
}

/** Where a batch's items run one after another. */
const ONE_BY_ONE: BatchLimits = { targetMs: TARGET_MS, firstItems: 1, mostItems: MOST_ITEMS };

/**
 * Sizes the batches of one run: how many items travel to a lane together.
 *
 * A message costs 4–90 µs, so tiny tasks travel in batches that take about {@linkcode TARGET_MS}, as
 * measured; long ones travel alone. Where the input's length is known, no batch takes more than half
 * of a slot's even share of what is left, so that no lane starves at the end: guided
 * self-scheduling (Polychronopoulos and Kuck, 1987) with the factor of two from factoring (Hummel,
 * Schonberg and Flynn, 1992).
 */
export class BatchSize {
  readonly #fixed: number | undefined;
  #itemMs: number | undefined;
  #size: number;
  /** How large an item is, and what its task gives. */
  #itemBytes = 0;
  #valueBytes = 0;

  /** Knows nothing yet. */
  constructor(chunk: "auto" | number, private readonly limits: BatchLimits = ONE_BY_ONE) {
    this.#fixed = chunk === "auto" ? undefined : Math.min(chunk, limits.mostItems);
    this.#size = Math.min(limits.firstItems, limits.mostItems);
  }

  /** Whether an item takes so long that saying which one starts costs little beside it. */
  get isLong(): boolean {
    return this.#itemMs !== undefined && this.#itemMs > (this.limits.longMs ?? LONG_MS);
  }

  /** The size at present, before what is left of the input is looked at. */
  get current(): number {
    return this.#fixed ?? Math.min(this.#size, this.#mostOf(1));
  }

  /** How many times so many items are within what may be held, and once at least. */
  #mostOf(items: number): number {
    return Math.max(1, Math.floor(MOST_BYTES / (items * (this.#itemBytes + this.#valueBytes))));
  }

  /** How many batches a slot had better have waiting; `isShared` if other runs use the lanes. */
  ahead(isShared: boolean): number {
    const { aheadBelowMs = AHEAD_BELOW_MS } = this.limits;
    const belowMs = isShared ? SHARED_AHEAD_BELOW_MS : aheadBelowMs;
    if (this.#itemMs === undefined || this.#itemMs >= belowMs) return 0;
    const batchMs = Math.max(this.#itemMs * this.current, 1e-3);
    return Math.min(Math.ceil(AHEAD_MS / batchMs), MOST_AHEAD, this.#mostOf(this.current));
  }

  /** How long a batch may take before its rest is given back, in milliseconds. */
  get giveBackMs(): number {
    return this.#fixed === undefined ? GIVE_BACK_FACTOR * this.limits.targetMs : Infinity;
  }

  /** How large a batch of more than one item may be. */
  get mostBytes(): number {
    return this.#fixed === undefined ? MOST_BYTES : Infinity;
  }

  /** Takes note of items that ended, and of how long they took on their lane together. */
  learn(count: number, elapsedMs: number): void {
    if (count === 0 || Number.isNaN(elapsedMs)) return;
    const itemMs = Math.max(0, elapsedMs) / count;
    this.#itemMs = this.#itemMs === undefined
      ? itemMs
      : WEIGHT * itemMs + (1 - WEIGHT) * this.#itemMs;
    const { targetMs, mostItems } = this.limits;
    const wanted = Math.floor(targetMs / Math.max(this.#itemMs, Number.MIN_VALUE));
    this.#size = Math.max(1, Math.min(wanted, GROWTH * this.current, mostItems));
  }

  /** Takes note of how large items are. */
  weighItems(count: number, bytes: number): void {
    this.#itemBytes = weighed(this.#itemBytes, count, bytes);
  }

  /** Takes note of how large what their tasks gave is. */
  weighValues(count: number, bytes: number): void {
    this.#valueBytes = weighed(this.#valueBytes, count, bytes);
  }

  /** At least 1; `remaining` is what is left in the input, if it tells. */
  next(remaining: number | undefined, slots: number): number {
    if (this.#fixed !== undefined) return this.#fixed;
    // Items that run side by side had better not be dealt out in turns.
    if (remaining === undefined || this.limits.firstItems > 1) return this.current;
    return Math.max(1, Math.min(this.current, Math.ceil(remaining / (2 * slots))));
  }
}

/** The mean size of one, which grows at once where they do, for many may come. */
function weighed(mean: number, count: number, bytes: number): number {
  if (count === 0) return mean;
  return Math.max(bytes / count, WEIGHT * bytes / count + (1 - WEIGHT) * mean);
}
