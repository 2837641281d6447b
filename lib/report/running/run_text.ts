/** What became of a run, for the terminal. */

import { nameOf } from "../../advice/prediction/candidate.ts";
import type { RunFile, RunResult } from "../../running/run_result.ts";
import { counted, formatCount, formatDuration, formatRate } from "../../text/format.ts";
import { plain, wrap } from "../../text/plain.ts";
import { escapeMarkdown, markdownReport } from "../files/markdown.ts";
import { paletteFor, type Style } from "../terminal/style.ts";
import { type Column, tableOf } from "../table.ts";

/** Few reasons and items are read; all failures are in their file. */
const MOST_ROWS = 5;
const MOST_CHARACTERS = 50;

function headline({ job, succeeded, failed, wallMs }: RunResult): string {
  const settled = succeeded + failed;
  const items = counted(settled, "item", formatCount(settled));
  const rate = wallMs > 0 && settled > 0 ? `, ${formatRate(settled / wallMs * 1000)}` : "";
  return `${plain(job.name)}: ${items} in ${formatDuration(wallMs)}${rate}: ` +
    `${formatCount(succeeded)} succeeded, ${formatCount(failed)} failed`;
}

function details({ model, lanes, slots, before, gone }: RunResult): string {
  const earlier = [
    ...(before.done > 0 ? [`${formatCount(before.done)} were done`] : []),
    ...(before.failed > 0 ? [`${formatCount(before.failed)} had failed`] : []),
  ];
  return [
    nameOf({ model, lanes, slots: slots ?? Infinity }),
    ...(earlier.length === 0 ? [] : [`${earlier.join(" and ")} before`]),
    ...(gone > 0 ? [`${counted(gone, "recorded item", formatCount(gone))} left the list`] : []),
  ].join("; ");
}

const REASONS: readonly Column<RunResult["reasons"][number]>[] = [
  { head: "failed", cell: ({ count }) => formatCount(count), tone: () => "bad" },
  { head: "reason", left: true, cell: ({ reason }) => plain(reason) },
  {
    head: "such as",
    left: true,
    most: MOST_CHARACTERS,
    cell: ({ index, message }) => `item ${index}: ${plain(message)}`,
  },
];

const SLOWEST: readonly Column<RunResult["slowest"][number]>[] = [
  { head: "slowest", left: true, cell: ({ index }) => `item ${index}` },
  { head: "took", cell: ({ ms }) => formatDuration(ms) },
  { head: "attempts", cell: ({ attempts }) => String(attempts) },
];

/** What is told of a run: what became of it in two lines, and its tables, of those that have rows. */
export function runWords(run: RunResult, mostRows = Infinity) {
  return {
    headline: headline(run),
    details: details(run),
    tables: [
      ...(run.reasons.length === 0 ? [] : [
        { caption: "Why items failed", table: tableOf(REASONS, run.reasons.slice(0, mostRows)) },
      ]),
      ...(run.slowest.length === 0 ? [] : [
        { caption: "What took longest", table: tableOf(SLOWEST, run.slowest.slice(0, mostRows)) },
      ]),
    ],
  };
}

/** The summary of a run. */
export function runText(run: RunResult, style: Style): string {
  const { headline, details, tables } = runWords(run, MOST_ROWS);
  const { heading } = paletteFor(style);
  return [
    `${heading(headline)}\n${wrap(details, style.columns)}`,
    ...tables.map(({ table }) => table.text(style)),
  ].join("\n\n");
}

/** The same for an issue or a pull request. */
export function runMarkdown({ run, environment }: RunFile): string {
  const { headline, details, tables } = runWords(run);
  return markdownReport([
    `### ${escapeMarkdown(headline)}`,
    escapeMarkdown(details),
    ...tables.map(({ table }) => table.markdown()),
  ], { environment, partial: run.ended === "interrupted" });
}
