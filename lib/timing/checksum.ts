/** One checksum for all results of a trial, equal exactly when the results are. */

import { attempt, isError } from "../lanes/attempt.ts";

type Hash = { update(data: string | Uint8Array): Hash; digest(encoding: "hex"): string };
export type CreateHash = (algorithm: string) => Hash;

function bytesOf(value: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

/**
 * Writes a value so that equal values are written alike, and others differently: every part with
 * its kind and length, keys and entries sorted, for which came first depends on timing. A value
 * that holds itself is written as its depth in `path`.
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
    // By index: map() would leave out the holes.
    const parts = Array.from(value.keys(), (at) => at in value ? write(value[at]) : "hole;");
    return `array ${value.length}[${parts.join("")}]`;
  }
  if (value instanceof Date) return `date ${value.getTime()};`;
  if (value instanceof RegExp) return `regexp ${write(String(value))}`;
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    const digest = createHash("sha256").update(bytesOf(value)).digest("hex");
    // A Buffer is the bytes that it arrives as from another lane.
    const kind = Object.prototype.toString.call(value).slice("[object ".length, -1);
    return `${kind} ${value.byteLength}:${digest};`;
  }
  if (value instanceof Map) return `map ${value.size}{${pairs(value)}}`;
  if (value instanceof Set) return `set ${value.size}{${Array.from(value, write).sort().join("")}}`;
  if (isError(value)) return `error ${write(value.name)}${write(value.message)}`;
  return `object ${Object.keys(value).length}{${pairs(Object.entries(value))}}`;
}

/** The text of a value; all are alike of which a part can't be read, such as a getter that throws. */
function textOf(value: unknown, createHash: CreateHash): string {
  return attempt(() => canonicalText(value, createHash), "unreadable;");
}

/** What became of an item, as far as it counts. */
export type ChecksumItem =
  & { readonly index: number }
  & (
    | { readonly status: "fulfilled"; readonly value: unknown }
    | { readonly status: "rejected"; readonly ended: string }
  );

/** What is no longer than a digest stands for itself. */
const SHORT = 64;

/**
 * What of each item has to be equal, in few letters. An item without a value counts with how it ended
 * alone: messages name ports and times, which differ from run to run. `comparable` maps a value to what
 * has to be equal.
 */
export async function digestsOf(
  outcomes: readonly ChecksumItem[],
  comparable: (value: unknown) => unknown | Promise<unknown> = (value) => value,
): Promise<string[]> {
  // Imported late, after everything was measured: `crypto.subtle` would need a promise for each.
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

/** The SHA-256 of the digests of all results, each with its item's place, in the order of places. */
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

/** One checksum for all results, whichever came first. */
export async function checksumOf(
  outcomes: readonly ChecksumItem[],
  comparable?: (value: unknown) => unknown | Promise<unknown>,
): Promise<string> {
  const inOrder = outcomes.toSorted((a, b) => a.index - b.index);
  const digests = await digestsOf(inOrder, comparable);
  const { createHash } = await import("node:crypto") as { createHash: CreateHash };
  const placed = inOrder.map(({ index }, at) => ({ index, digest: digests[at]! }));
  return checksumOfDigests(placed, createHash);
}
