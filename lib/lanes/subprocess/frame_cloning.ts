/** How this program puts values into frames: by the serializer of `node:v8`, which is loaded when it is needed. */

import { platform } from "../platform.ts";
import type { Cloning } from "../remote/clone.ts";
import { cloningThrough, type Serializer, serializerOf } from "./frame.ts";

let v8: Serializer | undefined;
const loaded = () => v8 ??= serializerOf(platform.process.getBuiltinModule("node:v8"));

/** Loads it, unless a value has needed it already: Deno takes 10 ms to load its first Node module. */
export async function loadSerializer(): Promise<void> {
  v8 ??= serializerOf(await import("node:v8"));
}

export const serializer: Serializer = {
  serialize: (value) => loaded().serialize(value),
  deserialize: (bytes) => loaded().deserialize(bytes),
};
export const frameCloning: Cloning = cloningThrough(serializer);
