/** A sweep in sentences: its knee, its laws, the limit of the CPUs, what failed, which size to take. */

import { mostSaved } from "../../judge/choose.ts";
import { AS_GOOD, boundOfShare, LITTLE_MS } from "../../judge/thresholds.ts";
import { isModel, MODEL_TABLE, needsKernel, needsServer } from "../../models.ts";
import {
  bornePoints,
  isRefused,
  LITTLE_TOLERANCE,
  type RecommendedSize,
  recommendedSize,
} from "../../scaling/analyse.ts";
import { BUSY_SHARE, LAW_TITLES } from "../../scaling/laws.ts";
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
} from "../../text/format.ts";
import { sayAll, sayer } from "../../text/fill.ts";
import { plain } from "../../text/plain.ts";
import { isBusy } from "../../timing/meter/meter.ts";
import { type Failures, sumOfFailures } from "../../timing/failures.ts";
import texts from "./en.json" with { type: "json" };

const say = sayer(texts);

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
  if (nothingWorked({ points })) return say("knee.failed");
  if (failsFrom !== null && failsFrom.size === first?.size) {
    return say("knee.fails", { at: sizeText(axis, failsFrom.size) });
  }
  if (points.length === 1) return say("knee.one size", { at: sizeText(axis, first!.size) });
  if (knee === null) {
    const largest = points.findLast(({ size }) => size < (failsFrom?.size ?? Infinity))?.size;
    const reached = largest === undefined ? "" : say("knee.up to", { at: sizeText(axis, largest) });
    const isHighest = best !== null && best.size === largest;
    return say(isHighest ? "knee.highest" : "knee.no bend", { reached });
  }
  const how = points.some(({ rounds }) => rounds.length < 2)
    ? "once"
    : knee.low === knee.high
    ? "same"
    : "range";
  const range = say(`knee.${how}`, knee);
  return sayAll(
    say("knee", { at: sizeText(axis, knee.size), range }),
    best !== null && say("knee.best", { ...best, at: sizeText(axis, best.size) }),
  );
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
    const toleranceShare = LITTLE_TOLERANCE;
    const isAll = borne.length === points.length;
    return [say(isAll ? "little.all" : "little.borne", { toleranceShare })];
  }
  // Only the worst size is described: a line for each would hide it.
  const off = ({ ratio }: { readonly ratio: number }) => Math.abs(ratio - 1);
  const { size, inFlight, slots, meaning } = broken.toSorted((a, b) => off(b) - off(a))[0]!;
  const sizes = sizeText(axis, ...broken.map(({ size }) => size)) +
    (broken.length === 1 ? "" : `, most at ${size}`);
  return [say("little.broken", { sizes, inFlight: formatNumber(inFlight), slots, meaning })];
}

/** Says the highest rate sustained, and at which rate naive times hide most of the latency. */
export function openLoopSentences({ openLoop }: Pick<SweepResult, "openLoop">): string[] {
  if (openLoop.length === 0) return [];
  const best = openLoop.findLast(({ sustained }) => sustained);
  const lost = openLoop.find(({ sustained }) => !sustained);
  const hidden = ({ corrected, naive }: OpenLoopPoint) => corrected.p99 / Math.max(naive.p99, 1);
  const misled = openLoop.toSorted((a, b) => hidden(b) - hidden(a))[0]!;
  const next = lost === undefined
    ? say("open loop.none lost")
    : say("open loop.lost", { lostPerSecond: lost.ratePerSecond });
  const { ratePerSecond, naive, corrected, unanswered, unstarted } = misled;
  const least = unanswered + unstarted > 0 ? say("open loop.least") : "";
  const figures = { ratePerSecond, least, naiveMs: naive.p99, correctedMs: corrected.p99 };
  return [
    best === undefined
      ? say("open loop.not sustained")
      : say("open loop.sustained", { bestPerSecond: best.ratePerSecond, next }),
    hidden(misled) >= WORTH_TELLING && say("open loop.omission", figures),
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
    const isPaced = points[0] !== undefined && isRefused(points[0]);
    return [sayAll(say("fails.already", { at, share }), isPaced && say("fails.refused"))];
  }
  return [say("fails.from", { at, share, most: sizeText(axis, before.size) })];
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

export function definitionSentences({ points, openLoop }: SweepResult): string[] {
  return [
    ...(points.length > 0 ? (["latency", "knee", "laws", "fit"] as const) : []),
    ...(openLoop.length > 0 ? (["open loop", "sustained"] as const) : []),
  ].map((what) => say(`definition.${what}`));
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
    return say("stay.differs", { at: sizeText(axis, differsAt) });
  }
  if (orderMatters) return say("stay.order");
  if (otherWork === undefined) return undefined;
  return otherWork < 1
    ? say("stay.faster", { ratio: 1 / otherWork })
    : say("stay.slower", { ratio: otherWork });
}

/** Tasks that leave their thread free for a smaller share of their time (0 to 1) gain little from slots. */
const LEAST_FREE = 0.2;

