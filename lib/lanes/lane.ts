/**
 * What the dispatcher asks of a lane, whatever kind it is, and what a lane tells it.
 *
 * A lane knows nothing of order, retries or reports; the dispatcher knows nothing of threads or
 * processes. All times are on the caller's `performance.now()` clock.
 */

import type { Task } from "./task.ts";
import type { SpanContext } from "./telemetry.ts";

/**
 * How much of results and errors must survive the way from a lane that the caller didn't ask for: what
 * wouldn't is a failure that says so.
 */
export type Fidelity =
  /** What can be sent is. */
  | "as sent"
  /** Of results all but the classes of one's own. */
  | "data"
  /** Results and errors, with their classes. */
  | "classes";

/** What all batches of a run have in common. */
export interface LaneSettings {
  /** Deadline of each item from its own start; Infinity for none. */
  readonly timeoutMs: number;
  /** Whether each item's own start and end are wanted. */
  readonly timed: boolean;
  /** After this long the lane gives the rest back, between two items; Infinity for never. */
  readonly giveBackMs: number;
  /** Whether the buffers of results move instead of being copied. */
  readonly transfer: boolean;
  readonly fidelity: Fidelity;
  /** Whether those of items may move: nobody needs them here once they are sent. */
  readonly movesItems: boolean;
  /** Above about so many bytes the lane takes fewer of the items, and gives the others back. */
  readonly mostBytes: number;
}

/** Items that travel together and run one after another in one slot. */
export interface LaneBatch {
  readonly task: Task;
  /** Index of the first item in the input; the others follow on. */
  readonly firstIndex: number;
  readonly items: readonly unknown[];
  /** Which start of these items this is, from 1. */
  readonly attempt: number;
  readonly settings: LaneSettings;
  readonly sentAtMs: number;
  /** The async context of who wants its items run. */
  readonly context?: unknown;
  /** The span that its tasks' spans stand below; undefined without telemetry. */
  readonly span?: SpanContext | undefined;
  /** Whether the lane is to tell which item it starts, also where that costs a message for each. */
  tellsStarts: boolean;
  // Set by the lane:
  /** How many of the first items have left for it. */
  sentCount: number;
  /** How large these are, as far as that was looked at: numbers aren't. */
  sentBytes: number;
  /** Whether their buffers have moved, so that they can't be sent again. */
  moved: boolean;
  /** What the lane itself keeps of it. */
  laneState: unknown;
}

/** Why a task is asked to stop. */
export type AskReason = "timeout" | "cancel";

/** An item that gave no value; `offset` is its place in the report. */
export interface ItemFailure {
  readonly offset: number;
  readonly ended: "failed" | "timed-out" | "cancelled";
  /** What was thrown, or an error that says what befell it. */
  readonly reason: unknown;
  /** How long whoever answers the task asked to be left alone; what says so may not travel. */
  readonly retryAfterMs?: number | undefined;
  /** Why what the task gave or threw didn't arrive as it is, where that matters. */
  readonly lost?: string | undefined;
}

/** What became of the next items of a batch. */
export interface Report {
  readonly count: number;
  /** Their values, in order; undefined if every value is undefined. */
  readonly values: ArrayLike<unknown> | undefined;
  /** How large they are, where that was looked at. */
  readonly bytes?: number;
  /** Those that gave no value, in order; undefined if all did. */
  readonly failures: readonly ItemFailure[] | undefined;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Start and end of each, alternating, if the batch is `timed` and has more than one item. */
  readonly times: Float64Array | undefined;
  /** Whether the batch is done with; items beyond those reported were given back unstarted. */
  readonly last: boolean;
  /** Whether none of these was started, for they couldn't be sent. */
  readonly unsent?: true;
}

/** How far a lane is with a batch. */
export type BatchProgress =
  /** Nothing of it was sent: its lane starts, or loads its task, since then. */
  | { readonly state: "loading"; readonly sinceMs: number }
  /** None of the unreported items has been started; `isNext` if nothing else runs there that it waits for. */
  | { readonly state: "waiting"; readonly isNext?: true }
  /** The item at this offset, counted from the batch's start, is running since then. */
  | { readonly state: "running"; readonly offset: number; readonly sinceMs: number }
  /** Some item runs or has run, and the lane can't tell which; `isHarmless` if it can't be what ended the lane. */
  | { readonly state: "unknown"; readonly isHarmless?: true };

/** How far a lane is with a task that it loads: what keeps it busy keeps it from beginning, too. */
export type LoadingStage = "not begun" | "loading" | "setting up";

