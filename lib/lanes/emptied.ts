/**
 * Finds values of which nothing would be left in another lane: the platform sends an empty object in
 * their stead, without a word.
 *
 * @module
 */

/** A way to another lane: gives what would arrive there, or throws. */
export type Clone = (value: unknown) => unknown;

/** These have nothing to see either, but arrive as what they are. */
const CLONED: ReadonlySet<object> = new Set(
  [Map, Set, Date, RegExp, ArrayBuffer, SharedArrayBuffer].map((Class) => Class.prototype),
);

/**
 * The name of a value's class if nothing would be left of it: what it holds is in private fields, as
 * with a Response or a URL, and the platform sends `{}` in its stead without a word.
 *
 * @param value Any object.
 * @param clone The way it is to go; that of threads unless given.
 * @returns Such as `"Response"`, else undefined.
 *
 * @example
 * ```ts
 * import { emptiedClass } from "./emptied.ts";
 *
 * console.log(emptiedClass(new Headers())); // "Headers"
 * ```
 */
export function emptiedClass(value: object, clone: Clone = structuredClone): string | undefined {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === Array.prototype || prototype === null) {
    return undefined;
  }
  if (ArrayBuffer.isView(value) || value instanceof Error || value instanceof Promise) {
    return undefined;
  }
  for (const key in value) if (Object.hasOwn(value, key)) return undefined;
  const arrives = CLONED.has(prototype) ||
    Object.getPrototypeOf(copied(value, clone)) !== Object.prototype;
  return arrives ? undefined : prototype.constructor?.name || "nameless object";
}

/**
 * Refuses values of which nothing would arrive, which the platform sends without a word. Looks at
 * the values and, one level down, at the properties of plain objects.
 *
 * @param values What is to be sent.
 * @param clone The way it is to go; that of threads unless given.
 * @throws {TypeError} If one of them is such an object.
 *
 * @example
 * ```ts
 * import { refuseEmptied } from "./emptied.ts";
 *
 * refuseEmptied([1, { size: 2 }]); // fine
 * try {
 *   refuseEmptied([{ headers: new Headers() }]);
 * } catch (error) {
 *   console.log((error as Error).message); // a Headers would arrive empty
 * }
 * ```
 */
export function refuseEmptied(
  values: readonly unknown[],
  clone: Clone = structuredClone,
): void {
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (typeof value !== "object" || value === null) continue;
    refuse(value, clone);
    if (Object.getPrototypeOf(value) !== Object.prototype) continue;
    for (const key in value) {
      const child = (value as Record<string, unknown>)[key];
      if (typeof child === "object" && child !== null) refuse(child, clone);
    }
  }
}

function refuse(value: object, clone: Clone): void {
  const name = emptiedClass(value, clone);
  if (name !== undefined) throw new TypeError(`${withArticle(name)} would arrive empty`);
}

/**
 * A class's name in a sentence.
 *
 * @param name The name.
 * @returns It with its article.
 *
 * @example
 * ```ts
 * import { withArticle } from "./emptied.ts";
 *
 * console.log(withArticle("Event"), withArticle("URL"), withArticle("Blob")); // an Event a URL a Blob
 * ```
 */
export function withArticle(name: string): string {
  return `${/^[AEIO]/i.test(name) ? "an" : "a"} ${name}`;
}

function copied(value: object, clone: Clone): unknown {
  try {
    return clone(value);
  } catch {
    return {}; // a thread is sent just that, where `structuredClone` refuses
  }
}
