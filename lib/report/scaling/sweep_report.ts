/** A sweep in sentences and cells; its report for terminal, page and Markdown, with its curve; its rounds as CSV. */

import { AS_GOOD, boundOfShare } from "../../judge/thresholds.ts";
import { isModel, isRemote, MODEL_TABLE, needsServer } from "../../models.ts";
import {
  isRefused,
  KNEE_DEFINITION,
  LITTLE_TOLERANCE,
  recommendedSize,
} from "../../scaling/analyse.ts";
import { CRITERION, type Law, LAW_TITLES, throughputAt } from "../../scaling/laws.ts";
import { BUSY } from "../../scaling/forecast.ts";
import { SUSTAINED_DEFINITION } from "../../scaling/open_loop/open_loop.ts";
import {
  type Fit,
  type Forecast,
  type OpenEstimate,
  type OpenLoopPoint,
  sizeText,
  type SweepPoint,
  type SweepResult,
} from "../../scaling/sweep_result.ts";
import {
  counted,
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
  formatRate,
  formatRatio,
  formatSmall,
  formatSpeedup,
  NO_FIGURE,
} from "../../text/format.ts";
import { plain, sideBySide } from "../../text/plain.ts";
import { type Failures, sumOfFailures } from "../../timing/failures.ts";
import {
  type Block,
  code,
  type Column,
  csv,
  type CsvColumns,
  documentOf,
  footnote,
  heading,
  htmlTable,
  inTerminal,
  lines,
  numberColumn,
  paragraph,
  partialNote,
  properties,
  tableOf,
  together,
} from "../document.ts";
import { figure, type Html, list, type Markup, markup } from "../html/markup.ts";
import { type PagePart, type PartPlace, taskWords } from "../html/page.ts";
import { modelColour } from "../html/style.ts";
import { sentences, type Style } from "../terminal.ts";
import * as chart from "../html/svg.ts";

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

export function kneeSentence({ knee, axis, points, best, failsFrom }: SweepResult): string {
  const [first] = points;
  if (nothingWorked({ points })) return "No knee: no task succeeded.";
  if (failsFrom !== null && failsFrom.size === first?.size) {
    return `No knee: tasks fail at ${sizeText(axis, failsFrom.size)} already.`;
  }
  if (points.length === 1) return `One size was measured, ${sizeText(axis, first!.size)}.`;
  if (knee === null) {
    const largest = points.findLast(({ size }) => size < (failsFrom?.size ?? Infinity))?.size;
    const reached = largest === undefined ? "" : ` up to ${sizeText(axis, largest)}`;
    return best !== null && best.size === largest
      ? `No knee${reached}: throughput was highest there.`
      : `No knee${reached}: the curve has no clear bend.`;
  }
  const range = points.some(({ rounds }) => rounds.length < 2)
    ? "by one round, so it isn't sure"
    : knee.low === knee.high
    ? "the same however rounds are resampled"
    : `${knee.low} to ${knee.high} when rounds are resampled`;
  const at = sizeText(axis, knee.size);
  const bends = `Knee at ${at} (${range}): up to there each pays most, beyond it less.`;
  if (best === null) return bends;
  const most = formatRate(best.throughputPerSecond);
  return `${bends} The best measured was ${most} at ${sizeText(axis, best.size)}.`;
}

function fitSentence(fit: Fit): string {
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
  return `${LAW_TITLES[fit.name]}: ${numbers.join(", ")}; ${ends}; ${quality}.`;
}

/** Says whether Little's law holds, on the worst size if not everywhere; nothing if times are unknown. */
export function littleSentences({ points, axis }: Pick<SweepResult, "points" | "axis">): string[] {
  const checked = points.flatMap(({ size, little }) =>
    little === null ? [] : [{ size, ...little }]
  );
  if (checked.length === 0 || nothingWorked({ points })) return [];
  const broken = checked.filter(({ holds }) => !holds);
  if (broken.length === 0) {
    return [`Little's law N = X·R holds at every size within ${formatPercent(LITTLE_TOLERANCE)}.`];
  }
  // The worst tells most; a line for each would bury it.
  const off = ({ ratio }: { readonly ratio: number }) => Math.abs(ratio - 1);
  const { size, inFlight, slots, meaning } = broken.toSorted((a, b) => off(b) - off(a))[0]!;
  const sizes = broken.map(({ size }) => size).join(", ");
  return [
    `Little's law N = X·R is violated at ${sizes} ${axis}, most at ${size}: ` +
    `X·R = ${formatNumber(inFlight)}, N = ${slots}; ${meaning}.`,
  ];
}

/** Says what one rate's two kinds of times mean. */
export function openLoopSentences({ openLoop }: Pick<SweepResult, "openLoop">): string[] {
  if (openLoop.length === 0) return [];
  const best = openLoop.findLast(({ sustained }) => sustained);
  const lost = openLoop.find(({ sustained }) => !sustained);
  const hidden = ({ corrected, naive }: OpenLoopPoint) => corrected.p99 / Math.max(naive.p99, 1);
  const misled = openLoop.toSorted((a, b) => hidden(b) - hidden(a))[0]!;
  const next = lost === undefined
    ? "; none was too high."
    : `; ${formatRate(lost.ratePerSecond)} is not.`;
  const borne = best === undefined
    ? "No rate was sustained."
    : `The highest rate sustained is ${formatRate(best.ratePerSecond)}${next}`;
  if (hidden(misled) < WORTH_TELLING) return [borne];
  const { ratePerSecond, naive, corrected } = misled;
  return [
    borne,
    `At ${formatRate(ratePerSecond)} the naive p99 of ${formatDuration(naive.p99)} hides ` +
    `${formatDuration(corrected.p99)}: that is coordinated omission.`,
  ];
}

