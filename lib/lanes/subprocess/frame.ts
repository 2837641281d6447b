/**
 * Messages as bytes, for a pipe.
 *
 * A frame is 16 bytes of prefix (magic, kind, encoding, head length, body length), a head of
 * doubles, and a body. Numbers and byte arrays travel raw; everything else through the serializer of
 * `node:v8`, whose module is given by whoever has loaded it.
 *
 * @module
 */

import type { Way } from "../remote/way.ts";

/** As much of `node:v8` as is used. */
type V8 = Pick<typeof import("node:v8"), "serialize" | "DefaultDeserializer">;

/** Makes bytes of values, and values of bytes. */
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
      return ArrayBuffer.isView(value) ? owning(value) : value;
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

function owning(view: ArrayBufferView): ArrayBufferView {
  const { buffer, byteOffset, byteLength } = view;
  const Class = view.constructor as new (buffer: ArrayBufferLike) => ArrayBufferView;
  // A Buffer is made in ways of its own, and arrives in a thread as a Uint8Array too.
  return new (view instanceof Uint8Array ? Uint8Array : Class)(
    buffer.slice(byteOffset, byteOffset + byteLength),
  );
}

/** The way through a serializer. */
export function wayThrough({ serialize, deserialize }: Serializer): Way {
  return {
    clone: (value) => deserialize(serialize(value)),
    sharesMemory: false,
    sendsWholeBuffers: false,
    kinds: new WeakMap(),
  };
}

/** How a body is to be read. */
const Encoding = { none: 0, numbers: 1, bytes: 2, v8: 3 } as const;

/** A frame as it was read; its body is a buffer of its own. */
export interface Frame {
  readonly kind: number;
  readonly encoding: number;
  readonly head: Float64Array;
  readonly body: Uint8Array<ArrayBuffer>;
}

const MAGIC = 0x53454e4c; // "LNES", read as a little-endian number
const PREFIX_BYTES = 16;
const MAX_BODY_BYTES = 0xffff_ffff;
/** Up to here the parts of a frame are joined into one: one write is cheaper than two. */
const JOIN_BYTES = 1 << 17;
/** From so many missing bytes on, reading them to where they belong saves more than it costs. */
const LARGE_BYTES = 1 << 17;

/** Bytes that are no frame: something else was written to the pipe. */
export class GarbageError extends Error {
  override name = "GarbageError";
}

/**
 * Makes the bytes of a frame, in parts, so that large bodies need not be copied.
 *
 * @throws {RangeError} If the body exceeds 4 GiB.
 * @throws What the serializer throws, if the payload can't be cloned.
 */
