/**
 * Which values arrive unchanged on another lane. The platform clones most values, refuses some with an error,
 * and silently sends the rest as `{}`: a URL, a Response, anything with its data in private fields. Each class
 * is judged once, by cloning one of its instances.
 */

import { attempt, isError, wordsOf } from "../attempt.ts";
import { CloneError } from "../errors.ts";

/** How values are cloned on their way to another lane and back. */
export interface Cloning {
  /** Returns the value as it would arrive; throws if it can't be sent. */
  clone(value: unknown): unknown;
  /** Whether shared memory stays shared. */
  readonly sharesMemory: boolean;
  /** Whether sending a view also sends the whole buffer behind it. */
  readonly sendsWholeBuffers: boolean;
  /** The kind of each class's instances, by prototype. */
  readonly kinds: WeakMap<object, CloneKind>;
}

export type CloneKind =
  /** It consists of its own properties only. */
  | "plain"
  | "list"
  | "map"
  | "set"
  /** A typed array or DataView. */
  | "view"
  | "buffer"
  | "shared memory"
  | "error"
  /** It arrives unchanged and contains no other values. */
  | "whole"
  /** It arrives as a plain object with its own properties: the class is lost, the data is not. */
  | "instance"
  /** It has private fields, which would be lost. */
  | "private"
  /** Nothing of it would arrive. */
  | "lost";

/** Between threads: structured cloning. */
export const structuredCloning: Cloning = {
  clone: structuredClone,
  sharesMemory: true,
  sendsWholeBuffers: true,
  kinds: new WeakMap(),
};

/** Whether a view's buffer holds more bytes than the view and would be sent whole. */
export function takesMore({ buffer, byteLength }: ArrayBufferView, cloning: Cloning): boolean {
  return cloning.sendsWholeBuffers && buffer instanceof ArrayBuffer &&
    byteLength < buffer.byteLength;
}

/** Throws whatever a proxy throws when its prototype is read. */
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

/** Whether it is the prototype of plain objects, of this realm or of another, for example of `node:vm`. */
function isRoot(prototype: object): boolean {
  return prototype === Object.prototype ||
    Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}

function judge(value: object, prototype: object, cloning: Cloning): CloneKind {
  if (isRoot(prototype)) return "plain";
  // A user's class that extends one of these types loses its private fields like any other class.
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

/** Whether the object has the internal data that the getter reads, and doesn't only inherit the getter. */
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
    // Objects that the language makes without a class, such as generators, have no constructor.
    if (typeof constructor !== "function") classes.push(Object);
    else if (constructor !== Object) classes.push(constructor);
    at = Object.getPrototypeOf(at);
  }
  return classes;
}

/** Saved before any task is loaded, because a task may delete it. */
const deno = Deno as unknown as Record<string, unknown>;

export function isOfThePlatform(constructor: Class): boolean {
  const { name } = constructor;
  return (globalThis as Record<string, unknown>)[name] === constructor ||
    deno[name] === constructor ||
    sourceOf(constructor).includes("[native code]");
}

/** Private fields can't be seen from outside, but the class's source shows that it uses them. */
function losesFields(constructor: Class): boolean {
  const uses = /this\.#[\w$]|^\s*(?:readonly\s+)?#[\w$]+\s*[=;]/m;
  return !isOfThePlatform(constructor) && uses.test(sourceOf(constructor));
}

function sourceOf(constructor: Class): string {
  return Function.prototype.toString.call(constructor);
}

/** From this depth on visited objects are remembered, because the value may contain itself. */
const RING_DEPTH = 4;
/** Values nested deeper are refused, because cloning and inspection are recursive and the stack is limited. */
const MOST_DEPTH = 1000;
/** Down to this depth an error names where in the value the refused part is. */
const NAMED_DEPTH = 100;
/** Lists up to this length, and lists of objects, are searched for named properties. */
const SHORT_LIST = 100;
/** Lists from this length on are first checked for being sparse: visiting empty places takes too long. */
const LONG_LIST = 100_000;
/** How many places of a long list are checked. */
const PROBES = 64;

/** The result of inspecting values before they are sent. */
interface Inspected {
  /** How many values, from the first, can be sent together; at least one, if there are any. */
  readonly count: number;
  /** Their approximate size in bytes. */
  readonly bytes: number;
  /** Whether the first value can't be sent at all. */
  readonly refused: boolean;
  /** Whether a value contains something that must be replaced before sending, such as an error. */
  readonly special: boolean;
}

class Refused {
  constructor(readonly why: string, readonly depth: number) {}
}

type Key = string | number | undefined;

/** Returns why an object would arrive changed although it can be sent; undefined if it would not. */
export type Objection = (value: object, kind: CloneKind) => string | undefined;

/** How thoroughly a value is inspected. */
interface Looking {
  /** Whether to find out where in the value the refused part is. */
  readonly names?: boolean;
  /** Whether to try to clone the value; with `names`, also each object in it. */
  readonly tries?: boolean;
  /** Refuses further objects, besides those that can't be sent. */
  readonly objects?: Objection | undefined;
}