/** From this ratio on what naive times hide is told. */
const WORTH_TELLING = 1.5;

/** Says where computing ends; nothing if CPU times aren't known. */
export function capacitySentences({ capacity, axis, points, forecasts }: SweepResult): string[] {
  if (capacity === null) return [];
  const { by, units, size, cpuMsPerItem, limitPerSecond, computingShare, reached } = capacity;
  const cores = units === 1 ? "its only core" : `this machine's ${units} cores`;
  const busy = `busy ${formatPercent(Math.min(1, capacity.busy))} at ${sizeText(axis, size)}`;
  const spent = `an item takes ${formatDuration(cpuMsPerItem)} of CPU`;
  const most = formatRate(limitPerSecond);
  if (!reached) {
    const [who, them] = by === "cores"
      ? [`${cores} ${units === 1 ? "was" : "were"}`, "them"]
      : ["the event loop was", "it"];
    // Under load an item may cost less, since one turn of the event loop serves several.
    return [`CPU: ${who} ${busy}; ${spent}, at which ${most} would fill ${them}.`];
  }
  const cost = `${spent}, which makes ${most} at most`;
  if (by === "event loop") {
    return [
      `Computing ends at one event loop, ${busy}: more slots can't help, lanes can ` +
      `(--model workers); ${cost}.`,
    ];
  }
  const [one, more] = axis === "lanes" ? ["lane", "lanes"] : ["slot", "slots"];
  const ends = capacity.busy >= BUSY
    ? `Computing ends at ${cores}, ${busy}: more ${more} can't help here; ${cost}.`
    : `Computing ends at ${cores}, for one ${one} alone computes ` +
      `${formatPercent(Math.min(1, computingShare))} of the time: more ${more} can't help here; ` +
      `${cost}. They were ${busy}: other programs, or ${more} that stood empty, took the rest.`;
  if (axis !== "lanes" || (points.at(-1)?.size ?? 0) <= units) return [ends];
  const few = forecasts.some(({ cores }) => cores !== null)
    ? ""
    : ", and there are too few sizes up to there to say what more cores would do";
  return [
    ends,
    `Beyond ${
      sizeText(axis, units)
    } the curve, and the laws fitted to it, tell of the cores${few}.`,
  ];
}

export function failingSentences(
  { failsFrom, axis, points }: Pick<SweepResult, "failsFrom" | "axis" | "points">,
): string[] {
  if (failsFrom === null) return [];
  const at = sizeText(axis, failsFrom.size);
  const share = `${failsFrom.failed} of ${failsFrom.of}`;
  const before = points.findLast(({ size }) => size < failsFrom.size);
  if (before === undefined) {
    const [first] = points;
    const advice = first !== undefined && isRefused(first)
      ? " The server refuses so many: deno task advise measures the pace that it allows."
      : "";
    return [
      `Tasks fail at ${at} already, ${share}: nothing can be said of sizes until they don't.${advice}`,
    ];
  }
  return [
    `Tasks fail from ${at} on, ${share} there: ${
      sizeText(axis, before.size)
    } is the most that is ` +
    `borne. What failed isn't counted as throughput, and neither knee nor laws are taken from there.`,
  ];
}

function reasonsText(of: readonly Partial<Failures>[]): string {
  const { reasons, examples } = sumOfFailures(of);
  return Object.entries(reasons).map(([reason, count]) => {
    const more = [
      ...(examples[reason] === undefined ? [] : [plain(examples[reason])]),
      ...(reason === "NotCapable" ? ["a permission is missing: give it with --allow-…"] : []),
    ];
    return `${count} ${plain(reason)}${more.length > 0 ? ` (${more.join("; ")})` : ""}`;
  }).join(", ");
}

export function failureSentences({ points, openLoop }: Pick<SweepResult, "points" | "openLoop">) {
  const say = (at: string, failed: number, of: string, why: readonly Partial<Failures>[]) =>
    failed === 0 ? [] : [`At ${at}: ${failed} of ${of} failed: ${reasonsText(why)}.`];
  return [
    ...points.flatMap(({ size, rounds }) => {
      const failed = rounds.reduce((sum, round) => sum + round.failed, 0);
      const all = rounds.reduce((sum, round) => sum + round.succeeded, failed);
      return say(String(size), failed, counted(all, "task"), rounds);
    }),
    ...openLoop.flatMap((point) => {
      const of = counted(point.scheduled, "request");
      return say(formatRate(point.ratePerSecond), point.failed, of, [point]);
    }),
  ];
}

const listOf = new Intl.ListFormat("en-GB");

