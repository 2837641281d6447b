/**
 * What a remote lane's two sides say to each other, and what carries it.
 *
 * A message is a kind, a row of numbers and a payload. Every channel carries these; how, is its own
 * business: a thread is posted them, a subprocess reads and writes frames. Values are in the form in which
 * they travel: many numbers in one buffer, errors in envelopes, everything else as it is.
 */

import type { Death, Fidelity, ItemFailure, LaneBatch, LaneSettings, Report } from "../lane.ts";
import type { PlacedTask, Task } from "../task.ts";
import { readSpan, spanNumbers } from "../telemetry.ts";
import { clock } from "../timers.ts";
import type { Cells } from "./cells.ts";
import { type Cloning, inspect, refusal } from "./clone.ts";
import {
  type Envelope,
  openEnvelope,
  openErrorsIn,
  sealEnvelope,
  sealErrorsIn,
} from "./envelope.ts";

export const ToLane = {
  /** [number] {@linkcode TaskToLoad}. */
  load: 1,
  /** {@linkcode batchHead}, items. */
  batch: 2,
  /** [id, 1 for cancel and 0 for timeout, offset of the item that is late] the reason, in an envelope. */
  ask: 3,
  usage: 4,
  /** There will be no more. */
  end: 5,
  /** What the caller gave to all lanes, as the only one of a list of values. */
  shared: 6,
  /** What was set up is to be disposed: the lane is about to be closed. */
  dispose: 7,
  /** To the machine that has the lane: it is to be ended at once. */
  kill: 8,
  /** To the machine that has the lane: [id] is to come back if it hasn't been started. */
  recall: 9,
  /** In place of what couldn't be carried. */
  nothing: 10,
} as const;

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
  started: 20,
  /** [id]: an `ask` was read, so the lane's event loop turns. */
  asked: 21,
  /** [cpuMs, peakRssBytes or NaN] */
  usage: 22,
  /** [number, isSetUp]: the task's module begins to be loaded, or is there, and its set-up begins. */
  loading: 24,
  /** Envelopes of what failed: all that was set up is disposed. */
  disposed: 25,
  /** { how, error, by } the lane is about to end, for what the batch of this id did, where that is known. */
  ending: 23,
  /** By the machine that had the lane: how it ended. */
  ended: 26,
  /** By the machine that has the lane: [id] waits for tasks of others to end, though there is a slot for it. */
  heldUp: 27,
  /** It is to get nothing more: its machine leaves once what runs there has ended. */
  leaving: 28,
} as const;

export interface TaskToLoad extends Pick<PlacedTask, "module" | "export" | "places"> {
  /** Whether its module is the caller's program itself. */
  readonly isProgram: boolean;
}

/** Told of what the other side says, in order. */
export interface ChannelEvents {
  message(kind: number, head: ArrayLike<number>, payload: unknown): void;
  /** It ended by itself. */
  ended(how: string, more?: Pick<Death, "suspicion" | "error">): void;
}

/** The caller's end of the way to a lane, whose other side says `ready` when it is. */
export interface Channel {
  readonly cloning: Cloning;
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
  /** How many slots it has, where that may be fewer than were asked for; known once it is ready. */
  readonly slots?: number | undefined;
  /**
   * Whether the other side is leased of a machine that others use, too: it may take any time until it is
   * there, and what waits for a slot on it can be asked back.
   */
  readonly isLeased?: boolean;
  /** Whether an open channel keeps the program alive. */
  hold(keepsAlive: boolean): void;
  /**
   * Ends the other side at once, as far as it can be. Where that is done by force, what it had said is
   * told, and then its end.
   */
  kill(): void;
  /** Receives what has been sent until now, where that can be done at once. */
  receive?(): void;
  /** Ends the other side, and resolves when nothing of it is left that can be ended. */
  close(): Promise<void>;
}

/** Where the heads of batches and reports say of what they are, and how many values there are. */
export const BATCH_TASK = 1;
export const BATCH_COUNT = 2;
export const REPORT_COUNT = 1;
export const REPORT_LAST = 2;

