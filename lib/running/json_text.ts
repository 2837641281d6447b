/** Values as JSON, whatever they are. It imports no npm package: it runs in the job's process. */

import { named } from "../lanes/remote/clone.ts";

/**
 * A value as JSON on one line. What JSON has no form for is written so that nothing of it is lost:
 * bigints, regular expressions, and numbers that are none or infinite, as strings, bytes as base64, other
 * typed arrays and sets as lists, maps as lists of pairs, errors with their name and message. No value at
 * all is null.
 *
 * @throws {TypeError} If it holds itself, a function, a symbol or what keeps its data to itself, such as
 * a promise or a Response, or can't be read.
 */
export function jsonText(value: unknown): string {
  const plain = typeof value === "string" || Number.isFinite(value) || typeof value === "boolean";
  return (plain ? JSON.stringify(value) : JSON.stringify(value, portable)) ?? "null";
}

function portable(key: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "function" || typeof value === "symbol") {
    throw new TypeError(`${where(key)} is a ${typeof value}`);
  }
  if (typeof value !== "object" || value === null) return value;
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

/** Whether an object is more than its properties, of which it has none. */
function isEmpty(value: object): boolean {
  if (Array.isArray(value) || Object.keys(value).length > 0) return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return false;
  // JSON takes these for what they hold.
  return ![Number, String, Boolean].some((boxed) => value instanceof boxed);
}
