/**
 * Which of the swept sizes to take: the smallest that is as good as the best, by the rules of advice.
 *
 * @module
 */

import { AS_GOOD, IMPOSSIBLE, TOO_SLOW } from "../judge/thresholds.ts";
import type { Interval } from "../timing/result.ts";
import { Standings } from "../advice/race/standings.ts";
import type { SweepPoint, SweepResult } from "./sweep_result.ts";

/** The size to take. */
interface RecommendedSize {
  /** The point. */
  readonly point: SweepPoint;
  /** Against the smallest size; null if it is the smallest itself. */
  readonly gain: Interval | null;
  /** The fastest of the larger sizes, where it isn't shown to gain; undefined where a gain was shown. */
  readonly unsure?: { readonly point: SweepPoint; readonly gain: Interval } | undefined;
  /** A gain above what the cores can give: it is no gain, but an error of measurement. */
  readonly impossible?: {
    readonly point: SweepPoint;
    readonly gain: Interval;
    readonly most: number;
  };
  /** Whether a larger size was measured and left out because it gains hardly more. */
  readonly largerGainsLittle: boolean;
}

/** Chooses a size; undefined if none ran without failures. */
export function recommendedSize(
  { points, axis, computingShare, environment }:
    & Pick<SweepResult, "points">
    & Partial<Pick<SweepResult, "axis" | "computingShare" | "environment">>,
): RecommendedSize | undefined {
  const worked = points.filter(({ rounds }) =>
    rounds.length > 0 &&
    rounds.every(({ failed, throughputPerSecond }) => failed === 0 && throughputPerSecond > 0)
  ).toSorted((a, b) => a.size - b.size);
  // More lanes than the cores have work for only crowd each other.
  const most = axis === "lanes" && computingShare !== undefined && environment !== undefined
    ? mostGain(environment, computingShare)
    : Infinity;
  const ran = worked.filter(({ size }) => size <= Math.max(worked[0]?.size ?? 1, Math.ceil(most)));
  const first = ran[0];
  if (first === undefined) return undefined;
  const series = ran.map((point) => ({
    point,
    times: point.rounds.map(({ round, throughputPerSecond }) => ({
      round,
      ms: 1000 / throughputPerSecond,
    })),
  }));
  const standings = new Standings(series);
  const smallest = series[0]!;
  const paying = series.slice(1).filter((of) => (standings.ratio(smallest, of)?.low ?? 0) > 1);
  const fastest = paying.toSorted((a, b) => standings.timeMs(a) - standings.timeMs(b))[0];
  const stays = { point: first, gain: null, largerGainsLittle: ran.length > 1 };
  if (fastest === undefined) {
    const likely = series.slice(1).toSorted((a, b) => standings.timeMs(a) - standings.timeMs(b))[0];
    const gain = likely && standings.ratio(smallest, likely);
    const unsure = gain && gain.median > TOO_SLOW ? { point: likely.point, gain } : undefined;
    return { ...stays, ...(unsure && { unsure }) };
  }
  if ((standings.ratio(smallest, fastest)?.median ?? 1) <= AS_GOOD) return stays;
  const chosen = paying.find((of) => {
    const behind = standings.timeMs(of) / standings.timeMs(fastest);
    return behind <= AS_GOOD ||
      (behind <= TOO_SLOW && (standings.ratio(of, fastest)?.low ?? 1) <= 1);
  }) ?? fastest;
  const gain = standings.ratio(smallest, chosen);
  const mostHere = most / smallest.point.size;
  if (gain !== null && gain.median > IMPOSSIBLE * Math.max(1, mostHere)) {
    return { ...stays, impossible: { point: chosen.point, gain, most: mostHere } };
  }
  return {
    point: chosen.point,
    gain,
    largerGainsLittle: chosen !== series.at(-1) || ran.length < worked.length,
  };
}

/** What lanes can gain at most with tasks that compute for such a share of their time. */
function mostGain(
  { cpus, lanesAvailable }: SweepResult["environment"],
  computingShare: number,
): number {
  return Math.min(cpus, lanesAvailable) / Math.max(computingShare, 1e-9);
}
