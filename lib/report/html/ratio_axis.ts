/**
 * Axes of ratios: linear as long as the small ones can be told apart, then logarithmic.
 *
 * @module
 */

/** Beyond this ratio a linear axis would hide the smaller gains. */
const LINEAR_UP_TO = 10;

/** An axis of ratios. */
export interface RatioAxis {
  /** Its ends. */
  readonly domain: readonly [number, number];
  /** Whether each step multiplies. */
  readonly log: boolean;
  /** Where a scale has its ticks; or about how many, to be chosen by the chart. */
  readonly ticks: (wide: boolean) => number[] | number;
}

/** Ratios that are 1, 2 or 5 times a power of ten, or only the powers where those are too many. */
function ratioTicks(low: number, high: number, most: number): number[] {
  const powers = Array.from({ length: 32 }, (_, i) => 10 ** (i - 16));
  const within = (ratios: number[]) => ratios.filter((ratio) => ratio >= low && ratio <= high);
  const all = within(powers.flatMap((power) => [power, 2 * power, 5 * power]));
  return all.length <= most ? all : within(powers);
}

/** An axis that holds some ratios, and 1. */
export function ratioAxis(ratios: readonly number[]): RatioAxis {
  const values = ratios.concat(1).filter((value) => value > 0);
  const least = Math.min(...values), most = Math.max(...values);
  const low = least < 1 ? least * 0.9 : 1, high = most > 1 ? most * 1.02 : 1.1;
  const log = high / low > LINEAR_UP_TO;
  return {
    domain: [low, high],
    log,
    ticks: (wide) => log ? ratioTicks(low, high, wide ? 12 : 5) : wide ? 6 : 3,
  };
}

/**
 * A tick's label. As an axis's `text`, since of a logarithmic axis some are left out with `tickFormat`.
 */
export function ratioTick(ratio: number): string {
  return `${Number(ratio.toPrecision(3))}×`;
}
