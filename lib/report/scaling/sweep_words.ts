/**
 * What a sweep says, in sentences that terminal, page and Markdown share, and how everything in them is
 * defined.
 *
 * @module
 */

import { isRefused, LITTLE_TOLERANCE } from "../../scaling/analyse.ts";
import { CRITERION } from "../../scaling/laws/fit_laws.ts";
import { BUSY } from "../../scaling/laws/forecast.ts";
import { KNEE_DEFINITION } from "../../scaling/laws/knee.ts";
import { LAW_TITLES } from "../../scaling/laws/laws.ts";
import { SUSTAINED_DEFINITION } from "../../scaling/open_loop/open_loop.ts";
import { recommendedSize } from "../../scaling/recommended_size.ts";
import {
  type Fit,
  type Forecast,
  type OpenEstimate,
  sizeText,
  type SweepPoint,
  type SweepResult,
} from "../../scaling/sweep_result.ts";
import {
  counted,
  formatDuration,
  formatNumber,
  formatPercent,
  formatRate,
  formatRatio,
  formatSmall,
  formatSpeedup,
} from "../../text/format.ts";
import { isModel, MODEL_TABLE } from "../../models.ts";
import { plain } from "../../text/plain.ts";
import { type Failures, sumOfFailures } from "../../timing/failures.ts";

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
    return `No knee: tasks fail at ${sizeText(axis, failsFrom.size)} already.`;
  }
  if (points.length === 1) return `One size was measured, ${sizeText(axis, points[0]!.size)}.`;
  const largest = points.findLast(({ size }) => size < (failsFrom?.size ?? Infinity))?.size;
  if (knee === null) {
    const reached = largest === undefined ? "" : ` up to ${sizeText(axis, largest)}`;
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
      sizeText(axis, best.size)
    }.`;
  return `Knee at ${
    sizeText(axis, knee.size)
  } (${range}): up to there more pays, beyond it hardly.${most}`;
}

/** The line of code of a size; one slot on one lane is the plain loop. */
function codeOf({ model, axis }: Pick<SweepResult, "model" | "axis">, point: SweepPoint): string {
  const { lanes, slots } = point;
  const isPlain = isModel(model) && !MODEL_TABLE[model].together;
  if (lanes * slots === 1 && isPlain) return "await using executor = sequential();";
  const size = axis === "slots"
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
      `Stay at ${sizeText(axis, first.size)}: with ${
        sizeText(axis, differsAt)
      } the same items gave ` +
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
    : ` (${sizeText(axis, unsure.point.size)}: ${
      formatSpeedup(unsure.gain)
    }, an interval that spans 1; ` +
      `more rounds tell)`;
  if (impossible !== undefined) {
    return [
      `${formatSpeedup(impossible.gain)} at ${
        sizeText(axis, impossible.point.size)
      } can't be right: ` +
      `the cores can give ${
        formatRatio(Math.max(1, impossible.most))
      } at most. The smallest size was slower ` +
      `than need be; end other programs, or give more items or rounds.`,
    ];
  }
  const what = gain === null
    ? `Take ${sizeText(axis, point.size)}${
      largerGainsLittle ? `: no larger size is detectably faster${doubt}` : ""
    }.`
    : `Take ${sizeText(axis, point.size)}: ${formatSpeedup(gain)} as much as ${
      sizeText(axis, smallest.size)
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

/** Says where computing ends; nothing if CPU times aren't known. */
export function capacitySentences(
  { capacity, axis, points, forecasts }: Pick<
    SweepResult,
    "capacity" | "axis" | "points" | "forecasts"
  >,
): string[] {
  if (capacity === null) return [];
  const { by, units, size, busy, cpuMsPerItem, limitPerSecond, computingShare, reached } = capacity;
  const cores = units === 1 ? "its only core" : `this machine's ${units} cores`;
  const share = formatPercent(Math.min(1, busy));
  const spent = `an item takes ${formatDuration(cpuMsPerItem)} of CPU`;
  const cost = `${spent}, which makes ${formatRate(limitPerSecond)} at most`;
  const at = sizeText(axis, size);
  if (!reached) {
    // Under load an item may cost less, since one turn of the event loop serves several.
    const end = `${spent}, at which ${formatRate(limitPerSecond)} would fill`;
    return [
      by === "cores"
        ? `CPU: ${cores} ${units === 1 ? "was" : "were"} busy ${share} at ${at}; ${end} them.`
        : `CPU: the event loop was busy ${share} at ${at}; ${end} it.`,
    ];
  }
  if (by === "event loop") {
    return [
      `Computing ends at one event loop, busy ${share} at ${at}: more slots can't help, lanes can ` +
      `(--model workers); ${cost}.`,
    ];
  }
  const beyond = axis === "lanes" && (points.at(-1)?.size ?? 0) > units;
  const [one, more] = axis === "lanes" ? ["lane", "lanes"] : ["slot", "slots"];
  const end = `Computing ends at ${cores}`;
  return [
    busy >= BUSY
      ? `${end}, busy ${share} at ${at}: more ${more} can't help here; ${cost}.`
      : `${end}, for one ${one} alone computes ${
        formatPercent(Math.min(1, computingShare))
      } of the time: more ` +
        `${more} can't help here; ${cost}. They were busy ${share} at ${at}: other programs, or ` +
        `${more} that stood empty, took the rest.`,
    ...(beyond
      ? [
        `Beyond ${sizeText(axis, units)} the curve, and the laws fitted to it, tell of the cores` +
        (forecasts.some((one) => one.cores !== null)
          ? "."
          : `, and there are too few sizes up to there to say what more cores would do.`),
      ]
      : []),
  ];
}

