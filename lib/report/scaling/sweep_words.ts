/** A sweep in sentences: its knee, its laws, the limit of the CPUs, what failed, which size to take. */

import { mostSaved } from "../../judge/choose.ts";
import { AS_GOOD, boundOfShare, LITTLE_MS } from "../../judge/thresholds.ts";
import { isModel, MODEL_TABLE, needsKernel, needsServer } from "../../models.ts";
import {
  bornePoints,
  isRefused,
  KNEE_DEFINITION,
  LITTLE_TOLERANCE,
  type RecommendedSize,
  recommendedSize,
} from "../../scaling/analyse.ts";
import { CRITERION, LAW_TITLES } from "../../scaling/laws.ts";
import { BUSY_SHARE } from "../../scaling/forecast.ts";
import { SUSTAINED_DEFINITION } from "../../scaling/open_loop.ts";
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
  capitalized,
  counted,
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
  formatRate,
  formatRatio,
  formatSmall,
  formatSpeedup,
} from "../../text/format.ts";
import { plain } from "../../text/plain.ts";
import { isBusy } from "../../timing/meter/meter.ts";
import { type Failures, sumOfFailures } from "../../timing/failures.ts";

const NO_BOUND = 1e6;

function open(
  { value, low, high }: OpenEstimate,
  format: (value: number) => string,
  isChecked: boolean,
): string {
  // An end of the interval above NO_BOUND times the value counts as no bound.
  const one = (x: number | null) =>
    x === null || (value !== null && x > NO_BOUND * value) ? "no bound" : format(x);
  return one(value) + (isChecked ? ` (${one(low)} to ${one(high)})` : "");
}

/** Whether all tasks failed at every size, so that times and throughputs say nothing. */
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
  // If no size is left to check the numbers against, an interval would claim too much.
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

/** Says that Little's law holds, or where it is violated most; nothing if times are unknown. */
export function littleSentences({ points, axis }: Pick<SweepResult, "points" | "axis">): string[] {
  const borne = bornePoints(points);
  const checked = borne.flatMap(({ size, little }) => little === null ? [] : [{ size, ...little }]);
  if (checked.length === 0 || nothingWorked({ points })) return [];
  const broken = checked.filter(({ holds }) => !holds);
  if (broken.length === 0) {
    const sizes = borne.length < points.length ? "every size that is borne," : "every size";
    return [`Little's law N = X·R holds at ${sizes} within ${formatPercent(LITTLE_TOLERANCE)}.`];
  }
  // Only the worst size is described: a line for each would hide it.
  const off = ({ ratio }: { readonly ratio: number }) => Math.abs(ratio - 1);
  const { size, inFlight, slots, meaning } = broken.toSorted((a, b) => off(b) - off(a))[0]!;
  const sizes = sizeText(axis, ...broken.map(({ size }) => size)) +
    (broken.length === 1 ? "" : `, most at ${size}`);
  return [
    `Little's law N = X·R is violated at ${sizes}: ` +
    `X·R = ${formatNumber(inFlight)}, N = ${slots}; ${meaning}.`,
  ];
}

/** Says the highest rate sustained, and at which rate naive times hide most of the latency. */
export function openLoopSentences({ openLoop }: Pick<SweepResult, "openLoop">): string[] {
  if (openLoop.length === 0) return [];
  const best = openLoop.findLast(({ sustained }) => sustained);
  const lost = openLoop.find(({ sustained }) => !sustained);
  const hidden = ({ corrected, naive }: OpenLoopPoint) => corrected.p99 / Math.max(naive.p99, 1);
  const misled = openLoop.toSorted((a, b) => hidden(b) - hidden(a))[0]!;
  const next = lost === undefined
    ? "; none was too high."
    : `; ${formatRate(lost.ratePerSecond)} is not.`;
  const { ratePerSecond, naive, corrected, unanswered, unstarted } = misled;
  const least = unanswered + unstarted > 0 ? "at least " : "";
  return [
    best === undefined
      ? "No rate was sustained."
      : `The highest rate sustained is ${formatRate(best.ratePerSecond)}${next}`,
    hidden(misled) >= WORTH_TELLING &&
    `At ${formatRate(ratePerSecond)} the naive p99 of ${formatDuration(naive.p99)} hides ` +
      `${least}${formatDuration(corrected.p99)}: that is coordinated omission.`,
  ].filter((sentence) => sentence !== false);
}

