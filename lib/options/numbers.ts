/**
 * Numbers as options. Only plain decimal digits count, `_` between them allowed: what JavaScript
 * would quietly make of "0x10", "1e3", " 5 " or "" is more often a slip than a wish.
 *
 * @module
 */

import { UsageError } from "./usage_error.ts";

/** The bounds of a number, both included. */
export interface NumberBounds {
  /** The least value taken. */
  readonly min?: number;
  /** The greatest value taken. */
  readonly max?: number;
}

/** The longest wait that timers can be set to, in milliseconds: about 24.8 days. */
export const LONGEST_WAIT_MS = 2 ** 31 - 1;

const WHOLE = /^\d+(?:_\d+)*$/;
const DECIMAL = /^\d+(?:_\d+)*(?:\.\d+)?$/;
const DURATION = /^(\d+(?:_\d+)*(?:\.\d+)?)(ms|s|m|h)?$/;
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

function digitsOf(text: string): number {
  return Number(text.replaceAll("_", ""));
}

function whole(option: string, text: string, kind: string, min: number, max: number): number {
  const example = Math.min(Math.max(min, 5), max);
  if (!WHOLE.test(text)) {
    throw new UsageError(option, text, `not a ${kind}`, `give one such as ${example}`);
  }
  const value = digitsOf(text);
  if (value < min) {
    throw new UsageError(option, text, "too small", `give ${min} or more`);
  }
  if (value > max) {
    throw new UsageError(option, text, "too large", `give ${max} or less`);
  }
  return value;
}

/**
 * Reads a positive whole number.
 *
 * @param bounds The greatest value taken, 2⁵³ − 1 unless told, and the least, 1 unless told.
 * @throws {UsageError} If `text` isn't digits alone, or is out of bounds.
 */
export function positiveInteger(option: string, text: string, bounds: NumberBounds = {}): number {
  const { min = 1, max = Number.MAX_SAFE_INTEGER } = bounds;
  return whole(option, text, "positive whole number", min, max);
}

/**
 * Reads a whole number that may be zero, such as a seed, a port or a size in bytes.
 *
 * @param bounds The least and the greatest value taken; 0 and 2⁵³ − 1 unless told.
 * @throws {UsageError} If `text` isn't digits alone, or is out of bounds.
 */
export function nonNegativeInteger(
  option: string,
  text: string,
  bounds: NumberBounds = {},
): number {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = bounds;
  return whole(option, text, "whole number", min, max);
}

/**
 * Reads a number that may have a fraction and may be zero.
 *
 * @param bounds The least and the greatest value taken; 0 and 2⁵³ − 1 unless told.
 * @throws {UsageError} If `text` isn't a plain decimal number, or is out of bounds.
 */
export function nonNegativeNumber(
  option: string,
  text: string,
  bounds: NumberBounds = {},
): number {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = bounds;
  if (!DECIMAL.test(text)) {
    throw new UsageError(option, text, "not a number of zero or more", "give one such as 2.5");
  }
  const value = digitsOf(text);
  if (value < min) throw new UsageError(option, text, "too small", `give ${min} or more`);
  if (value > max) throw new UsageError(option, text, "too large", `give ${max} or less`);
  return value;
}

/**
 * Reads a length of time: `500ms`, `10s`, `2m`, `1h`, or plain milliseconds.
 *
 * @param bounds The least and the greatest time taken, in milliseconds; 0 and the longest wait of a
 * timer (2³¹ − 1) unless told. Give `{ min: 1 }` where a time of zero has no meaning.
 * @returns The time in milliseconds.
 * @throws {UsageError} If `text` isn't such a time, or is out of bounds.
 */
export function duration(option: string, text: string, bounds: NumberBounds = {}): number {
  const { min = 0, max = LONGEST_WAIT_MS } = bounds;
  const match = DURATION.exec(text);
  if (match === null) {
    throw new UsageError(option, text, "not a length of time", "give one such as 500ms, 10s or 2m");
  }
  const unit = (match[2] ?? "ms") as keyof typeof UNIT_MS;
  const valueMs = digitsOf(match[1]!) * UNIT_MS[unit];
  if (valueMs < min) throw new UsageError(option, text, "too short", `give ${min}ms or more`);
  if (valueMs > max) throw new UsageError(option, text, "too long", `give ${max}ms or less`);
  return valueMs;
}

/**
 * Reads a share of a whole: `0.25` or `25%`.
 *
 * @returns The share, from 0 to 1.
 * @throws {UsageError} If `text` isn't such a share.
 */
export function share(option: string, text: string): number {
  const percent = text.endsWith("%");
  const digits = percent ? text.slice(0, -1) : text;
  const value = DECIMAL.test(digits) ? digitsOf(digits) / (percent ? 100 : 1) : NaN;
  if (!(value <= 1)) {
    throw new UsageError(option, text, "not a share", "give one from 0 to 1, such as 0.1 or 10%");
  }
  return value;
}
