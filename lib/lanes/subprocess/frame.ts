/**
 * Messages as bytes, for a pipe.
 *
 * A frame is 16 bytes of prefix (magic, kind, encoding, head length, body length), a head of
 * doubles, and a body. Numbers and byte arrays travel raw; everything else through the serializer of
 * `node:v8`, whose module is given by whoever has loaded it.
 */

import { copyOfView } from "../remote/buffers.ts";
import { type Cloning } from "../remote/clone.ts";

/** As much of `node:v8` as is used. */
type V8 = Pick<typeof import("node:v8"), "serialize" | "DefaultDeserializer">;

export interface Serializer {
  /** Throws if the value can't be cloned. */
  serialize(value: unknown): Uint8Array;
  deserialize(bytes: Uint8Array): unknown;
}

/** The part of its deserializer that is meant to be overridden, which its types leave out. */
type HostDeserializer = new (bytes: Uint8Array) => InstanceType<V8["DefaultDeserializer"]> & {
  _readHostObject(): unknown;
};

/**
 * A serializer whose values own their memory. Those of plain `deserialize` look into the bytes that
 * they were read from: what is behind such an array's `buffer` is a whole frame, which stays as long
 * as the array does.
 */
export function serializerOf({ serialize, DefaultDeserializer }: V8): Serializer {
  class OwningDeserializer extends (DefaultDeserializer as unknown as HostDeserializer) {
    override _readHostObject(): unknown {
      const value = super._readHostObject();
      return ArrayBuffer.isView(value) ? copyOfView(value) : value;
    }
  }
  return {
    serialize,
    deserialize(bytes) {
      const deserializer = new OwningDeserializer(bytes);
      deserializer.readHeader();
      return deserializer.readValue();
    },
  };
}

export function cloningThrough({ serialize, deserialize }: Serializer): Cloning {
  return {
    clone: (value) => deserialize(serialize(value)),
    sharesMemory: false,
    sendsWholeBuffers: false,
    kinds: new WeakMap(),
  };
}

const Encoding = { none: 0, numbers: 1, bytes: 2, v8: 3, list: 4 } as const;

/** A frame as it was read; its body is a buffer of its own. As the payload of another it goes on as it came. */
export class Frame {
  constructor(
    readonly kind: number,
    readonly encoding: number,
    readonly head: Float64Array,
    readonly body: Uint8Array<ArrayBuffer>,
  ) {}
}

const MAGIC = 0x53454e4c; // "LNES", read as a little-endian number
const PREFIX_BYTES = 16;
const MAX_BODY_BYTES = 0xffff_ffff;
const JOIN_BYTES = 1 << 17;
/** What a pipe holds, and is read at a time. */
const CHUNK_BYTES = 1 << 16;

/** Frames from here on are large: what carries them should hold more than a pipe does. */
export const LARGE_BYTES: number = 1 << 16;
/** The kind of a frame that says: what follows goes through the descriptor that holds more. */
export const WIDER = 0;
/** That descriptor, in the child, which reads the first behind stderr and writes to the next. */
export const WIDE_FD = 3;

/** Bytes that are no frame: something else was written to the pipe. */
export class GarbageError extends Error {
  override name = "GarbageError";
}

/**
 * Makes the bytes of a frame, in parts, so that large bodies need not be copied.
 *
 * @param joinBytes Up to here they are joined into one: one write is cheaper than two.
 * @throws {RangeError} If the body exceeds 4 GiB.
 * @throws What the serializer throws, if the payload can't be cloned.
 */
