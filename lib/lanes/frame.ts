/**
 * The frames that a subprocess lane and its child exchange over pipes.
 *
 * A frame is 16 bytes of prefix (magic, kind, encoding, head length, body length), a head of
 * doubles, and a body. Numbers and byte arrays travel raw; everything else through the serializer
 * of `node:v8`, which is loaded only when it is first needed, for a lane must start fast.
 *
 * @module
 */

import { pack } from "./packing.ts";

/** What a frame is about. */
export const FrameKind = {
  // To the child:
  task: 1,
  chunk: 2,
  ask: 3,
  askUsage: 4,
  // From the child:
  ready: 16,
  report: 17,
  mark: 18,
  asked: 19,
  usage: 20,
  dying: 21,
} as const;

/** How a body is to be read. */
export const Encoding = { none: 0, numbers: 1, bytes: 2, v8: 3, json: 4 } as const;

/** A frame as it was read; its body is a buffer of its own. */
export interface Frame {
  /** One of {@linkcode FrameKind}. */
  readonly kind: number;
  /** One of {@linkcode Encoding}: how the body is to be read. */
  readonly encoding: number;
  /** Numbers that say what the body is about. */
  readonly head: Float64Array;
  /** The payload, perhaps empty. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What `node:v8` offers, given by whoever has loaded it. */
export interface Serializer {
  /** Turns a value into bytes; throws if it can't be cloned. */
  serialize(value: unknown): Uint8Array;
  /** Turns bytes back; the value may share their memory. */
  deserialize(bytes: Uint8Array): unknown;
}

/** The four bytes that every frame begins with. */
export const FRAME_MAGIC = 0x53454e4c; // "LNES", read as a little-endian number
/** The length of the part before the head, in bytes. */
export const PREFIX_BYTES = 16;
const MAX_BODY_BYTES = 0xffff_ffff;
/** Up to here the parts of a frame are joined into one. */
const JOIN_BYTES = 1 << 17;

/** Bytes that are no frame: something else was written to the pipe. */
export class GarbageError extends Error {
  /** The class's name. */
  override name = "GarbageError";
}

/**
 * Makes the bytes of a frame, in parts, so that large bodies need not be copied.
 *
 * @param kind One of {@linkcode FrameKind}.
 * @param head Numbers that say what the body is about.
 * @param encoding One of {@linkcode Encoding}.
 * @param body The body's parts.
 * @returns What to write, in order.
 * @throws {RangeError} If the body exceeds 4 GiB.
 *
 * @example
 * ```ts
 * import { encodeFrame, FrameKind } from "./frame.ts";
 * import { FrameDecoder } from "./frame_decoder.ts";
 *
 * const decoder = new FrameDecoder();
 * for (const part of encodeFrame(FrameKind.ask, [7, 1])) {
 *   decoder.push(part, (frame) => console.log(frame.kind, frame.head[0])); // 3 7
 * }
 * ```
 */
export function encodeFrame(
  kind: number,
  head: ArrayLike<number>,
  encoding: number = Encoding.none,
  body: readonly Uint8Array[] = [],
): Uint8Array[] {
  let bodyBytes = 0;
  for (const part of body) bodyBytes += part.byteLength;
  if (bodyBytes > MAX_BODY_BYTES) {
    throw new RangeError(`Cannot send ${bodyBytes} bytes at once: the limit is 4 GiB`);
  }
  const headEnd = PREFIX_BYTES + 8 * head.length;
  // One write is cheaper than two, as long as little has to be copied for it.
  let joined = 0;
  let start = headEnd;
  while (joined < body.length && start + body[joined]!.byteLength <= JOIN_BYTES) {
    start += body[joined++]!.byteLength;
  }
  const bytes = new Uint8Array(start);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, FRAME_MAGIC, true);
  view.setUint8(4, kind);
  view.setUint8(5, encoding);
  view.setUint32(8, head.length, true);
  view.setUint32(12, bodyBytes, true);
  new Float64Array(bytes.buffer, PREFIX_BYTES, head.length).set(head);
  let at = headEnd;
  for (const part of body.slice(0, joined)) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return [bytes, ...body.slice(joined)];
}

