/** Empties the buffers of items that were to move. */

import { movable } from "../lanes/remote/buffers.ts";

/** Whether they moved or were copied, the buffers of an item that was to move are empty in the end. */
export function emptyBuffers(item: unknown): void {
  for (const buffer of movable(item).buffers) {
    try {
      buffer.transfer(0);
    } catch {
      // It can't be moved, such as WebAssembly's memory.
    }
  }
}