/** A corrected p99 of at least this many times the naive one is reported. */
const WORTH_TELLING = 1.5;

/** Says at which throughput the cores or the event loop are full; nothing if CPU times aren't known. */
export function capacitySentences({ capacity, axis, points }: SweepResult): string[] {
  if (capacity === null) return [];
  const { by, units, size, cpuMsPerItem, limitPerSecond, computingShare, reached } = capacity;
  const [cores, them, theyWere] = units === 1
    ? ["its only core", "it", "It was"]
    : [`this machine's ${units} cores`, "them", "They were"];
  const busy = `busy ${formatPercent(Math.min(1, capacity.busy))} at ${sizeText(axis, size)}`;
  const run = points.some(({ rounds }) =>
    rounds.some(({ programsMs = 0, runCpuMs }) => programsMs > (runCpuMs ?? 0))
  );
  const programs = by === "cores" && run ? " with the programs that it runs" : "";
  const spent = `an item takes ${formatDuration(cpuMsPerItem)} of CPU${programs}`;
  const most = formatRate(limitPerSecond);
  if (!reached) {
    const [who, full] = by === "cores"
      ? [`${cores} ${units === 1 ? "was" : "were"}`, them]
      : ["the event loop was", "it"];
    // Under load an item may cost less, since one turn of the event loop serves several.
    return [`CPU: ${who} ${busy}; ${spent}, at which ${most} would fill ${full}.`];
  }
  const cost = `${spent}, which makes ${most} at most`;
  if (by === "event loop") {
    return [
      `Computing ends at one event loop, ${busy}: more slots can't help, lanes can ` +
      `(--model workers); ${cost}.`,
    ];
  }
  const [one, more] = axis === "lanes" ? ["lane", "lanes"] : ["slot", "slots"];
  const isBeyond = axis === "lanes" && (points.at(-1)?.size ?? 0) > units;
  return [
    capacity.busy >= BUSY_SHARE
      ? `Computing ends at ${cores}, ${busy}: more ${more} can't help here; ${cost}.`
      : `Computing ends at ${cores}, for one ${one} alone computes ` +
        `${
          formatPercent(Math.min(1, computingShare))
        } of the time: more ${more} can't help here; ` +
        `${cost}. ${theyWere} ${busy}: other programs, or ${more} that stood empty, took the rest.`,
    isBeyond &&
    `Beyond ${sizeText(axis, units)} the curve, and the laws fitted to it, tell of the cores.`,
  ].filter((sentence) => sentence !== false);
}

export function failingSentences(
  { failsFrom, axis, points }: Pick<SweepResult, "failsFrom" | "axis" | "points">,
): string[] {
  if (failsFrom === null) return [];
  const at = sizeText(axis, failsFrom.size);
  const share = `${failsFrom.failed} of ${failsFrom.of}`;
  const before = points.findLast(({ size }) => size < failsFrom.size);
  if (before === undefined) {
    const advice = points[0] !== undefined && isRefused(points[0])
      ? " The server refuses so many: deno task advise measures the pace that it allows."
      : "";
    return [
      `Tasks fail at ${at} already, ${share}: nothing can be said of sizes until they don't.${advice}`,
    ];
  }
  const most = sizeText(axis, before.size);
  return [
    `Tasks fail from ${at} on, ${share} there: ${most} is the most that is borne. What failed isn't ` +
    "counted as throughput, and neither knee nor laws are taken from there.",
  ];
}

