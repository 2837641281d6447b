/**
 * What of a value arrives on another lane. The platform clones most things, refuses some with an
 * error, and sends the rest as `{}` without a word: a URL, a Response, whatever keeps what it holds
 * in private fields. Here each class is judged once, by trying it.
 */

import { attempt, isError, wordsOf } from "../attempt.ts";
import { CloneError } from "../errors.ts";

/** How values are cloned on their way to another lane and back. */
export interface Cloning {
  /** What arrives of a value; throws if it can't be sent. */
  clone(value: unknown): unknown;
  /** Whether memory that is shared stays so. */
  readonly sharesMemory: boolean;
  /** Whether a view takes along the whole buffer that it looks at. */
  readonly sendsWholeBuffers: boolean;
  /** What is known of the objects of a class, by its prototype. */
  readonly kinds: WeakMap<object, CloneKind>;
}

export type CloneKind =
  /** Its own properties are all there is to it. */
  | "plain"
  | "list"
  | "map"
  | "set"
  /** A typed array or DataView. */
  | "view"
  | "buffer"
  | "shared memory"
  | "error"
  /** It arrives as what it is, and holds nothing else. */
  | "whole"
  /** It arrives as a plain object with its own properties: its class is lost, its data is not. */
  | "instance"
  /** Private fields would be lost. */
  | "private"
  /** Nothing of it would arrive. */
  | "lost";

/** Between threads: structured cloning. */
export const structuredCloning: Cloning = {
  clone: (value) => structuredClone(value),
  sharesMemory: true,
  sendsWholeBuffers: true,
  kinds: new WeakMap(),
};

/** Whether a view would take along more than it shows. */
export function takesMore({ buffer, byteLength }: ArrayBufferView, cloning: Cloning): boolean {
  return cloning.sendsWholeBuffers && buffer instanceof ArrayBuffer &&
    byteLength < buffer.byteLength;
}

/** Throws what a proxy throws when it is asked for its prototype. */
export function kindOf(value: object, cloning: Cloning): CloneKind {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return "plain";
  if (prototype === Array.prototype) return "list";
  let kind = cloning.kinds.get(prototype);
  if (kind === undefined) {
    kind = judge(value, prototype, cloning);
    if (kind !== "lost") cloning.kinds.set(prototype, kind);
  }
  return kind;
}

/** Whether plain objects inherit from it, those of another realm, as of `node:vm`, too. */
function isRoot(prototype: object): boolean {
  return prototype === Object.prototype ||
    Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}

function judge(value: object, prototype: object, cloning: Cloning): CloneKind {
  if (isRoot(prototype)) return "plain";
  // A class of one's own that extends one of these loses its private fields as any other does.
  if (!isError(value) && classesOf(prototype).some(losesFields)) return "private";
  if (Array.isArray(value)) return "list";
  if (ArrayBuffer.isView(value)) return "view";
  if (value instanceof ArrayBuffer) return "buffer";
  if (value instanceof SharedArrayBuffer) return "shared memory";
  if (isError(value)) return "error";
  if (isReally(value, Map.prototype, "size")) return "map";
  if (isReally(value, Set.prototype, "size")) return "set";
  const copy = attempt(() => cloning.clone(value));
  if (typeof copy === "object" && copy !== null) {
    if (Object.getPrototypeOf(copy) !== Object.prototype) return "whole";
  }
  return classesOf(prototype).some(isOfThePlatform) ? "lost" : "instance";
}

/** Whether it has what the prototype's getter looks for, and doesn't only inherit from it. */
function isReally(value: object, prototype: object, getter: string): boolean {
  const { get } = Object.getOwnPropertyDescriptor(prototype, getter)!;
  return attempt(() => (get!.call(value), true)) === true;
}

// deno-lint-ignore ban-types
type Class = Function;

export function classesOf(prototype: object): Class[] {
  const classes: Class[] = [];
  let at: object | null = prototype;
  while (at !== null && !isRoot(at)) {
    const { constructor } = at;
    // What the language makes without a class, such as a generator, has no constructor.
    if (typeof constructor !== "function") classes.push(Object);
    else if (constructor !== Object) classes.push(constructor);
    at = Object.getPrototypeOf(at);
  }
  return classes;
}

/** Taken before any task is loaded, which may take it away. */
const deno = Deno as unknown as Record<string, unknown>;

