/**
 * One checksum for all results of a trial, equal exactly when the results are.
 *
 * @module
 */

import type { Outcome } from "../dispatch/outcome.ts";

type Hash = { update(data: string | Uint8Array): Hash; digest(encoding: "hex"): string };
/** Makes hashes, as `node:crypto` does. */
export type CreateHash = (algorithm: string) => Hash;

function bytesOf(value: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

/**
 * Writes a value so that equal values are written alike, and others differently.
 *
 * Every part begins with its kind and, where it has one, its length, so that nothing can pass for
 * something else. Keys of objects and entries of maps and sets are sorted: which came first depends
 * on timing, not on the result.
 */
class Canonical {
  /** What is being written, outermost first: a value that holds itself is written as its depth. */
  readonly #path: object[] = [];

  constructor(readonly createHash: CreateHash) {}

  write(value: unknown): string {
    switch (typeof value) {
      case "string":
        return `s${value.length}:${value}`;
      case "number":
        return Object.is(value, -0) ? "n-0;" : `n${value};`;
      case "object":
        return value === null ? "null;" : this.#writeObject(value);
      case "function":
      case "symbol":
        return `${typeof value};`;
      default:
        return `${typeof value} ${value};`;
    }
  }

  #writeObject(value: object): string {
    const depth = this.#path.indexOf(value);
    if (depth >= 0) return `loop ${depth};`;
    this.#path.push(value);
    const written = this.#writeNew(value);
    this.#path.pop();
    return written;
  }

  #writeNew(value: object): string {
    if (Array.isArray(value)) {
      const parts: string[] = [];
      for (let place = 0; place < value.length; place++) {
        parts.push(place in value ? this.write(value[place]) : "hole;");
      }
      return `array ${value.length}[${parts.join("")}]`;
    }
    if (value instanceof Date) return `date ${value.getTime()};`;
    if (value instanceof RegExp) return `regexp ${this.write(String(value))}`;
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
      const digest = this.createHash("sha256").update(bytesOf(value)).digest("hex");
      return `${value.constructor.name} ${value.byteLength}:${digest};`;
    }
    if (value instanceof Map) {
      const entries = Array.from(value, ([key, held]) => this.write(key) + this.write(held));
      return `map ${entries.length}{${entries.sort().join("")}}`;
    }
    if (value instanceof Set) {
      return `set ${value.size}{${Array.from(value, (held) => this.write(held)).sort().join("")}}`;
    }
    if (value instanceof Error) {
      return `error ${this.write(value.name)}${this.write(value.message)}`;
    }
    const keys = Object.keys(value).sort();
    const parts = keys.map((key) => this.write(key) + this.write((value as never)[key]));
    return `object ${keys.length}{${parts.join("")}}`;
  }
}

/** A text that is equal for equal values, and different for others. */
export function canonicalText(value: unknown, createHash: CreateHash): string {
  return new Canonical(createHash).write(value);
}

/**
 * The SHA-256 of all results, in input order.
 *
 * Values are written in a canonical form that tells 0 from −0, `undefined` from absent, a number from
 * a bigint, and doesn't depend on the order of keys. An item that gave no value counts with how it
 * ended alone: messages name ports and times, which differ from run to run.
 * `comparable` maps a value to what has to be equal.
 */
export async function checksumOf(
  outcomes: readonly Outcome<unknown>[],
  comparable: (value: unknown) => unknown | Promise<unknown> = (value) => value,
): Promise<string> {
  // Imported late, after everything was measured: `crypto.subtle` would need all results as one
  // buffer, or a promise for each.
  const { createHash } = await import("node:crypto") as { createHash: CreateHash };
  const canonical = new Canonical(createHash);
  const hash = createHash("sha256");
  for (const outcome of outcomes.toSorted((a, b) => a.index - b.index)) {
    const text = outcome.status === "fulfilled"
      ? `= ${canonical.write(await comparable(outcome.value))}`
      : `! ${outcome.ended};`;
    hash.update(`${outcome.index} ${text}\n`);
  }
  return hash.digest("hex");
}
