/** Looks at values before they are sent: what can't arrive is refused, and named by its place. */

import { attempt, wordsOf } from "../attempt.ts";
import { CloneError } from "../errors.ts";
import { kindOf, losesClass, takesMore, type Way } from "./way.ts";

/** From this depth on a look remembers what it has seen, for what it looks at may be a ring. */
const RING_DEPTH = 4;
/** What is nested deeper is refused: cloning and looking at it recur, and stacks end soon after. */
const MOST_DEPTH = 1000;
/** What can't be sent is named by its place down to this depth. */
const NAMED_DEPTH = 100;
/** Named properties are looked for in lists up to this length, and in those of objects. */
const SHORT_LIST = 100;
/** From this length on a list may be too long to look at each of its places, if they are empty. */
const LONG_LIST = 100_000;
/** So many places tell whether they are. */
const PROBES = 64;

/** What was found in values that are to be sent. */
interface Inspected {
  /** So many of the first may travel together; at least one, if there are any. */
  readonly count: number;
  /** Whether that is one which can't be sent at all. */
  readonly refused: boolean;
  /** Whether they hold something that must be replaced on its way. */
  readonly special: boolean;
}

/** Thrown at what can't be sent. */
class Refused {
  readonly why: string;
  readonly depth: number;

  constructor(why: string, depth: number) {
    this.why = why;
    this.depth = depth;
  }
}

type Key = string | number | undefined;

/** Looks at a value as far as needed, and no farther. */
class Look {
  bytes = 0;
  special = false;
  readonly #way: Way;
  /** Whether what would arrive without its class is refused too. */
  readonly #classes: boolean;
  /** Whether the way from the value to what can't be sent is to be found, and everything to be tried. */
  readonly #names: boolean;
  readonly #tries: boolean;
  /** The objects on the way to what is looked at, and its key in each. */
  readonly #parents: object[] = [];
  readonly #keys: Key[] = [];
  #seen: Set<object> | undefined;

  constructor(way: Way, names = false, tries = false, classes = false) {
    this.#way = way;
    this.#classes = classes;
    this.#names = names;
    this.#tries = tries;
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
        throw new Refused(`is a ${typeof value}`, depth);
      default:
        this.bytes += 8;
    }
  }

  #atObject(value: object, depth: number): void {
    this.bytes += 16;
    if (depth > MOST_DEPTH) {
      throw new Refused(`is nested deeper than ${MOST_DEPTH} objects`, depth);
    }
    const kind = kindOf(value, this.#way);
    if (this.#classes && kind !== "plain" && losesClass(value)) {
      throw new Refused(`is ${named(value)}, which would arrive without its class`, depth);
    }
    if (kind === "view") return this.#atView(value as ArrayBufferView, depth);
    if (kind === "error") {
      this.special = true;
      return;
    }
    if (depth >= RING_DEPTH || this.#names) {
      this.#seen ??= new Set();
      if (this.#seen.has(value)) return;
      this.#seen.add(value);
    }
    this.#parents[depth] = value;
    switch (kind) {
      case "list":
        this.#atList(value as unknown[], depth);
        break;
      case "plain":
        for (const key in value) this.#child(value, key, depth);
        break;
      case "instance": {
        const keys = Object.keys(value);
        // It keeps what it holds to itself.
        if (keys.length === 0) throw new Refused(arrivesEmpty(value), depth);
        for (const key of keys) this.#child(value, key, depth);
        break;
      }
      case "map":
        for (const [key, child] of value as Map<unknown, unknown>) {
          this.#keys[depth] = undefined;
          this.at(key, depth + 1);
          if (this.#names) this.#keys[depth] = JSON.stringify(String(key));
          this.at(child, depth + 1);
        }
        break;
      case "set":
        for (const child of value as Set<unknown>) this.at(child, depth + 1);
        break;
      case "buffer":
        this.#checkMemory(value as ArrayBuffer, depth);
        this.bytes += (value as ArrayBuffer).byteLength;
        break;
      case "shared memory":
        this.#checkMemory(value as SharedArrayBuffer, depth);
        break;
      case "private":
      case "lost":
        throw new Refused(
          kind === "lost" || Object.keys(value).length === 0
            ? arrivesEmpty(value)
            : `is ${named(value)}, whose private fields would not arrive`,
          depth,
        );
    }
    if (kind !== "list" && kind !== "plain" && kind !== "instance") checkProperties(value, depth);
    if (this.#tries && !attempt(() => (this.#way.clone(value), true))) {
      throw new Refused(`is ${named(value)} that can't be cloned`, depth);
    }
  }

  #child(parent: object, key: string | number, depth: number): void {
    this.#keys[depth] = key;
    this.at((parent as Record<string, unknown>)[key], depth + 1);
  }

  #atList(list: readonly unknown[], depth: number): void {
    if (isSparse(list)) {
      for (const key of Object.keys(list)) this.#child(list, key, depth);
      return;
    }
    let holdsObjects = false;
    for (let at = 0; at < list.length; at++) {
      const child = list[at];
      holdsObjects ||= typeof child === "object";
      this.#keys[depth] = at;
      this.at(child, depth + 1);
    }
    // Named properties, such as the groups of a match. In a long list of numbers nobody has any, and
    // to look would take half as long as to send it.
    if (list.length > SHORT_LIST && !holdsObjects) return;
    const keys = Object.keys(list);
    for (let at = keys.length - 1; at >= 0 && isName(keys[at]!, list.length); at--) {
      this.#child(list, keys[at]!, depth);
    }
  }

  #atView(view: ArrayBufferView, depth: number): void {
    this.bytes += view.byteLength;
    this.#checkMemory(view.buffer, depth);
    if (takesMore(view, this.#way)) this.special = true;
  }

  #checkMemory(buffer: ArrayBufferLike, depth: number): void {
    if (!(buffer instanceof ArrayBuffer)) {
      if (this.#way.sharesMemory) return;
      throw new Refused("is shared memory, which only threads can share", depth);
    }
    if (buffer.detached) throw new Refused("is empty, for its buffer was moved away", depth);
  }

  /** The place of what was refused at some depth. */
  place(depth: number): string {
    if (depth === 0) return "it";
    if (depth > NAMED_DEPTH) return "a part of it";
    return this.#parents.slice(0, depth).map((parent, at) => step(parent, this.#keys[at])).join("");
  }
}

