/** Waits 8 ms and blocks its thread, like synchronous I/O: only lanes can fill the wait. @module */
import { numbers } from "./compute.ts";

export const items = numbers(120);

const cell = new Int32Array(new SharedArrayBuffer(4));

export default function (item: number): number {
  Atomics.wait(cell, 0, 0, 8);
  return item;
}
