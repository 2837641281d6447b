/**
 * The ways that values travel, each new to every class: what is known of one is kept with the way.
 */

import * as v8 from "node:v8";
import { threads, type Way } from "../../../lib/lanes/remote/clone.ts";
import { serializerOf, wayThrough } from "../../../lib/lanes/subprocess/frame.ts";

/** Between threads. */
export function toThread(): Way {
  return { ...threads, kinds: new WeakMap() };
}

/** Between processes. */
export function throughPipe(): Way {
  return wayThrough(serializerOf(v8));
}

/** Both, with their names. */
export function bothWays(): readonly (readonly [name: string, way: Way])[] {
  return [["to a thread", toThread()], ["through a pipe", throughPipe()]];
}