export function isOfThePlatform(constructor: Class): boolean {
  const { name } = constructor;
  return (globalThis as Record<string, unknown>)[name] === constructor ||
    deno[name] === constructor ||
    sourceOf(constructor).includes("[native code]");
}

/** A private field can't be seen, but the code that uses it can. */
function losesFields(constructor: Class): boolean {
  const uses = /this\.#[\w$]|^\s*(?:readonly\s+)?#[\w$]+\s*[=;]/m;
  return !isOfThePlatform(constructor) && uses.test(sourceOf(constructor));
}

function sourceOf(constructor: Class): string {
  return Function.prototype.toString.call(constructor);
}

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
  /** About how large they are. */
  readonly bytes: number;
  /** Whether that is one which can't be sent at all. */
  readonly refused: boolean;
  /** Whether they hold something that must be replaced on its way. */
  readonly special: boolean;
}

class Refused {
  constructor(readonly why: string, readonly depth: number) {}
}

type Key = string | number | undefined;

/** Says why an object would arrive as something else though it can be sent; undefined if it wouldn't. */
export type Objection = (value: object, kind: CloneKind) => string | undefined;

/** How a value is looked at. */
interface Looking {
  /** Whether the place in the value of what can't be sent is to be found. */
  readonly names?: boolean;
  /** Whether cloning is tried: of the value, and of all that it holds if that is named. */
  readonly tries?: boolean;
  /** What is refused besides what can't be sent. */
  readonly objects?: Objection | undefined;
}

/** Looks at a value as far as needed, and no farther. */
class Look {
  bytes = 0;
  special = false;
  /** The objects on the way to what is looked at, and its key in each. */
  readonly #parents: object[] = [];
  readonly #keys: Key[] = [];
  #seen: Set<object> | undefined;
  /** Whether some package has given keys to all objects: these don't travel. */
  readonly #inherits = Object.keys(Object.prototype).length > 0;

