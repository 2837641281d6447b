/**
 * The laws of scaling: how throughput follows from the number of slots or lanes, where computing ends, and what
 * ten and a thousand times as many would give.
 *
 * Amdahl's law ("Validity of the single processor approach", AFIPS 1967), as a law of throughput, is the case
 * κ = 0 of the Universal Scalability Law (Gunther, "Guerrilla Capacity Planning", 2007, chapter 4):
 *
 * X(N) = λN / (1 + σ(N − 1) + κN(N − 1))
 */

import { fcnnlsVector } from "ml-fcnnls";
import { formatPercent, formatRate } from "../text/format.ts";
import { median, quantile, sorted } from "../timing/statistics.ts";
import {
  type Capacity,
  type Estimate,
  type Fit,
  type Forecast,
  type LawName,
  LAWS,
  type SweepPoint,
  type SweepResult,
  type SweepRound,
} from "./sweep_result.ts";
import { randomBelow, seededRandom } from "../timing/random.ts";

export interface Law {
  /** λ: throughput at one slot or lane, in items a second. */
  readonly lambda: number;
  /** σ, contention: the share of the work that can't overlap, 0 to 1. */
  readonly sigma: number;
  /** κ, coherence: the cost for each pair of keeping up with each other; 0 under Amdahl's law. */
  readonly kappa: number;
}

export const LAW_TITLES: Readonly<Record<LawName, string>> = {
  amdahl: "Amdahl's law",
  usl: "Universal Scalability Law",
};

/** The throughput of a law at a number of slots or lanes, from 1. */
export function throughputAt({ lambda, sigma, kappa }: Law, size: number): number {
  return lambda * size / (1 + sigma * (size - 1) + kappa * size * (size - 1));
}

/** Where a law's throughput is greatest: √((1 − σ)/κ) (Gunther 2007, equation 4.33); null if κ is 0. */
export function peakOf(law: Law): { size: number; throughputPerSecond: number } | null {
  if (law.kappa <= 0) return null;
  const size = Math.max(1, Math.sqrt(Math.max(0, 1 - law.sigma) / law.kappa));
  return { size, throughputPerSecond: throughputAt(law, size) };
}

/** The upper limit of a law's throughput: its peak, or λ/σ if it has none; Infinity if both are 0. */
export function limitOf(law: Law): number {
  return peakOf(law)?.throughputPerSecond ?? law.lambda / law.sigma;
}

export interface Series {
  readonly size: number;
  /** Items a second, one figure a round; all above 0. */
  readonly throughputs: readonly number[];
}

interface LawFit {
  readonly name: LawName;
  readonly law: Law;
}

/** The least squares of columns · x = 1 with no x below 0. */
function leastSquares(columns: readonly (readonly number[])[]): number[] {
  // The columns are scaled to equal length, since their sizes may differ by many powers of ten.
  const lengths = columns.map((column) => Math.hypot(...column));
  const rows = columns[0]!.map((_, row) => columns.map((column, i) => column[row]! / lengths[i]!));
  const found = fcnnlsVector(rows, rows.map(() => 1)).K.to1DArray();
  return found.map((value, i) => value / lengths[i]!);
}

/**
 * N/X = p + q·N + c·N(N − 1) is linear (Gunther, "Guerrilla Capacity Planning", 2007, section 5.5), with λ =
 * 1/(p + q), σ = q/(p + q), κ = c/(p + q). None is negative if p, q and c aren't.
 */
const COLUMNS: readonly ((size: number) => number)[] = [
  () => 1,
  (size) => size,
  (size) => size * (size - 1),
];

/** Keeps p + q above 0, so that λ is finite even if throughputs only fall. */
const LEAST_TIME = 1e-100;

const PARAMETERS: Readonly<Record<LawName, number>> = { amdahl: 2, usl: 3 };

/** Fits a law to the sizes' medians by least squares of relative errors, with no parameter below 0. */
export function fitLaw(name: LawName, series: readonly Series[]): LawFit {
  // Each row is divided by the measured time, so that its target is 1.
  const times = series.map(({ size, throughputs }) => median(throughputs) / size);
  const columns = COLUMNS.slice(0, PARAMETERS[name]).map((column) =>
    series.map(({ size }, at) => column(size) * times[at]!)
  );
  const [p = 0, q = 0, c = 0] = leastSquares(columns);
  const first = Math.max(p + q, LEAST_TIME);
  return { name, law: { lambda: 1 / first, sigma: q / first, kappa: c / first } };
}