/** Says from which size on tasks fail, if more do than at the smallest size. */
export function failingSentences(
  { failsFrom, axis, points }: Pick<SweepResult, "failsFrom" | "axis" | "points">,
): string[] {
  if (failsFrom === null) return [];
  const { size, failed, of } = failsFrom;
  const before = points.findLast((point) => point.size < size);
  if (before === undefined) {
    const first = points[0];
    const advice = first !== undefined && isRefused(first)
      ? ` The server refuses so many: deno task advise measures the pace that it allows.`
      : "";
    return [
      `Tasks fail at ${
        sizeText(axis, size)
      } already, ${failed} of ${of}: nothing can be said of sizes ` +
      `until they don't.${advice}`,
    ];
  }
  const most = `: ${sizeText(axis, before.size)} is the most that is borne`;
  return [
    `Tasks fail from ${
      sizeText(axis, size)
    } on, ${failed} of ${of} there${most}. What failed isn't ` +
    `counted as throughput, and neither knee nor laws are taken from there.`,
  ];
}

/** Reasons with their counts and an example of each. */
function reasonsText(of: readonly Partial<Failures>[]): string {
  const { reasons, examples } = sumOfFailures(of);
  const texts = Object.entries(reasons).map(([reason, count]) => {
    const example = examples[reason] === undefined ? [] : [plain(examples[reason])];
    const missing = reason === "NotCapable"
      ? ["a permission is missing: give it with --allow-…"]
      : [];
    const more = [...example, ...missing];
    return `${count} ${plain(reason)}${more.length > 0 ? ` (${more.join("; ")})` : ""}`;
  });
  return texts.join(", ");
}

/** Failures, a sentence for each size or rate that had some. */
export function failureSentences(
  { points, openLoop }: Pick<SweepResult, "points" | "openLoop">,
): string[] {
  const closed = points.flatMap(({ size, rounds }) => {
    const failed = rounds.reduce((sum, round) => sum + round.failed, 0);
    const all = rounds.reduce((sum, round) => sum + round.failed + round.succeeded, 0);
    return failed > 0
      ? [`At ${size}: ${failed} of ${counted(all, "task")} failed: ${reasonsText(rounds)}.`]
      : [];
  });
  const open = openLoop.flatMap((point) => {
    const { ratePerSecond, failed, scheduled } = point;
    return failed > 0
      ? [
        `At ${formatRate(ratePerSecond)}: ${failed} of ${counted(scheduled, "request")} failed: ${
          reasonsText([point])
        }.`,
      ]
      : [];
  });
  return [...closed, ...open];
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

const factorOf = ({ factor }: Forecast) => `${factor.toLocaleString("en")}×`;

function headOf({ size, cores }: Forecast, axis: SweepResult["axis"]): string {
  return cores === null
    ? sizeText(axis, size)
    : `${sizeText(axis, size)} on a machine with as many cores`;
}

/** Says what more of the same would do; forecasts refused for the same reason share a sentence. */
export function forecastSentences(
  { forecasts, axis }: Pick<SweepResult, "forecasts" | "axis">,
): string[] {
  const refused = Map.groupBy(
    forecasts.filter(({ refusal }) => refusal !== null),
    ({ refusal, cores }) => `${cores === null} ${refusal}`,
  );
  return [
    ...forecasts.filter(({ refusal }) => refusal === null).map((forecast) => {
      const { gain, throughputPerSecond: { value, low, high } } = forecast;
      const ratio = gain < 0.1 ? `${formatSmall(gain)}×` : formatRatio(gain);
      return `${factorOf(forecast)}, ${headOf(forecast, axis)}: ${formatRate(value)} ` +
        `(${formatRate(low)} to ${formatRate(high)}), ${ratio} the best measured, if the fit held.`;
    }),
    ...[...refused.values()].map((same) =>
      `${listed(same.map(factorOf))}, ${
        listed(same.map((one) => headOf(one, axis)))
      }: no forecast, ` +
      `since ${same[0]!.refusal}.`
    ),
  ];
}

/** Says how everything is defined. */
export function definitionSentences(
  { points, openLoop }: Pick<SweepResult, "points" | "openLoop">,
): string[] {
  const capital = (text: string) => `${text[0]!.toUpperCase()}${text.slice(1)}.`;
  return [
    ...(points.length > 0
      ? [
        "Latency is a task's time in flight; its quantiles are of all rounds' tasks together, type " +
        "7 of Hyndman and Fan. Efficiency is throughput for each slot or lane against that at the " +
        "smallest size. Starting lanes isn't counted.",
        capital(KNEE_DEFINITION),
        "Laws are fitted to the medians by least squares of relative errors, σ and κ at 0 or above, with " +
        "95% bootstrap intervals. The USL foretells if κ's interval leaves out 0, else Amdahl, with an " +
        "interval that holds what the USL's κ would do; a forecast ends where the CPUs would be full.",
        capital(CRITERION),
      ]
      : []),
    ...(openLoop.length > 0
      ? [
        "Requests are due at even intervals and don't wait for answers. Corrected times count from " +
        "when a request was due; naive ones from when it was really started, which leaves out the " +
        "wait of those held up (coordinated omission, Gil Tene). Quantiles: type 7 of Hyndman and Fan.",
        capital(SUSTAINED_DEFINITION),
      ]
      : []),
  ];
}
