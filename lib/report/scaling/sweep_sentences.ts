/**
 * What a sweep's reports say of its limits and forecasts, and how everything in them is defined.
 *
 * @module
 */

import { BUSY } from "../../scaling/laws/forecast.ts";
import { CRITERION } from "../../scaling/laws/fit_laws.ts";
import { KNEE_DEFINITION } from "../../scaling/laws/knee.ts";
import { SUSTAINED_DEFINITION } from "../../scaling/open_loop/open_loop.ts";
import { counted, formatDuration, formatPercent, formatRatio } from "../../text/format.ts";
import { plain } from "../../text/plain.ts";
import { isRefused } from "../../scaling/analyse.ts";
import { type Failures, sumOfFailures } from "../../timing/failures.ts";
import type { Forecast, SweepResult } from "../../scaling/sweep_result.ts";
import { formatRate, formatSmall, places } from "../../scaling/sweep_words.ts";

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
  const at = places(axis, size);
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
        `Beyond ${places(axis, units)} the curve, and the laws fitted to it, tell of the cores` +
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
        places(axis, size)
      } already, ${failed} of ${of}: nothing can be said of sizes ` +
      `until they don't.${advice}`,
    ];
  }
  const most = `: ${places(axis, before.size)} is the most that is borne`;
  return [
    `Tasks fail from ${
      places(axis, size)
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
    ? places(axis, size)
    : `${places(axis, size)} on a machine with as many cores`;
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