/** The greatest misses of a fit that is believed: root mean square, worst size, and forecast of the largest. */
const MOST_TYPICAL_MISS = 0.1;
const MOST_WORST_MISS = 0.2;
const MOST_FORETOLD_MISS = 0.2;

function missOf({ size, throughputs }: Series, law: Law): number {
  return Math.abs(median(throughputs) / throughputAt(law, size) - 1);
}

function foretoldMissOf(name: LawName, series: readonly Series[]): number | null {
  const bySize = series.toSorted((a, b) => a.size - b.size);
  const others = bySize.slice(0, -1);
  return others.length < PARAMETERS[name] ? null : missOf(bySize.at(-1)!, fitLaw(name, others).law);
}

/** Judges a fit by its misses; R² says little about a fit that isn't linear. */
export function judgeFit({ name, law }: LawFit, series: readonly Series[]) {
  const misses = series.map((one) => missOf(one, law));
  const typicalMiss = Math.sqrt(misses.reduce((sum, miss) => sum + miss ** 2, 0) / misses.length);
  const worstMiss = Math.max(...misses);
  const worstSize = series[misses.indexOf(worstMiss)]!.size;
  const foretoldMiss = foretoldMissOf(name, series);
  const needed = PARAMETERS[name] + 1;
  const { length: sizes } = series;
  const refusal = sizes < needed
    ? `${sizes} sizes are too few to check ${needed - 1} numbers; measure ${needed} or more`
    : worstMiss > MOST_WORST_MISS
    ? `it misses what was measured at ${worstSize} by ${formatPercent(worstMiss)}`
    : typicalMiss > MOST_TYPICAL_MISS
    ? `it misses what was measured by ${formatPercent(typicalMiss)} (root mean square)`
    : foretoldMiss !== null && foretoldMiss > MOST_FORETOLD_MISS
    ? `fitted without the largest size, it misses that by ${formatPercent(foretoldMiss)}`
    : null;
  return { typicalMiss, worstMiss, worstSize, foretoldMiss, refusal };
}

/** How often a law is resampled for its interval. */
const RESAMPLES = 400;

/** Logarithms of medians over the law, and of rounds over their median, widened for lost degrees of freedom. */
function residualsOf({ name, law }: LawFit, series: readonly Series[]) {
  const spare = series.length - PARAMETERS[name];
  const scale = spare > 0 ? Math.sqrt(series.length / spare) : 1;
  const between: number[] = [];
  const within: number[] = [];
  for (const { size, throughputs } of series) {
    const logs = throughputs.map(Math.log);
    const middle = median(logs);
    const widen = logs.length > 1 ? Math.sqrt(logs.length / (logs.length - 1)) : 1;
    between.push(scale * (middle - Math.log(throughputAt(law, size))));
    within.push(...logs.map((log) => widen * (log - middle)));
  }
  return { between, within };
}

/**
 * Resamples a law by the residual bootstrap in two levels (Davison and Hinkley, "Bootstrap Methods and their
 * Application", 1997, 3.8 and 6.2). A miss is drawn once for each size, noise once for each round, so that a
 * law that fits badly gets a wide interval.
 */
export function bootstrapFit(
  fit: LawFit,
  series: readonly Series[],
  { seed, resamples = RESAMPLES }: { readonly seed: number; readonly resamples?: number },
) {
  const random = seededRandom(seed);
  const { between, within } = residualsOf(fit, series);
  const drawn = (of: readonly number[]) => of[randomBelow(random, of.length)]!;
  return Array.from({ length: resamples }, (): Law => {
    const redrawn = series.map(({ size, throughputs }) => {
      const centre = throughputAt(fit.law, size) * Math.exp(drawn(between));
      return { size, throughputs: throughputs.map(() => centre * Math.exp(drawn(within))) };
    });
    return fitLaw(fit.name, redrawn).law;
  });
}