/** Inspects a value. */
class Look {
  bytes = 0;
  special = false;
  /** The objects on the path to the current one, and the key in each. */
  readonly #parents: object[] = [];
  readonly #keys: Key[] = [];
  #seen: Set<object> | undefined;
  /** Whether a package has added enumerable keys to Object.prototype: such keys aren't sent. */
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
        // Faster than Object.keys; inherited keys can only be those of Object.prototype.
        for (const key in value) {
          isEmpty = false;
          if (!this.#inherits || Object.hasOwn(value, key)) this.#child(value, key, depth);
        }
        // Math and similar objects show nothing but their tag.
        if (isEmpty && Symbol.toStringTag in value) throw new Refused(arrivesEmpty(value), depth);
        break;
      }
      case "instance": {
        const keys = Object.keys(value);
        // An instance without own properties keeps its data where cloning doesn't see it.
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
    // A value with replaced parts is sent as a copy, so cloning the original proves nothing.
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
    // Named properties, such as the groups of a match, follow the indexes. A long list of numbers is assumed to
    // have none, because looking for them would take half as long as sending it.
    if (list.length > SHORT_LIST && !holdsObjects) return;
    const keys = Object.keys(list);
    for (let at = keys.length - 1; at >= 0 && !(Number(keys[at]) < list.length); at--) {
      this.#child(list, keys[at]!, depth);
    }
  }

  #atView(view: ArrayBufferView, depth: number): void {
    this.#checkMemory(view.buffer, depth);
    this.bytes += view.byteLength;
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

  /** Where in the value the part that was refused at this depth is. */
  place(depth: number): string {
    if (depth === 0) return "it";
    if (depth > NAMED_DEPTH) return "a part of it";
    return this.#parents.slice(0, depth).map((parent, at) => step(parent, this.#keys[at])).join("");
  }
}

/** The step from an object to a value in it, such as `.name` or `[3]`. */
function step(parent: object, key: Key): string {
  if (parent instanceof Map) return key === undefined ? ".keys()" : `.get(${key})`;
  if (parent instanceof Set) return ".values()";
  return Array.isArray(parent) ? `[${key}]` : `.${key}`;
}

/** Named properties of view classes, from the first view of each: listing all keys of a view takes long. */
const fieldsOfViews = new WeakMap<object, readonly string[]>();

/** An extra property of an object such as a Map or a view, which would be lost; undefined if none. */
export function fieldOf(value: object): string | undefined {
  if (!ArrayBuffer.isView(value)) {
    // The first keys of a String are its letters.
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
  // Cloning throws for these; other platform objects arrive empty.
  const throws = value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet ||
    value instanceof WeakRef || "next" in value;
  return `is ${named(value)}, which ${throws ? "can't be cloned" : "would arrive empty"}`;
}

/** An object's class with its article, such as "a Map". */
export function named(value: object): string {
  const name = attempt(() => value.constructor?.name);
  if (name === undefined || name === "") return "an object";
  const isVowel = /^(?:[AEIOaeio]|Http|[FHLMNRSX][A-Z\d])/.test(name);
  return `${isVowel ? "an" : "a"} ${name}`;
}

/** Whether most places of a long list are empty, judged by a sample of them. */
function isSparse(list: readonly unknown[]): boolean {
  if (list.length < LONG_LIST) return false;
  let empty = 0;
  for (let at = 0; at < PROBES; at++) {
    if (!(Math.floor(at * list.length / PROBES) in list)) empty++;
  }
  return 2 * empty > PROBES;
}

interface InspectOptions {
  /** If more than one value is sent, they take about this many bytes at most; no limit unless given. */
  readonly mostBytes?: number;
  /** How many values are inspected, from the first; all unless given. */
  readonly most?: number;
  /** Refuses further objects, besides those that can't be sent. */
  readonly objects?: Objection | undefined;
}

/** Finds out how many of the first values can be sent together, and whether parts must be replaced. */
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
      // A getter or a proxy may throw anything.
      return { count: Math.max(1, at), bytes, refused: at === 0, special };
    }
    if (look.bytes > mostBytes && at > 0) return { count: at, bytes, refused: false, special };
  }
  return { count: most, bytes: look.bytes, refused: false, special: look.special };
}

/** Why a value can't be sent and which part of it, or what a getter or proxy threw; undefined if it can be. */
function faultIn(value: unknown, look: Look): { why?: string; thrown?: unknown } | undefined {
  try {
    look.at(value);
    return undefined;
  } catch (error) {
    if (!(error instanceof Refused)) return { thrown: error }; // thrown by a getter or a proxy
    return { why: `${look.place(error.depth)} ${error.why}` };
  }
}

/** Why a value would not arrive unchanged, and which part of it; undefined if it would. */
export function loss(value: unknown, cloning: Cloning, objects: Objection): string | undefined {
  // Most values arrive unchanged, and finding the path costs time, so that is done only on a fault.
  const found = faultIn(value, new Look(cloning, { tries: true, objects }));
  if (found === undefined) return undefined;
  const { why, thrown } =
    faultIn(value, new Look(cloning, { names: true, tries: true, objects })) ??
      found;
  return why ?? wordsOf(thrown);
}

/** The error that says why a value can't be sent, and which part of it. */
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
