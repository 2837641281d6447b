/**
 * The way of values through `node:v8`, whose module is given by whoever has loaded it.
 *
 * @module
 */

import type { Serializer } from "./frame.ts";

/** As much of `node:v8` as is used. */
export type V8 = Pick<typeof import("node:v8"), "serialize" | "DefaultDeserializer">;

/** The part of its deserializer that is meant to be overridden, which its types leave out. */
type HostDeserializer = new (bytes: Uint8Array) => InstanceType<V8["DefaultDeserializer"]> & {
  _readHostObject(): unknown;
};

/**
 * A serializer whose values own their memory. Those of plain `deserialize` look into the bytes that
 * they were read from: what is behind such an array's `buffer` is a whole frame, which stays as long
 * as the array does.
 *
 * @param v8 The module `node:v8`.
 * @returns How to make bytes of a value, and a value of bytes.
 *
 * @example
 * ```ts
 * import * as v8 from "node:v8";
 * import { serializerOf } from "./v8_clone.ts";
 *
 * const { serialize, deserialize } = serializerOf(v8);
 * const copy = deserialize(serialize([new Uint8Array([1, 2])])) as Uint8Array[];
 * console.log(copy[0]!.buffer.byteLength); // 2
 * ```
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

/**
 * What a value becomes on its way through a serializer.
 *
 * @param serializer The way.
 * @param value The value.
 * @returns A copy.
 * @throws {Error} If it can't be cloned.
 *
 * @example
 * ```ts
 * import * as v8 from "node:v8";
 * import { cloneThrough, serializerOf } from "./v8_clone.ts";
 *
 * console.log(cloneThrough(serializerOf(v8), { n: 1 })); // { n: 1 }
 * ```
 */
export function cloneThrough({ serialize, deserialize }: Serializer, value: unknown): unknown {
  return deserialize(serialize(value));
}