/** A figure computed from a law, with its 95 % percentile interval. */
export function estimateOf(law: Law, drawn: readonly Law[], of: (law: Law) => number): Estimate {
  const value = of(law);
  // A resampled law without a peak or limit counts as beyond every number.
  const values = sorted(drawn.map(of).map((x) => Math.min(x, Number.MAX_VALUE)));
  const end = (share: number) => {
    const at = quantile(values, share);
    return at >= Number.MAX_VALUE / 2 ? Infinity : at;
  };
  return { value, low: Math.min(value, end(0.025)), high: Math.max(value, end(0.975)) };
}

const finite = (value: number) => Number.isFinite(value) ? value : null;

function fitOf(fit: LawFit, drawn: readonly Law[], series: readonly Series[]): Fit {
  const estimate = (of: (law: Law) => number) => estimateOf(fit.law, drawn, of);
  const open = (of: (law: Law) => number) => {
    const { value, low, high } = estimate(of);
    return { value: finite(value), low: finite(low), high: finite(high) };
  };
  return {
    name: fit.name,
    lambda: estimate(({ lambda }) => lambda),
    sigma: estimate(({ sigma }) => sigma),
    kappa: estimate(({ kappa }) => kappa),
    peakSize: open((law) => peakOf(law)?.size ?? Infinity),
    limitPerSecond: open(limitOf),
    ...judgeFit(fit, series),
  };
}

/**
 * Fits each law for which there are enough sizes, the simpler one first, and chooses the one for forecasts: the
 * Universal Scalability Law if the interval of κ excludes 0, else Amdahl's.
 */
export function fittedLaws(series: readonly Series[], seed: number, resamples = RESAMPLES) {
  const fitted = LAWS.filter((name) => series.length >= PARAMETERS[name]).map((name) => {
    const fit = fitLaw(name, series);
    const drawn = bootstrapFit(fit, series, { seed, resamples });
    return { fit: fitOf(fit, drawn, series), law: fit.law, drawn };
  });
  const usl = fitted.find(({ fit }) => fit.name === "usl");
  const amdahl = fitted.find(({ fit }) => fit.name === "amdahl");
  return { fitted, chosen: usl !== undefined && usl.fit.kappa.low > 0 ? usl : amdahl ?? usl };
}

/** The resampled laws of the chosen kind, and of the other if its κ wasn't ruled out. */
export function drawsOf({ fitted, chosen }: ReturnType<typeof fittedLaws>): (readonly Law[])[] {
  return fitted.filter(({ fit }) => fit.name === "usl" || fit.name === chosen?.fit.name)
    .map(({ drawn }) => drawn);
}

/** From this share on, cores or an event loop count as busy; start, end and clock steps take the rest. */
export const BUSY_SHARE = 0.85;
/** From this share on, a slot or lane only computes, even if other programs disturb it. */
const COMPUTES_ALONE = 0.8;
/** A forecast may reach at most this share of the capacity. */
const NEAREST = 0.95;

type RoundsOfSize = Pick<SweepPoint, "size" | "rounds">;
type CpuMs = (round: SweepRound) => number | null;

/** CPU time over wall time, and CPU time per item in milliseconds, as medians of the rounds. */
function usageOf({ rounds }: RoundsOfSize, cpuMs: CpuMs) {
  const known = rounds.flatMap((round) => {
    const ms = cpuMs(round);
    const items = round.succeeded + round.failed;
    return ms === null || round.runMs <= 0 || items === 0
      ? []
      : [{ share: ms / round.runMs, msPerItem: ms / items }];
  });
  return known.length === 0 ? undefined : {
    share: median(known.map(({ share }) => share)),
    msPerItem: median(known.map(({ msPerItem }) => msPerItem)),
  };
}

/**
 * The capacity that computing reaches first, by the utilization law U = X·D (Denning and Buzen, Computing
 * Surveys 10, 1978): slots share one event loop, lanes have one each. Null if CPU times aren't known.
 */