  constructor(private readonly cloning: Cloning, private readonly looking: Looking = {}) {}

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
    const kind = kindOf(value, this.cloning);
    const why = this.looking.objects?.(value, kind);
    if (why !== undefined) throw new Refused(why, depth);
    if (kind === "view") return this.#atView(value as ArrayBufferView, depth);
    if (kind === "error") {
      this.special = true;
      return;
    }
    if (depth >= RING_DEPTH || this.looking.names) {
      this.#seen ??= new Set();
      if (this.#seen.has(value)) return;
      this.#seen.add(value);
    }
    this.#parents[depth] = value;
    switch (kind) {
      case "list":
        this.#atList(value as unknown[], depth);
        break;
      case "plain": {
        let isEmpty = true;
        // Faster than Object.keys, and there is nothing else to inherit from.
        for (const key in value) {
          isEmpty = false;
          if (!this.#inherits || Object.hasOwn(value, key)) this.#child(value, key, depth);
        }
        // Nothing of Math and its like can be seen but what they are called.
        if (isEmpty && Symbol.toStringTag in value) throw new Refused(arrivesEmpty(value), depth);
        break;
      }
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
          if (this.looking.names) this.#keys[depth] = JSON.stringify(String(key));
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
    const { names, tries } = this.looking;
    // What is replaced on its way is sent as a copy, without what a view would take along.
    const isTried = tries && !this.special && (names || depth === 0);
    if (isTried && !attempt(() => (this.cloning.clone(value), true))) {
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
    // Named properties, such as the groups of a match, come behind indexes. In a long list of numbers nobody has any, and
    // to look would take half as long as to send it.
    if (list.length > SHORT_LIST && !holdsObjects) return;
    const keys = Object.keys(list);
    for (let at = keys.length - 1; at >= 0 && !(Number(keys[at]) < list.length); at--) {
      this.#child(list, keys[at]!, depth);
    }
  }

  #atView(view: ArrayBufferView, depth: number): void {
    this.bytes += view.byteLength;
    this.#checkMemory(view.buffer, depth);
    checkProperties(view, depth);
    if (takesMore(view, this.cloning)) this.special = true;
  }

  #checkMemory(buffer: ArrayBufferLike, depth: number): void {
    if (!(buffer instanceof ArrayBuffer) && "growable" in buffer) {
      if (this.cloning.sharesMemory) return;
      throw new Refused("is shared memory, which only threads can share", depth);
    }
    if ((buffer as ArrayBuffer).detached) {
      throw new Refused("is empty, for its buffer was moved away", depth);
    }
  }

  /** The place of what was refused at some depth. */
  place(depth: number): string {
    if (depth === 0) return "it";
    if (depth > NAMED_DEPTH) return "a part of it";
    return this.#parents.slice(0, depth).map((parent, at) => step(parent, this.#keys[at])).join("");
  }
}

/** One step from an object to what it holds, such as `.name` or `[3]`. */
function step(parent: object, key: Key): string {
  if (parent instanceof Map) return key === undefined ? ".keys()" : `.get(${key})`;
  if (parent instanceof Set) return ".values()";
  return Array.isArray(parent) ? `[${key}]` : `.${key}`;
}

/** The properties of views of a class of its own, as its first shows them: to go through all elements of each would take long. */
const fieldsOfViews = new WeakMap<object, readonly string[]>();

/** A property of what has its data elsewhere, such as a Map or a view: it would be lost. */
export function fieldOf(value: object): string | undefined {
  if (!ArrayBuffer.isView(value)) {
    // A String's first ones are its letters.
    return Object.keys(value)[value instanceof String ? value.length : 0];
  }
  const fields = fieldsOfViews.getOrInsertComputed(
    Object.getPrototypeOf(value),
    (prototype) =>
      classesOf(prototype).every(isOfThePlatform)
        ? []
        : Object.keys(value).filter((key) => !/^\d+$/.test(key)),
  );
  return fields.find((name) => Object.hasOwn(value, name));
}

function checkProperties(value: object, depth: number): void {
  const field = fieldOf(value);
  if (field === undefined) return;
  throw new Refused(`is ${named(value)} whose property ${field} would not arrive`, depth);
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
  const isVowel = /^(?:[AEIOaeio]|Http|[FHLMNRSX][A-Z\d])/.test(name);
  return `${isVowel ? "an" : "a"} ${name}`;
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

interface InspectOptions {
  /** More than one value only up to about this size, in bytes; any unless given. */
  readonly mostBytes?: number;
  /** So many of the first; all unless given. */
  readonly most?: number;
  /** What is refused besides what can't be sent. */
  readonly objects?: Objection | undefined;
}

/** Looks which of these values may travel together, and how. */
export function inspect(
  values: ArrayLike<unknown>,
  cloning: Cloning,
  { mostBytes = Infinity, most = values.length, objects }: InspectOptions = {},
): Inspected {
  const look = new Look(cloning, { objects });
  for (let at = 0; at < most; at++) {
    const value = values[at];
    if (typeof value === "number") {
      look.bytes += 8;
      continue;
    }
    const { special, bytes } = look;
    try {
      look.at(value);
    } catch {
      // A getter or a proxy may throw whatever it likes.
      return { count: Math.max(1, at), bytes, refused: at === 0, special };
    }
    if (look.bytes > mostBytes && at > 0) return { count: at, bytes, refused: false, special };
  }
  return { count: most, bytes: look.bytes, refused: false, special: look.special };
}

/** What keeps a value from arriving, with its place in it, or what it threw when it was looked at. */
function faultIn(value: unknown, look: Look): { why?: string; thrown?: unknown } | undefined {
  try {
    look.at(value);
    return undefined;
  } catch (error) {
    if (!(error instanceof Refused)) return { thrown: error }; // a getter, or a proxy
    return { why: `${look.place(error.depth)} ${error.why}` };
  }
}

/** Why a value wouldn't arrive as it is, with its place in it; undefined if it would. */
export function loss(value: unknown, cloning: Cloning, objects: Objection): string | undefined {
  // Most would, and to name places costs.
  const found = faultIn(value, new Look(cloning, { tries: true, objects }));
  if (found === undefined) return undefined;
  const { why, thrown } =
    faultIn(value, new Look(cloning, { names: true, tries: true, objects })) ??
      found;
  return why ?? wordsOf(thrown);
}

/** Why a value can't be sent, with its place in it. */
export function refusal(
  what: string,
  value: unknown,
  cloning: Cloning,
  cause?: unknown,
): CloneError {
  const faults = [false, true].map((tries) =>
    faultIn(value, new Look(cloning, { names: true, tries }))
  );
  const why = faults.find((fault) => fault?.why !== undefined)?.why;
  if (why !== undefined) return new CloneError(`Cannot send ${what} to another lane: ${why}`);
  const thrown = cause ?? faults.find((fault) => fault !== undefined)?.thrown;
  const words = thrown === undefined ? "a part of it would not arrive" : wordsOf(thrown);
  return new CloneError(`Cannot send ${what} to another lane: ${words}`, { cause: thrown });
}