/** Milliseconds of the whole job one by one, if so little of it can be saved that advice calls it small. */
function littleMs(
  { points: [first], model, job: { total }, computingShare, environment }: SweepResult,
): number | undefined {
  const isPlain = first !== undefined && first.lanes * first.slots === 1;
  if (!isPlain || total === undefined || computingShare === undefined) return undefined;
  const cores = needsServer(model)
    ? Infinity
    : Math.min(environment.cpus, environment.lanesAvailable);
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
  if (allMs !== undefined) return say("differs.small", { allMs });
  if (shared !== undefined && lanes > 1) return say("differs.state", { shared });
  const largest = points.at(-1)!;
  if (
    axis === "slots" && size > points[0]!.size && size < largest.size && failsFrom === null &&
    AS_GOOD * largest.throughputPerSecond.median >= median
  ) {
    return say("differs.all at once", { all: sizeText(axis, largest.size) });
  }
  const isMixed = computingShare !== undefined && boundOfShare(computingShare) === "mixed";
  // Slots don't help if waits block the thread, and more in flight don't help if fewer already fail.
  const isShown = isMixed && failsFrom === null && shared === undefined &&
    (freeShare === undefined || freeShare >= LEAST_FREE) && (lanes === 1 || slots === 1);
  return isShown ? say("differs.mixed", { computingShare }) : "";
}

/** A gain by rounds that differs by more than this share from that of the table is named as such. */
const SEEN = 0.04;

/** Says why this size is taken: its gain, or that no larger one is surely faster. */
function whyTaken(
  { axis, failsFrom, job: { total } }: SweepResult,
  smallest: SweepPoint,
  { point, gain, largerGainsLittle }: RecommendedSize,
): string {
  if (gain !== null) {
    const [more, less] = [point, smallest].map(({ throughputPerSecond: of }) => of.median);
    const isOff = total === undefined && Math.abs(more! / less! / gain.median - 1) > SEEN;
    return say(largerGainsLittle ? "taken.gain.no larger" : "taken.gain", {
      gain,
      by: isOff ? say("taken.by round") : "",
      as: say(total === undefined ? "taken.much" : "taken.fast", {
        smallest: sizeText(axis, smallest.size),
      }),
    });
  }
  if (largerGainsLittle) return say("taken.no larger");
  return failsFrom === null ? "" : say("taken.fails", { at: sizeText(axis, failsFrom.size) });
}

/** Says how the size ranks among the measured ones, and which command compares it with other models. */
function whatElse(result: SweepResult, found: RecommendedSize): string {
  const { point, mayGainMore } = found;
  const { axis, differsAt, job: { options: { task, latencyMs } } } = result;
  const model = plain(result.model);
  const best = soundPoints(result).length === 1
    ? "only"
    : mayGainMore && differsAt === undefined
    ? "largest"
    : "best";
  const isUsual = !isModel(model) || MODEL_TABLE[model].isUsual;
  const builtIn = task !== undefined ? "cpu" : latencyMs !== undefined ? "io" : undefined;
  const others = builtIn === undefined && !isUsual
    ? say("else.lanes")
    : say(isUsual ? "else.models" : "else.named", { task: builtIn ?? "advise", model });
  // A size that may be faster still, which a new measurement may recommend.
  const open = found.open && { gain: found.open.gain, at: sizeText(axis, found.open.point.size) };
  return sayAll(
    say("else", { best: say(`else.${best}`, { model }), others }),
    open && say("else.open", open),
    differsAt !== undefined && say("else.differs", { at: sizeText(axis, differsAt) }),
    builtIn === undefined && isUsual && whyAdviceDiffers(result, point),
  );
}

/** Says which size to take, with its line of code last; empty if no size ran without failures. */
export function takeLines(result: SweepResult): string[] {
  const [first] = result.points;
  if (first === undefined || result.failsFrom?.size === first.size) return [];
  const at = ({ size }: SweepPoint) => sizeText(result.axis, size);
  const stay = whyStay(result);
  if (stay !== undefined) return [say("stay", { at: at(first), stay }), codeOf(result, first)];
  const points = soundPoints(result);
  const found = nothingWorked(result) ? undefined : recommendedSize({ ...result, points });
  if (found === undefined) return [];
  if (found.impossible !== undefined) {
    const { point, gain, most } = found.impossible;
    return [say("taken.impossible", { gain, at: at(point), mostRatio: Math.max(1, most) })];
  }
  const smallest = points.toSorted((a, b) => a.size - b.size)[0]!;
  const why = whyTaken(result, smallest, found);
  const isShared = isBusy(result.others);
  return [
    sayAll(
      say(isShared ? "take.busy" : "take", { at: at(found.point), why }),
      // A warning already says how busy the machine was.
      isShared && say("take.idle"),
      whatElse(result, found),
    ),
    codeOf(result, found.point),
  ];
}

export function anyFailed(result: SweepResult): boolean {
  return failureSentences(result).length > 0;
}