/** Says what more of the same would do; forecasts refused for the same reason share a sentence. */
export function forecastSentences({ forecasts, axis }: Pick<SweepResult, "forecasts" | "axis">) {
  const factorOf = ({ factor }: Forecast) => `${factor.toLocaleString("en")}×`;
  const headOf = ({ size, cores }: Forecast) =>
    sizeText(axis, size) + (cores === null ? "" : " on a machine with as many cores");
  const given = forecasts.filter(({ refusal }) => refusal === null).map((forecast) => {
    const { gain, throughputPerSecond: { value, low, high } } = forecast;
    const ratio = gain < 0.1 ? `${formatSmall(gain)}×` : formatRatio(gain);
    return `${factorOf(forecast)}, ${headOf(forecast)}: ${formatRate(value)} (${formatRate(low)} ` +
      `to ${formatRate(high)}), ${ratio} the best measured, if the fit held.`;
  });
  const refused = Map.groupBy(
    forecasts.filter(({ refusal }) => refusal !== null),
    ({ refusal, cores }) => `${cores === null} ${refusal}`,
  );
  const none = [...refused.values()].map((same) => {
    const [factors, heads] = [factorOf, headOf].map((of) => listOf.format(same.map(of)));
    return `${factors}, ${heads}: no forecast, since ${same[0]!.refusal}.`;
  });
  return [...given, ...none];
}

const capital = (text: string) => `${text[0]!.toUpperCase()}${text.slice(1)}.`;

const DEFINITIONS = [
  "Latency is a task's time in flight; its quantiles are of all rounds' tasks together, type " +
  "7 of Hyndman and Fan. Efficiency is throughput for each slot or lane against that at the " +
  "smallest size. Starting lanes isn't counted.",
  capital(KNEE_DEFINITION),
  "Laws are fitted to the medians by least squares of relative errors, σ and κ at 0 or above, with " +
  "95% bootstrap intervals. The USL foretells if κ's interval leaves out 0, else Amdahl, with an " +
  "interval that holds what the USL's κ would do; a forecast ends where the CPUs would be full.",
  capital(CRITERION),
];

const OPEN_LOOP_DEFINITIONS = [
  "Requests are due at even intervals and don't wait for answers. Corrected times count from " +
  "when a request was due; naive ones from when it was really started, which leaves out the " +
  "wait of those held up (coordinated omission, Gil Tene). Quantiles: type 7 of Hyndman and Fan.",
  capital(SUSTAINED_DEFINITION),
];

function definitionSentences({ points, openLoop }: SweepResult): string[] {
  return [
    ...(points.length > 0 ? DEFINITIONS : []),
    ...(openLoop.length > 0 ? OPEN_LOOP_DEFINITIONS : []),
  ];
}

function lawSentences({ fits, chosen }: SweepResult): string[] {
  return fits.toSorted((a, b) => Number(b.name === chosen) - Number(a.name === chosen))
    .map(fitSentence);
}

/** Says how many of a person's own items every size ran, where these weren't all. */
export function itemsSentences({ job: { options, total }, axis }: SweepResult): string[] {
  const { items } = options;
  if (typeof items !== "number" || axis === "rate" || items === total) return [];
  const of = total === undefined ? "" : `of ${formatCount(total)} `;
  return [`Every size ran the same ${formatCount(items)} ${of}items.`];
}

function whatFollows(result: SweepResult): string[] {
  return [itemsSentences, failingSentences, capacitySentences, lawSentences, forecastSentences]
    .flatMap((sentences) => sentences(result)).concat(littleSentences(result));
}

export function sizeColumns(axis: SweepResult["axis"]): Column<SweepPoint>[] {
  const time = (of: "median" | "p95" | "p99") => ({ latencyMs }: SweepPoint) =>
    formatDuration(latencyMs?.[of] ?? NaN);
  const interval = ({ throughputPerSecond: { low, high } }: SweepPoint) =>
    high > 0 ? `${formatNumber(low)}–${formatNumber(high)}` : NO_FIGURE;
  return [
    // A blank under the sign that a size was added, so that figures stand below each other.
    { head: `${axis} `, cell: ({ size, refined }) => `${size}${refined ? "+" : " "}` },
    numberColumn("items/s", 0, ({ throughputPerSecond: { median } }) => formatNumber(median)),
    numberColumn("95%", 1, interval, { longHead: "95% interval" }),
    numberColumn("median", 2, time("median")),
    numberColumn("p95", 4, time("p95")),
    numberColumn("p99", 3, time("p99")),
    numberColumn("efficiency", 0, ({ efficiency }) => formatPercent(efficiency)),
  ];
}

/** Requests without an answer took longer than the time they are counted with, hence the ≥. */
function correctedP99({ corrected, unanswered, unstarted }: OpenLoopPoint): string {
  return (unanswered + unstarted > 0 ? "≥" : "") + formatDuration(corrected.p99);
}

const RATE_COLUMNS: readonly Column<OpenLoopPoint>[] = [
  numberColumn("due/s", 0, ({ ratePerSecond }) => formatNumber(ratePerSecond)),
  numberColumn("done/s", 0, ({ achievedPerSecond }) => formatNumber(achievedPerSecond)),
  numberColumn("naive p50", 4, ({ naive }) => formatDuration(naive.median)),
  numberColumn("p99", 3, ({ naive }) => formatDuration(naive.p99), { longHead: "naive p99" }),
  numberColumn("corrected p50", 2, ({ corrected }) => formatDuration(corrected.median)),
  numberColumn("p99", 0, correctedP99, {
    longHead: "corrected p99",
    // Once the column before it goes, its head must say what it is.
    short: { head: "corrected p99", cell: correctedP99, order: 2.5 },
  }),
  numberColumn("backlog", 1, ({ backlogAtEnd }) => String(backlogAtEnd)),
  numberColumn("kept up", 0, ({ sustained }) => sustained ? "yes" : "no"),
];

