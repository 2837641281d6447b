/** Finds where computing ends, and forecasts ten and a thousand times as many slots or lanes. */

import { formatRate } from "../text/format.ts";
import { estimateOf, type Law, throughputAt } from "./laws.ts";
import { median } from "../timing/statistics.ts";
import {
  type Capacity,
  type Forecast,
  type SweepPoint,
  type SweepResult,
  type SweepRound,
} from "./sweep_result.ts";

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
