/** The memory behind values: what of it can move to another lane instead of being copied. */

import { attempt } from "../attempt.ts";

/** Values with fewer bytes than this are sooner copied than moved. */
export const MOVE_BYTES = 1 << 14;

type ViewClass = new (buffer: ArrayBuffer) => ArrayBufferView;

function classOf(view: ArrayBufferView): ViewClass {
  // A class of one's own may take other arguments, and a Buffer is made in ways of its own.
  return view instanceof Uint8Array ? Uint8Array : view.constructor as ViewClass;
}

/** A view of the same class with a copy of its bytes, and nothing else, behind it. */
export function copyOfView(view: ArrayBufferView): ArrayBufferView {
  const { buffer, byteOffset, byteLength } = view;
  return new (classOf(view))((buffer as ArrayBuffer).slice(byteOffset, byteOffset + byteLength));
}

/**
 * A value that is a buffer, or a view of one, with memory that nobody else has: copied, or taken away
 * from who gave it if that may be and pays. Any other value as it is.
 */
export function ownBuffer(value: unknown, moves: boolean): unknown {
  const view = ArrayBuffer.isView(value) ? value : undefined;
  const buffer = view === undefined ? value : view.buffer;
  if (!(buffer instanceof ArrayBuffer) || buffer.detached) return value;
  if (moves && buffer.byteLength >= MOVE_BYTES) {
    const isWhole = view === undefined || view.byteLength === buffer.byteLength;
    // That of WebAssembly can't be taken away.
    const taken = isWhole ? attempt(() => buffer.transfer()) : undefined;
    if (taken !== undefined) return view === undefined ? taken : new (classOf(view))(taken);
  }
  return view === undefined ? buffer.slice() : copyOfView(view);
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

/** Buffers that can move with a value. */
interface Movable {
  readonly buffers: ArrayBuffer[];
  /** Of all of them together. */
  readonly bytes: number;
}

/** The buffers that can move with a value: those that nothing else in it looks at. */
export function movable(value: unknown): Movable {
  const whole = new Set<ArrayBuffer>();
  const shared = new Set<ArrayBufferLike>();
  const seen = new Set<object>();
  const at = (value: unknown): void => {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    if (ArrayBuffer.isView(value)) {
      const { buffer, byteLength } = value;
      // What else looks at the buffer isn't known.
      if (byteLength < buffer.byteLength || whole.has(buffer as ArrayBuffer)) shared.add(buffer);
      if (buffer instanceof ArrayBuffer) whole.add(buffer);
    } else if (value instanceof ArrayBuffer) whole.add(value);
    else if (value instanceof Map) [...value].flat().forEach(at);
    else if (value instanceof Set) value.forEach(at);
    else Object.values(value).forEach(at);
  };
  // A getter or a proxy may throw. Whether the value can be sent at all is another question.
  if (!attempt(() => (at(value), true))) return { buffers: [], bytes: 0 };
  const buffers = [...whole].filter((buffer) => buffer.byteLength > 0 && !shared.has(buffer));
  return { buffers, bytes: buffers.reduce((sum, { byteLength }) => sum + byteLength, 0) };
}

/** Whether they moved or were copied, the buffers of an item that was to move are empty in the end. */
export function emptyBuffers(item: unknown): void {
  // What can't be moved, such as WebAssembly's memory, stays.
  for (const buffer of movable(item).buffers) attempt(() => buffer.transfer(0));
}
