/**
 * The way of values between processes: through the serializer of `node:v8`, whose module is given by
 * whoever has loaded it.
 *
 * @module
 */

import type { Way } from "../remote/way.ts";

/** As much of `node:v8` as is used. */
export type V8 = Pick<typeof import("node:v8"), "serialize" | "DefaultDeserializer">;

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
