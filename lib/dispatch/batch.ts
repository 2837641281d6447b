/**
 * Items on their way: queued in their run, then on a lane; and what a run and its lanes are to each
 * other.
 */

import type {
  AskReason,
  BatchProgress,
  Death,
  Forced,
  Lane,
  LaneBatch,
  Report,
} from "../lanes/lane.ts";
import type { Task } from "../lanes/task.ts";
import type { SpanPlace } from "../lanes/telemetry.ts";

/** What an item is counted under, where each key has a limit of its own. */
export type Key = string | number;

/** A run, as the pool knows it. */
export interface PoolRun {
  readonly task: Task;
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
  /** It was given to its lane, and may have ended already. */
  onSent(batch: Batch): void;
  onReport(batch: Batch, report: Report): void;
  onUnloadable(batch: Batch, error: Error): void;
  onLost(batch: Batch, blame: Blame, death: Death): void;
  /**
   * It went on after it was asked to stop, and was made to, or given up.
   *
   * @param at How far it was, if not as far as the lane tells.
   */
  onForced(batch: Batch, forced: Forced, hadOthers: boolean, at?: BatchProgress): void;
  /** Stops it with an error. */
  fail(error: unknown): void;
  /** Stops it; resolves when nothing of it goes on. Its input is waited for as long as lanes are. */
  close(reason: unknown): Promise<void>;
}

/** What is known of the part that a lost batch had in its lane's death. */
export type Blame =
  /** Its next item had not been started, and it is known not to be to blame. */
  | { readonly kind: "innocent" }
  /** Its next item had not been started. */
  | { readonly kind: "unstarted" }
  /** The item at this offset was the only one running. */
  | { readonly kind: "culprit"; readonly offset: number; readonly sinceMs: number }
  /** The item at this offset was running, among others: any of them may have killed the lane. */
  | { readonly kind: "suspect"; readonly offset: number; readonly sinceMs: number }
  /** The item at this offset was running, and another one is known to be to blame. */
  | { readonly kind: "victim"; readonly offset: number; readonly sinceMs: number }
  /** One of the unreported items was running. */
  | { readonly kind: "suspects" }
  /** One of the unreported items was running, and is hardly to blame. */
  | { readonly kind: "victims" };

/** A lane that was opened. */
export class OpenLane {
  /** Its number in outcomes and reports, from 0. */
  readonly number: number;
  lane!: Lane;
  /** How long it took to start, in milliseconds; undefined until it has. */
  startMs: number | undefined;
  /** What is with it, what waits there too. */
  readonly inFlight = new BatchList("lanePlace");
  /** Gets nothing more, and is closed once what is in flight has ended. */
  retired = false;
  /** Is being ended, for a task on it went on after it was asked to stop. */
  isForced = false;
  /** How many tasks it was given. */
  tasks = 0;
  /** Since when it has had nothing to do. */
  idleSinceMs = 0;
  /** How many wait until it can take tasks, and would miss it. */
  awaited = 0;

  constructor(number: number) {
    this.number = number;
  }
}

/** What all batches of a run share. */
export interface BatchSettings {
  readonly run: PoolRun;
  /** Infinity for none. */
  readonly timeoutMs: number;
  readonly loadTimeoutMs: number;
  readonly timed: boolean;
  readonly transfer: boolean;
  readonly movesItems: boolean;
  readonly mostBytes: number;
  /** The async context of who wants them run. */
  readonly context?: unknown;
  /** The span of their run, once it has begun; undefined without telemetry. */
  readonly span?: SpanPlace | undefined;
}