export function capacityOf(
  points: readonly RoundsOfSize[],
  best: number,
  axis: SweepResult["axis"],
  /** Undefined if other machines compute. */
  cores: number | undefined,
): Capacity | null {
  const smallest = points[0];
  if (smallest === undefined || axis === "rate") return null;
  const ofCores: CpuMs = ({ runCpuMs, programsMs = 0 }) =>
    runCpuMs === null ? null : runCpuMs + programsMs;
  const kinds: { by: Capacity["by"]; units: number; cpuMs: CpuMs }[] = [
    ...(cores === undefined ? [] : [{ by: "cores" as const, units: cores, cpuMs: ofCores }]),
    { by: "event loop", units: 1, cpuMs: ({ loopCpuMs }) => axis === "slots" ? loopCpuMs : null },
  ];
  const capacities = kinds.flatMap(({ by, units, cpuMs }): Capacity[] => {
    const alone = usageOf(smallest, cpuMs);
    const computingShare = Math.min(1, (alone?.share ?? 0) / smallest.size);
    const filling = points.filter(({ size }) => size >= units);
    const computes = computingShare >= COMPUTES_ALONE && filling.length > 0;
    // Fewer slots or lanes than units can't keep all units busy, even if they happened to be faster.
    const among = computes ? filling : points.filter(({ size }) => size === best);
    const [fastest] = among.flatMap((point) => {
      const usage = usageOf(point, cpuMs);
      return usage === undefined ? [] : [{ ...usage, size: point.size }];
    }).toSorted((a, b) => b.share / b.msPerItem - a.share / a.msPerItem);
    if (fastest === undefined || !(fastest.msPerItem > 0)) return [];
    const busy = Math.min(1, fastest.share / units);
    return [{
      by,
      units,
      size: fastest.size,
      busy,
      cpuMsPerItem: fastest.msPerItem,
      limitPerSecond: units * 1000 / fastest.msPerItem,
      computingShare,
      reached: busy >= BUSY_SHARE || computes,
    }];
  });
  return capacities.toSorted((a, b) => a.limitPerSecond - b.limitPerSecond)[0] ?? null;
}

/** Whether computing ends before a size, so that a law can't be followed to it on this machine. */
export function endsBefore(capacity: Capacity | null, size: number, perSecond: number): boolean {
  if (capacity === null) return false;
  const { reached, computingShare, units, limitPerSecond } = capacity;
  return reached || (computingShare >= COMPUTES_ALONE && size > units) ||
    perSecond > NEAREST * limitPerSecond;
}

const FACTORS: readonly number[] = [10, 1000];

/** An interval whose ends differ by a greater factor says nothing. */
const WIDEST_FORECAST = 3;

interface ForecastParts {
  readonly law: Law;
  /** Other laws that fit as well, a list for each kind that isn't ruled out. */
  readonly drawn: readonly (readonly Law[])[];
  readonly refusal: string | null;
  readonly largest: number;
  readonly bestPerSecond: number;
  readonly capacity?: Capacity | null;
}

/** Follows a law beyond the measured sizes, or says why that isn't sound. */
export function forecasts(parts: ForecastParts): Forecast[] {
  const { law, drawn, refusal, largest, bestPerSecond, capacity = null } = parts;
  return FACTORS.map((factor) => {
    const size = factor * largest;
    const value = throughputAt(law, size);
    const each = drawn.map((laws) => estimateOf(law, laws, (one) => throughputAt(one, size)));
    const low = Math.min(value, ...each.map((one) => one.low));
    const high = Math.max(value, ...each.map((one) => one.high));
    const wide = high / low <= WIDEST_FORECAST
      ? null
      : `anything from ${formatRate(low)} to ${formatRate(high)} is possible: these sizes don't ` +
        "tell";
    const ends = endsBefore(capacity, size, value) ? endOf(capacity!) : null;
    return {
      factor,
      size,
      cores: null,
      throughputPerSecond: { value, low, high },
      gain: value / bestPerSecond,
      refusal: ends ?? refusal ?? wide,
    };
  });
}

function endOf({ by, units, reached, limitPerSecond }: Capacity): string {
  const cores = `this machine's ${units} core${units === 1 ? "" : "s"}`;
  const what = by === "cores" ? cores : "one event loop";
  return reached
    ? `computing ends at ${what}`
    : `computing would end before: ${formatRate(limitPerSecond)} would fill ${what}`;
}
