/**
 * The messages between the two sides of a remote lane, and the channel that carries them.
 *
 * A message is a kind, a row of numbers (its head) and a payload. How it is carried depends on the channel: a
 * thread is posted messages, a subprocess reads and writes frames. Values travel encoded: many numbers in one
 * buffer, errors in envelopes, everything else unchanged.
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
  /** [id, 1 for cancel and 0 for timeout, offset of the late item] and the reason, in an envelope. */
  ask: 3,
  usage: 4,
  /** No further messages follow. */
  end: 5,
  /** The value that the caller gave to all lanes, in a list of one. */
  shared: 6,
  /** Dispose all resources: the lane is about to be closed. */
  dispose: 7,
  /** To the machine that hosts the lane: end the lane at once. */
  kill: 8,
  /** To the machine that hosts the lane: return batch [id] if it hasn't started. */
  recall: 9,
  /** Replaces a message that couldn't be carried. */
  nothing: 10,
} as const;

export const FromLane = {
  /** [timeOriginMs]: the lane can take tasks. Its `performance.now()` counts from this time. */
  ready: 16,
  /** [number]: the task's module is loaded and set up. */
  loaded: 17,
  /** [number] and an envelope: the task can't be loaded. */
  unloadable: 18,
  /** {@linkcode reportHead}, values and failures. */
  report: 19,
  /** [id, offset, sinceMs]: the item has started. */
  started: 20,
  /** [id]: an `ask` was read, so the lane's event loop turns. */
  asked: 21,
  /** [cpuMs, peakRssBytes or NaN] */
  usage: 22,
  /**
   * [number, isSetUp]: loading the task's module begins, or it is loaded and its set-up begins; without isSetUp
   * once more if that has left nothing to dispose.
   */
  loading: 24,
  /** Envelopes of the failures: all resources are disposed. */
  disposed: 25,
  /** { how, error, by }: the lane is about to end, because of the batch with the id `by` if that is known. */
  ending: 23,
  /** From the machine that hosted the lane: how the lane ended. */
  ended: 26,
  /** From the machine that hosts the lane: batch [id] has a slot, but waits for other programs' tasks. */
  heldUp: 27,
  /** The lane takes no more batches: its machine leaves once the running tasks have ended. */
  leaving: 28,
} as const;

export interface TaskToLoad extends Pick<PlacedTask, "module" | "export" | "places"> {
  /** Whether the module is the caller's program itself. */
  readonly isProgram: boolean;
}

/** Receives the other side's messages, in order. */
export interface ChannelEvents {
  message(kind: number, head: ArrayLike<number>, payload: unknown): void;
  /** The other side ended by itself. */
  ended(how: string, more?: Pick<Death, "suspicion" | "error">): void;
}

/** The caller's end of the connection to a lane, whose other side sends `ready` when it can take tasks. */
export interface Channel {
  readonly cloning: Cloning;
  /** Memory that both sides share; undefined if they can't. */
  readonly cells: Cells | undefined;
  /** Whether the other side can be ended even during a loop that never yields. */
  readonly stopsByForce: boolean;
  /**
   * @throws If the payload can't be cloned.
   */
  send(kind: number, head: ArrayLike<number>, payload?: unknown, moves?: ArrayBuffer[]): void;
  /** The name of the other side's machine, if it is another one. */
  readonly machine?: string | undefined;
  /** How many slots the lane has, if that may be fewer than requested; known once it is ready. */
  readonly slots?: number | undefined;
  /**
   * Whether the lane is leased on a machine that other programs use, too: it may take any time to start, and
   * batches that wait for a slot there can be asked back.
   */
  readonly isLeased?: boolean;
  /** Whether an open channel keeps the program alive. */
  hold(keepsAlive: boolean): void;
  /**
   * Ends the other side at once, if possible. If it is ended by force, the messages that it had sent are still
   * delivered, and then its end.
   */
  kill(): void;
  /** Delivers the messages that have arrived, at once, if the channel can do that. */
  receive?(): void;
  /** Ends the other side, and resolves when nothing of it is left that can be ended. */
  close(): Promise<void>;
}

