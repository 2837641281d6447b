/**
 * Finds the buffers that move with a message instead of being copied.
 *
 * @module
 */

/**
 * The ArrayBuffers of values and, one level down, of their properties.
 *
 * @param values Items or results.
 * @returns Each buffer once; those that share memory or are empty are left to be copied.
 *
 * @example
 * ```ts
 * import { buffersOf } from "./transfer.ts";
 *
 * const picture = { name: "cat", pixels: new Uint8Array(4) };
 * console.log(buffersOf([picture])[0] === picture.pixels.buffer); // true
 * ```
 */
export function buffersOf(values: ArrayLike<unknown> | undefined): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  for (let at = 0; at < (values?.length ?? 0); at++) {
    const value = values![at];
    if (typeof value !== "object" || value === null) continue;
    if (!note(value, found)) {
      for (const child of Object.values(value)) note(child, found);
    }
  }
  return [...found];
}

function note(value: unknown, found: Set<ArrayBuffer>): boolean {
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
  if (!(buffer instanceof ArrayBuffer)) return false;
  if (buffer.byteLength > 0) found.add(buffer);
  return true;
}
