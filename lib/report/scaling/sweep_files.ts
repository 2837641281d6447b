/**
 * A sweep as files: CSV, and Markdown for an issue or a pull request.
 *
 * @module
 */

import type { OpenLoopPoint, SweepPoint, SweepResult } from "../../scaling/sweep_result.ts";
import { plain } from "../../text/plain.ts";
import { csv, type CsvColumns } from "../files/csv.ts";
import { escapeMarkdown, markdownCode, markdownList, markdownReport } from "../files/markdown.ts";
import { markdownTable } from "../table.ts";
import * as words from "./sweep_words.ts";

interface Row {
  readonly of: SweepPoint;
  readonly round: SweepPoint["rounds"][number];
}

/**
 * Columns are named as in the result file. Latencies' quantiles and efficiency are those of the size, the
 * same in each of its rounds.
 */
const closedColumns = (axis: string): CsvColumns<Row> => ({
  axis: () => axis,
  size: ({ of }) => of.size,
  lanes: ({ of }) => of.lanes,
  slots: ({ of }) => of.slots,
  refined: ({ of }) => of.refined,
  round: ({ round }) => round.round,
  startMs: ({ round }) => round.startMs,
  runMs: ({ round }) => round.runMs,
  cpuMs: ({ round }) => round.cpuMs,
  succeeded: ({ round }) => round.succeeded,
  failed: ({ round }) => round.failed,
  throughputPerSecond: ({ round }) => round.throughputPerSecond,
  meanLatencyMs: ({ round }) => round.meanLatencyMs,
  medianLatencyMs: ({ of }) => of.latencyMs?.median,
  p95LatencyMs: ({ of }) => of.latencyMs?.p95,
  p99LatencyMs: ({ of }) => of.latencyMs?.p99,
  efficiency: ({ of }) => of.efficiency,
});

const OPEN_COLUMNS: CsvColumns<OpenLoopPoint> = {
  ratePerSecond: (point) => point.ratePerSecond,
  durationMs: (point) => point.durationMs,
  rounds: (point) => point.rounds,
  scheduled: (point) => point.scheduled,
  succeeded: (point) => point.succeeded,
  failed: (point) => point.failed,
  unanswered: (point) => point.unanswered,
  unstarted: (point) => point.unstarted,
  achievedPerSecond: (point) => point.achievedPerSecond,
  correctedMedianMs: ({ corrected }) => corrected.median,
  correctedP95Ms: ({ corrected }) => corrected.p95,
  correctedP99Ms: ({ corrected }) => corrected.p99,
  correctedMaxMs: ({ corrected }) => corrected.max,
  naiveMedianMs: ({ naive }) => naive.median,
  naiveP95Ms: ({ naive }) => naive.p95,
  naiveP99Ms: ({ naive }) => naive.p99,
  naiveMaxMs: ({ naive }) => naive.max,
  mostWaiting: (point) => point.mostWaiting,
  backlogAtEnd: (point) => point.backlogAtEnd,
  sustained: (point) => point.sustained,
};

/** Writes a sweep as CSV: a row for each round of each size, or for each rate. */
export function sweepCsv(
  { axis, points, openLoop }: Pick<SweepResult, "axis" | "points" | "openLoop">,
): string {
  if (axis === "rate") return csv(OPEN_COLUMNS, openLoop);
  const rows = points.flatMap((of) => of.rounds.map((round) => ({ of, round })));
  return csv(closedColumns(axis), rows);
}

export function sweepMarkdown(result: SweepResult): string {
  const { job, model, axis, points, openLoop, warnings } = result;
  const take = words.takeLines(result);
  const curve = points.length === 0 ? [] : [
    markdownTable(words.sizeColumns(axis), points),
    escapeMarkdown(words.kneeSentence(result)),
    ...take.slice(0, -1).map(escapeMarkdown),
    ...take.slice(-1).map((code) => markdownCode([plain(code)])),
    markdownList(words.whatFollows(result)),
  ];
  const rates = openLoop.length === 0 ? [] : [
    markdownTable(words.RATE_COLUMNS, openLoop),
    escapeMarkdown(words.openLoopSentences(result).join(" ")),
  ];
  return markdownReport([
    `### ${escapeMarkdown(`${job.name}: ${model} by ${axis}`)}`,
    points.length + openLoop.length === 0 ? "Nothing was measured." : "",
    ...curve,
    ...rates,
    markdownList([
      ...words.failureSentences(result).map((text) => `Failed: ${text}`),
      ...warnings.map((warning) => `Warning: ${warning}`),
    ]),
  ], result);
}
