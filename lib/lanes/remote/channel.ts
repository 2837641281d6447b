/**
 * What a remote lane's two sides say to each other, and what carries it.
 *
 * A message is a kind, a row of numbers and a payload. Every channel carries these; how, is its own
 * business: a thread is posted them, a subprocess reads and writes frames.
 */

import type { PlacedTask } from "../task.ts";
import type { Cells } from "./cells.ts";
import type { LaneBatch, Report } from "../lane.ts";
import { readSpan, spanNumbers } from "../telemetry.ts";
import type { Way } from "./way.ts";

/** To the side that runs tasks. */
export const ToLane = {
  /** [number] {@linkcode TaskToLoad}. */
  load: 1,
  /** {@linkcode batchHead}, items. */
  batch: 2,
  /** [id, 1 for cancel and 0 for timeout] the reason, in an envelope. */
  ask: 3,
  usage: 4,
  /** There will be no more. */
  end: 5,
  /** [1 if special] what the caller gave to all lanes, as the only one of a list of values. */
  shared: 6,
  /** What was set up is to be disposed: the lane is about to be closed. */
  dispose: 7,
  /** To the machine that has the lane: it is to be ended at once. */
  kill: 8,
} as const;

/** From the side that runs tasks. */
export const FromLane = {
  /** [timeOriginMs]: tasks can be taken. `performance.now()` counts from the time told. */
  ready: 16,
  /** [number]: the task's module is there, and set up. */
  loaded: 17,
  /** [number] an envelope: it can't be had. */
  unloadable: 18,
  /** {@linkcode reportHead}, values and failures. */
  report: 19,
  /** [id, offset, sinceMs]: the item starts. */
  mark: 20,
  /** [id]: an `ask` was read, so the lane's event loop turns. */
  asked: 21,
  /** [cpuMs, peakRssBytes or NaN] */
  usage: 22,
  /** [number]: the task's module is there, and its set-up begins. */
  settingUp: 24,
  /** Envelopes of what failed: all that was set up is disposed. */
  disposed: 25,
  /** { how, error } the lane is about to end, or something was thrown outside every task. */
  ending: 23,
  /** By the machine that had the lane: how it ended. */
  ended: 26,
} as const;

/** A task that is to be made ready. */
export interface TaskToLoad extends Pick<PlacedTask, "places"> {
  readonly module: string;
  readonly export: string;
  readonly places?: readonly number[] | undefined;
  /** Whether its module is the caller's program itself. */
  readonly isProgram: boolean;
}

/** Told of what the other side says, in order. */
export interface ChannelEvents {
  message(kind: number, head: ArrayLike<number>, payload: unknown): void;
  /**
   * The other side has ended by itself; all that it said was told before.
   *
   * @param isElsewhere Whether what ended it was more than the lane, such as its machine.
   */
  ended(how: string, isElsewhere?: boolean): void;
}

/** The caller's end of the way to a lane. */
export interface Channel {
  /** How values travel on it. */
  readonly way: Way;
  /** Memory that both sides share, if they can. */
  readonly cells: Cells | undefined;
  /** Whether the other side can be ended even in a loop that never yields. */
  readonly stopsByForce: boolean;
  /**
   * @throws If the payload can't be cloned.
   */
  send(kind: number, head: ArrayLike<number>, payload?: unknown, moves?: ArrayBuffer[]): void;
  /** The name of the machine that the other side is on, if it is another one. */
  readonly machine?: string | undefined;
  /** Whether an open channel keeps the program alive. */
  hold(keepsAlive: boolean): void;
  /**
   * Ends the other side at once, as far as it can be. Where that is done by force, what it had said is
   * told, and then its end.
   */
  kill(): void;
  /** Ends the other side, and resolves when nothing of it is left that can be ended. */
  close(): Promise<void>;
}

/** Opens a channel; the other side says `ready` when it is. */
export type ChannelFactory = (events: ChannelEvents) => Channel;

/** Where the heads of batches and reports say how many values there are, and in which form. */
export const BATCH_COUNT = 2;
export const BATCH_SPECIAL = 10;
export const REPORT_COUNT = 1;
export const REPORT_LAST = 2;
export const REPORT_SPECIAL = 5;

type BatchNumbers = Pick<
  LaneBatch,
  "firstIndex" | "attempt" | "timeoutMs" | "timed" | "giveBackMs" | "mark" | "transfer" | "span"
>;

/** A batch where it is run. */
export interface ServedBatch extends BatchNumbers {
  /** Which batch of its lane this is. */
  readonly id: number;
  /** The number by which the lane was told of the task. */
  readonly task: number;
  readonly items: readonly unknown[];
}

/** Puts a batch's numbers in a row. */
export function batchHead(
  id: number,
  task: number,
  batch: BatchNumbers,
  count: number,
  special: boolean,
): number[] {
  return [
    id,
    task,
    count,
    batch.firstIndex,
    batch.attempt,
    batch.timeoutMs,
    Number(batch.timed),
    batch.giveBackMs,
    Number(batch.mark),
    Number(batch.transfer),
    Number(special),
    ...batch.span === undefined ? [] : spanNumbers(batch.span),
  ];
}

/** Reads what {@linkcode batchHead} wrote. */
export function readBatch(head: ArrayLike<number>, items: readonly unknown[]): ServedBatch {
  return {
    id: head[0]!,
    task: head[1]!,
    items,
    firstIndex: head[3]!,
    attempt: head[4]!,
    timeoutMs: head[5]!,
    timed: head[6] === 1,
    giveBackMs: head[7]!,
    mark: head[8] === 1,
    transfer: head[9] === 1,
    span: readSpan(head, 11),
  };
}

const REPORT_FIELDS = 6;

/** Puts a report's numbers in a row; the times, if there are any, in one piece. */
export function reportHead(
  id: number,
  report: Omit<Report, "values" | "failures">,
  special: boolean,
): number[] | Float64Array<ArrayBuffer> {
  const { count, last, startedAtMs, endedAtMs, times } = report;
  const head = [id, count, Number(last), startedAtMs, endedAtMs, Number(special)];
  if (times === undefined) return head;
  const all = new Float64Array(REPORT_FIELDS + times.length);
  all.set(head);
  all.set(times, REPORT_FIELDS);
  return all;
}

/** Reads what {@linkcode reportHead} wrote, with times of the caller's clock. */
export function readReport(
  head: ArrayLike<number>,
  offsetMs: number,
  { values, failures }: Pick<Report, "values" | "failures">,
): Report {
  const count = head.length - REPORT_FIELDS;
  const times = count > 0 ? new Float64Array(count) : undefined;
  for (let at = 0; at < count; at++) times![at] = head[REPORT_FIELDS + at]! + offsetMs;
  return {
    count: head[1]!,
    values,
    failures,
    startedAtMs: head[3]! + offsetMs,
    endedAtMs: head[4]! + offsetMs,
    times,
    last: head[REPORT_LAST] === 1,
  };
}
