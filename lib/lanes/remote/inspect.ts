/**
 * Looks at values before they are sent: what can't arrive is refused, and named by its place.
 *
 * @module
 */

import { CloneError } from "../errors.ts";
import { kindOf, type Way } from "./way.ts";

/** From this depth on a look remembers what it has seen, for what it looks at may be a ring. */
const RING_DEPTH = 4;
/** So deep one looks for the place of what can't be sent. */
const NAMED_DEPTH = 100;
/** Named properties are looked for in lists up to this length, and in those of objects. */
const SHORT_LIST = 100;
/** From this length on a list may be too long to look at each of its places, if they are empty. */
const LONG_LIST = 100_000;
/** So many places tell whether they are. */
const PROBES = 64;
/** Buffers smaller than this are sooner copied than moved. */
export const MOVE_BYTES = 1 << 14;

/** What was found in values that are to be sent. */
interface Inspected {
  /** So many of the first may travel together; at least one, if there are any. */
  readonly count: number;
  /** Whether that is one which can't be sent at all. */
  readonly refused: boolean;
  /** Whether they hold something that must be replaced on its way. */
  readonly special: boolean;
}

/** Thrown at what can't be sent; where it stands is looked for only then. */
const REFUSED = Symbol("refused");

/** Looks at values as far as needed, and no farther. */
class Look {
  bytes = 0;
  special = false;
  readonly #way: Way;
  #seen: Set<object> | undefined;

  constructor(way: Way) {
    this.#way = way;
  }

  /** Throws if it can't be sent. */
  at(value: unknown, depth = 0): void {
    switch (typeof value) {
      case "object":
        if (value !== null) this.#atObject(value, depth);
        return;
      case "string":
        this.bytes += 2 * value.length;
        return;
      case "function":
      case "symbol":
        throw REFUSED;
      default:
        this.bytes += 8;
    }
  }

  #atObject(value: object, depth: number): void {
    this.bytes += 16;
    const kind = kindOf(value, this.#way);
    if (kind === "view") return this.#atView(value as ArrayBufferView);
    if (depth >= RING_DEPTH) {
      this.#seen ??= new Set();
      if (this.#seen.has(value)) return;
      this.#seen.add(value);
    }
    switch (kind) {
      case "list":
        return this.#atList(value as unknown[], depth);
      case "plain":
        for (const key in value) this.at((value as Record<string, unknown>)[key], depth + 1);
        return;
      case "instance": {
        const keys = Object.keys(value);
        // It keeps what it holds to itself.
        if (keys.length === 0) throw REFUSED;
        for (const key of keys) this.at((value as Record<string, unknown>)[key], depth + 1);
        return;
      }
      case "error":
        this.special = true;
        return;
      case "map":
        for (const [key, child] of value as Map<unknown, unknown>) {
          this.at(key, depth + 1);
          this.at(child, depth + 1);
        }
        break;
      case "set":
        for (const child of value as Set<unknown>) this.at(child, depth + 1);
        break;
      case "buffer":
        if ((value as ArrayBuffer).detached) throw REFUSED;
        this.bytes += (value as ArrayBuffer).byteLength;
        break;
      case "shared memory":
        if (!this.#way.sharesMemory) throw REFUSED;
        break;
      case "private":
      case "lost":
        throw REFUSED;
    }
    // Such as a Map's; a class of one's own would keep something there.
    if (value instanceof String && Object.keys(value).length === value.length) return;
    if (Object.keys(value).length > 0) throw REFUSED;
  }

  #atList(list: readonly unknown[], depth: number): void {
    if (isSparse(list)) {
      for (const child of Object.values(list)) this.at(child, depth + 1);
      return;
    }
    let holdsObjects = false;
    for (const child of list) {
      holdsObjects ||= typeof child === "object";
      this.at(child, depth + 1);
    }
    // Named properties, such as the groups of a match. In a long list of numbers nobody has any, and
    // to look would take half as long as to send it.
    if (list.length > SHORT_LIST && !holdsObjects) return;
    const keys = Object.keys(list);
    for (let at = keys.length - 1; at >= 0 && isName(keys[at]!, list.length); at--) {
      this.at((list as unknown as Record<string, unknown>)[keys[at]!], depth + 1);
    }
  }

  #atView({ buffer, byteLength }: ArrayBufferView): void {
    this.bytes += byteLength;
    if (!(buffer instanceof ArrayBuffer)) {
      if (!this.#way.sharesMemory) throw REFUSED;
    } else if (buffer.detached) throw REFUSED;
    else if (this.#way.sendsWholeBuffers && byteLength < buffer.byteLength) this.special = true;
  }
}

/** Whether most places of a long list are empty, as a few of them tell. */
function isSparse(list: readonly unknown[]): boolean {
  if (list.length < LONG_LIST) return false;
  let empty = 0;
  for (let at = 0; at < PROBES; at++) {
    if (!(Math.floor(at * list.length / PROBES) in list)) empty++;
  }
  return 2 * empty > PROBES;
}

/** Whether a list's key is no index; those come first. */
function isName(key: string, length: number): boolean {
  return !(Number(key) < length);
}

/**
 * Looks which of these values may travel together, and how.
 *
 * @param mostBytes More than one value only up to about this size; any unless given.
 * @param most Looks at so many of the first; at all unless given.
 */
export function inspect(
  values: ArrayLike<unknown>,
  way: Way,
  mostBytes = Infinity,
  most: number = values.length,
): Inspected {
  const look = new Look(way);
  for (let at = 0; at < most; at++) {
    const value = values[at];
    if (typeof value === "number") {
      look.bytes += 8;
      continue;
    }
    const { special } = look;
    try {
      look.at(value);
    } catch {
      // A getter or a proxy may throw whatever it likes.
      return { count: Math.max(1, at), refused: at === 0, special };
    }
    if (look.bytes > mostBytes && at > 0) return { count: at, refused: false, special };
  }
  return { count: most, refused: false, special: look.special };
}

/** A copy of a value that is a buffer, or a view of one, of fewer bytes than these; any other as it is. */
export function copyOfBuffer(value: unknown, mostBytes: number): unknown {
  const isView = ArrayBuffer.isView(value);
  if (!isView && !(value instanceof ArrayBuffer)) return value;
  const buffer = isView ? value.buffer : value;
  if (!(buffer instanceof ArrayBuffer) || buffer.detached || value.byteLength >= mostBytes) {
    return value;
  }
  if (!isView) return buffer.slice();
  const bytes = buffer.slice(value.byteOffset, value.byteOffset + value.byteLength);
  // A class of one's own may take other arguments.
  const Class = value instanceof Uint8Array ? Uint8Array : value.constructor as ViewClass;
  return new Class(bytes);
}

type ViewClass = new (buffer: ArrayBuffer) => ArrayBufferView;

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
    else if (value instanceof Map) {
      for (const [key, child] of value) {
        at(key);
        at(child);
      }
    } else if (value instanceof Set) { for (const child of value) at(child); }
    else for (const child of Object.values(value)) at(child);
  };
  try {
    at(value);
  } catch {
    // A getter, or a proxy. Whether the value can be sent at all is another question.
    return { buffers: [], bytes: 0 };
  }
  const buffers = [...whole].filter((buffer) => buffer.byteLength > 0 && !shared.has(buffer));
  return { buffers, bytes: buffers.reduce((sum, { byteLength }) => sum + byteLength, 0) };
}

