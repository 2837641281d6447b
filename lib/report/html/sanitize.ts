/**
 * A result file's strings and numbers, made fit for a page: whatever a hand-edited file holds, what
 * comes out can be laid out, read, and does nothing.
 *
 * Escaping is not done here but where text becomes markup; see markup.ts.
 */

import { plain } from "../../text/plain.ts";

/** In UTF-16 units: room for a title or a name; longer ones break any layout. */
const LINE = 300;
/** Room for the few sentences of a warning. */
const SENTENCES = 1000;
/** Beyond 30,000 years in milliseconds; sums and differences of such numbers stay finite. */
const MAX_NUMBER = 1e15;

/**
 * Text cut to a length and without control characters, overrides of the writing direction, or halves
 * of surrogate pairs.
 */
export function sanitizedText(text: string, limit: number = LINE): string {
  // Cut before cleaning, so that a huge string costs nothing, and after, as cleaning may not shorten.
  const line = plain(text.slice(0, limit * 4)).toWellFormed().replace(/[\ufffe\uffff]/g, "\ufffd");
  return line.length <= limit ? line : `${line.slice(0, limit - 1).toWellFormed()}…`;
}

/**
 * A copy of plain data whose strings are {@linkcode sanitizedText} and whose numbers are within ±10¹⁵;
 * the infinities are cut to that, NaN stays.
 */
export function sanitized<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (typeof value === "string") return sanitizedText(value, SENTENCES);
  if (typeof value === "number") return Math.min(MAX_NUMBER, Math.max(-MAX_NUMBER, value));
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value === "object" && value !== null) {
    // A null prototype: a key named __proto__ is a key like any other.
    const entries: Record<string, unknown> = Object.create(null);
    for (const [key, inner] of Object.entries(value)) {
      entries[sanitizedText(key)] = copy(inner);
    }
    return entries;
  }
  return value;
}
