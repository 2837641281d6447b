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

type Formatter = (value: number) => string;

/** Makes a format of numbers from 0 on one of all numbers, also of those that are none, or have no end. */
function signed(format: Formatter): Formatter {
  const shown: Formatter = (value) => {
    if (Number.isNaN(value)) return NO_FIGURE;
    if (value < 0) return `−${shown(-value)}`;
    return value === Infinity ? "∞" : format(value);
  };
  return shown;
}

/** A number with at most two decimals, fewer from 10 and from 100 on, and no exponent below 10¹⁵. */
export const formatNumber: Formatter = signed((value) => {
  if (value < 0.0005) return "0";
  if (value >= 1e15) return value.toExponential(1);
  if (value >= 99.95) return String(Math.round(value));
  return value.toFixed(value >= 9.995 ? 1 : 2);
});

export const formatDuration: Formatter = signed((ms) => {
  if (ms < 999.5) return `${formatNumber(ms)} ms`;
  if (ms < MINUTE_MS - 50) return `${formatNumber(ms / 1000)} s`;
  if (ms >= AGES_MS) return `${(ms / 1000).toExponential(1)} s`;
  // pretty-ms truncates instead of rounding (59,999 ms is "59.9s" there) and shows less than a millisecond as
  // "1ms", so it gets whole seconds, and only from a minute on.
  return prettyMilliseconds(Math.round(ms / 1000) * 1000);
});

/** Formats a time that is still running, in whole seconds, rounded up. */
export function wholeSeconds(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1000);
}

/** Formats a duration, in microseconds if it is less than a tenth of a millisecond. */
export function formatShortDuration(ms: number): string {
  return ms < 0.1 ? `${formatNumber(ms * 1000)} µs` : formatDuration(ms);
}

export const formatBytes: Formatter = signed((bytes) => {
  if (bytes >= 1e27) return `${bytes.toExponential(1)} B`;
  return formatWithUnit(bytes, { locale: "en", maximumFractionDigits: bytes < 1e8 ? 1 : 0 });
});

export const formatRatio: Formatter = (ratio) =>
  Number.isNaN(ratio) ? NO_FIGURE : `${formatNumber(ratio)}×`;

const ofHundred = signed((percent) => {
  if (percent > 0 && percent < 0.5) return "<1%";
  return `${percent >= 1e15 ? percent.toExponential(1) : Math.round(percent)}%`;
});

export const formatPercent: Formatter = (share) => ofHundred(share * 100);

/** An interval whose ends are this many times apart tells no more than that rounds differ. */
const VAGUE = 100;

/** Formats the ends of an interval. */
export function formatEnds(
  { low, high }: Omit<Interval, "median">,
  { format = formatNumber, to = "–" }: { readonly format?: Formatter; readonly to?: string } = {},
): string {
  return high > VAGUE * low ? "unsure" : `${format(low)}${to}${format(high)}`;
}

/** Formats a speedup's median and the ends of its interval, as short as a table needs it. */
export function formatSpeedup(speedup: Interval): string {
  return `${formatRatio(speedup.median)} ${formatEnds(speedup)}`;
}

export function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** Gives "1 item" or "2,000 items"; `shown` replaces the number if it is formatted already. */
export function counted(count: number, noun: string, shown: string = formatCount(count)): string {
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