/** As a batch's numbers tell it. */
const FIDELITIES: readonly Fidelity[] = ["as sent", "data", "classes"];

export interface ServedBatch
  extends Pick<LaneBatch, "task" | "items" | "firstIndex" | "attempt" | "tellsStarts" | "span"> {
  /** Which batch of its lane this is. */
  readonly id: number;
  readonly settings: Omit<LaneSettings, "movesItems" | "mostBytes">;
}

export function batchHead(
  id: number,
  task: number,
  { firstIndex, attempt, settings, tellsStarts, span }: Omit<ServedBatch, "id" | "task" | "items">,
  count: number,
): number[] {
  const { timeoutMs, timed, giveBackMs, transfer, fidelity } = settings;
  const head = [id, task, count, firstIndex, attempt, timeoutMs, Number(timed), giveBackMs];
  head.push(Number(transfer), FIDELITIES.indexOf(fidelity), Number(tellsStarts));
  return span === undefined ? head : [...head, ...spanNumbers(span)];
}

/** @param task The one of the number that is told in {@linkcode BATCH_TASK}. */
export function readBatch(head: ArrayLike<number>, payload: Payload, task: Task): ServedBatch {
  const { values } = decode(payload);
  const items = values ?? new Array(head[BATCH_COUNT]!).fill(undefined);
  return {
    id: head[0]!,
    task,
    items: items as unknown[],
    firstIndex: head[3]!,
    attempt: head[4]!,
    settings: {
      timeoutMs: head[5]!,
      timed: head[6] === 1,
      giveBackMs: head[7]!,
      transfer: head[8] === 1,
      fidelity: FIDELITIES[head[9]!]!,
    },
    tellsStarts: head[10] === 1,
    span: readSpan(head, 11),
  };
}

const REPORT_FIELDS = 6;

/** Puts a report's numbers in a row; the times, if there are any, in one piece. */
export function reportHead(
  id: number,
  report: Omit<Report, "values" | "failures">,
): number[] | Float64Array<ArrayBuffer> {
  const { count, last, startedAtMs, endedAtMs, times, bytes = 0 } = report;
  const head = [id, count, Number(last), startedAtMs, endedAtMs, bytes];
  if (times === undefined) return head;
  const all = new Float64Array(REPORT_FIELDS + times.length);
  all.set(head);
  all.set(times, REPORT_FIELDS);
  return all;
}

/** The report that so many items have failed, which their lane itself can't tell. */
export function failedReport(count: number, reason?: unknown, last = true): Report {
  const nowMs = clock.now();
  const failed = (offset: number) => ({ offset, ended: "failed" as const, reason });
  const failures = Array.from({ length: count }, (_, offset) => failed(offset));
  const times = { startedAtMs: nowMs, endedAtMs: nowMs, times: undefined };
  return { count, values: undefined, failures, ...times, last };
}

/** The head of one that says that nothing more of a batch is started. */
export function droppedHead(id: number): ReturnType<typeof reportHead> {
  return reportHead(id, failedReport(0));
}

/** Reads what {@linkcode reportHead} wrote, with times of the caller's clock. */
export function readReport(head: ArrayLike<number>, offsetMs: number, payload: Payload): Report {
  const count = head.length - REPORT_FIELDS;
  const times = count > 0 ? new Float64Array(count) : undefined;
  for (let at = 0; at < count; at++) times![at] = head[REPORT_FIELDS + at]! + offsetMs;
  const { values, failures } = decode(payload);
  return {
    count: head[REPORT_COUNT]!,
    values,
    bytes: head[5]!,
    failures,
    startedAtMs: head[3]! + offsetMs,
    endedAtMs: head[4]! + offsetMs,
    times,
    last: head[REPORT_LAST] === 1,
  };
}

/** Below this many values a buffer of their own costs more than it saves. */
const MIN_NUMBERS = 8;