/** How far tasks are suspected where more than their lane was lost. */
export type Suspicion =
  /** Its machine isn't heard of any more: a task seldom does that. */
  | "slight"
  /** Its machine has left, or the server was lost: no task does that. */
  | "none";

export interface Death {
  /** Such as "exited with code 3". */
  readonly how: string;
  readonly error?: unknown;
  /** Whether it died before it could take tasks. */
  readonly starting: boolean;
  /** How far what ran there is suspected of it, if not as usual. */
  readonly suspicion?: Suspicion;
  /** Whose task did it, where that is known: one that had ended may have left behind what did. */
  readonly by?: LaneBatch | "ended";
}

/** What became of a task that went on after it was asked to stop, and of its lane. */
export type Forced =
  /** The lane is being ended, and the task with it: its death will be told, and how far it was then. */
  | "ends"
  /** The lane was ended, and the task with it. */
  | "stopped"
  /** The lane was ended, but the task is in a loop that nothing can end. */
  | "abandoned"
  /** The task goes on, and harms nobody; so does the lane. */
  | "goes on"
  /** The task goes on until the lane is closed, which is to be done once its other tasks ended. */
  | "goes on for now";

export interface LaneEvents {
  /** What became of the next items of a batch, in their order. */
  report(batch: LaneBatch, report: Report): void;
  /** A batch's task can't be loaded on this lane. None of its items was started. */
  unloadable(batch: LaneBatch, error: Error): void;
  /** A batch waits for tasks of other programs, though the lane has a slot for it. */
  heldUp(batch: LaneBatch): void;
  /** It is to get nothing more: its machine leaves once what runs there has ended, or nobody waits for what it loads. */
  leaving(): void;
  /** The lane is gone and with it every batch not reported. Told once, and never after `close`. */
  died(death: Death): void;
}

/** What a lane computes on, if that isn't this machine's own cores, or only seems so. */
export interface Device {
  /** Its name, as its driver tells it. */
  readonly name: string;
  /** Whether it is a program, which computes on the same cores as everything else. */
  readonly software: boolean;
}

/** What a lane has used, as far as it can be told apart. */
export interface Usage {
  readonly cpuMs: number | undefined;
  readonly peakRssBytes: number | undefined;
  /** Absent where it is this machine's cores. */
  readonly device?: Device;
  /** The name of another machine that it is on. */
  readonly machine?: string;
}

/** A place where tasks really run. */
export interface Lane {
  /** Resolves to the milliseconds it took until the lane could take tasks, or NaN if it never can. */
  readonly ready: Promise<number>;
  /** How many slots it has, where that may be fewer than were asked for; known once it is ready. */
  readonly slots?: number | undefined;
  /** Whether it may run this task, as any unless given; if not, it must be replaced by one that may. */
  accepts?(task: Task): boolean;
  /** Loads a task before it is needed; rejects if it can't be loaded. */
  load(task: Task): Promise<void>;
  /** How far it is with a task that it loads; undefined once that has ended. */
  stageOf(task: Task): LoadingStage | undefined;
  /** Takes a batch, to be started when a slot is free. Its items are reported, or the lane dies. */
  send(batch: LaneBatch): void;
  /**
   * Asks the batch's running task to stop, past its deadline only if it still is that of the item at this
   * offset. One that is cancelled drops the items that it hasn't started.
   */
  ask(batch: LaneBatch, why: AskReason, reason?: unknown, offset?: number): void;
  progress(batch: LaneBatch): BatchProgress;
  /** Takes a batch back of which nothing has started; false if it is too late. */
  recall(batch: LaneBatch): boolean;
  /**
   * Asks for a batch that waits there and can't be taken back at once; returns whether it may come. If it
   * does, it is reported with no items.
   */
  askBack?(batch: LaneBatch): boolean;
  /** Ends, as far as that can be done, a task that was asked to stop. Its batch is reported no more. */
  force(batch: LaneBatch, others: boolean): Forced;
  /** What it has used until now; the last known figures if it doesn't answer. */
  usage(): Promise<Usage>;
  hold(keepsAlive: boolean): void;
  /** Tells what it has to tell though tasks hold up this event loop, where that can be done. */
  receive?(): void;
  /**
   * Disposes what the modules of its tasks have set up, and settles when nothing of the lane is left
   * that can be ended.
   *
   * @throws {TeardownError} If something couldn't be disposed, or not in time.
   */
  close(): Promise<void>;
}
