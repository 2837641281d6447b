/**
 * The interface between the dispatcher and a lane of any kind.
 *
 * A lane knows nothing of order, retries or reports; the dispatcher knows nothing of threads or processes. All
 * times are on the caller's `performance.now()` clock.
 */

import type { Task } from "./task.ts";
import type { SpanContext } from "./telemetry.ts";

/**
 * How much of results and errors must survive the way back from a lane that the caller didn't choose. A result
 * or error that would lose more than this becomes a failure that says so.
 */
export type Fidelity =
  /** Everything that can be sent is accepted. */
  | "as sent"
  /** Results must keep all but their own classes. */
  | "data"
  /** Results and errors must be complete, with their classes. */
  | "classes";

/** The settings that all batches of a run share. */
export interface LaneSettings {
  /** Deadline of each item, in milliseconds from its own start; Infinity for none. */
  readonly timeoutMs: number;
  /** Whether each item's own start and end are recorded. */
  readonly timed: boolean;
  /** After this many milliseconds the lane gives back the items not yet started; Infinity for never. */
  readonly giveBackMs: number;
  /** Whether the buffers of results are transferred instead of copied. */
  readonly transfer: boolean;
  readonly fidelity: Fidelity;
  /** Whether the buffers of items may be transferred, so that the caller no longer has them. */
  readonly movesItems: boolean;
  /** If the items take more bytes than this, approximately, the lane takes fewer and gives back the others. */
  readonly mostBytes: number;
}

/** Items that travel together and run one after another in one slot. */
export interface LaneBatch {
  readonly task: Task;
  /** Index of the first item in the input; the others follow it. */
  readonly firstIndex: number;
  readonly items: readonly unknown[];
  /** Which attempt of these items this is, from 1. */
  readonly attempt: number;
  readonly settings: LaneSettings;
  readonly sentAtMs: number;
  /** The async context of the code that asked for these items. */
  readonly context?: unknown;
  /** The parent span of the tasks' spans; undefined without telemetry. */
  readonly span?: SpanContext | undefined;
  /** Whether the lane must report which item it starts, even where that costs a message for each. */
  tellsStarts: boolean;
  // Set by the lane:
  /** How many of the items, counted from the first, have been sent. */
  sentCount: number;
  /** Size of the sent items in bytes, as far as they were inspected: plain numbers aren't. */
  sentBytes: number;
  /** Whether the items' buffers were transferred, so that they can't be sent again. */
  moved: boolean;
  /** The lane's own record of the batch. */
  laneState: unknown;
}

export type AskReason = "timeout" | "cancel";

/** An item that gave no value; `offset` is its position in the report. */
export interface ItemFailure {
  readonly offset: number;
  readonly ended: "failed" | "timed-out" | "cancelled";
  /** The error that the task threw, or one that says why it was stopped. */
  readonly reason: unknown;
  /** How long the server asked to wait, in milliseconds; the error may lose that on its way. */
  readonly retryAfterMs?: number | undefined;
  /** Why the task's result or error didn't arrive unchanged, where the fidelity demands it. */
  readonly lost?: string | undefined;
}

/** The outcomes of the next items of a batch. */
export interface Report {
  readonly count: number;
  /** The items' values, in order; undefined if every value is undefined. */
  readonly values: ArrayLike<unknown> | undefined;
  /** Size of the values in bytes, if they were inspected. */
  readonly bytes?: number;
  /** The items that gave no value, in order; undefined if all gave one. */
  readonly failures: readonly ItemFailure[] | undefined;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Start and end of each item, alternating, if the batch is `timed` and has more than one item. */
  readonly times: Float64Array | undefined;
  /** Whether this is the batch's last report; items that no report covers were not started. */
  readonly last: boolean;
  /** True if none of these items was started because they couldn't be sent. */
  readonly unsent?: true;
}

export type BatchProgress =
  /** No item was sent: since `sinceMs` the lane has been starting or loading the task. */
  | { readonly state: "loading"; readonly sinceMs: number }
  /** None of the unreported items has started; `isNext` if nothing that it has to wait for runs on the lane. */
  | { readonly state: "waiting"; readonly isNext?: true }
  /** The item at this offset, counted from the batch's start, has been running since `sinceMs`. */
  | { readonly state: "running"; readonly offset: number; readonly sinceMs: number }
  /** An item runs or has run, but it isn't known which. */
  | { readonly state: "unknown" };

/** How far a lane has come in loading a task. A lane that is busy can't begin to load one. */
export type LoadingStage = "not begun" | "loading" | "setting up" | "loaded";

/** How far tasks are suspected when more than their lane was lost. */
export type Suspicion =
  /** The machine is no longer heard from: a task seldom causes that. */
  | "slight"
  /** The machine has left, or the server was lost: no task causes that. */
  | "none";

