/**
 * What of a value arrives on another lane. The platform clones most things, refuses some with an
 * error, and sends the rest as `{}` without a word: a URL, a Response, whatever keeps what it holds
 * in private fields. Here each class is judged once, by trying it.
 */

import { attempt } from "../attempt.ts";

/** How values travel to another lane and back. */
export interface Way {
  /** What arrives of a value; throws if it can't be sent. */
  clone(value: unknown): unknown;
  /** Whether memory that is shared stays so. */
  readonly sharesMemory: boolean;
  /** Whether a view takes along the whole buffer that it looks at. */
  readonly sendsWholeBuffers: boolean;
  /** What is known of the objects of a class, by its prototype. */
  readonly kinds: WeakMap<object, Kind>;
}

/** How an object travels. */
export type Kind =
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
export const threads: Way = {
  clone: (value) => structuredClone(value),
  sharesMemory: true,
  sendsWholeBuffers: true,
  kinds: new WeakMap(),
};

/** Whether a view would take along more than it shows. */
export function takesMore({ buffer, byteLength }: ArrayBufferView, way: Way): boolean {
  return way.sendsWholeBuffers && buffer instanceof ArrayBuffer && byteLength < buffer.byteLength;
}

/**
 * How an object travels.
 *
 * @throws What a proxy throws when it is asked for its prototype.
 */
export function kindOf(value: object, way: Way): Kind {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return "plain";
  if (prototype === Array.prototype) return "list";
  let kind = way.kinds.get(prototype);
  if (kind === undefined) {
    kind = judge(value, prototype, way);
    if (kind !== "lost") way.kinds.set(prototype, kind);
  }
  return kind;
}

function judge(value: object, prototype: object, way: Way): Kind {
  // A class of one's own that extends one of these loses its private fields as any other does.
  if (!(value instanceof Error) && classesOf(prototype).some(losesFields)) return "private";
  if (Array.isArray(value)) return "list";
  if (ArrayBuffer.isView(value)) return "view";
  if (value instanceof ArrayBuffer) return "buffer";
  if (value instanceof SharedArrayBuffer) return "shared memory";
  if (value instanceof Error) return "error";
  if (isReally(value, Map.prototype, "size")) return "map";
  if (isReally(value, Set.prototype, "size")) return "set";
  const copy = attempt(() => way.clone(value));
  if (typeof copy === "object" && copy !== null) {
    if (Object.getPrototypeOf(copy) !== Object.prototype) return "whole";
  }
  return classesOf(prototype).some(isOfThePlatform) ? "lost" : "instance";
}

/** Whether an object's class, and with it its methods, are lost on its way. */
export function losesClass(value: object): boolean {
  const [nearest] = classesOf(Object.getPrototypeOf(value));
  return nearest !== undefined && !isOfThePlatform(nearest);
}

/** Whether it has what the prototype's getter looks for, and doesn't only inherit from it. */
function isReally(value: object, prototype: object, getter: string): boolean {
  const { get } = Object.getOwnPropertyDescriptor(prototype, getter)!;
  return attempt(() => (get!.call(value), true)) === true;
}

// deno-lint-ignore ban-types
type Class = Function;

function classesOf(prototype: object): Class[] {
  const classes: Class[] = [];
  let at: object | null = prototype;
  while (at !== null && at !== Object.prototype) {
    const { constructor } = at;
    // What the language makes without a class, such as a generator, has no constructor.
    if (typeof constructor !== "function") classes.push(Object);
    else if (constructor !== Object) classes.push(constructor);
    at = Object.getPrototypeOf(at);
  }
  return classes;
}

function isOfThePlatform(constructor: Class): boolean {
  const { name } = constructor;
  return (globalThis as Record<string, unknown>)[name] === constructor ||
    (Deno as unknown as Record<string, unknown>)[name] === constructor ||
    sourceOf(constructor).includes("[native code]");
}

function losesFields(constructor: Class): boolean {
  return !isOfThePlatform(constructor) && hasPrivateFields(constructor);
}

/** A private field can't be seen, but the code that uses it can. */
function hasPrivateFields(constructor: Class): boolean {
  return /this\.#[\w$]|^\s*(?:readonly\s+)?#[\w$]+\s*[=;]/m.test(sourceOf(constructor));
}

function sourceOf(constructor: Class): string {
  return Function.prototype.toString.call(constructor);
}
