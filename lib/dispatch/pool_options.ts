/** What a pool of lanes is told, who guides it, and what it tells of what runs. */

import type { Report, Whole } from "../lanes/lane.ts";
import type { Task } from "../lanes/task.ts";
import type { Batch, PaceMaker } from "./batch.ts";
import type { BatchLimits } from "./batch_size.ts";
import type { PlacesOptions } from "./places.ts";
import type { LossOptions } from "./settler.ts";

export interface PoolOptions extends PlacesOptions, LossOptions {
  /** Whether a message to a lane costs so much that tiny tasks had better travel together. */
  readonly remote: boolean;
  /** Whether batches may wait on a lane for a slot: only if they can be taken back while it is busy. */
  readonly takesAhead: boolean;
  /** Whether buffers move to lanes and back if they are told to. */
  readonly moves: boolean;
  /** What batches are to be like, unless their items run one after another. */
  readonly batches?: BatchLimits;
  /** How many lanes there are to be had, where that changes; undefined while it isn't known. */
  readonly lanesThere?: () => number | undefined;
  /** After so many tasks a lane gets no more, and is replaced; never unless given. */
  readonly tasksPerLane?: number;
  /** Decides while runs go on how many slots each place has; they stay as they are unless given. */
  readonly guide?: PoolGuide;
}

/** What is known of tasks in such a pool. */
interface GuidedTasks {
  /** So many batches of a task may be on lanes elsewhere. */
  mostThere(task: Task): number;
  /** Whether a task never leaves the event loop. */
  staysHere(task: Task): boolean;
  /** Whether a batch that is about to be sent elsewhere can't be; it is run in the event loop then. */
  keeps(batch: Batch): boolean;
}

/** What decides where tasks go in a pool whose first lane is this event loop, the others elsewhere. */
export interface PoolGuide {
  /** How much of what tasks give and throw must arrive as it is. */
  readonly whole: Whole;
  /** Tasks are started no closer together than this, in milliseconds. */
  readonly gapMs: number;
  /** Whether none is started at all for now; it will tell by a new size. */
  readonly isBraking: boolean;
  /** Paces what has a key. */
  readonly pace: PaceMaker;
  readonly tasks: GuidedTasks;
  /** Whether tiny ones of a task's items are to travel together. */
  together(task: Task): boolean;
  /** Starting a task held up the event loop for so long. */
  held(ms: number): void;
  reported(batch: Batch, report: Report): void;
  /** A batch's task ran on a lane that died by itself. */
  lost(batch: Batch): void;
  /** Its task can't be loaded where it was sent; returns whether it is run in the event loop then. */
  unloadable(batch: Batch, error: Error): boolean;
  /** No lane can be started. */
  noLanes(why: string): void;
  /** There is something to do. */
  begin(): void;
  /** Everything is done. */
  rest(): void;
}

/** A task that runs. */
export interface RunningTask {
  /** The number of the lane that it runs on, from 0. */
  readonly lane: number;
  /** The task's name; that of a plain function has the module `function:`. */
  readonly task: Task;
  /** The item's place in the input, from 0; 0 for a call of `run`. */
  readonly index: number;
  /** What it works on. */
  readonly item: unknown;
  /** Which try this is, from 1. */
  readonly attempt: number;
  /**
   * Since when it runs, on the caller's `performance.now()` clock. A subprocess doesn't say which one of
   * tiny tasks that travelled together it is at: then this is when they were sent, and the item is the
   * first of which nothing is known.
   */
  readonly startedAtMs: number;
}
