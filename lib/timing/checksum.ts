/** One checksum for all results of a trial: equal exactly if the results are. */

import { attempt, isError } from "../lanes/attempt.ts";

type Hash = { update(data: string | Uint8Array): Hash; digest(encoding: "hex"): string };
export type CreateHash = (algorithm: string) => Hash;

const isBoxed = (value: object) =>
  value instanceof Number || value instanceof Boolean || value instanceof BigInt;

const isBuffer = (value: object) =>
  value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;

const isFloats = (value: object) =>
  value instanceof Float64Array || value instanceof Float32Array || value instanceof Float16Array;

function bytesOf(value: ArrayBufferLike | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

/** Texts up to this length are kept as they are: a digest has as many characters. */
const SHORT = 64;
/** Longer texts are replaced by their digests: a string has a greatest length, and one part may occur often. */
const LONG = 1 << 20;

/** Writes one value; the rules are those of {@linkcode canonicalText}. */
class Writer {
  /** The depths of the values that are being written, each inside of the one before. */
  readonly #depths = new Map<object, number>();
  /** The texts of values without loops, which may occur again. */
  readonly #known = new Map<object, string>();
  #loops = 0;

  constructor(private readonly createHash: CreateHash) {}

  write(value: unknown): string {
    if (typeof value === "string") return `s${value.length}:${value}`;
    if (typeof value === "number") return Object.is(value, -0) ? "n-0;" : `n${value};`;
    if (typeof value === "function" || typeof value === "symbol") return `${typeof value};`;
    if (typeof value !== "object" || value === null) return `${typeof value} ${value};`;
    const depth = this.#depths.get(value);
    if (depth !== undefined) {
      this.#loops++;
      return `loop ${depth};`;
    }
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const before = this.#loops;
    this.#depths.set(value, this.#depths.size);
    const text = this.#ofObject(value);
    this.#depths.delete(value);
    if (this.#loops === before && text.length > SHORT) this.#known.set(value, text);
    return text;
  }

  #ofObject(value: object): string {
    const write = (held: unknown) => this.write(held);
    if (Array.isArray(value)) {
      // A loop takes less of the stack than a callback, and `map()` would leave out holes.
      const parts: string[] = [];
      for (const at of value.keys()) parts.push(at in value ? this.write(value[at]) : "hole;");
      return `array ${value.length}[${this.#joined(parts)}]`;
    }
    if (value instanceof Date) return `date ${value.getTime()};`;
    if (value instanceof RegExp) return `regexp ${write(String(value))}`;
    if (isBoxed(value)) return `boxed ${write(value.valueOf())}`;
    if (isBuffer(value) || ArrayBuffer.isView(value)) {
      // A Buffer counts as a Uint8Array, since it arrives as one from another lane.
      const kind = Object.prototype.toString.call(value).slice("[object ".length, -1);
      // Which of its many bit patterns a NaN has depends on how the code was compiled.
      if (isFloats(value) && value.some(Number.isNaN)) {
        return `${kind} ${this.#joined(Array.from(value, write))}`;
      }
      const digest = this.createHash("sha256").update(bytesOf(value)).digest("hex");
      return `${kind} ${value.byteLength}:${digest};`;
    }
    if (value instanceof Map) return `map ${value.size}{${this.#pairs(value)}}`;
    if (value instanceof Set) {
      return `set ${value.size}{${this.#joined(Array.from(value, write).sort())}}`;
    }
    if (isError(value)) return `error ${write(value.name)}${write(value.message)}`;
    const entries = Object.entries(value);
    // A URL, for example, keeps its data to itself, and shows it to JSON alone.
    const inJson = entries.length > 0 ? "{}" : JSON.stringify(value) ?? "{}";
    return `object ${entries.length}{${inJson === "{}" ? this.#pairs(entries) : inJson}}`;
  }

  #pairs(entries: Iterable<[unknown, unknown]>): string {
    const parts: string[] = [];
    for (const [key, held] of entries) parts.push(this.write(key) + this.write(held));
    return this.#joined(parts.sort());
  }

  #joined(parts: readonly string[]): string {
    if (parts.reduce((sum, { length }) => sum + length, 0) <= LONG) return parts.join("");
    const hash = this.createHash("sha256");
    for (const part of parts) hash.update(part);
    return `digest ${hash.digest("hex")};`;
  }
}

/**
 * Writes a value so that equal values are written alike, and others differently: each part has its kind and
 * length, and keys and entries are sorted, because their order depends on timing. A value inside itself is
 * written as its depth.
 */
export function canonicalText(value: unknown, createHash: CreateHash): string {
  return new Writer(createHash).write(value);
}

/** The text of a value; values with an unreadable part, such as a getter that throws, are all alike. */
function textOf(value: unknown, createHash: CreateHash): string {
  return attempt(() => canonicalText(value, createHash), "unreadable;");
}

/** The part of an item's outcome that counts. */
export type ChecksumItem =
  & { readonly index: number }
  & (
    | { readonly status: "fulfilled"; readonly value: unknown }
    | { readonly status: "rejected"; readonly ended: string }
  );

/**
 * A short text of each outcome, equal if the outcomes are. An item without a value counts only with how it
 * ended: messages contain ports and times, which differ from run to run. `comparable` maps a value to the part
 * that must be equal.
 */
export async function digestsOf(
  outcomes: readonly ChecksumItem[],
  comparable: (value: unknown) => unknown | Promise<unknown> = (value) => value,
): Promise<string[]> {
  // Imported late, after all measurement; `crypto.subtle` would need a promise for each digest.
  const { createHash } = await import("node:crypto") as { createHash: CreateHash };
  const digests: string[] = [];
  for (const outcome of outcomes) {
    const text = outcome.status === "fulfilled"
      ? `= ${textOf(await comparable(outcome.value), createHash)}`
      : `! ${outcome.ended};`;
    digests.push(text.length <= SHORT ? text : createHash("sha256").update(text).digest("hex"));
  }
  return digests;
}

/** The SHA-256 of all results' digests, each with its item's index, in the order of indexes. */
export function checksumOfDigests(
  digests: readonly { readonly index: number; readonly digest: string }[],
  createHash: CreateHash,
): string {
  const hash = createHash("sha256");
  for (const { index, digest } of digests.toSorted((a, b) => a.index - b.index)) {
    hash.update(`${index} ${digest}\n`);
  }
  return hash.digest("hex");
}

/** One checksum for all results, whatever order they came in. */
export async function checksumOf(
  outcomes: readonly ChecksumItem[],
  comparable?: (value: unknown) => unknown | Promise<unknown>,
): Promise<string> {
  const digests = await digestsOf(outcomes, comparable);
  const { createHash } = await import("node:crypto") as { createHash: CreateHash };
  const placed = outcomes.map(({ index }, at) => ({ index, digest: digests[at]! }));
  return checksumOfDigests(placed, createHash);
}