export interface Death {
  /** For example "exited with code 3". */
  readonly how: string;
  readonly error?: unknown;
  /** Whether the lane died before it could take tasks. */
  readonly starting: boolean;
  /** How far the lane's tasks are suspected of ending it; as usual unless given. */
  readonly suspicion?: Suspicion;
  /** The batch whose task ended the lane, if known; "ended" if that batch was over by then. */
  readonly by?: LaneBatch | "ended";
}

/** An item that ended more than one lane. */
export interface QuarantinedItem {
  readonly task: Task;
  readonly index: number;
  readonly item: unknown;
  readonly reason: Error;
}

/** The result of ending a task that ran on after it was asked to stop. */
export type Forced =
  /** The lane is being ended together with the task; `died` will follow. */
  | "ends"
  /** The lane was ended together with the task. */
  | "stopped"
  /** The lane was closed, but the task is in a loop that nothing can interrupt. */
  | "abandoned"
  /** The task runs on without harm, and the lane stays open. */
  | "goes on"
  /** The task runs on until the lane is closed, which must happen once the lane's other tasks have ended. */
  | "goes on for now";

export interface LaneEvents {
  /** Delivers the outcomes of the next items of a batch, in order. */
  report(batch: LaneBatch, report: Report): void;
  /** A batch's task can't be loaded on this lane. None of its items was started. */
  unloadable(batch: LaneBatch, error: Error): void;
  /** A batch waits for tasks of other programs, though this lane has a slot for it. */
  heldUp(batch: LaneBatch): void;
  /** The lane takes no more batches: its machine leaves, or a module that doesn't load is in the way. */
  leaving(): void;
  /** The lane is gone, and every unreported batch with it. Called once, and never after `close`. */
  died(death: Death): void;
}

/** The hardware on which a lane computes, if that isn't this machine's cores or doesn't appear to be. */
export interface Device {
  /** The device's name, as its driver reports it. */
  readonly name: string;
  /** Whether the device is software, which computes on the same CPU cores as everything else. */
  readonly software: boolean;
}

/** A lane's CPU time and peak memory, as far as they can be measured separately. */
export interface Usage {
  readonly cpuMs: number | undefined;
  readonly peakRssBytes: number | undefined;
  /** Absent if the lane computes on this machine's cores. */
  readonly device?: Device;
  /** The name of the lane's machine, if it is another one. */
  readonly machine?: string;
}

export interface Lane {
  /** Resolves to the milliseconds it took until the lane could take tasks, or NaN if it never can. */
  readonly ready: Promise<number>;
  /** How many slots the lane has, if that may be fewer than requested; known once it is ready. */
  readonly slots?: number | undefined;
  /** Whether the lane may run this task; any task if absent. If not, another lane must replace this one. */
  accepts?(task: Task): boolean;
  /** Loads a task before it is needed; rejects if it can't be loaded. */
  load(task: Task): Promise<void>;
  /** How far loading a task has come; undefined if nothing asked for it, or it has failed. */
  stageOf(task: Task): LoadingStage | undefined;
  /** Takes a batch and starts it when a slot is free. Either all its items are reported, or the lane dies. */
  send(batch: LaneBatch): void;
  /**
   * Asks the batch's running task to stop; for a timeout, only if the item at this offset is still the one that
   * runs. A cancelled batch drops the items that haven't started.
   */
  ask(batch: LaneBatch, why: AskReason, reason?: unknown, offset?: number): void;
  progress(batch: LaneBatch): BatchProgress;
  /**
   * Takes back a batch of which nothing has started; false if it is too late.
   *
   * @param goesOn Whether the lane is to go on loading the task, though no batch waits for it.
   */
  recall(batch: LaneBatch, goesOn?: boolean): boolean;
  /**
   * Asks a machine to return a waiting batch that can't be taken back at once; false if it can't be returned. A
   * returned batch is reported with no items.
   */
  askBack?(batch: LaneBatch): boolean;
  /** Ends, as far as possible, a task that was asked to stop. Nothing more is reported of its batch. */
  force(batch: LaneBatch, others: boolean): Forced;
  /** Reports the lane's use until now; the last known figures if it doesn't answer. */
  usage(): Promise<Usage>;
  hold(keepsAlive: boolean): void;
  /** Delivers messages that have arrived, at once if possible, even while tasks hold up this event loop. */
  receive?(): void;
  /**
   * Disposes what the tasks' modules have set up, and settles when nothing of the lane is left that can be
   * ended.
   *
   * @throws {TeardownError} If something couldn't be disposed, or not in time.
   */
  close(): Promise<void>;
}