function reasonsText(of: readonly Partial<Failures>[]): string {
  const { reasons, examples } = sumOfFailures(of);
  return Object.entries(reasons).map(([reason, count]) => {
    const more = [
      plain(examples[reason] ?? ""),
      reason === "NotCapable" && "a permission is missing: give it with --allow-…",
    ].filter(Boolean);
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

/** Says what larger sizes would give; forecasts refused for the same reason share a sentence. */
export function forecastSentences({ forecasts, axis }: Pick<SweepResult, "forecasts" | "axis">) {
  const factorOf = ({ factor }: Forecast) => `${factor.toLocaleString("en")}×`;
  const headOf = ({ size }: Forecast) => sizeText(axis, size);
  const here = forecasts.filter(({ cores }) => cores === null);
  const given = here.filter(({ refusal }) => refusal === null).map((forecast) => {
    const { gain, throughputPerSecond: { value, low, high } } = forecast;
    const ratio = gain < 0.1 ? `${formatSmall(gain)}×` : formatRatio(gain);
    return `${factorOf(forecast)}, ${headOf(forecast)}: ${formatRate(value)} (${formatRate(low)} ` +
      `to ${formatRate(high)}), ${ratio} the best measured, if the fit held.`;
  });
  const refused = Map.groupBy(here, ({ refusal }) => refusal);
  refused.delete(null);
  const none = [...refused].map(([why, same]) => {
    const [factors, heads] = [factorOf, headOf].map((of) => listOf.format(same.map(of)));
    return `${factors}, ${heads}: no forecast, since ${why}.`;
  });
  return [...given, ...none];
}

const DEFINITIONS = [
  "Latency is a task's time in flight; its quantiles are of all rounds' tasks together, type " +
  "7 of Hyndman and Fan. Efficiency is throughput for each slot or lane against that at the " +
  "smallest size. Starting lanes isn't counted.",
  `${capitalized(KNEE_DEFINITION)}.`,
  "Laws are fitted to the medians by least squares of relative errors, σ and κ at 0 or above, with " +
  "95% bootstrap intervals. The USL foretells if κ's interval leaves out 0, else Amdahl, with an " +
  "interval that holds what the USL's κ would do; a forecast ends where the CPUs would be full.",
  `${capitalized(CRITERION)}.`,
];

const OPEN_LOOP_DEFINITIONS = [
  "Requests are due at even intervals and don't wait for answers. Corrected times count from " +
  "when a request was due; naive ones from when it was really started, which leaves out the " +
  "wait of those held up (coordinated omission, Gil Tene). Quantiles: type 7 of Hyndman and Fan.",
  `${capitalized(SUSTAINED_DEFINITION)}.`,
];

export function definitionSentences({ points, openLoop }: SweepResult): string[] {
  return [
    ...(points.length > 0 ? DEFINITIONS : []),
    ...(openLoop.length > 0 ? OPEN_LOOP_DEFINITIONS : []),
  ];
}

export function lawSentences({ fits, chosen }: SweepResult): string[] {
  return fits.toSorted((a, b) => Number(b.name === chosen) - Number(a.name === chosen))
    .map(fitSentence);
}

/** Says how many items of a person's own job every size ran, if not all of them. */
export function itemsSentences({ job: { options, total }, axis }: SweepResult): string[] {
  const { items } = options;
  if (typeof items !== "number" || axis === "rate" || items === total) return [];
  const of = total === undefined ? "" : `of ${formatCount(total)} `;
  return [`Every size ran the same ${formatCount(items)} ${of}items.`];
}

export function whatFollows(result: SweepResult): string[] {
  return [itemsSentences, failingSentences, capacitySentences, lawSentences, forecastSentences]
    .flatMap((sentences) => sentences(result)).concat(littleSentences(result));
}

/** The line of code that opens a size; one slot on this event loop is the plain loop. */
function codeOf(
  { model, axis }: Pick<SweepResult, "model" | "axis">,
  { lanes, slots }: SweepPoint,
): string {
  // One slot does what the plain loop does, unless it is on another machine or runs a kernel on a GPU.
  const isElsewhere = isModel(model) && (needsServer(model) || needsKernel(model));
  if (lanes * slots === 1 && !isElsewhere) return "await using executor = sequential();";
  const size = axis === "slots"
    ? `slots: ${slots}`
    : `lanes: ${lanes}${slots > 1 ? `, slots: ${slots}` : ""}`;
  const where = isModel(model) && needsServer(model) ? "servers, " : "";
  return `await using executor = ${plain(model)}({ ${where}${size} });`;
}

/** The sizes below the one that gave other results; none if the order of the items may be the reason. */
function soundPoints({ points, differsAt = Infinity, orderMatters }: SweepResult): SweepPoint[] {
  const isTold = differsAt === Infinity || orderMatters === false;
  return isTold ? points.filter(({ size }) => size < differsAt) : [];
}

/** Why the smallest size is recommended whatever others gain; undefined if a larger one may be. */
function whyStay(result: SweepResult): string | undefined {
  const { axis, differsAt, orderMatters, otherWork } = result;
  if (differsAt !== undefined && soundPoints(result).length < 2) {
    return `with ${sizeText(axis, differsAt)} the same items gave other results. A task's result ` +
      `depends on which others run beside or before it: keep no state outside the task; ` +
      `deno task advise says more.`;
  }
  if (orderMatters) {
    return "the results differ, or tasks fail, once the items run in another order, one by one. A " +
      "task's result depends on which ran before it: give each task all it needs in its item.";
  }
  if (otherWork === undefined) return undefined;
  const [took, why] = otherWork < 1
    ? [`were ${formatRatio(1 / otherWork)} as fast`, "work that was done once may be skipped"]
    : [`took ${formatRatio(otherWork)} as long`, "work may grow with every run"];
  return `the trials were not the job that was sampled. One by one the same items ${took} as ` +
    `before them: ${why}. Export a function reset() that brings the first state back.`;
}

/** Tasks that leave their thread free for a smaller share of their time (0 to 1) gain little from slots. */
const LEAST_FREE = 0.2;

/** Milliseconds of the whole job one by one, if so little of it can be saved that advice calls it small. */
function littleMs(
  { points: [first], job: { total }, computingShare, environment }: SweepResult,
): number | undefined {
  const isPlain = first !== undefined && first.lanes * first.slots === 1;
  if (!isPlain || total === undefined || computingShare === undefined) return undefined;
  const cores = Math.min(environment.cpus, environment.lanesAvailable);
  const { median, high } = first.throughputPerSecond;
  const savedMs = 1000 * total / high * mostSaved(computingShare, cores, total);
  return savedMs <= LITTLE_MS ? 1000 * total / median : undefined;
}

/** Says why advice, which compares models, may recommend another one; empty if no reason was seen. */
function whyAdviceDiffers(
  result: SweepResult,
  { size, lanes, slots, throughputPerSecond: { median } }: SweepPoint,
): string {
  const { axis, points, failsFrom, computingShare, freeShare, shared } = result;
  const allMs = size > points[0]!.size ? littleMs(result) : undefined;
  if (allMs !== undefined) {
    return ` It may call the job too small to matter, for all of it takes ` +
      `${formatDuration(allMs)} one by one.`;
  }
  if (shared !== undefined && lanes > 1) return ` It keeps to one event loop: ${shared}.`;
  const largest = points.at(-1)!;
  if (
    axis === "slots" && size > points[0]!.size && size < largest.size && failsFrom === null &&
    AS_GOOD * largest.throughputPerSecond.median >= median
  ) {
    const all = sizeText(axis, largest.size);
    return ` It may take concurrent, all at once, which is simpler: ${all} did as well, but fewer ` +
      `ask less of what they wait for.`;
  }
  const isMixed = computingShare !== undefined && boundOfShare(computingShare) === "mixed";
  // Slots don't help if waits block the thread, and more in flight don't help if fewer already fail.
  if (
    !isMixed || failsFrom !== null || shared !== undefined ||
    (freeShare !== undefined && freeShare < LEAST_FREE)
  ) {
    return "";
  }
  const share = formatPercent(computingShare);
  return lanes > 1 && slots > 1
    ? ""
    : ` It may take lanes with slots on each, for the tasks compute ${share} of their time and ` +
      `wait the rest (--lanes 1,2,4 --slots 8 sweeps them).`;
}

/** Says why this size is taken: its gain, or that no larger one is surely faster. */
function whyTaken(
  { axis, failsFrom, job: { total } }: SweepResult,
  smallest: string,
  { gain, largerGainsLittle }: RecommendedSize,
): string {
  if (gain !== null) {
    const as = total === undefined
      ? `much as ${smallest}`
      : `fast as ${smallest} on the whole job, start included`;
    const larger = largerGainsLittle ? ", and no larger size gains surely more" : "";
    return `: ${formatSpeedup(gain)} as ${as}${larger}`;
  }
  if (largerGainsLittle) return ": no larger size is detectably faster";
  return failsFrom === null ? "" : `: tasks fail from ${sizeText(axis, failsFrom.size)} on`;
}

/** Says how the size ranks among the measured ones, and which command compares it with other models. */
function whatElse(result: SweepResult, found: RecommendedSize): string {
  const { point, mayGainMore } = found;
  const { axis, differsAt, job: { options: { task, latencyMs } } } = result;
  const model = plain(result.model);
  const best = soundPoints(result).length === 1
    ? "No other size gave a result"
    : mayGainMore && differsAt === undefined
    ? `That is the largest size of ${model} that was measured, and larger ones may gain more`
    : `That is the best of the sizes of ${model} that were measured`;
  const isUsual = !isModel(model) || MODEL_TABLE[model].isUsual;
  const builtIn = task !== undefined ? "cpu" : latencyMs !== undefined ? "io" : undefined;
  const others = builtIn === undefined && !isUsual
    ? "a sweep under --model workers shows what lanes gain"
    : `deno task ${builtIn ?? "advise"}${isUsual ? "" : ` --models sequential,workers,${model}`} ` +
      `compares it with the other models`;
  const otherwise = differsAt === undefined
    ? ""
    : ` With ${sizeText(axis, differsAt)} the same items gave other results, and not for their ` +
      "order: what they ask, most likely, gives other answers to so many at once. Throw on such " +
      "an answer.";
  const differs = builtIn === undefined && isUsual ? whyAdviceDiffers(result, point) : "";
  // A size that may be faster still, which a new measurement may recommend.
  const open = found.open === undefined
    ? ""
    : ` ${sizeText(axis, found.open.point.size)} may gain a tenth on that ` +
      `(${formatSpeedup(found.open.gain)}), so that advice, which measures anew, may take it; ` +
      "more --rounds tell.";
  return `${best}; ${others}.${open}${otherwise}${differs}`;
}

/** Says which size to take, with its line of code last; empty if no size ran without failures. */
export function takeLines(result: SweepResult): string[] {
  const [first] = result.points;
  if (first === undefined || result.failsFrom?.size === first.size) return [];
  const at = ({ size }: SweepPoint) => sizeText(result.axis, size);
  const stay = whyStay(result);
  if (stay !== undefined) return [`Stay at ${at(first)}: ${stay}`, codeOf(result, first)];
  const points = soundPoints(result);
  const found = nothingWorked(result) ? undefined : recommendedSize({ ...result, points });
  if (found === undefined) return [];
  if (found.impossible !== undefined) {
    const { point, gain, most } = found.impossible;
    const seen = `${formatSpeedup(gain)} at ${at(point)}`;
    const ratio = formatRatio(Math.max(1, most));
    return [
      `${seen} can't be right: ${ratio} is the most that it can give. The smallest size was slower ` +
      "than need be: end other programs, and sweep it again, with more --rounds.",
    ];
  }
  const smallest = at(points.toSorted((a, b) => a.size - b.size)[0]!);
  const why = whyTaken(result, smallest, found);
  const { others } = result;
  const isShared = others !== undefined && isBusy(others);
  return [
    [
      `${isShared ? "On so busy a machine take" : "Take"} ${at(found.point)}${why}.`,
      // A warning already says how busy the machine was.
      ...(isShared ? ["An idle machine may show another gain, or another size to take."] : []),
      whatElse(result, found),
    ].join(" "),
    codeOf(result, found.point),
  ];
}

export function anyFailed(result: SweepResult): boolean {
  return failureSentences(result).length > 0;
}
