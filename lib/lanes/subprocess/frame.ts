/**
 * Messages as bytes, for a pipe.
 *
 * A frame is 16 bytes of prefix (magic, kind, encoding, head length, body length), a head of doubles, and a
 * body. Numbers and byte arrays are sent raw; everything else goes through the serializer of `node:v8`, which
 * the caller passes in after loading that module.
 */

import { copyOfView } from "../remote/buffers.ts";
import { type Cloning } from "../remote/clone.ts";

/** The part of `node:v8` that is used. */
type V8 = Pick<typeof import("node:v8"), "serialize" | "DefaultDeserializer">;

export interface Serializer {
  /** Throws if the value can't be cloned. */
  serialize(value: unknown): Uint8Array;
  deserialize(bytes: Uint8Array): unknown;
}

/** The overridable method of the deserializer, which its types leave out. */
type HostDeserializer = new (bytes: Uint8Array) => InstanceType<V8["DefaultDeserializer"]> & {
  _readHostObject(): unknown;
};

/**
 * A serializer whose values own their memory. With plain `deserialize`, an array's `buffer` would be the whole
 * frame that it was read from, which then stays in memory as long as the array.
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

/** A frame as it was read; its body has its own buffer. As a payload it is passed on unchanged. */
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
/** The capacity of a pipe, and the size of one read. */
const CHUNK_BYTES = 1 << 16;

/** Frames from this size on are large, and should go through a descriptor that holds more than a pipe. */
export const LARGE_BYTES: number = 1 << 16;
/** The kind of the frame that announces: all following ones go through the wider descriptor. */
export const WIDER = 0;
/** The child's wider descriptor for reading; it writes to the next one. */
export const WIDE_FD = 3;

/** Bytes that are no frame, because something else was written to the pipe. */
export class GarbageError extends Error {
  override name = "GarbageError";
}

/**
 * Encodes a frame in several parts, so that large bodies need not be copied.
 *
 * @param joinBytes Parts are joined up to this size, because one write is cheaper than two.
 * @throws {RangeError} If the body exceeds 4 GiB.
 * @throws The serializer's error, if the payload can't be cloned.
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

/** Encodes a body that needs no serializer; undefined if it needs one. */
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
  // Subclasses such as Buffer must keep their class, so they go through the serializer.
  if (!payload.every((value) => value?.constructor === Uint8Array)) return undefined;
  // A single array is the whole body, so that its `buffer` holds nothing else after reading.
  if (payload.length === 1) return { encoding: Encoding.bytes, body: payload };
  const lengths = Uint32Array.from([payload.length, ...payload.map((value) => value.byteLength)]);
  return { encoding: Encoding.list, body: [new Uint8Array(lengths.buffer), ...payload] };
}

export function decodePayload({ encoding, body }: Frame, { deserialize }: Serializer): unknown {
  if (encoding === Encoding.none) return undefined;
  if (encoding === Encoding.numbers) return new Float64Array(body.buffer);
  if (encoding === Encoding.v8) return deserialize(body);
  if (encoding === Encoding.bytes) return [body];
  // Copied, so that no array keeps the others' memory alive.
  const lengths = new Uint32Array(body.buffer, 4, new Uint32Array(body.buffer, 0, 1)[0]);
  let at = lengths.byteLength + 4;
  return Array.from(lengths, (length) => body.slice(at, at += length));
}

export function readFrame(bytes: Uint8Array): Frame {
  checkMagic(bytes.subarray(0, 4));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const headEnd = PREFIX_BYTES + 8 * view.getUint32(8, true);
  // Not slice(), which doesn't copy the bytes of a Node Buffer.
  const copy = (from: number, to?: number) => new Uint8Array(bytes.subarray(from, to));
  const head = new Float64Array(copy(PREFIX_BYTES, headEnd).buffer);
  return new Frame(view.getUint8(4), view.getUint8(5), head, copy(headEnd));
}

/**
 * Reads bytes into a buffer: at least one byte, or until it is full if `whole`. Returns the part that was
 * filled, whose memory may be another buffer by then; undefined at the end.
 */
export type ReadBytes = (
  into: Uint8Array<ArrayBuffer>,
  whole: boolean,
) => Promise<Uint8Array<ArrayBuffer> | undefined>;

/**
 * Reads frames up to the end and passes on each. The part of a body that is already in the chunk is copied; the
 * rest is read directly into place.
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