/** The line of code of a size; one slot on this event loop is the plain loop. */
function codeOf(
  { model, axis }: Pick<SweepResult, "model" | "axis">,
  { lanes, slots }: SweepPoint,
): string {
  if (lanes * slots === 1 && !isRemote(model)) return "await using executor = sequential();";
  const size = axis === "slots"
    ? `slots: ${slots}`
    : `lanes: ${lanes}${slots > 1 ? `, slots: ${slots}` : ""}`;
  const where = isModel(model) && needsServer(model) ? "servers, " : "";
  return `await using executor = ${model}({ ${where}${size} });`;
}

/** Why no larger size is to be taken, whatever it gains; undefined if one may be. */
function whyStay({ axis, differsAt, orderMatters, otherWork }: SweepResult): string | undefined {
  if (differsAt !== undefined) {
    return `with ${sizeText(axis, differsAt)} the same items gave other results. A task's result ` +
      `depends on which others run beside or before it: keep no state outside the task; ` +
      `deno task advise says more.`;
  }
  if (orderMatters) {
    return "the results differ once the items run from last to first, one by one. A task's result " +
      "depends on which ran before it, so that any other order gives other results: give each task " +
      "all it needs in its item.";
  }
  if (otherWork === undefined) return undefined;
  const took = otherWork < 1
    ? `${formatRatio(1 / otherWork)} as fast`
    : `${formatRatio(otherWork)} as long`;
  return `the trials were not the job that was sampled. One by one the same items took ${took} as ` +
    `before them: work that was done once may be skipped, or grow. Export a function reset() that ` +
    `brings the first state back.`;
}

/** Why advice, which compares models, may take another; nothing where no reason was seen. */
function whyAdviceDiffers(
  { axis, points, failsFrom, computingShare }: SweepResult,
  { size, lanes, slots, throughputPerSecond: { median } }: SweepPoint,
): string {
  const largest = points.at(-1)!;
  if (
    axis === "slots" && size > points[0]!.size && size < largest.size && failsFrom === null &&
    AS_GOOD * largest.throughputPerSecond.median >= median
  ) {
    const all = sizeText(axis, largest.size);
    return ` It may take concurrent, all at once, which is simpler: ${all} did as well, but fewer ` +
      `ask less of what they wait for.`;
  }
  if (computingShare === undefined || boundOfShare(computingShare) !== "mixed") return "";
  const share = formatPercent(computingShare);
  return lanes > 1 && slots > 1
    ? ""
    : ` It may take lanes with slots on each, for the tasks compute ${share} of their time and ` +
      `wait the rest (--lanes 1,2,4 --slots 8 sweeps them).`;
}

/** Says which size to take, the line of code that does last; nothing if no size ran without failures. */
export function takeLines(result: SweepResult): string[] {
  const { axis, points, failsFrom } = result;
  const [first] = points;
  if (first === undefined || failsFrom?.size === first.size) return [];
  const at = ({ size }: SweepPoint) => sizeText(axis, size);
  const stay = whyStay(result);
  if (stay !== undefined) return [`Stay at ${at(first)}: ${stay}`, codeOf(result, first)];
  const found = nothingWorked(result) ? undefined : recommendedSize(result);
  if (found === undefined) return [];
  const { point, gain, largerGainsLittle, mayGainMore, unsure, impossible } = found;
  if (impossible !== undefined) {
    const seen = `${formatSpeedup(impossible.gain)} at ${at(impossible.point)}`;
    const most = formatRatio(Math.max(1, impossible.most));
    return [
      `${seen} can't be right: ${most} is the most that it can give. The smallest size was slower than ` +
      `need be: end other programs, and sweep it again, with more --rounds.`,
    ];
  }
  const smallest = points.toSorted((a, b) => a.size - b.size)[0]!;
  const unclear = unsure && `${at(unsure.point)}: ${formatSpeedup(unsure.gain)}`;
  const doubt = unclear ? ` (${unclear}, an interval that spans 1; more rounds tell)` : "";
  const why = gain === null
    ? largerGainsLittle
      ? `: no larger size is detectably faster${doubt}`
      : failsFrom === null
      ? ""
      : `: tasks fail from ${sizeText(axis, failsFrom.size)} on`
    : `: ${formatSpeedup(gain)} as much as ${at(smallest)}` +
      (largerGainsLittle ? ", and no larger size gains surely more" : "");
  const model = plain(result.model);
  const isUsual = !isModel(model) || MODEL_TABLE[model].isUsual;
  const { task, latencyMs } = result.job.options;
  const builtIn = task !== undefined ? "cpu" : latencyMs !== undefined ? "io" : undefined;
  const others = builtIn === undefined && !isUsual
    ? "a sweep under --model workers shows what lanes gain"
    : `deno task ${builtIn ?? "advise"}${isUsual ? "" : ` --models sequential,workers,${model}`} ` +
      `compares it with the other models`;
  const best = points.length === 1
    ? "No other size was measured"
    : mayGainMore
    ? `That is the largest size of ${model} that was measured, and larger ones may gain more`
    : `That is the best of the sizes of ${model} that were measured`;
  return [
    `Take ${at(point)}${why}. ${best}; ${others}.` +
    (builtIn === undefined && isUsual ? whyAdviceDiffers(result, point) : ""),
    codeOf({ axis, model }, point),
  ];
}

