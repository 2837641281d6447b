/**
 * Whether a fit may be believed beyond what was measured.
 *
 * @module
 */

import { median } from "../../timing/statistics.ts";
import { fitLaw, type LawFit, parametersOf, type Series } from "./fit_law.ts";
import { type LawName, throughputAt } from "./laws.ts";

/** The root of the mean squared miss that is still believed, as a share. */
export const MOST_TYPICAL_MISS = 0.1;
/** The largest single miss that is still believed, as a share. */
export const MOST_WORST_MISS = 0.2;
/** How far the largest size may lie from what the others foretell of it, as a share. */
export const MOST_FORETOLD_MISS = 0.2;

/** The criterion in a sentence, for reports. */
export const CRITERION: string =
  "a fit is believed if it has one size more than numbers, misses no size's median by more than " +
  "20% and all by no more than 10% (root mean square), and foretells the largest size from the " +
  "others within 20%";

/** How well a law suits what was measured. */
export interface FitQuality {
  /** Root of the mean squared relative miss of the sizes' medians. */
  readonly typicalMiss: number;
  /** The largest relative miss. */
  readonly worstMiss: number;
  /** At which size that was. */
  readonly worstSize: number;
  /** How far the largest size lies from what a fit without it foretells; null if that can't be told. */
  readonly foretoldMiss: number | null;
  /** Why it isn't believed, as half a sentence; null if it is. */
  readonly refusal: string | null;
}

/** How far the median of a size's rounds lies from what is expected, as a share of that. */
function missOf(series: Series, expected: number): number {
  return Math.abs(median(series.throughputs) / expected - 1);
}

function foretoldMissOf(name: LawName, series: readonly Series[]): number | null {
  const bySize = series.toSorted((a, b) => a.size - b.size);
  const largest = bySize.at(-1)!;
  const others = bySize.slice(0, -1);
  if (others.length < parametersOf(name)) return null;
  return missOf(largest, throughputAt(fitLaw(name, others).law, largest.size));
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

/**
 * Judges a fit. The criterion is {@linkcode CRITERION}; R² isn't part of it, since it says little of a
 * fit that isn't linear (Spiess and Neumeyer, BMC Pharmacology 10, 2010).
 *
 * @returns How far it misses, and why it is refused if it is.
 */
export function judgeFit(fit: LawFit, series: readonly Series[]): FitQuality {
  const misses = series.map((one) => missOf(one, throughputAt(fit.law, one.size)));
  const typicalMiss = Math.sqrt(misses.reduce((sum, miss) => sum + miss ** 2, 0) / misses.length);
  const worstMiss = Math.max(...misses);
  const worstSize = series[misses.indexOf(worstMiss)]!.size;
  const foretoldMiss = foretoldMissOf(fit.name, series);
  const needed = parametersOf(fit.name) + 1;
  const sizes = new Set(series.map(({ size }) => size)).size;
  let refusal: string | null = null;
  if (sizes < needed) {
    refusal = `${sizes} sizes are too few to check ${
      needed - 1
    } numbers; measure ${needed} or more`;
  } else if (worstMiss > MOST_WORST_MISS) {
    refusal = `it misses what was measured at ${worstSize} by ${percent(worstMiss)}`;
  } else if (typicalMiss > MOST_TYPICAL_MISS) {
    refusal = `it misses what was measured by ${percent(typicalMiss)} (root mean square)`;
  } else if (foretoldMiss !== null && foretoldMiss > MOST_FORETOLD_MISS) {
    refusal = `fitted without the largest size, it misses that by ${percent(foretoldMiss)}`;
  }
  return { typicalMiss, worstMiss, worstSize, foretoldMiss, refusal };
}
