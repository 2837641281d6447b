/**
 * What the dispatcher asks of a lane, whatever kind it is, and what a lane tells it.
 *
 * A lane knows nothing of order, retries or reports; the dispatcher knows nothing of threads or
 * processes. All times are on the caller's `performance.now()` clock.
 *
 * @module
 */

import type { Task } from "./task.ts";

/** Items that travel together and run one after another in one slot. */
export interface Chunk {
  /** Unique on its lane, ascending. */
  readonly id: number;
  /** What to run on the items. */
  readonly task: Task;
  /** Index of the first item in the input; the others follow on. */
  readonly firstIndex: number;
  /** The items, in the input's order. */
  readonly items: readonly unknown[];
  /** Which try this is, from 1. */
  readonly attempt: number;
  /** Deadline of each item from its own start; Infinity for none. */
  readonly timeoutMs: number;
  /** Whether each item's own start and end are wanted. */
  readonly timed: boolean;
  /** After this long the lane stops between two items and gives the rest back; Infinity for never. */
  readonly giveBackMs: number;
  /** Whether the lane is to say before each item that it starts it, where that costs a message. */
  readonly mark: boolean;
  /** When it was sent. */
  readonly sentAtMs: number;
  /** Whether ArrayBuffers move instead of being copied. */
  readonly transfer: boolean;
  /** Whatever the lane that has it wants to keep with it. */
  note: unknown;
}

/** Why a task is asked to stop. */
export type AskReason = "timeout" | "cancel";

/** An item that gave no value. */
export interface Failure {
  /** The item's place in the report. */
  readonly offset: number;
  /** How it ended. */
  readonly ended: "failed" | "timed-out" | "cancelled";
  /** What was thrown, or an error that says what befell it. */
  readonly reason: unknown;
}

/** What became of the next items of a chunk. */
export interface Report {
  /** How many items this speaks of. */
  readonly count: number;
  /** Their values, in order; undefined if every value is undefined. */
  readonly values: ArrayLike<unknown> | undefined;
  /** Those that gave no value, in order; undefined if all did. */
  readonly failures: readonly Failure[] | undefined;
  /** When the first of them started. */
  readonly startedAtMs: number;
  /** When the last of them ended. */
  readonly endedAtMs: number;
  /** Start and end of each, alternating, if the chunk is `timed` and has more than one item. */
  readonly times: Float64Array | undefined;
  /**
   * What follows: `"end"` if the chunk is done with (items beyond those reported were given back
   * unstarted), `"more"` if another report will come.
   */
  readonly then: "end" | "more";
  /** How many of the items given back may travel together; all unless given. */
  readonly sendable?: number;
}

/** How far a lane is with a chunk. */
export type ChunkProgress =
  /** None of the unreported items has been started. */
  | { readonly state: "waiting" }
  /** The item at this offset, counted from the chunk's start, is running since then. */
  | { readonly state: "running"; readonly offset: number; readonly sinceMs: number }
  /** Some item is running or was: this lane can't tell which. */
  | { readonly state: "unknown" };

/** How a lane was lost. */
export interface Death {
  /** What happened, such as "exited with code 3". */
  readonly how: string;
  /** What was thrown, if something was. */
  readonly error?: unknown;
  /** Whether it died before it could take tasks. */
  readonly starting: boolean;
}

/** What `force` came to. */
export interface Forced {
  /** Whether the task has really stopped, or goes on and nothing can stop it. */
  readonly task: "stopped" | "abandoned";
  /** What became of the lane: as before, to be closed when its other chunks end, or gone. */
  readonly lane: "alive" | "retired" | "dead";
}

/** What a lane tells the dispatcher. */
export interface LaneEvents {
  /** What became of the next items of a chunk, in their order. */
  report(chunk: Chunk, report: Report): void;
  /** The lane is gone and with it every chunk not reported. Told once, and never after `close`. */
  died(death: Death): void;
}

/** What a lane has used. */
export interface Usage {
  /** CPU time in milliseconds; undefined if the lane can't tell it apart. */
  readonly cpuMs: number | undefined;
  /** Peak resident memory in bytes; undefined if the lane has none of its own. */
  readonly peakRssBytes: number | undefined;
}

/** A place where tasks really run. */
export interface Lane {
  /** Resolves to the milliseconds it took until the lane could take tasks; rejects never. */
  readonly ready: Promise<number>;
  /** Whether a message to it costs so much that tiny tasks had better travel together. */
  readonly remote: boolean;
  /** Whether chunks may wait on it for a slot: only if they can be taken back while it is busy. */
  readonly takesAhead: boolean;
  /** Whether it may run this task; if not, it must be replaced by one that may. */
  accepts(task: Task): boolean;
  /** Takes a chunk, to be started when a slot is free. Its items are reported, or the lane dies. */
  send(chunk: Chunk): void;
  /** Asks the chunk's running task to stop, and drops the items that it hasn't started. */
  ask(chunk: Chunk, why: AskReason): void;
  /** How far it is with a chunk that it has. */
  progress(chunk: Chunk): ChunkProgress;
  /** Reports nothing more of a chunk. */
  forget(chunk: Chunk): void;
  /** Stops a chunk's task that went on after being asked. The chunk is reported no more. */
  force(chunk: Chunk): Forced;
  /** What it has used until now; the last known figures once it is gone. */
  usage(): Promise<Usage>;
  /** Ends the lane, and resolves when nothing of it is left that can be ended. */
  close(): Promise<void>;
}
