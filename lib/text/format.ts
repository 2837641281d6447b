/**
 * Formats numbers for people: durations, sizes, ratios, shares, intervals, counts. Units are converted only
 * here.
 *
 * A value that isn't a number (NaN) is shown as "–", so that no report ever says "NaN ms".
 */

import prettyMilliseconds from "pretty-ms";
import { format as formatWithUnit } from "@std/fmt/bytes";

export const NO_FIGURE = "–";

const MINUTE_MS = 60_000;
/** From this duration on, in milliseconds, calendar units mean little. */
const AGES_MS = 1e15;

/** A median with the ends of its 95 % interval. */
export interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** A number with at most two decimals, fewer from 10 and from 100 on, and no exponent below 10¹⁵. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return NO_FIGURE;
  if (value < 0) return `−${formatNumber(-value)}`;
  if (value === Infinity) return "∞";
  if (value === 0 || value < 0.0005) return "0";
  if (value >= 1e15) return value.toExponential(1);
  if (value >= 99.95) return String(Math.round(value));
  if (value >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}

export function formatDuration(ms: number): string {
  if (Number.isNaN(ms)) return NO_FIGURE;
  if (ms < 0) return `−${formatDuration(-ms)}`;
  if (ms === Infinity) return "∞";
  if (ms < 999.5) return `${formatNumber(ms)} ms`;
  if (ms < MINUTE_MS - 50) return `${formatNumber(ms / 1000)} s`;
  if (ms >= AGES_MS) return `${(ms / 1000).toExponential(1)} s`;
  // pretty-ms truncates instead of rounding (59,999 ms is "59.9s" there) and shows less than a millisecond as
  // "1ms", so it gets whole seconds, and only from a minute on.
  return prettyMilliseconds(Math.round(ms / 1000) * 1000);
}

/** Formats a time that is still running, in whole seconds, rounded up. */
export function wholeSeconds(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1000);
}

/** Formats a duration, in microseconds if it is less than a tenth of a millisecond. */
export function formatShortDuration(ms: number): string {
  return ms < 0.1 ? `${formatNumber(ms * 1000)} µs` : formatDuration(ms);
}

export function formatBytes(bytes: number): string {
  if (Number.isNaN(bytes)) return NO_FIGURE;
  if (bytes < 0) return `−${formatBytes(-bytes)}`;
  if (bytes === Infinity) return "∞";
  if (bytes >= 1e27) return `${bytes.toExponential(1)} B`;
  return formatWithUnit(bytes, { locale: "en", maximumFractionDigits: bytes < 1e8 ? 1 : 0 });
}

export function formatRatio(ratio: number): string {
  return Number.isNaN(ratio) ? NO_FIGURE : `${formatNumber(ratio)}×`;
}

export function formatPercent(share: number): string {
  if (Number.isNaN(share)) return NO_FIGURE;
  if (share < 0) return `−${formatPercent(-share)}`;
  if (share > 0 && share < 0.005) return "<1%";
  const percent = share * 100;
  if (percent === Infinity) return "∞";
  return percent >= 1e15 ? `${percent.toExponential(1)}%` : `${Math.round(percent)}%`;
}

/** Formats a speedup's median and the ends of its interval, as short as a table needs it. */
export function formatSpeedup(interval: Interval): string {
  return `${formatRatio(interval.median)} ${formatNumber(interval.low)}–${
    formatNumber(interval.high)
  }`;
}

export function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** Gives "1 item" or "2 items"; `shown` replaces the number if it is formatted already. */
export function counted(count: number, noun: string, shown: string = String(count)): string {
  const plural = /(s|x|ch|sh)$/.test(noun) ? `${noun}es` : `${noun}s`;
  return `${shown} ${count === 1 ? noun : plural}`;
}

export function formatCount(count: number): string {
  return Number.isNaN(count) ? NO_FIGURE : count.toLocaleString("en");
}

/** Formats small numbers from 0 on with two digits, where {@linkcode formatNumber} rounds to 0. */
export function formatSmall(value: number): string {
  if (value === 0 || value >= 0.1) return formatNumber(value);
  return value >= 0.001 ? value.toPrecision(2) : value.toExponential(1).replace("-", "−");
}

export function formatRate(perSecond: number): string {
  return `${formatNumber(perSecond)}/s`;
}
