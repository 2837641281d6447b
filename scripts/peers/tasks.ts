/**
 * The contests' tasks beside the library's own: a bare download, tasks of one millisecond, and tasks that take
 * buffers of 1 MiB which show whether they arrived whole.
 */

import type { TaskContext } from "../../lib/lanes/task.ts";

/** The barest download: it fetches, reads the body and counts its bytes. */
export async function fetchPage(url: string): Promise<number> {
  const response = await fetch(url);
  const body = await response.arrayBuffer();
  if (!response.ok) throw new TypeError(`Cannot download ${url}: status ${response.status}`);
  return body.byteLength;
}

export function busy(item: number): number {
  const end = performance.now() + 1;
  while (performance.now() < end);
  return item;
}

export function timer(item: number): Promise<number> {
  return new Promise((resolve) => setTimeout(() => resolve(item), 1));
}

/** Waits for the event loop's next turn. */
export function turn(item: number): Promise<number> {
  return new Promise((resolve) => setImmediate(() => resolve(item)));
}

/** The task that reads one number of the table that all tasks share. */
export function read(item: number, { shared }: TaskContext<unknown, Float64Array>): number {
  return shared[item]!;
}

export const BUFFER_BYTES = 1024 * 1024;

/** Makes a buffer of 1 MiB that carries a number below 2³² at both ends. */
export function checkedBuffer(mark: number): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(BUFFER_BYTES).fill(mark & 0xff);
  const view = new DataView(buffer.buffer);
  view.setUint32(0, mark);
  view.setUint32(BUFFER_BYTES - 4, mark);
  return buffer;
}

/** The number that a buffer carries, or 0, which no buffer carries, if the buffer isn't whole. */
export function checkedMark(buffer: Uint8Array): number {
  if (buffer.byteLength !== BUFFER_BYTES) return 0;
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const mark = view.getUint32(0);
  return view.getUint32(BUFFER_BYTES - 4) === mark ? mark : 0;
}

/** The task that sends a buffer back. */
export function back(item: Uint8Array): Uint8Array {
  return item;
}

/** The task that returns only the number of the buffer that arrived. */
export function there(item: Uint8Array): number {
  return checkedMark(item);
}