/** Positions in the heads of batches and reports: task number, number of values, whether it is last. */
export const BATCH_TASK = 1;
export const BATCH_COUNT = 2;
export const REPORT_COUNT = 1;
export const REPORT_LAST = 2;

/** A fidelity is sent as its index here. */
const FIDELITIES: readonly Fidelity[] = ["as sent", "data", "classes"];

export interface ServedBatch
  extends Pick<LaneBatch, "task" | "items" | "firstIndex" | "attempt" | "tellsStarts" | "span"> {
  /** The batch's number on its lane. */
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

/** @param task The task with the number at {@linkcode BATCH_TASK}. */
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

/** Puts a report's numbers into one row, followed by the times if there are any. */
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

/** A report that this many items have failed, for failures that their lane can't report itself. */
export function failedReport(count: number, reason?: unknown, last = true): Report {
  const nowMs = clock.now();
  const failed = (offset: number) => ({ offset, ended: "failed" as const, reason });
  const failures = Array.from({ length: count }, (_, offset) => failed(offset));
  const times = { startedAtMs: nowMs, endedAtMs: nowMs, times: undefined };
  return { count, values: undefined, failures, ...times, last };
}

/** The head of a last report without items, which says that nothing more of a batch will start. */
export function droppedHead(id: number): ReturnType<typeof reportHead> {
  return reportHead(id, failedReport(0));
}

/** Reads the output of {@linkcode reportHead}; its times become those of the caller's clock. */
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

/** With fewer values than this, a buffer for them costs more than it saves. */
const MIN_NUMBERS = 8;

/**
 * The cheapest lossless form of values that travel together: undefined if every value is undefined, a
 * Float64Array if there are many and all are numbers (it keeps −0, NaN and infinities), otherwise the values
 * themselves.
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

/** Whether there are few values and all are numbers, booleans or null, which can be sent unchanged. */
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

/** The forms in which values travel: undefined for all, numbers, a list, or with errors replaced. */
export type Payload = undefined | Float64Array | readonly unknown[] | WithErrors;

/** Values whose errors are replaced by marks, and failures. */
interface WithErrors {
  readonly values: unknown;
  readonly failures: readonly SealedFailure[] | undefined;
}

interface SealedFailure extends Omit<ItemFailure, "reason"> {
  readonly reason: Envelope;
}

/** Encodes values that can obviously be sent; null if they need inspection first. */
export function encodeAtOnce(values: ArrayLike<unknown>): Payload | null {
  const payload = pack(values);
  return Array.isArray(payload) && !areFewAndPlain(payload) ? null : payload;
}

/**
 * Encodes values, and the failures of items without one, for sending.
 *
 * @param special Whether the values contain something that must be replaced before sending.
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

/** Encodes a single value, cloned; throws a CloneError if it can't be sent. */
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

/** One value as it would arrive, a view with only its own bytes; throws a CloneError if it can't be sent. */
export function arrivalOf(what: string, value: unknown, cloning: Cloning): unknown {
  return decode(encodeAlone(what, value, cloning)).values?.[0];
}

/** Decodes the output of {@linkcode encode} after it has arrived. */
export function decode(payload: Payload): Pick<Report, "values" | "failures"> {
  if (payload === undefined || payload instanceof Float64Array || Array.isArray(payload)) {
    // Without `strict`, as in some projects that check this file, isArray() doesn't narrow a readonly list.
    return { values: payload as ArrayLike<unknown> | undefined, failures: undefined };
  }
  const { values, failures } = payload as WithErrors;
  return {
    values: openErrorsIn(values) as unknown[],
    failures: failures?.map((f) => ({ ...f, reason: openEnvelope(f.reason) })),
  };
}