export function anyFailed(result: SweepResult): boolean {
  return failureSentences(result).length > 0;
}

function roundsText({ points, openLoop }: SweepResult): string {
  const counts = [...points.map(({ rounds }) => rounds.length), ...openLoop.map((p) => p.rounds)];
  const [least, most] = [Math.min(...counts), Math.max(0, ...counts)];
  return least < most ? `${least} to ${most} rounds` : counted(most, "round");
}

export function sweepReport(result: SweepResult): Block {
  const { job, model, why, axis, points, openLoop, warnings, partial, environment } = result;
  const title = `${job.name}: ${model} by ${axis}, ${roundsText(result)}, each trial in a fresh ` +
    `process${why === undefined ? "" : `; ${why}`}`;
  const take = takeLines(result);
  const curve = points.length === 0 ? [] : [
    inTerminal(({ columns }) => nothingWorked(result) ? "" : chartText(result, columns)),
    together(
      tableOf(sizeColumns(axis), points),
      paragraph(points.some(({ refined }) => refined) ? "+ added around the bend" : ""),
      lines(itemsSentences(result)),
    ),
    together(
      paragraph(kneeSentence(result), "heading", "  "),
      lines([...failingSentences(result), ...capacitySentences(result)], "heading"),
    ),
    {
      text: (style: Style) => sentences(take, style, "good"),
      markdown: documentOf(
        take.map((text, i) => i < take.length - 1 ? paragraph(text) : code([plain(text)])),
      ).markdown,
    },
    lines([...lawSentences(result), ...littleSentences(result)]),
    lines(forecastSentences(result)),
  ];
  return documentOf([
    heading(title, "  "),
    paragraph(points.length + openLoop.length === 0 ? "Nothing was measured." : ""),
    ...curve,
    ...(openLoop.length === 0 ? [] : [tableOf(RATE_COLUMNS, openLoop)]),
    lines(openLoopSentences(result), "heading"),
    together(
      lines(failureSentences(result).map((text) => `Failed: ${text}`), "bad"),
      lines(warnings.map((text) => `Warning: ${text}`), "warning"),
      partialNote(partial),
    ),
    footnote(environment, definitionSentences(result)),
  ]);
}

const ROWS = 14;

/** From this ratio of the largest to the smallest size on, their axis is logarithmic. */
const LOG_FROM = 8;

/** What a plot may hold, the later drawn over the earlier. */
const MARKS = { full: "=", ideal: "'", fit: ".", interval: "|", point: "o", knee: "K" } as const;

/** The law that forecasts use, with its best values, and whether it suits; null if nothing was fitted. */
function chosenLaw({ chosen, fits }: SweepResult) {
  const fit = fits.find(({ name }) => name === chosen);
  if (fit === undefined) return null;
  const { lambda, sigma, kappa, refusal } = fit;
  const law: Law = { lambda: lambda.value, sigma: sigma.value, kappa: kappa.value };
  return { ...law, suits: refusal === null };
}

/** What both drawings of a curve hold besides its points. */
function drawnBesides(result: SweepResult) {
  const { points, capacity } = result;
  const full = capacity?.reached ? capacity : null;
  const heights = points.map(({ throughputPerSecond: { median, high } }) =>
    Math.min(high, 1.5 * median)
  );
  return {
    law: chosenLaw(result),
    full,
    perPlace: points[0]!.throughputPerSecond.median / points[0]!.size,
    top: Math.max(full?.limitPerSecond ?? 0, ...heights),
    low: points[0]!.size,
    high: points.at(-1)!.size,
  };
}

/** A round number at or above a value, for the end of an axis. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((x) => x * power >= value * (1 - 1e-9));
  return (step ?? 10) * power;
}

/** Labels at their places on one line; one that would touch the label before it is left out. */
function axisLine(labels: readonly { at: number; text: string }[], columns: number): string {
  let line = "";
  for (const { at, text } of labels) {
    const from = Math.max(0, Math.min(columns - text.length, at - Math.floor(text.length / 2)));
    if (line !== "" && from <= line.length) continue;
    line = line.padEnd(from) + text;
  }
  return line;
}

/**
 * Draws throughput against slots or lanes: `o` a median, `|` its interval, `.` the fitted law, `'` what
 * perfect scaling would be, `K` the knee, `=` where computing ends. With fewer than two points it is
 * empty.
 */
