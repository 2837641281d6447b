/** Which of the swept sizes to take, by the rule of comparisons and advice. */

import { choose } from "../judge/choose.ts";
import { AS_GOOD, IMPOSSIBLE, TOO_SLOW } from "../judge/thresholds.ts";
import type { Interval } from "../timing/result.ts";
import { Standings } from "../timing/standings.ts";
import { failingSizes } from "./analyse.ts";
import type { SweepPoint, SweepResult, SweepRound } from "./sweep_result.ts";

interface RecommendedSize {
  readonly point: SweepPoint;
  readonly gain: Interval | null;
  /** The fastest of the larger sizes, where it isn't shown to gain, though it may. */
  readonly unsure?: { readonly point: SweepPoint; readonly gain: Interval };
  /** A gain above what the cores can give: it is no gain, but an error of measurement. */
  readonly impossible?: {
    readonly point: SweepPoint;
    readonly gain: Interval;
    readonly most: number;
  };
  /** Whether a larger size was measured and left out because it gains hardly more. */
  readonly largerGainsLittle: boolean;
  /** Whether it is the largest that was measured, and still gained on the one before. */
  readonly mayGainMore: boolean;
}

/** Chooses a size; undefined if none ran without more failures than the smallest. */
export function recommendedSize(
  { points, axis, computingShare, environment, job: { total } }: SweepResult,
): RecommendedSize | undefined {
  // For the whole job, with starting its lanes, where its number of items is known.
  const msOf = ({ startMs, throughputPerSecond }: SweepRound) =>
    (total === undefined ? 0 : startMs) + 1000 * (total ?? 1) / throughputPerSecond;
  const failing = failingSizes(points).sizes;
  const worked = points.filter(({ size, rounds }) =>
    !failing.has(size) && rounds.length > 0 &&
    rounds.every((round) => msOf(round) > 0 && Number.isFinite(msOf(round)))
  ).toSorted((a, b) => a.size - b.size);
  // More lanes than the cores have work for only crowd each other.
  const most = axis === "lanes" && computingShare !== undefined
    ? Math.min(environment.cpus, environment.lanesAvailable) / Math.max(computingShare, 1e-9)
    : Infinity;
  const series = worked.filter(({ size }) => size <= Math.max(worked[0]!.size, Math.ceil(most)))
    .map((point) => ({
      point,
      times: point.rounds.map((round) => ({ round: round.round, ms: msOf(round) })),
    }));
  const [smallest, ...larger] = series;
  if (smallest === undefined) return undefined;
  const standings = new Standings(series);
  const { chosen, best, bestGain, decision } = choose(smallest, larger, standings);
  const stays = {
    point: smallest.point,
    gain: null,
    largerGainsLittle: larger.length > 0,
    mayGainMore: false,
  };
  if (decision !== "gain") {
    return bestGain === null || bestGain.median <= TOO_SLOW
      ? stays
      : { ...stays, unsure: { point: best.point, gain: bestGain } };
  }
  const gain = standings.ratio(smallest, chosen)!;
  // Nor do so many times as many gain more than that.
  const mostHere = Math.min(most, chosen.point.size) / smallest.point.size;
  if (gain.median > IMPOSSIBLE * Math.max(1, mostHere) || gain.low > mostHere * AS_GOOD) {
    return { ...stays, impossible: { point: chosen.point, gain, most: mostHere } };
  }
  // Nothing fills more of them than there are items.
  const isFull = chosen.point.lanes * chosen.point.slots >= (total ?? Infinity);
  const isLargest = chosen === series.at(-1) && series.length === worked.length && !isFull;
  const before = standings.ratio(series.at(-2) ?? smallest, chosen)?.median ?? 1;
  return {
    point: chosen.point,
    gain,
    largerGainsLittle: !isLargest,
    mayGainMore: isLargest && before > TOO_SLOW,
  };
}
