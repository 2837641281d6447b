/**
 * What a sweep says, in sentences that terminal and page share.
 *
 * @module
 */

import {
  formatDuration,
  formatNumber,
  formatPercent,
  formatRatio,
  formatSpeedup,
} from "../text/format.ts";
import { plain } from "../text/plain.ts";
import { LAW_TITLES } from "./laws/laws.ts";
import { LITTLE_TOLERANCE } from "./laws/little.ts";
import { recommendedSize } from "./recommended_size.ts";
import type { Fit, OpenEstimate, SweepPoint, SweepResult } from "./sweep_result.ts";

/**
 * Small numbers such as σ and κ with two digits, which `formatNumber` would round to 0.
 *
 * @param value The number, from 0.
 */
export function formatSmall(value: number): string {
  if (value === 0 || value >= 0.1) return formatNumber(value);
  return value >= 0.001 ? value.toPrecision(2) : value.toExponential(1).replace("-", "−");
}

/** A throughput. */
export function formatRate(perSecond: number): string {
  return `${formatNumber(perSecond)}/s`;
}

const NO_BOUND = 1e6;

function open(
  { value, low, high }: OpenEstimate,
  format: (value: number) => string,
  isChecked: boolean,
): string {
  // An end a million times beyond the value is none.
  const one = (x: number | null) =>
    x === null || (value !== null && x > NO_BOUND * value) ? "no bound" : format(x);
  return one(value) + (isChecked ? ` (${one(low)} to ${one(high)})` : "");
}