export function encodeFrame(
  kind: number,
  head: ArrayLike<number>,
  payload: unknown,
  serializer?: Serializer,
  joinBytes: number = JOIN_BYTES,
): Uint8Array[] {
  const { encoding, body } = encodeBody(payload) ??
    { encoding: Encoding.v8, body: [serializer!.serialize(payload)] };
  let bodyBytes = 0;
  for (const part of body) bodyBytes += part.byteLength;
  if (bodyBytes > MAX_BODY_BYTES) {
    throw new RangeError(`Cannot send ${bodyBytes} bytes at once: the limit is 4 GiB`);
  }
  const headEnd = PREFIX_BYTES + 8 * head.length;
  let joined = 0;
  let start = headEnd;
  while (joined < body.length && start + body[joined]!.byteLength <= joinBytes) {
    start += body[joined++]!.byteLength;
  }
  const bytes = new Uint8Array(start);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
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

/** A body that needs no serializer; undefined if only that can write it. */
function encodeBody(
  payload: unknown,
): { readonly encoding: number; readonly body: Uint8Array[] } | undefined {
  if (payload === undefined) return { encoding: Encoding.none, body: [] };
  if (payload instanceof Frame) return { encoding: payload.encoding, body: [payload.body] };
  if (payload instanceof Float64Array) {
    const { buffer, byteOffset, byteLength } = payload;
    return { encoding: Encoding.numbers, body: [new Uint8Array(buffer, byteOffset, byteLength)] };
  }
  if (!Array.isArray(payload) || !(payload[0] instanceof Uint8Array)) return undefined;
  // Subclasses such as Buffer must come back as what they were, so they go the long way.
  if (!payload.every((value) => value?.constructor === Uint8Array)) return undefined;
  // Alone it is the whole body, so that nothing but its own bytes is behind its `buffer` there.
  if (payload.length === 1) return { encoding: Encoding.bytes, body: payload };
  const lengths = Uint32Array.from([payload.length, ...payload.map((value) => value.byteLength)]);
  return { encoding: Encoding.list, body: [new Uint8Array(lengths.buffer), ...payload] };
}

export function decodePayload({ encoding, body }: Frame, { deserialize }: Serializer): unknown {
  if (encoding === Encoding.none) return undefined;
  if (encoding === Encoding.numbers) return new Float64Array(body.buffer);
  if (encoding === Encoding.v8) return deserialize(body);
  if (encoding === Encoding.bytes) return [body];
  // Several must not keep each other's memory alive.
  const lengths = new Uint32Array(body.buffer, 4, new Uint32Array(body.buffer, 0, 1)[0]);
  let at = lengths.byteLength + 4;
  return Array.from(lengths, (length) => body.slice(at, at += length));
}

export function readFrame(bytes: Uint8Array): Frame {
  checkMagic(bytes.subarray(0, 4));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const headEnd = PREFIX_BYTES + 8 * view.getUint32(8, true);
  // No slice(): that of a Buffer of Node's copies nothing.
  const copy = (from: number, to?: number) => new Uint8Array(bytes.subarray(from, to));
  const head = new Float64Array(copy(PREFIX_BYTES, headEnd).buffer);
  return new Frame(view.getUint8(4), view.getUint8(5), head, copy(headEnd));
}

/**
 * Reads bytes into memory: what there is, at least one, or until it is full. Gives the part that was
 * filled, whose buffer may be another one then; undefined at the end.
 */
export type ReadBytes = (
  into: Uint8Array<ArrayBuffer>,
  whole: boolean,
) => Promise<Uint8Array<ArrayBuffer> | undefined>;

/**
 * Reads frames up to the end, and tells of each. What a chunk holds of a body is copied, the rest read
 * to where it belongs.
 *
 * @throws {GarbageError} If the bytes are no frame.
 */
export async function readFrames(read: ReadBytes, onFrame: (frame: Frame) => void): Promise<void> {
  let chunk = new Uint8Array(CHUNK_BYTES);
  let [from, to] = [0, 0];
  const take = async (length: number): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    const part = new Uint8Array(length);
    const here = Math.min(length, to - from);
    part.set(chunk.subarray(from, from + here));
    from += here;
    if (here === length) return part;
    const rest = await read(part.subarray(here), true);
    return rest && new Uint8Array(rest.buffer);
  };
  while (true) {
    checkMagic(chunk.subarray(from, to));
    if (to - from < PREFIX_BYTES) {
      chunk.copyWithin(0, from, to);
      [from, to] = [0, to - from];
      const more = await read(chunk.subarray(to), false);
      if (more === undefined) return;
      chunk = new Uint8Array(more.buffer);
      to += more.length;
      continue;
    }
    const view = new DataView(chunk.buffer, from, PREFIX_BYTES);
    const [kind, encoding] = [view.getUint8(4), view.getUint8(5)];
    const [headBytes, bodyBytes] = [8 * view.getUint32(8, true), view.getUint32(12, true)];
    from += PREFIX_BYTES;
    const head = await take(headBytes);
    const body = await take(bodyBytes);
    if (head === undefined || body === undefined) return;
    onFrame(new Frame(kind, encoding, new Float64Array(head.buffer), body));
  }
}

function checkMagic(bytes: Uint8Array): void {
  for (let at = 0; at < Math.min(4, bytes.length); at++) {
    if (bytes[at] === ((MAGIC >>> (8 * at)) & 0xff)) continue;
    const text = new TextDecoder().decode(bytes.subarray(0, 60));
    throw new GarbageError(`wrote to its stdout: ${JSON.stringify(text)}`);
  }
}