export function chartText(result: SweepResult, columns: number): string {
  const { points, knee, axis } = result;
  if (points.length < 2) return "";
  const { law, full, perPlace, low, high, ...besides } = drawnBesides(result);
  const top = roundUp(Math.max(besides.top, 1e-9));
  // Clamped to the plot, since an edited file's interval may end anywhere.
  const rowOf = (value: number) =>
    Math.max(-1, Math.min(ROWS, ROWS - 1 - Math.round(value / top * (ROWS - 1))));
  const labels = new Map([top, top / 2, 0].map((value) => [rowOf(value), formatNumber(value)]));
  const margin = Math.max(...[...labels.values()].map(({ length }) => length)) + 2;
  const width = Math.max(40, columns) - margin - 1;
  const log = high / low >= LOG_FROM;
  const scale = log ? Math.log2 : (x: number) => x;
  const columnOf = (size: number) =>
    Math.round((scale(size) - scale(low)) / (scale(high) - scale(low)) * (width - 1));
  const plot = Array.from({ length: ROWS }, () => Array<string>(width).fill(" "));
  const set = (column: number, row: number, mark: string) => {
    if (column >= 0 && column < width && plot[row] !== undefined) plot[row][column] = mark;
  };
  for (let column = 0; column < width; column++) {
    const at = scale(low) + column / (width - 1) * (scale(high) - scale(low));
    const size = log ? 2 ** at : at;
    if (full !== null) set(column, rowOf(full.limitPerSecond), MARKS.full);
    // Every other column, so that it doesn't look like the fit.
    if (column % 2 === 0) set(column, rowOf(perPlace * size), MARKS.ideal);
    if (law !== null) set(column, rowOf(throughputAt(law, size)), MARKS.fit);
  }
  for (const { size, throughputPerSecond: { median, low, high } } of points) {
    const column = columnOf(size);
    for (let row = rowOf(high); row <= rowOf(low); row++) set(column, row, MARKS.interval);
    set(column, rowOf(median), size === knee?.size ? MARKS.knee : MARKS.point);
  }
  const body = plot.map((line, row) => {
    const label = (labels.get(row) ?? "").padStart(margin - 2);
    return `${label} ${labels.has(row) ? "+" : "|"}${line.join("")}`.trimEnd();
  });
  const sizes = points.map(({ size }) => ({ at: columnOf(size), text: String(size) }));
  const key = [
    `${axis}${log ? " (log)" : ""}:`,
    `${MARKS.point} median, ${MARKS.interval} 95%`,
    ...(law === null ? [] : [`${MARKS.fit} ${law.suits ? "fit" : "bad fit"}`]),
    ...(knee === null ? [] : [`${MARKS.knee} knee`]),
    `${MARKS.ideal} perfect`,
    ...(full === null ? [] : [`${MARKS.full} ${full.by === "cores" ? "cores" : "loop"} full`]),
  ];
  const indent = " ".repeat(margin);
  return [
    "items/s",
    ...body,
    `${" ".repeat(margin - 1)}+${"-".repeat(width)}`,
    indent + axisLine(sizes, width),
    ...sideBySide(key, columns - margin, "  ").map((line) => indent + line),
  ].join("\n");
}

type ClosedRow =
  & Omit<SweepPoint, "throughputPerSecond" | "rounds">
  & SweepPoint["rounds"][number]
  & { readonly axis: string };

/** Latencies' quantiles and efficiency are those of the size, the same in each of its rounds. */
const CLOSED_COLUMNS: CsvColumns<ClosedRow> = {
  ...properties("axis", "size", "lanes", "slots", "refined", "round", "startMs", "runMs", "cpuMs"),
  ...properties("succeeded", "failed", "throughputPerSecond", "meanLatencyMs"),
  medianLatencyMs: ({ latencyMs }) => latencyMs?.median,
  p95LatencyMs: ({ latencyMs }) => latencyMs?.p95,
  p99LatencyMs: ({ latencyMs }) => latencyMs?.p99,
  ...properties("efficiency"),
};

const OPEN_COLUMNS: CsvColumns<OpenLoopPoint> = {
  ...properties("ratePerSecond", "durationMs", "rounds", "scheduled", "succeeded", "failed"),
  ...properties("unanswered", "unstarted", "achievedPerSecond"),
  correctedMedianMs: ({ corrected }) => corrected.median,
  correctedP95Ms: ({ corrected }) => corrected.p95,
  correctedP99Ms: ({ corrected }) => corrected.p99,
  correctedMaxMs: ({ corrected }) => corrected.max,
  naiveMedianMs: ({ naive }) => naive.median,
  naiveP95Ms: ({ naive }) => naive.p95,
  naiveP99Ms: ({ naive }) => naive.p99,
  naiveMaxMs: ({ naive }) => naive.max,
  ...properties("mostWaiting", "backlogAtEnd", "sustained"),
};

export function sweepCsv(
  { axis, points, openLoop }: Pick<SweepResult, "axis" | "points" | "openLoop">,
): string {
  if (axis === "rate") return csv(OPEN_COLUMNS, openLoop);
  return csv(
    CLOSED_COLUMNS,
    points.flatMap((of) => of.rounds.map((round) => ({ axis, ...of, ...round }))),
  );
}

function curveSection(result: SweepResult, id: string): Html {
  const { points, axis, chosen } = result;
  const law = chosenLaw(result);
  const figures = htmlTable(`Throughput and latency by ${axis}`, sizeColumns(axis), points);
  const dashed = isExtrapolated(result) ? ", dashed where nothing was measured" : "";
  const suits = law?.suits ? "" : ", which doesn't suit";
  const shown = points.length < 2 || nothingWorked(result) ? figures : figure({
    id: `${id}-curve`,
    title: `Throughput by ${axis}`,
    lead: [
      "Dots are medians of the rounds, fine lines their 95% intervals; dotted is what perfect scaling " +
      "would be.",
      points.some(({ refined }) => refined) &&
      " In the table a + marks sizes that were added around the bend.",
      chosen !== null &&
      ` The line is ${chosen === "usl" ? "the " : ""}${LAW_TITLES[chosen]}${dashed}${suits}.`,
    ],
    draw: (width) => drawSweep(result, width),
    table: figures,
  });
  const found = list([...takeLines(result), ...whatFollows(result)]);
  return markup`<p class="verdict">${kneeSentence(result)}</p>${shown}${found}`;
}