/** One step from an object to what it holds, such as `.name` or `[3]`. */
export function step(parent: object, key: Key): string {
  if (parent instanceof Map) return key === undefined ? ".keys()" : `.get(${key})`;
  if (parent instanceof Set) return ".values()";
  return Array.isArray(parent) ? `[${key}]` : `.${key}`;
}

/** What has its data elsewhere, such as a Map, may have no properties of its own: they would be lost. */
function checkProperties(value: object, depth: number): void {
  const keys = Object.keys(value);
  // A String's are its letters.
  if (keys.length === 0 || (value instanceof String && keys.length === value.length)) return;
  throw new Refused(`is ${named(value)} whose property ${keys[0]} would not arrive`, depth);
}

function arrivesEmpty(value: object): string {
  // These make `postMessage` throw; others of the platform are sent empty.
  const throws = value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet ||
    value instanceof WeakRef || "next" in value;
  return `is ${named(value)}, which ${throws ? "can't be cloned" : "would arrive empty"}`;
}

/** What an object is, such as "a Map". */
export function named(value: object): string {
  const name = attempt(() => value.constructor?.name);
  if (name === undefined || name === "") return "an object";
  return `${/^[AEIO]/i.test(name) ? "an" : "a"} ${name}`;
}

/** Whether most places of a long list are empty, as a few of them tell. */
export function isSparse(list: readonly unknown[]): boolean {
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

/** Why a value wouldn't arrive as it is, its class included; undefined if it would. */
export function loss(what: string, value: unknown, way: Way): string | undefined {
  const look = new Look(way, true, true, true);
  try {
    look.at(value);
    return undefined;
  } catch (error) {
    const words = error instanceof Refused
      ? `${look.place(error.depth)} ${error.why}`
      : wordsOf(error);
    return `${what}: ${words}`;
  }
}

/** Why a value can't be sent, with its place in it. */
export function refusal(what: string, value: unknown, way: Way, cause?: unknown): CloneError {
  let thrown = cause;
  let why: string | undefined;
  for (const tries of [false, true]) {
    const look = new Look(way, true, tries);
    try {
      if (why === undefined) look.at(value);
    } catch (error) {
      if (error instanceof Refused) why = `${look.place(error.depth)} ${error.why}`;
      else thrown ??= error; // a getter, or a proxy
    }
  }
  if (why !== undefined) return new CloneError(`Cannot send ${what} to another lane: ${why}`);
  const words = thrown === undefined ? "a part of it would not arrive" : wordsOf(thrown);
  return new CloneError(`Cannot send ${what} to another lane: ${words}`, { cause: thrown });
}
