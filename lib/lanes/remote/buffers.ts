/** Buffers that are transferred to another lane, or copied so that nothing else uses their memory. */

import { attempt } from "../attempt.ts";

/** Values with fewer bytes than this are copied faster than transferred. */
export const MOVE_BYTES: number = 1 << 14;

type ViewClass = new (buffer: ArrayBuffer) => ArrayBufferView;

const { get: tagOf } = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)!;

/** The platform's class of a view; a subclass, such as Buffer, may have a different constructor. */
export function classOf(view: ArrayBufferView): ViewClass {
  const name: string = tagOf!.call(view) ?? "DataView";
  return (globalThis as unknown as Record<string, ViewClass>)[name]!;
}

export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return attempt(() => value instanceof ArrayBuffer, false);
}

/** The same kind of view with a copy of its bytes, and nothing else, behind it. */
export function copyOfView(view: ArrayBufferView): ArrayBufferView {
  const { buffer, byteOffset, byteLength } = view;
  return new (classOf(view))((buffer as ArrayBuffer).slice(byteOffset, byteOffset + byteLength));
}

/**
 * Returns a buffer, or a view of one, with memory of its own: transferred if `mayMove` allows it and it is
 * large, otherwise copied. Any other value is returned unchanged.
 */
export function ownBuffer(value: unknown, mayMove: (buffer: ArrayBuffer) => boolean): unknown {
  const view = ArrayBuffer.isView(value) ? value : undefined;
  const buffer = view === undefined ? value : view.buffer;
  if (!isArrayBuffer(buffer) || buffer.detached) return value;
  if (buffer.byteLength >= MOVE_BYTES && mayMove(buffer)) {
    const isWhole = view === undefined || view.byteLength === buffer.byteLength;
    // WebAssembly's memory can't be transferred.
    const taken = isWhole ? attempt(() => buffer.transfer()) : undefined;
    if (taken !== undefined) return view === undefined ? taken : new (classOf(view))(taken);
  }
  // A view may be out of bounds because its buffer was made smaller.
  return attempt(() => view === undefined ? buffer.slice() : copyOfView(view), value);
}

/** Sends something with these buffers transferred if possible; returns whether they were. */
export function sendMoving(
  send: (moves?: ArrayBuffer[]) => void,
  moves: ArrayBuffer[] = [],
): boolean {
  // If one can't be transferred, such as WebAssembly's memory, none is, and all are copied.
  const isSent = moves.length > 0 && attempt(() => (send(moves), true)) === true;
  if (!isSent) send();
  return isSent;
}

/** The buffers in a value, and which of them are used in more than one place; at most `most` values are read. */
function buffersIn(value: unknown, most = Infinity) {
  const all = new Set<ArrayBuffer>();
  const shared = new Set<ArrayBufferLike>();
  const seen = new Set<object>();
  let left = most;
  const at = (value: unknown): void => {
    if (left-- <= 0) throw new RangeError("too many values");
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    if (ArrayBuffer.isView(value)) {
      const { buffer, byteLength } = value;
      // A view of a part is treated as shared, because other views of the rest may exist.
      if (byteLength < buffer.byteLength || all.has(buffer as ArrayBuffer)) shared.add(buffer);
      if (buffer instanceof ArrayBuffer) all.add(buffer);
    } else if (value instanceof ArrayBuffer) all.add(value);
    else if (value instanceof Map) {
      for (const [key, item] of value) {
        at(key);
        at(item);
      }
    } else if (value instanceof Set) value.forEach(at);
    else Object.values(value).forEach(at);
  };
  // A getter or a proxy may throw. Whether the value can be sent at all is decided elsewhere.
  const isWhole = attempt(() => (at(value), true)) === true;
  return { all, shared, isWhole, isMore: left < 0 };
}

/** Values that were too large to look through: they aren't looked through again. */
const tooLarge = new WeakSet<object>();

/**
 * Tells of a buffer whether it is, or may be, in a value that a lane keeps: then it must not be transferred.
 * In a value of more than `most` parts any buffer may be, since to look for it takes longer than to copy it.
 */
export function keptIn(value: unknown, most?: number): (buffer: ArrayBuffer) => boolean {
  if (tooLarge.has(value as object)) return () => true;
  const { all, isWhole, isMore } = buffersIn(value, most);
  if (isMore) tooLarge.add(value as object);
  return (buffer) => !isWhole || all.has(buffer);
}

/** The buffers that can be transferred with a value: those used in one place of it. */
export function movable(value: unknown): ArrayBuffer[] {
  const { all, shared, isWhole } = buffersIn(value);
  if (!isWhole) return [];
  return [...all].filter((buffer) => buffer.byteLength > 0 && !shared.has(buffer));
}

/** Empties the buffers of an item that was to be transferred, whether they were transferred or copied. */
export function emptyBuffers(item: unknown): void {
  // A buffer that can't be transferred, such as WebAssembly's memory, stays.
  for (const buffer of movable(item)) attempt(() => buffer.transfer(0));
}
