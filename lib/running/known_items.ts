/** The items of a job that are known from earlier runs. It imports no npm package. */

import { named } from "../lanes/remote/clone.ts";
import { canonicalText, type CreateHash } from "../timing/checksum.ts";
import { createHash } from "node:crypto";

export type Known = "done" | "failed";

/** Indexes of items are below this; a file with a larger one is damaged. */
export const MOST_KNOWN_ITEMS = 2 ** 28;

const DONE = 1;
const FAILED = 2;

/** Known items by index; an index has several if a changed list was matched with the old one. */
export class KnownItems {
  /** One more than the highest known index. */
  length = 0;
  readonly counts: Record<Known, number> = { done: 0, failed: 0 };
  #digests = new Float64Array(1024);
  #states = new Uint8Array(1024);
  /** Further items at an index that is taken already, by index and digest. */
  readonly #others = new Map<string, readonly [number, number, Known]>();

  /** Records the state of an item; an item that is done stays done. */
  add(index: number, digest: number, known: Known): void {
    this.#growTo(index + 1);
    const before = this.stateOf(index, digest);
    if (before === "done") return;
    if (before !== undefined) this.counts[before]--;
    this.counts[known]++;
    if (this.at(index) === undefined || this.digestAt(index) === digest) {
      this.#digests[index] = digest;
      this.#states[index] = known === "done" ? DONE : FAILED;
    } else this.#others.set(`${index} ${digest}`, [index, digest, known]);
  }

  #growTo(length: number): void {
    if (length <= this.length) return;
    this.length = length;
    if (length <= this.#states.length) return;
    const size = Math.max(length, 2 * this.#states.length);
    this.#digests = new Float64Array(this.#digests.buffer.transfer(8 * size));
    this.#states = new Uint8Array(this.#states.buffer.transfer(size));
  }

  at(index: number): Known | undefined {
    const state = this.#states[index];
    return state === DONE ? "done" : state === FAILED ? "failed" : undefined;
  }

  digestAt(index: number): number {
    return this.#digests[index]!;
  }

  stateOf(index: number, digest: number): Known | undefined {
    return this.at(index) !== undefined && this.digestAt(index) === digest
      ? this.at(index)
      : this.#others.get(`${index} ${digest}`)?.[2];
  }

  get isMixed(): boolean {
    return this.#others.size > 0;
  }

  /** Every item that is known: its index, digest and state. */
  *entries(): Generator<readonly [number, number, Known]> {
    for (let index = 0; index < this.length; index++) {
      const known = this.at(index);
      if (known !== undefined) yield [index, this.digestAt(index), known];
    }
    yield* this.#others.values();
  }
}

/**
 * The digest of an item, a whole number below 2⁵³: cyrb53 (bryc, public domain) of a text that differs
 * for any two values. Among a million items the chance that two share a digest is 1 in 18,000.
 *
 * @throws The error of a getter of the item, or a RangeError if the item is nested too deep.
 */
export function digestOf(item: unknown): number {
  const text = canonicalText(item, createHash as unknown as CreateHash);
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    low = Math.imul(low ^ code, 2654435761);
    high = Math.imul(high ^ code, 1597334677);
  }
  low = Math.imul(low ^ low >>> 16, 2246822507) ^ Math.imul(high ^ high >>> 13, 3266489909);
  high = Math.imul(high ^ high >>> 16, 2246822507) ^ Math.imul(low ^ low >>> 13, 3266489909);
  return 0x1_0000_0000 * (high & 0x1f_ffff) + (low >>> 0);
}

/** Converted by way of a bigint, since V8 divides such large numbers bit by bit, which is slow. */
export function digestText(digest: number): string {
  return BigInt(digest).toString(36);
}

export function digestIn(text: string): number {
  return parseInt(text, 36);
}

/**
 * A value as JSON on one line. Values that JSON has no form for are written in another one: bigints,
 * regular expressions, invalid dates, NaN and infinite numbers as strings, bytes as base64, other typed
 * arrays and sets as lists, maps as lists of pairs, errors with their name and message, undefined as null.
 *
 * @throws {TypeError} If the value contains itself, a function, a symbol or an object whose data can't be
 * seen, such as a promise or a Response, or if it can't be read.
 */
export function jsonText(value: unknown): string {
  const plain = typeof value === "string" || Number.isFinite(value) || typeof value === "boolean";
  return (plain ? JSON.stringify(value) : JSON.stringify(value, portable)) ?? "null";
}

function portable(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "function" || typeof value === "symbol") {
    throw new TypeError(`${where(key)} is a ${typeof value}`);
  }
  if (typeof value !== "object") return value;
  if (value === null || "type" in value && value.type === "Buffer") {
    // By now toJSON has made an object of a Buffer, where bytes are wanted, and null of an invalid date.
    const own = this[key];
    if (own instanceof Uint8Array) return own.toBase64();
    if (value === null) return own instanceof Date ? String(own) : null;
  }
  if (value instanceof Map || value instanceof Set) return [...value];
  if (value instanceof Error) return { ...value, name: value.name, message: value.message };
  if (value instanceof RegExp) return String(value);
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    return new Uint8Array(value).toBase64();
  }
  if (!ArrayBuffer.isView(value)) {
    if (!isEmpty(value)) return value;
    throw new TypeError(`${where(key)} is ${named(value)}, of which nothing would be written`);
  }
  if (value instanceof Uint8Array) return value.toBase64();
  if (!(value instanceof DataView)) return Array.from(value as Float64Array);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).toBase64();
}

function where(key: string): string {
  return key === "" ? "it" : JSON.stringify(key);
}

/** Whether an object has a class but no properties of its own, so that JSON would show nothing of it. */
function isEmpty(value: object): boolean {
  if (Array.isArray(value) || Object.keys(value).length > 0) return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return false;
  // JSON writes boxed values as the values in them.
  return ![Number, String, Boolean].some((boxed) => value instanceof boxed);
}
