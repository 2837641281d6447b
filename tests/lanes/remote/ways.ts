/**
 * The ways that values travel; each call gives a new way, because a way remembers classes.
 */

import * as v8 from "node:v8";
import { type Cloning, structuredCloning } from "../../../lib/lanes/remote/clone.ts";
import { cloningThrough, serializerOf } from "../../../lib/lanes/subprocess/frame.ts";

/** The way between threads. */
export function toThread(): Cloning {
  return { ...structuredCloning, kinds: new WeakMap() };
}

/** The way between processes. */
export function throughPipe(): Cloning {
  return cloningThrough(serializerOf(v8));
}

/** Both ways, with their names. */
export function bothWays(): readonly (readonly [name: string, cloning: Cloning])[] {
  return [["to a thread", toThread()], ["through a pipe", throughPipe()]];
}