export function encodeFrame(
  kind: number,
  head: ArrayLike<number>,
  payload: unknown,
  serializer?: Serializer,
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
  while (joined < body.length && start + body[joined]!.byteLength <= JOIN_BYTES) {
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
  if (payload instanceof Float64Array) return numbers(payload);
  if (Array.isArray(payload) && payload[0] instanceof Uint8Array) {
    // Subclasses such as Buffer must come back as what they were, so they go the long way.
    if (!payload.every((value) => value?.constructor === Uint8Array)) return undefined;
    const lengths = Uint32Array.from([payload.length, ...payload.map((value) => value.byteLength)]);
    // Alone it is the whole body, so that nothing but its own bytes is behind its `buffer` there.
    const body = payload.length === 1 ? payload : [new Uint8Array(lengths.buffer), ...payload];
    return { encoding: Encoding.bytes, body };
  }
  return undefined;
}

function numbers(values: Float64Array<ArrayBufferLike>) {
  const { buffer, byteOffset, byteLength } = values;
  return { encoding: Encoding.numbers, body: [new Uint8Array(buffer, byteOffset, byteLength)] };
}

/** Reads the payload that {@linkcode encodeFrame} wrote; `count` is how many values it holds. */
export function decodePayload(
  { encoding, body }: Frame,
  count: number,
  { deserialize }: Serializer,
): unknown {
  if (encoding === Encoding.none) return undefined;
  if (encoding === Encoding.numbers) return new Float64Array(body.buffer);
  if (encoding === Encoding.v8) return deserialize(body);
  if (count === 1) return [body];
  // Several must not keep each other's memory alive.
  const lengths = new Uint32Array(body.buffer, 4, count);
  let at = lengths.byteLength + 4;
  return Array.from(lengths, (length) => body.slice(at, at += length));
}

/** Puts frames together from the pieces in which a pipe delivers them. */
export class FrameDecoder {
  readonly #prefix = new Uint8Array(PREFIX_BYTES);
  #prefixFilled = 0;
  #head: Uint8Array<ArrayBuffer> | undefined;
  #body: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;

  /**
   * Takes the next piece, which is not kept, and tells of every frame that is now whole.
   *
   * @throws {GarbageError} If the bytes are no frame.
   */
  push(bytes: Uint8Array, onFrame: (frame: Frame) => void): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#head === undefined) {
        const part = bytes.subarray(at, at + PREFIX_BYTES - this.#prefixFilled);
        this.#prefix.set(part, this.#prefixFilled);
        this.#prefixFilled += part.length;
        at += part.length;
        this.#checkMagic(bytes);
        if (this.#prefixFilled < PREFIX_BYTES) return;
        const view = new DataView(this.#prefix.buffer);
        this.#head = new Uint8Array(8 * view.getUint32(8, true));
        this.#body = new Uint8Array(view.getUint32(12, true));
        this.#filled = 0;
      }
      at = this.#fill(bytes, at);
      if (this.#filled < this.#head.length + this.#body!.length) return;
      onFrame(this.#take());
    }
  }

  /**
   * What is missing of a large body that has begun to arrive, to be read into without a copy; then
   * call {@linkcode FrameDecoder.filled}. Undefined if the next bytes had better be pushed.
   */
  get missing(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#head === undefined) return undefined;
    const done = this.#filled - this.#head.length;
    const rest = this.#body!.length - done;
    return done > 0 && rest >= LARGE_BYTES ? this.#body!.subarray(done) : undefined;
  }

  /**
   * Takes bytes that were read into what was {@linkcode FrameDecoder.missing}; the stream may have
   * moved the memory behind it.
   */
  filled(bytes: Uint8Array<ArrayBuffer>, onFrame: (frame: Frame) => void): void {
    if (bytes.buffer !== this.#body!.buffer) this.#body = new Uint8Array(bytes.buffer);
    this.#filled += bytes.length;
    if (this.#filled === this.#head!.length + this.#body!.length) onFrame(this.#take());
  }

  #fill(bytes: Uint8Array, at: number): number {
    const head = this.#head!;
    const body = this.#body!;
    if (this.#filled < head.length) {
      const part = bytes.subarray(at, at + head.length - this.#filled);
      head.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
    }
    if (this.#filled >= head.length) {
      const done = this.#filled - head.length;
      const part = bytes.subarray(at, at + body.length - done);
      body.set(part, done);
      this.#filled += part.length;
      at += part.length;
    }
    return at;
  }

  #take(): Frame {
    const frame: Frame = {
      kind: this.#prefix[4]!,
      encoding: this.#prefix[5]!,
      head: new Float64Array(this.#head!.buffer),
      body: this.#body!,
    };
    this.#head = this.#body = undefined;
    this.#prefixFilled = 0;
    return frame;
  }

  #checkMagic(bytes: Uint8Array): void {
    for (let at = 0; at < Math.min(4, this.#prefixFilled); at++) {
      if (this.#prefix[at] === ((MAGIC >>> (8 * at)) & 0xff)) continue;
      const text = new TextDecoder().decode(bytes.subarray(0, 60));
      throw new GarbageError(`wrote to its stdout: ${JSON.stringify(text)}`);
    }
  }
}
