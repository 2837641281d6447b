/**
 * The ways that values travel, each new to every class: what is known of one is kept with the way.
 */

import * as v8 from "node:v8";
import { type Cloning, structuredCloning } from "../../../lib/lanes/remote/clone.ts";
import { cloningThrough, serializerOf } from "../../../lib/lanes/subprocess/frame.ts";

/** Between threads. */
export function toThread(): Cloning {
  return { ...structuredCloning, kinds: new WeakMap() };
}

/** Between processes. */
export function throughPipe(): Cloning {
  return cloningThrough(serializerOf(v8));
}

/** Both, with their names. */
export function bothWays(): readonly (readonly [name: string, cloning: Cloning])[] {
  return [["to a thread", toThread()], ["through a pipe", throughPipe()]];
}