function openLoopSection(result: SweepResult, id: string): Html {
  const figures = htmlTable("Response times by rate", RATE_COLUMNS, result.openLoop);
  const shown = result.openLoop.length < 2 ? figures : figure({
    id: `${id}-times`,
    title: "Response times by rate",
    lead: markup`Requests are due on schedule. <b>Corrected</b> counts from when a request was due,
      <b>naive</b> from when it was really started; the axis of times is logarithmic.`,
    draw: (width) => drawOpenLoop(result, width),
    table: figures,
  });
  const found = openLoopSentences(result).join(" ");
  return markup`<p class="verdict">${found}</p>${shown}`;
}

export function sweepPart(result: SweepResult, { id, alone }: PartPlace): PagePart {
  const { job, model, axis, points, openLoop, why } = result;
  const title = `${job.name}: ${model} by ${axis}`;
  const heading = openLoop.length > 0 ? "What it bears on schedule" : "How far it scales";
  const failed = failureSentences(result).map((text) => `Failed: ${text}`);
  const notices = list([...failed, ...result.warnings], "notices");
  const [found = "Nothing was measured."] = points.length > 0
    ? [kneeSentence(result)]
    : openLoopSentences(result);
  const html = points.length > 0
    ? curveSection(result, id)
    : openLoop.length > 0
    ? openLoopSection(result, id)
    : markup`<p>${found}</p>`;
  return {
    title,
    headlines: [{ id, name: `Scaling of ${job.name} by ${axis}`, text: found }],
    sections: [{
      id,
      title: alone ? heading : `${heading}: ${title}`,
      html: markup`${notices}${html}`,
    }],
    jobs: [[
      markup`<b>${job.name}</b>, ${model} by ${axis}${why !== undefined && `; ${why}`}. `,
      taskWords(job.task, job.options),
    ]],
    name: `Scaling of ${job.name}`,
    method: {
      name: axis === "rate" ? "How load on schedule is measured" : "How scaling is measured",
      html: list(definitionSentences(result)),
    },
  };
}

/** A fit that forecasts rest on is drawn up to this many times the largest size. */
const BEYOND = 10;
const STEPS = 120;

/** Whether the fit is drawn beyond what was measured: where it gives a forecast for this machine. */
function isExtrapolated({ forecasts }: SweepResult): boolean {
  return forecasts.some(({ factor, cores, refusal }) =>
    factor === BEYOND && cores === null && refusal === null
  );
}

const TOP = 26;
const LEFT = 56;
const RED = { fill: "var(--bad)", ...chart.HALO } as const;

/** The frame of both charts: marks between a left and a lower axis. */
function framed(
  width: number,
  name: Parameters<typeof chart.svg>[2],
  { ends: [xEnds, yEnds], isLog: [xLog, yLog], right, labels: [xLabel, yLabel], xTicks }: {
    readonly ends: readonly [x: readonly [number, number], y: readonly [number, number]];
    readonly isLog: readonly [x: boolean, y: boolean];
    readonly right: number;
    readonly labels: readonly [x: string, y: string];
    readonly xTicks: (x: chart.Scale) => readonly number[];
  },
  marks: (x: chart.Scale, y: chart.Scale) => Markup,
): Html {
  const height = chart.isWide(width) ? 380 : 280;
  const [end, bottom] = [width - right, height - 40];
  const x = chart.scale(xEnds, [LEFT, end], xLog);
  const y = chart.scale(yEnds, [bottom, TOP], yLog);
  const levels = chart.ticksOf(y, 5);
  return chart.svg(width, height, name, [
    levels.map((at) => chart.line(LEFT, y(at), end, y(at), { stroke: "var(--line)" })),
    chart.marks("ticks", levels, (at) => {
      return chart.text(axisNumber(at), LEFT - 6, y(at), { textAnchor: "end" });
    }),
    chart.axis(x, bottom, xTicks(x), axisNumber),
    chart.text(`↑ ${yLabel}`, 2, 8),
    chart.text(`${xLabel} →`, end, height - 8, { textAnchor: "end" }),
    marks(x, y),
  ]);
}

