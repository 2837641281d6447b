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

/**
 * Writes a value so that equal values are written alike, and others differently: each part has its kind and
 * length, and keys and entries are sorted, because their order depends on timing. A value inside itself is
 * written as its depth in `path`.
 */
export function canonicalText(
  value: unknown,
  createHash: CreateHash,
  path: readonly object[] = [],
): string {
  if (typeof value === "string") return `s${value.length}:${value}`;
  if (typeof value === "number") return Object.is(value, -0) ? "n-0;" : `n${value};`;
  if (typeof value === "function" || typeof value === "symbol") return `${typeof value};`;
  if (typeof value !== "object" || value === null) return `${typeof value} ${value};`;
  const depth = path.indexOf(value);
  if (depth >= 0) return `loop ${depth};`;
  const inside = [...path, value];
  const write = (held: unknown) => canonicalText(held, createHash, inside);
  const pairs = (entries: Iterable<[unknown, unknown]>) =>
    Array.from(entries, ([key, held]) => write(key) + write(held)).sort().join("");
  if (Array.isArray(value)) {
    // By index, because `map()` would leave out holes.
    const parts = Array.from(value.keys(), (at) => at in value ? write(value[at]) : "hole;");
    return `array ${value.length}[${parts.join("")}]`;
  }
  if (value instanceof Date) return `date ${value.getTime()};`;
  if (value instanceof RegExp) return `regexp ${write(String(value))}`;
  if (isBoxed(value)) return `boxed ${write(value.valueOf())}`;
  if (isBuffer(value) || ArrayBuffer.isView(value)) {
    // A Buffer counts as a Uint8Array, since it arrives as one from another lane.
    const kind = Object.prototype.toString.call(value).slice("[object ".length, -1);
    // Which of its many bit patterns a NaN has depends on how the code was compiled.
    if (isFloats(value) && value.some(Number.isNaN)) {
      return `${kind} ${Array.from(value, write).join("")}`;
    }
    const digest = createHash("sha256").update(bytesOf(value)).digest("hex");
    return `${kind} ${value.byteLength}:${digest};`;
  }
  if (value instanceof Map) return `map ${value.size}{${pairs(value)}}`;
  if (value instanceof Set) return `set ${value.size}{${Array.from(value, write).sort().join("")}}`;
  if (isError(value)) return `error ${write(value.name)}${write(value.message)}`;
  return `object ${Object.keys(value).length}{${pairs(Object.entries(value))}}`;
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

/** Texts up to this length are kept as they are: a digest has as many characters. */
const SHORT = 64;

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
