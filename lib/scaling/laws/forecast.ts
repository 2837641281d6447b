/**
 * What ten and a thousand times as many slots or lanes would do, if the fit held.
 *
 * @module
 */

import { estimateOf } from "./bootstrap_fit.ts";
import { endsBefore } from "./capacity.ts";
import { type Law, throughputAt } from "./laws.ts";
import { formatRate } from "../sweep_words.ts";
import type { Capacity, Forecast } from "../sweep_result.ts";

/** How many times the largest measured size is asked for. */
export const FACTORS: readonly number[] = [10, 1000];

/** An interval whose ends lie farther apart than this, as a ratio, says nothing. */
export const WIDEST_FORECAST = 3;

/** What a forecast starts from. */
export interface ForecastParts {
  /** The fitted law. */
  readonly law: Law;
  /**
   * Laws that could as well have been found, a list for each kind of law that isn't ruled out: an
   * interval holds those of all.
   */
  readonly drawn: readonly (readonly Law[])[];
  /** Why the fit isn't believed; null if it is. */
  readonly refusal: string | null;
  /** The largest size measured. */
  readonly largest: number;
  /** The best throughput measured, in items a second. */
  readonly bestPerSecond: number;
  /** Where computing ends on this machine; null or left out if that isn't known. */
  readonly capacity?: Capacity | null;
  /** Whether every lane is to have a core of its own, on a machine with as many. */
  readonly coreEach?: boolean;
}

/**
 * Follows a law beyond what was measured, and refuses where that isn't sound: if computing ends before,
 * if the fit is bad, or if the interval spans more than a factor of three.
 */
export function forecasts(parts: ForecastParts): Forecast[] {
  const { law, drawn, refusal, largest, bestPerSecond, capacity = null, coreEach = false } = parts;
  return FACTORS.map((factor) => {
    const size = factor * largest;
    const value = throughputAt(law, size);
    const each = drawn.map((laws) => estimateOf(law, laws, (one) => throughputAt(one, size)));
    const low = Math.min(value, ...each.map((one) => one.low));
    const high = Math.max(value, ...each.map((one) => one.high));
    const wide = high / low > WIDEST_FORECAST
      ? `anything from ${formatRate(low)} to ${
        formatRate(high)
      } is possible: these sizes don't tell`
      : null;
    const ends = !coreEach && endsBefore(capacity, size, value) ? endOf(capacity!) : null;
    return {
      factor,
      size,
      cores: coreEach ? size : null,
      throughputPerSecond: { value, low, high },
      gain: value / bestPerSecond,
      refusal: ends ?? refusal ?? wide,
    };
  });
}

function endOf({ by, units, reached, limitPerSecond }: Capacity): string {
  const cores = `this machine's ${units} core${units === 1 ? "" : "s"}`;
  const what = by === "cores" ? cores : "one event loop";
  return reached
    ? `computing ends at ${what}`
    : `computing would end before: ${formatRate(limitPerSecond)} would fill ${what}`;
}
