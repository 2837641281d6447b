/** Buffers that move to another lane and back, or are copied so that nobody else has their memory. */

import { attempt } from "../attempt.ts";

/** Values with fewer bytes than this are sooner copied than moved. */
export const MOVE_BYTES: number = 1 << 14;

type ViewClass = new (buffer: ArrayBuffer) => ArrayBufferView;

const { get: tagOf } = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)!;

/** The platform's class of a view: one of its own that extends it, as a Buffer, may take other arguments. */
export function classOf(view: ArrayBufferView): ViewClass {
  const name: string = tagOf!.call(view) ?? "DataView";
  return (globalThis as unknown as Record<string, ViewClass>)[name]!;
}

export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return attempt(() => value instanceof ArrayBuffer, false);
}

/** The same view with a copy of its bytes, and nothing else, behind it. */
export function copyOfView(view: ArrayBufferView): ArrayBufferView {
  const { buffer, byteOffset, byteLength } = view;
  return new (classOf(view))((buffer as ArrayBuffer).slice(byteOffset, byteOffset + byteLength));
}

/**
 * A value that is a buffer, or a view of one, with memory that nobody else has: copied, or taken away
 * from who gave it if that may be and pays. Any other value as it is.
 */
export function ownBuffer(value: unknown, mayMove: (buffer: ArrayBuffer) => boolean): unknown {
  const view = ArrayBuffer.isView(value) ? value : undefined;
  const buffer = view === undefined ? value : view.buffer;
  if (!isArrayBuffer(buffer) || buffer.detached) return value;
  if (buffer.byteLength >= MOVE_BYTES && mayMove(buffer)) {
    const isWhole = view === undefined || view.byteLength === buffer.byteLength;
    // That of WebAssembly can't be taken away.
    const taken = isWhole ? attempt(() => buffer.transfer()) : undefined;
    if (taken !== undefined) return view === undefined ? taken : new (classOf(view))(taken);
  }
  // A view may have lost its place, for its buffer has been made smaller.
  return attempt(() => view === undefined ? buffer.slice() : copyOfView(view), value);
}

/** Sends something, with buffers that move if they can; returns whether some did. */
export function sendMoving(
  send: (moves?: ArrayBuffer[]) => void,
  moves: ArrayBuffer[] = [],
): boolean {
  // WebAssembly's memory, for instance, can't be moved; then nothing was, and all is copied.
  const isSent = moves.length > 0 && attempt(() => (send(moves), true)) === true;
  if (!isSent) send();
  return isSent;
}

/** The buffers in a value, and those of them that something else in it looks at. */
function buffersIn(value: unknown) {
  const all = new Set<ArrayBuffer>();
  const shared = new Set<ArrayBufferLike>();
  const seen = new Set<object>();
  const at = (value: unknown): void => {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    if (ArrayBuffer.isView(value)) {
      const { buffer, byteLength } = value;
      // What else looks at the buffer isn't known.
      if (byteLength < buffer.byteLength || all.has(buffer as ArrayBuffer)) shared.add(buffer);
      if (buffer instanceof ArrayBuffer) all.add(buffer);
    } else if (value instanceof ArrayBuffer) all.add(value);
    else if (value instanceof Map) [...value].flat().forEach(at);
    else if (value instanceof Set) value.forEach(at);
    else Object.values(value).forEach(at);
  };
  // A getter or a proxy may throw. Whether the value can be sent at all is another question.
  const isWhole = attempt(() => (at(value), true)) === true;
  return { all, shared, isWhole };
}

/** The buffers that stay where they are: those of what a lane keeps. */
export function keptIn(value: unknown): ReadonlySet<ArrayBufferLike> {
  return buffersIn(value).all;
}

/** The buffers that can move with a value: those that nothing else in it looks at, and nobody keeps. */
export function movable(value: unknown, kept?: ReadonlySet<ArrayBufferLike>): ArrayBuffer[] {
  const { all, shared, isWhole } = buffersIn(value);
  if (!isWhole) return [];
  return [...all].filter((buffer) =>
    buffer.byteLength > 0 && !shared.has(buffer) && kept?.has(buffer) !== true
  );
}

/** Whether they moved or were copied, the buffers of an item that was to move are empty in the end. */
export function emptyBuffers(item: unknown): void {
  // What can't be moved, such as WebAssembly's memory, stays.
  for (const buffer of movable(item)) attempt(() => buffer.transfer(0));
}