/**
 * A frame whose body is plain data, for the few messages that are about the lane itself.
 *
 * @param kind One of {@linkcode FrameKind}.
 * @param value Data that JSON can hold.
 * @returns What to write, in order.
 *
 * @example
 * ```ts
 * import { decodeJson, encodeJsonFrame, FrameKind } from "./frame.ts";
 * import { FrameDecoder } from "./frame_decoder.ts";
 *
 * const decoder = new FrameDecoder();
 * for (const part of encodeJsonFrame(FrameKind.dying, { how: "exited with code 3" })) {
 *   decoder.push(part, (frame) => console.log(decodeJson(frame))); // { how: "exited with code 3" }
 * }
 * ```
 */
export function encodeJsonFrame(kind: number, value: unknown): Uint8Array[] {
  return encodeFrame(kind, [], Encoding.json, [new TextEncoder().encode(JSON.stringify(value))]);
}

/**
 * The data of a frame made by {@linkcode encodeJsonFrame}.
 *
 * @param frame The frame, as it was read.
 * @returns The data.
 * @throws {SyntaxError} If the body isn't JSON.
 *
 * @example
 * ```ts
 * import { decodeJson, Encoding, FrameKind } from "./frame.ts";
 *
 * const body = new TextEncoder().encode("[1,2]");
 * const head = new Float64Array(0);
 * const frame = { kind: FrameKind.task, encoding: Encoding.json, head, body };
 * console.log(decodeJson(frame)); // [1, 2]
 * ```
 */
export function decodeJson(frame: Frame): unknown {
  return JSON.parse(new TextDecoder().decode(frame.body));
}

/**
 * The encoding that values need, and the body if it needs no serializer.
 *
 * @param values Values that travel together.
 * @returns The encoding and the body's parts; undefined if only a serializer can write them.
 *
 * @example
 * ```ts
 * import { encodePlain, Encoding } from "./frame.ts";
 *
 * console.log(encodePlain([undefined, undefined])?.encoding === Encoding.none); // true
 * console.log(encodePlain([{ name: "cat" }])); // undefined
 * ```
 */
export function encodePlain(
  values: ArrayLike<unknown>,
): { readonly encoding: number; readonly body: Uint8Array[] } | undefined {
  if (values[0] instanceof Uint8Array) {
    const arrays = Array.from(values);
    // Subclasses such as Buffer must come back as what they were, so they go the long way.
    if (!arrays.every((v): v is Uint8Array => v?.constructor === Uint8Array)) return undefined;
    // Alone it is the whole body, so that nothing but its own bytes is behind its `buffer` there.
    if (arrays.length === 1) return { encoding: Encoding.bytes, body: arrays };
    const lengths = Uint32Array.from(arrays, (array) => array.byteLength);
    return { encoding: Encoding.bytes, body: [new Uint8Array(lengths.buffer), ...arrays] };
  }
  const packed = pack(values);
  if (packed === undefined) return { encoding: Encoding.none, body: [] };
  if (packed instanceof Float64Array) {
    return { encoding: Encoding.numbers, body: [new Uint8Array(packed.buffer)] };
  }
  return undefined;
}

/**
 * Reads a frame's values.
 *
 * @param frame A frame with values in its body.
 * @param count How many there are.
 * @param serializer Needed for {@linkcode Encoding}`.v8` alone.
 * @returns The values, or undefined if all are undefined.
 *
 * @example
 * ```ts
 * import { decodeValues, Encoding, FrameKind } from "./frame.ts";
 *
 * const body = new Uint8Array(Float64Array.of(1.5, 2.5).buffer);
 * const head = new Float64Array(0);
 * const frame = { kind: FrameKind.report, encoding: Encoding.numbers, head, body };
 * console.log(decodeValues(frame, 2, undefined)?.[1]); // 2.5
 * ```
 */
export function decodeValues(
  frame: Frame,
  count: number,
  serializer: Serializer | undefined,
): ArrayLike<unknown> | undefined {
  const { body } = frame;
  if (frame.encoding === Encoding.none) return undefined;
  if (frame.encoding === Encoding.numbers) return new Float64Array(body.buffer, 0, count);
  if (frame.encoding === Encoding.bytes) {
    if (count === 1) return [body];
    // Several must not keep each other's memory alive.
    const lengths = new Uint32Array(body.buffer, 0, count);
    let at = lengths.byteLength;
    return Array.from(lengths, (length) => body.slice(at, at += length));
  }
  return serializer!.deserialize(body) as unknown[];
}
