/**
 * What became of a run, for the terminal.
 *
 * @module
 */

import { nameOf } from "../../advice/prediction/candidate.ts";
import type { RunResult } from "../../running/run_result.ts";
import { counted, formatCount, formatDuration, formatRate } from "../../text/format.ts";
import { plain, wrap } from "../../text/plain.ts";
import { paletteFor, type Style } from "../terminal/style.ts";
import { textTable } from "../table.ts";

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

/** The summary of a run. */
export function runText(run: RunResult, style: Style): string {
  const { heading } = paletteFor(style);
  const { reasons, slowest } = run;
  const parts = [`${heading(headline(run))}\n${wrap(details(run), style.columns)}`];
  if (reasons.length > 0) {
    parts.push(textTable(
      [
        { head: "failed", cell: ({ count }) => formatCount(count), tone: () => "bad" },
        { head: "reason", left: true, cell: ({ reason }) => plain(reason) },
        {
          head: "such as",
          left: true,
          most: MOST_CHARACTERS,
          cell: ({ index, message }) => `item ${index}: ${plain(message)}`,
        },
      ],
      reasons.slice(0, MOST_ROWS),
      style,
    ));
  }
  if (slowest.length > 0) {
    parts.push(textTable(
      [
        { head: "slowest", left: true, cell: ({ index }) => `item ${index}` },
        { head: "took", cell: ({ ms }) => formatDuration(ms) },
        { head: "attempts", cell: ({ attempts }) => String(attempts) },
      ],
      slowest.slice(0, MOST_ROWS),
      style,
    ));
  }
  return parts.join("\n\n");
}