/** Why a value can't be sent, with its place in it. */
export function refusal(what: string, value: unknown, way: Way, cause?: unknown): CloneError {
  let thrown = cause;
  try {
    const found = find(value, "", 0, new Set(), way, false) ??
      find(value, "", 0, new Set(), way, true);
    if (found !== undefined) return new CloneError(`Cannot send ${what} to another lane: ${found}`);
  } catch (error) {
    thrown ??= error; // a getter, or a proxy
  }
  const why = thrown === undefined ? "a part of it would not arrive" : wordsOf(thrown);
  return new CloneError(`Cannot send ${what} to another lane: ${why}`, { cause: thrown });
}

function wordsOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown);
  } catch {
    return "it can't be looked at";
  }
}

function find(
  value: unknown,
  path: string,
  depth: number,
  seen: Set<object>,
  way: Way,
  tries: boolean,
): string | undefined {
  const at = path === "" ? "it" : path;
  if (typeof value === "function") return `${at} is a function`;
  if (typeof value === "symbol") return `${at} is a symbol`;
  if (typeof value !== "object" || value === null || seen.has(value)) return undefined;
  if (depth > NAMED_DEPTH) return undefined;
  seen.add(value);
  const kind = kindOf(value, way);
  const own = kind === "view" ? [] : Object.keys(value);
  const isEmpty = own.length === 0 && Object.prototype.toString.call(value) === "[object Object]";
  if (kind === "lost" || (isEmpty && (kind === "instance" || kind === "private"))) {
    const why = cantBeCloned(value) ? "can't be cloned" : "would arrive empty";
    return `${at} is ${named(value)}, which ${why}`;
  }
  if (kind === "private") return `${at} is ${named(value)}, whose private fields would not arrive`;
  if (kind === "shared memory" || (kind === "view" && isShared(value as ArrayBufferView))) {
    return way.sharesMemory ? undefined : `${at} is shared memory, which only threads can share`;
  }
  if (kind === "buffer" || kind === "view") {
    const buffer = kind === "view" ? (value as ArrayBufferView).buffer : value;
    if ((buffer as ArrayBuffer).detached) return `${at} is empty, for its buffer was moved away`;
  }
  if (
    ["map", "set", "whole", "buffer"].includes(kind) && own.length > 0 && !(value instanceof String)
  ) {
    return `${at} is ${named(value)} whose property ${own[0]} would not arrive`;
  }
  if (kind === "error" || kind === "view") return undefined;
  for (const [key, child] of childrenOf(value)) {
    const found = find(child, path + key, depth + 1, seen, way, tries);
    if (found !== undefined) return found;
  }
  try {
    if (tries) way.clone(value);
  } catch {
    return `${at} is ${named(value)} that can't be cloned`;
  }
  return undefined;
}

/** These make `postMessage` throw; others of the platform are sent empty. */
function cantBeCloned(value: object): boolean {
  return value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet ||
    value instanceof WeakRef || "next" in value;
}

function isShared({ buffer }: ArrayBufferView): boolean {
  return !(buffer instanceof ArrayBuffer);
}

function* childrenOf(value: object): Generator<[string, unknown]> {
  if (value instanceof Map) {
    for (const [key, child] of value) {
      yield [`.keys()`, key];
      yield [`.get(${JSON.stringify(String(key))})`, child];
    }
  } else if (value instanceof Set) {
    for (const child of value) yield [`.values()`, child];
  }
  for (const key of Object.keys(value)) {
    const name = Array.isArray(value) ? `[${key}]` : `.${key}`;
    yield [name, (value as Record<string, unknown>)[key]];
  }
}

function named(value: object): string {
  const name = attempt(() => value.constructor?.name);
  if (name === undefined || name === "") return "an object";
  return `${/^[AEIO]/i.test(name) ? "an" : "a"} ${name}`;
}

function attempt<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
