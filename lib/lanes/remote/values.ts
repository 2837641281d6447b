/**
 * Items and results in the form in which they travel to another lane and back: many numbers in one
 * buffer, errors in envelopes, everything else as it is.
 */

import type { Failure } from "../lane.ts";
import {
  type Envelope,
  openEnvelope,
  openErrorsIn,
  sealEnvelope,
  sealErrorsIn,
} from "./envelope.ts";
import { inspect, refusal } from "./inspect.ts";
import type { Way } from "./way.ts";

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

/** What travels: the values as they are, or with marks in the places of errors. */
export type Payload = ArrayLike<unknown> | undefined | SpecialPayload;

/** Values that can't be sent as they are, and failures. */
interface SpecialPayload {
  readonly values: unknown;
  readonly failures: readonly SealedFailure[] | undefined;
}

/** A failure whose error is in an envelope. */
interface SealedFailure extends Omit<Failure, "reason"> {
  readonly reason: Envelope;
}

/** Values in the form that travels. */
export interface Encoded {
  /** Whether the payload is a {@linkcode SpecialPayload}. */
  readonly special: boolean;
  readonly payload: Payload;
}

/** The form of values of which it can be seen at once that they can be sent; undefined for others. */
export function encodeAtOnce(values: ArrayLike<unknown>): Encoded | undefined {
  const payload = pack(values);
  if (Array.isArray(payload) && !areFewAndPlain(payload)) return undefined;
  return { special: false, payload };
}

/** Puts values, and what became of those that aren't there, into the form that travels. */
export function encode(
  values: ArrayLike<unknown>,
  failures: readonly Failure[] | undefined,
  special: boolean,
  way: Way,
): Encoded {
  if (!special && failures === undefined) return { special: false, payload: pack(values) };
  const list = Array.isArray(values) ? values : Array.from(values);
  return {
    special: true,
    payload: {
      values: special ? sealErrorsIn(list, way) : list,
      failures: failures?.map((f) => ({ ...f, reason: sealEnvelope(f.reason, way) })),
    },
  };
}

/**
 * One value as it arrives, in the form that travels.
 *
 * @param what Names the value in the error.
 * @throws {CloneError} If it can't be sent.
 */
export function encodeAlone(what: string, value: unknown, way: Way): Encoded {
  let cause: unknown;
  try {
    const { refused, special } = inspect([value], way);
    if (!refused) {
      const { payload } = encode([value], undefined, special, way);
      return { special, payload: way.clone(payload) as Payload };
    }
  } catch (error) {
    cause = error;
  }
  throw refusal(what, value, way, cause);
}

/** Reads what {@linkcode encode} made, after its way. */
export function decode(
  special: boolean,
  payload: Payload,
): {
  readonly values: ArrayLike<unknown> | undefined;
  readonly failures: readonly Failure[] | undefined;
} {
  if (!special) return { values: payload as ArrayLike<unknown> | undefined, failures: undefined };
  const { values, failures } = payload as SpecialPayload;
  return {
    values: openErrorsIn(values) as unknown[],
    failures: failures?.map((f) => ({ ...f, reason: openEnvelope(f.reason) })),
  };
}