/**
 * The cheapest form of values that travel together which loses nothing: undefined if every value
 * is, a Float64Array (it keeps −0, NaN and infinities) if there are many and all are numbers, else
 * the values themselves.
 */
export function pack(
  values: ArrayLike<unknown>,
): Float64Array<ArrayBuffer> | readonly unknown[] | undefined {
  const count = values.length;
  const first = values[0];
  if (typeof first === "number" && count >= MIN_NUMBERS) {
    const numbers = new Float64Array(count);
    let at = 0;
    for (; at < count; at++) {
      const value = values[at];
      if (typeof value !== "number") break;
      numbers[at] = value;
    }
    if (at === count) return numbers;
  } else if (first === undefined && everyUndefined(values)) {
    return undefined;
  }
  return Array.isArray(values) ? values : Array.from(values);
}

/** Whether values are few, and so plain that they can be sent as they are. */
export function areFewAndPlain(values: ArrayLike<unknown>): boolean {
  if (values.length >= MIN_NUMBERS) return false;
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (typeof value !== "number" && typeof value !== "boolean" && value !== null) return false;
  }
  return true;
}

function everyUndefined(values: ArrayLike<unknown>): boolean {
  for (let at = 0; at < values.length; at++) if (values[at] !== undefined) return false;
  return true;
}

/** What travels: the values as they are, all undefined or in a list of some kind, or with errors. */
export type Payload = undefined | Float64Array | readonly unknown[] | WithErrors;

/** Values with marks in the places of errors, and failures. */
interface WithErrors {
  readonly values: unknown;
  readonly failures: readonly SealedFailure[] | undefined;
}

interface SealedFailure extends Omit<ItemFailure, "reason"> {
  readonly reason: Envelope;
}

/** The form of values of which it can be seen at once that they can be sent; null for others. */
export function encodeAtOnce(values: ArrayLike<unknown>): Payload | null {
  const payload = pack(values);
  return Array.isArray(payload) && !areFewAndPlain(payload) ? null : payload;
}

/**
 * Puts values, and what became of those that aren't there, into the form that travels.
 *
 * @param special Whether the values hold something that must be replaced on its way.
 */
export function encode(
  values: ArrayLike<unknown>,
  failures: readonly ItemFailure[] | undefined,
  special: boolean,
  cloning: Cloning,
): Payload {
  if (!special && failures === undefined) return pack(values);
  const list = Array.isArray(values) ? values : Array.from(values);
  return {
    values: special ? sealErrorsIn(list, cloning) : list,
    failures: failures?.map((f) => ({ ...f, reason: sealEnvelope(f.reason, cloning) })),
  };
}

/** One value in the form that travels, of its own; throws a CloneError if it can't be sent. */
export function encodeAlone(what: string, value: unknown, cloning: Cloning): Payload {
  let cause: unknown;
  try {
    const { refused, special } = inspect([value], cloning);
    if (!refused) return cloning.clone(encode([value], undefined, special, cloning)) as Payload;
  } catch (error) {
    cause = error;
  }
  throw refusal(what, value, cloning, cause);
}

/** One value as it arrives, of a view only what it shows; throws a CloneError if it can't be sent. */
export function arrivalOf(what: string, value: unknown, cloning: Cloning): unknown {
  return decode(encodeAlone(what, value, cloning)).values?.[0];
}

/** Reads what {@linkcode encode} made, after its way. */
export function decode(payload: Payload): Pick<Report, "values" | "failures"> {
  if (payload === undefined || payload instanceof Float64Array || Array.isArray(payload)) {
    // In projects without `strict`, which check this file too, isArray() doesn't narrow a readonly list.
    return { values: payload as ArrayLike<unknown> | undefined, failures: undefined };
  }
  const { values, failures } = payload as WithErrors;
  return {
    values: openErrorsIn(values) as unknown[],
    failures: failures?.map((f) => ({ ...f, reason: openEnvelope(f.reason) })),
  };
}
