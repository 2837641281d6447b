/**
 * A digest by which an item is known again, from one run of a job to the next. It imports no npm
 * package: it runs in the job's process.
 */

import { createHash } from "node:crypto";
import { canonicalText, type CreateHash } from "../timing/checksum.ts";

/**
 * The digest of an item, a whole number below 2⁵³: cyrb53 (bryc, public domain) of a text that tells
 * any two values apart. Of a million items two are alike with a chance of 1 in 18,000.
 *
 * @throws What a getter of it throws, or a RangeError if it is nested too deep.
 */
export function digestOf(item: unknown): number {
  const text = textOf(item);
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

function textOf(item: unknown): string {
  if (typeof item === "string") return `s${item.length}:${item}`;
  return canonicalText(item, createHash as unknown as CreateHash);
}

/** The digest as it stands in files. */
export function digestText(digest: number): string {
  return digest.toString(36);
}

export function digestIn(text: string): number {
  return parseInt(text, 36);
}
