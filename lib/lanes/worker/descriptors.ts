/**
 * File descriptors that a thread needs. Deno panics, and the program ends, where there are none left.
 *
 * @module
 */

import { LaneStartError } from "../errors.ts";

/** A thread takes about four, and some must be left for those who use it. */
const NEEDED = 8;

let pipeIsOpen = false;

/**
 * Makes sure that a thread can be started, which reads the file anyway.
 *
 * @throws {LaneStartError} If too few descriptors are left.
 */
export function reserveDescriptors(file: URL): void {
  openSignalPipe();
  const taken: Deno.FsFile[] = [];
  try {
    for (let count = 0; count < NEEDED; count++) taken.push(Deno.openSync(file));
  } catch (cause) {
    // What else is wrong with the file, the thread will say.
    if (!(cause instanceof Deno.errors.NotCapable || cause instanceof Deno.errors.NotFound)) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new LaneStartError(`Cannot start a thread: too few file descriptors are left: ${why}`, {
        cause,
      });
    }
  } finally {
    for (const descriptor of taken) descriptor.close();
  }
}

/**
 * Has Deno open the pipe through which signals come. It opens it when it first needs it, which with
 * threads is also at their end, when tasks may have used up all descriptors. Nothing is left
 * listening.
 */
function openSignalPipe(): void {
  if (pipeIsOpen) return;
  pipeIsOpen = true;
  const listener = () => {};
  Deno.addSignalListener("SIGINT", listener);
  Deno.removeSignalListener("SIGINT", listener);
}