/** What a batch's items have been through together. */
export interface History {
  /** When they were pulled from the input, in milliseconds. */
  readonly queuedAtMs: number;
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
export function unsent(queuedAtMs: number, key?: Key): History {
  return { queuedAtMs, attempt: 1, reruns: 0, kills: 0, losses: 0, alone: false, key };
}

/**
 * Items that follow on each other in the input, share their history, and travel together. One object,
 * for one is made for every batch of every run.
 */
export class Batch implements LaneBatch, History {
  readonly settings: BatchSettings;
  readonly firstIndex: number;
  readonly items: readonly unknown[];
  readonly queuedAtMs: number;
  readonly attempt: number;
  readonly reruns: number;
  readonly kills: number;
  readonly losses: number;
  readonly alone: boolean;
  readonly key: Key | undefined;
  // While it is on a lane:
  /** The lane, which the pool may have lost since; undefined while queued. */
  on: OpenLane | undefined = undefined;
  giveBackMs = Infinity;
  mark = false;
  sentAtMs = 0;
  sentCount = 0;
  moved = false;
  note: unknown = undefined;
  /** How many of its items have been reported. */
  reported = 0;
  /** When, why and at which item its task was asked to stop. */
  asked: { readonly atMs: number; readonly why: AskReason; readonly offset: number } | undefined =
    undefined;
  /** Its place among its lane's batches; −1 if it is not among them. */
  lanePlace: number = -1;
  /** Its place among its run's batches that are with lanes. */
  runPlace: number = -1;

  constructor(
    settings: BatchSettings,
    firstIndex: number,
    items: readonly unknown[],
    { queuedAtMs, attempt, reruns, kills, losses, alone, key }: History,
  ) {
    this.settings = settings;
    this.firstIndex = firstIndex;
    this.items = items;
    this.queuedAtMs = queuedAtMs;
    this.attempt = attempt;
    this.reruns = reruns;
    this.kills = kills;
    this.losses = losses;
    this.alone = alone;
    this.key = key;
  }

  get run(): PoolRun {
    return this.settings.run;
  }

  get task(): Task {
    return this.settings.run.task;
  }

  get timeoutMs(): number {
    return this.settings.timeoutMs;
  }

  get loadTimeoutMs(): number {
    return this.settings.loadTimeoutMs;
  }

  get timed(): boolean {
    return this.settings.timed;
  }

  get transfer(): boolean {
    return this.settings.transfer;
  }

  get movesItems(): boolean {
    return this.settings.movesItems;
  }

  get mostBytes(): number {
    return this.settings.mostBytes;
  }

  get context(): unknown {
    return this.settings.context;
  }

  get span(): SpanPlace | undefined {
    return this.settings.span;
  }

  /** Some of its items, queued again, perhaps with another history. */
  part(from: number, to: number, changes: Partial<History> = {}): Batch {
    const whole = from === 0 && to === this.items.length;
    const items = whole ? this.items : this.items.slice(from, to);
    const { queuedAtMs, attempt, reruns, kills, losses, alone, key } = this;
    return new Batch(this.settings, this.firstIndex + from, items, {
      queuedAtMs,
      attempt,
      reruns,
      kills,
      losses,
      alone,
      key,
      ...changes,
    });
  }
}

/** Batches that are somewhere. Unlike a Set it makes no garbage when batches come and go. */
export class BatchList implements Iterable<Batch> {
  readonly #place: "lanePlace" | "runPlace";
  readonly #list: Batch[] = [];

  /** @param place Where a batch keeps its place in this list. */
  constructor(place: "lanePlace" | "runPlace") {
    this.#place = place;
  }

  get size(): number {
    return this.#list.length;
  }

  add(batch: Batch): void {
    batch[this.#place] = this.#list.length;
    this.#list.push(batch);
  }

  has(batch: Batch): boolean {
    return this.#list[batch[this.#place]] === batch;
  }

  /** Removes a batch if it is there. */
  delete(batch: Batch): void {
    if (!this.has(batch)) return;
    const at = batch[this.#place];
    const last = this.#list.pop()!;
    if (last !== batch) {
      this.#list[at] = last;
      last[this.#place] = at;
    }
    batch[this.#place] = -1;
  }

  clear(): void {
    for (const batch of this.#list) batch[this.#place] = -1;
    this.#list.length = 0;
  }

  /** Those that are there now; the list may change meanwhile. */
  [Symbol.iterator](): Iterator<Batch> {
    return [...this.#list][Symbol.iterator]();
  }
}
