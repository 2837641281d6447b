/**
 * Buffers of 1 MiB that tell whether they arrived whole, and the tasks that take them.
 *
 * @module
 */

/** How large each buffer is. */
export const BUFFER_BYTES = 1024 * 1024;

/**
 * Makes a buffer that carries a number at both ends.
 *
 * @param mark The number, below 2³².
 * @returns 1 MiB.
 */
export function checkedBuffer(mark: number): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(BUFFER_BYTES).fill(mark & 0xff);
  const view = new DataView(buffer.buffer);
  view.setUint32(0, mark);
  view.setUint32(BUFFER_BYTES - 4, mark);
  return buffer;
}

/**
 * Reads the number that a buffer carries.
 *
 * @param buffer What arrived.
 * @returns The number; 0, which none carries, when the buffer isn't whole.
 */
export function checkedMark(buffer: Uint8Array): number {
  if (buffer.byteLength !== BUFFER_BYTES) return 0;
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const mark = view.getUint32(0);
  return view.getUint32(BUFFER_BYTES - 4) === mark ? mark : 0;
}

/**
 * The task that sends a buffer back.
 *
 * @param item A buffer.
 * @returns The same.
 */
export function back(item: Uint8Array): Uint8Array {
  return item;
}

/**
 * The task that only says what arrived.
 *
 * @param item A buffer.
 * @returns The number that it carries.
 */
export function there(item: Uint8Array): number {
  return checkedMark(item);
}
