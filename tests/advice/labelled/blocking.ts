/** Waits 8 ms in a way that blocks its thread, as synchronous I/O does: slots can't fill it, lanes can. @module */
import { numbers } from "./compute.ts";

export const items = numbers(120);

const cell = new Int32Array(new SharedArrayBuffer(4));

export default function (item: number): number {
  Atomics.wait(cell, 0, 0, 8);
  return item;
}
