/**
 * A sweep as CSV: one row a size and round, or one a rate.
 *
 * @module
 */

import { stringify } from "@std/csv/stringify";
import type { SweepResult } from "../../scaling/sweep_result.ts";

const CLOSED = [
  "axis",
  "size",
  "lanes",
  "slots",
  "refined",
  "round",
  "startMs",
  "runMs",
  "cpuMs",
  "succeeded",
  "failed",
  "throughputPerSecond",
  "meanLatencyMs",
  "medianLatencyMs",
  "p95LatencyMs",
  "p99LatencyMs",
  "efficiency",
] as const;

const OPEN = [
  "ratePerSecond",
  "durationMs",
  "rounds",
  "scheduled",
  "succeeded",
  "failed",
  "unanswered",
  "unstarted",
  "achievedPerSecond",
  "correctedMedianMs",
  "correctedP95Ms",
  "correctedP99Ms",
  "correctedMaxMs",
  "naiveMedianMs",
  "naiveP95Ms",
  "naiveP99Ms",
  "naiveMaxMs",
  "mostWaiting",
  "backlogAtEnd",
  "sustained",
] as const;

/**
 * Writes a sweep as CSV (RFC 4180), columns named as in the result file. Latencies' quantiles and
 * efficiency are those of the size, the same in each of its rounds. It holds numbers and fixed words
 * alone, so that no cell can be taken for a formula.
 */
export function sweepCsv(
  { axis, points, openLoop }: Pick<SweepResult, "axis" | "points" | "openLoop">,
): string {
  if (axis === "rate") {
    const rows = openLoop.map((p) => [
      p.ratePerSecond,
      p.durationMs,
      p.rounds,
      p.scheduled,
      p.succeeded,
      p.failed,
      p.unanswered,
      p.unstarted,
      p.achievedPerSecond,
      ...[p.corrected, p.naive].flatMap(({ median, p95, p99, max }) => [median, p95, p99, max]),
      p.mostWaiting,
      p.backlogAtEnd,
      p.sustained,
    ]);
    return stringify([[...OPEN], ...rows]);
  }
  const rows = points.flatMap(({ size, lanes, slots, refined, rounds, latencyMs, efficiency }) =>
    rounds.map((r) => [
      axis,
      size,
      lanes,
      slots,
      refined,
      r.round,
      r.startMs,
      r.runMs,
      r.cpuMs,
      r.succeeded,
      r.failed,
      r.throughputPerSecond,
      r.meanLatencyMs ?? "",
      latencyMs?.median ?? "",
      latencyMs?.p95 ?? "",
      latencyMs?.p99 ?? "",
      efficiency,
    ])
  );
  return stringify([[...CLOSED], ...rows]);
}
