/**
 * Where computing ends: what the cores, or one event loop, can do at most.
 *
 * @module
 */

import { median } from "../../timing/statistics.ts";
import type { Capacity, SweepPoint, SweepResult } from "../sweep_result.ts";

/** From here on they count as busy: starting, ending and the clock's steps leave no more. */
export const BUSY = 0.85;
/** From this share on a slot or lane only computes, though other programs may disturb it. */
export const COMPUTES_ALONE = 0.8;
/** A forecast may come this near to the capacity. */
const NEAREST = 0.95;

/** What is looked at of a size. */
export type RoundsOfSize = Pick<SweepPoint, "size" | "rounds">;

interface Kind {
  readonly by: Capacity["by"];
  readonly units: number;
  readonly cpuMs: (round: RoundsOfSize["rounds"][number]) => number | null;
}

/** CPU time over wall time, and CPU time an item, of the rounds in the middle. */
function usageOf(
  { rounds }: RoundsOfSize,
  cpuMs: (round: RoundsOfSize["rounds"][number]) => number | null,
): { readonly share: number; readonly msPerItem: number } | undefined {
  const known = rounds.flatMap((round) => {
    const ms = cpuMs(round);
    const items = round.succeeded + round.failed;
    return ms === null || round.runMs <= 0 || items === 0
      ? []
      : [{ share: ms / round.runMs, msPerItem: ms / items }];
  });
  if (known.length === 0) return undefined;
  return {
    share: median(known.map(({ share }) => share)),
    msPerItem: median(known.map(({ msPerItem }) => msPerItem)),
  };
}

/**
 * Finds what computing fills first, by the utilization law U = X·D (Denning and Buzen, "The
 * Operational Analysis of Queueing Network Models", Computing Surveys 10, 1978): whatever the law of
 * scaling, throughput stays below units over the CPU time an item takes.
 *
 * @param axis Slots share one event loop, lanes have one each.
 * @returns The one that is full first; null if CPU times aren't known.
 */
export function capacityOf(
  points: readonly RoundsOfSize[],
  best: number,
  axis: SweepResult["axis"],
  cores: number,
): Capacity | null {
  const smallest = points[0];
  if (smallest === undefined || axis === "rate") return null;
  const kinds: readonly Kind[] = [
    { by: "cores", units: cores, cpuMs: ({ runCpuMs }) => runCpuMs },
    { by: "event loop", units: 1, cpuMs: ({ loopCpuMs }) => axis === "slots" ? loopCpuMs : null },
  ];
  const capacities = kinds.flatMap(({ by, units, cpuMs }): Capacity[] => {
    const alone = usageOf(smallest, cpuMs);
    const computingShare = Math.min(1, (alone?.share ?? 0) / smallest.size);
    const filling = points.filter(({ size }) => size >= units);
    const computes = computingShare >= COMPUTES_ALONE && filling.length > 0;
    // With fewer than there are units they can't all be busy, even if fewer happened to be faster.
    const among = computes ? filling : points.filter(({ size }) => size === best);
    const [fastest] = among.flatMap((point) => {
      const usage = usageOf(point, cpuMs);
      return usage === undefined ? [] : [{ usage, size: point.size }];
    }).toSorted((a, b) => b.usage.share / b.usage.msPerItem - a.usage.share / a.usage.msPerItem);
    if (fastest === undefined || !(fastest.usage.msPerItem > 0)) return [];
    const { usage, size } = fastest;
    const busy = Math.min(1, usage.share / units);
    return [{
      by,
      units,
      size,
      busy,
      cpuMsPerItem: usage.msPerItem,
      limitPerSecond: units * 1000 / usage.msPerItem,
      computingShare,
      reached: busy >= BUSY || computes,
    }];
  });
  return capacities.toSorted((a, b) => a.limitPerSecond - b.limitPerSecond)[0] ?? null;
}

/**
 * Whether a law may not be followed to a size on this machine, since computing ends before.
 *
 * @param capacity What computing fills first; null if that isn't known.
 */
export function endsBefore(capacity: Capacity | null, size: number, perSecond: number): boolean {
  if (capacity === null) return false;
  const { reached, computingShare, units, limitPerSecond } = capacity;
  return reached || (computingShare >= COMPUTES_ALONE && size > units) ||
    perSecond > NEAREST * limitPerSecond;
}