/** A number of slots or lanes. */
export function places(axis: SweepResult["axis"], count: number): string {
  const noun = axis === "lanes" ? "lane" : "slot";
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** Whether all tasks failed at every size: times and throughputs then say nothing. */
export function nothingWorked({ points }: Pick<SweepResult, "points">): boolean {
  return points.length > 0 &&
    points.every(({ rounds }) => rounds.every(({ succeeded }) => succeeded === 0));
}

/** Says where the curve bends. */
export function kneeSentence(
  { knee, axis, points, best, failsFrom = null }:
    & Pick<SweepResult, "knee" | "axis" | "points" | "best">
    & Partial<Pick<SweepResult, "failsFrom">>,
): string {
  if (nothingWorked({ points })) return "No knee: no task succeeded.";
  if (failsFrom !== null && failsFrom.size === points[0]?.size) {
    return `No knee: tasks fail at ${places(axis, failsFrom.size)} already.`;
  }
  if (points.length === 1) return `One size was measured, ${places(axis, points[0]!.size)}.`;
  const largest = points.findLast(({ size }) => size < (failsFrom?.size ?? Infinity))?.size;
  if (knee === null) {
    const reached = largest === undefined ? "" : ` up to ${places(axis, largest)}`;
    return best !== null && best.size === largest
      ? `No knee${reached}: throughput was still rising.`
      : `No knee${reached}: the curve has no clear bend.`;
  }
  const range = points.some(({ rounds }) => rounds.length < 2)
    ? "by one round, so it isn't sure"
    : knee.low === knee.high
    ? "the same however rounds are resampled"
    : `${knee.low} to ${knee.high} when rounds are resampled`;
  const most = best === null
    ? ""
    : ` The best measured was ${formatRate(best.throughputPerSecond)} at ${
      places(axis, best.size)
    }.`;
  return `Knee at ${
    places(axis, knee.size)
  } (${range}): up to there more pays, beyond it hardly.${most}`;
}

/** The line of code of a size; one slot on one lane is the plain loop. */
function codeOf({ model, axis }: Pick<SweepResult, "model" | "axis">, point: SweepPoint): string {
  const { lanes, slots } = point;
  if (lanes * slots === 1) return "await using executor = sequential();";
  const size = axis === "slots" && model === "limited"
    ? `slots: ${slots}`
    : `lanes: ${lanes}${slots > 1 ? `, slots: ${slots}` : ""}`;
  return `await using executor = ${model}({ ${size} });`;
}

/**
 * Says which size to take, and writes the line of code that does.
 *
 * @returns A sentence or two, and the line last; nothing if no size ran without failures.
 */
export function takeLines(
  result:
    & Pick<SweepResult, "points" | "axis" | "model">
    & Partial<Pick<SweepResult, "differsAt" | "failsFrom" | "computingShare" | "environment">>,
): string[] {
  const first = result.points[0];
  if (first !== undefined && result.failsFrom?.size === first.size) return [];
  if (first !== undefined && result.differsAt !== undefined) {
    const { axis, differsAt } = result;
    return [
      `Stay at ${places(axis, first.size)}: with ${places(axis, differsAt)} the same items gave ` +
      `other results. A task's result depends on which others run beside or before it: keep no ` +
      `state outside the task; deno task advise says more.`,
      codeOf(result, first),
    ];
  }
  const found = nothingWorked(result) ? undefined : recommendedSize(result);
  if (found === undefined) return [];
  const { point, gain, largerGainsLittle, unsure, impossible } = found;
  const { axis, points } = result;
  const model = plain(result.model);
  const smallest = points.toSorted((a, b) => a.size - b.size)[0]!;
  const doubt = unsure === undefined
    ? ""
    : ` (${places(axis, unsure.point.size)}: ${
      formatSpeedup(unsure.gain)
    }, an interval that spans 1; ` +
      `more rounds tell)`;
  if (impossible !== undefined) {
    return [
      `${formatSpeedup(impossible.gain)} at ${
        places(axis, impossible.point.size)
      } can't be right: ` +
      `the cores can give ${
        formatRatio(Math.max(1, impossible.most))
      } at most. The smallest size was slower ` +
      `than need be; end other programs, or give more items or rounds.`,
    ];
  }
  const what = gain === null
    ? `Take ${places(axis, point.size)}${
      largerGainsLittle ? `: no larger size is detectably faster${doubt}` : ""
    }.`
    : `Take ${places(axis, point.size)}: ${formatSpeedup(gain)} as much as ${
      places(axis, smallest.size)
    }${largerGainsLittle ? ", and no larger size gains surely more" : ""}.`;
  return [
    `${what} That is the best size of ${model}; deno task advise compares it with the other models.`,
    codeOf({ axis, model }, point),
  ];
}

/** Says what a law's fit came to. */
export function fitSentences(fit: Fit): string[] {
  const { sigma, kappa, lambda } = fit;
  // Where no size is left to check the numbers against, an interval would pretend to know.
  const isChecked = fit.foretoldMiss !== null;
  const span = (of: typeof sigma) =>
    formatSmall(of.value) +
    (isChecked ? ` (${formatSmall(of.low)} to ${formatSmall(of.high)})` : "");
  const numbers = [`λ = ${formatRate(lambda.value)}`, `σ = ${span(sigma)}`];
  if (fit.name === "usl") numbers.push(`κ = ${span(kappa)}`);
  const ends = fit.name === "usl" && fit.peakSize.value !== null
    ? `peak at ${open(fit.peakSize, (x) => Math.round(x).toLocaleString("en"), isChecked)}`
    : `limit ${open(fit.limitPerSecond, formatRate, isChecked)}`;
  const quality = fit.refusal === null
    ? `misses ${formatPercent(fit.typicalMiss)} typically, ${formatPercent(fit.worstMiss)} at worst`
    : `BAD FIT: ${fit.refusal}`;
  return [`${LAW_TITLES[fit.name]}: ${numbers.join(", ")}; ${ends}; ${quality}.`];
}

/**
 * Says whether Little's law holds.
 *
 * @returns A sentence, on the worst size if it doesn't hold everywhere; none if times are unknown.
 */
export function littleSentences({ points, axis }: Pick<SweepResult, "points" | "axis">): string[] {
  if (nothingWorked({ points })) return [];
  const checked = points.filter(({ little }) => little !== null);
  if (checked.length === 0) return [];
  const broken = checked.filter(({ little }) => !little!.holds);
  if (broken.length === 0) {
    return [`Little's law N = X·R holds at every size within ${formatPercent(LITTLE_TOLERANCE)}.`];
  }
  // The worst tells most; a line for each would bury it.
  const worst = broken.toSorted((a, b) =>
    Math.abs(b.little!.ratio - 1) - Math.abs(a.little!.ratio - 1)
  )[0]!;
  const { inFlight, slots, meaning } = worst.little!;
  return [
    `Little's law N = X·R is violated at ${
      broken.map(({ size }) => size).join(", ")
    } ${axis}, most ` +
    `at ${worst.size}: X·R = ${formatNumber(inFlight)}, N = ${slots}; ${meaning}.`,
  ];
}

/** Says what one rate's two kinds of times mean. */
export function openLoopSentences({ openLoop }: Pick<SweepResult, "openLoop">): string[] {
  if (openLoop.length === 0) return [];
  const best = openLoop.findLast(({ sustained }) => sustained);
  const lost = openLoop.find(({ sustained }) => !sustained);
  const misled = openLoop.toSorted((a, b) =>
    b.corrected.p99 / Math.max(b.naive.p99, 1) - a.corrected.p99 / Math.max(a.naive.p99, 1)
  )[0]!;
  const ratio = misled.corrected.p99 / Math.max(misled.naive.p99, 1);
  return [
    best === undefined
      ? "No rate was sustained."
      : `The highest rate sustained is ${formatRate(best.ratePerSecond)}${
        lost === undefined ? "; none was too high." : `; ${formatRate(lost.ratePerSecond)} is not.`
      }`,
    ...(ratio >= 1.5
      ? [
        `At ${formatRate(misled.ratePerSecond)} the naive p99 of ${
          formatDuration(misled.naive.p99)
        } hides ${formatDuration(misled.corrected.p99)}: that is coordinated omission.`,
      ]
      : []),
  ];
}