export function drawSweep(result: SweepResult, width: number): Html {
  const { points, axis, model, knee } = result;
  const { law, full, perPlace, low, high, ...besides } = drawnBesides(result);
  const trusted = law !== null && isExtrapolated(result);
  const end = trusted ? high * BEYOND : high;
  const isLog = end / low >= LOG_FROM;
  const sizes = chart.scale([low, end], [0, STEPS], isLog);
  const along = (from: number, to: number, at: (size: number) => number) =>
    Array.from({ length: STEPS + 1 }, (_, i) => {
      const place = sizes(from) + (sizes(to) - sizes(from)) * i / STEPS;
      return [sizes.invert(place), at(sizes.invert(place))] as const;
    });
  const fit = law === null ? [] : along(low, high, (size) => throughputAt(law, size));
  const beyond = trusted ? along(high, end, (size) => throughputAt(law, size)) : [];
  const top = 1.05 * Math.max(besides.top, ...[...fit, ...beyond].map(([_, rate]) => rate));
  const ideal = along(low, Math.min(end, top / perPlace), (size) => perPlace * size);
  const line = { stroke: modelColour(model.split(",")[0]!), strokeWidth: 2 };
  const bend = points.find(({ size }) => size === knee?.size)?.size;
  const wide = chart.isWide(width);
  const rates = points.map(({ size, throughputPerSecond: { median } }) =>
    `${size}: ${formatRate(median)}`
  );
  return framed(width, {
    title: `Throughput by ${axis}`,
    description: `${rates.join("; ")}. ${kneeSentence(result)}`,
  }, {
    ends: [[low, end], [0, top]],
    isLog: [isLog, false],
    right: 18,
    labels: [axis, "items a second"],
    xTicks: () => isLog ? sizeTicks(low, end, wide) : points.map(({ size }) => size),
  }, (x, y) => {
    const path = (of: readonly (readonly [number, number])[], look: chart.Look) =>
      chart.curve(of.map(([size, rate]) => [x(size), y(rate)]), look);
    const isLeft = bend !== undefined && bend ** 2 < low * end;
    return [
      full && [
        chart.line(LEFT, y(full.limitPerSecond), width - 18, y(full.limitPerSecond), {
          stroke: "var(--bad)",
          strokeDasharray: "2 3",
        }),
        chart.marks(
          "full",
          [full.by === "cores" ? "all cores full" : "event loop full"],
          (words) => {
            return chart.text(words, width - 18, y(full.limitPerSecond) - 8, {
              ...RED,
              textAnchor: "end",
            });
          },
        ),
      ],
      path(ideal, { stroke: "var(--soft)", strokeDasharray: "1 4" }),
      path(fit, {
        ...line,
        ...(law?.suits === false && { strokeOpacity: 0.35, class: "bad-fit" }),
      }),
      path(beyond, { ...line, strokeDasharray: "7 5", class: "extrapolation" }),
      // Words stand beside the line and below the curve, where nothing else is drawn.
      bend !== undefined && chart.group("knee", [
        chart.line(x(bend), TOP, x(bend), y(0), chart.LIMIT),
        chart.text(`knee at ${bend}`, x(bend) + (isLeft ? 6 : -6), y(0) - 12, {
          ...RED,
          ...chart.STRONG,
          textAnchor: isLeft ? "start" : "end",
        }),
      ]),
      points.map(({ size, throughputPerSecond: { low, high } }) =>
        chart.line(x(size), y(Math.min(low, top)), x(size), y(Math.min(high, top)), chart.FINE)
      ),
      chart.marks("sizes", points, ({ size, throughputPerSecond, refined }) => {
        const { median, low, high } = throughputPerSecond;
        const title = [
          `${size} ${axis}: ${formatRate(median)}`,
          `95%: ${formatRate(low)} to ${formatRate(high)}`,
          ...(refined ? ["added around the bend"] : []),
          ...(size === bend ? ["the knee"] : []),
        ].join("\n");
        const look = { fill: line.stroke, stroke: "var(--paper)", title };
        return chart.dot(x(size), y(median), 4.5, look);
      }),
    ];
  });
}

/** Draws the 99th percentile of response times against the rate, corrected and naive. */
function drawOpenLoop({ openLoop }: SweepResult, width: number): Html {
  const rates = openLoop.map(({ ratePerSecond }) => ratePerSecond);
  const kinds = [
    { name: "corrected", colour: "var(--bad)", dash: undefined, dy: -7 },
    { name: "naive", colour: "var(--soft)", dash: "6 4", dy: 7 },
  ] as const;
  const lines = kinds.map(({ name, ...look }) => ({
    ...look,
    name,
    rows: openLoop.map(({ ratePerSecond: rate, [name]: { p99 } }) => ({
      rate,
      // A logarithmic axis has no 0.
      ms: Math.max(p99, 0.01),
      title: `${formatRate(rate)}, ${name} p99: ${formatNumber(p99)} ms`,
    })),
  }));
  const times = lines.flatMap(({ rows }) => rows.map(({ ms }) => ms));
  return framed(width, {
    title: "99th percentile of response times by rate",
    description: lines.flatMap(({ rows }) => rows.map(({ title }) => title)).join("; "),
  }, {
    ends: [[Math.min(...rates), Math.max(...rates)], [Math.min(...times), Math.max(...times)]],
    isLog: [false, true],
    right: 84,
    labels: ["requests due a second", "p99 in ms"],
    xTicks: (x) => rates.length <= (chart.isWide(width) ? 10 : 4) ? rates : chart.ticksOf(x, 4),
  }, (x, y) =>
    lines.map(({ name, rows, colour, dash, dy }) => [
      chart.curve(rows.map(({ rate, ms }) => [x(rate), y(ms)]), {
        stroke: colour,
        strokeWidth: 2,
        strokeDasharray: dash,
      }),
      chart.marks(name, rows, ({ rate, ms, title }) =>
        chart.dot(x(rate), y(ms), 4, { fill: colour, title })),
      // Where both are the same the words would lie upon each other.
      rows.slice(-1).map(({ rate, ms }) =>
        chart.text(name, x(rate) + 10, y(ms) + dy, chart.STRONG)
      ),
    ]));
}

/** At the powers of two, or only at every other where it is narrow. */
function sizeTicks(low: number, high: number, wide: boolean): number[] {
  const ticks: number[] = [];
  for (let size = 1; size <= high; size *= wide ? 2 : 4) if (size >= low) ticks.push(size);
  return ticks;
}

/** A number on an axis: whole ones without the decimals that tables give them. */
function axisNumber(value: number): string {
  return Number.isInteger(value) && value < 10_000 ? String(value) : formatNumber(value);
}
