/**
 * What changed from one result to another, for a terminal.
 *
 * @module
 */

import type { Change, ResultsComparison } from "../../timing/compare_results.ts";
import {
  formatDuration,
  formatNumber,
  formatPercent,
  formatRatio,
  NO_FIGURE,
} from "../../text/format.ts";
import { fit, plain, wrap } from "../../text/plain.ts";
import { paletteFor, type Style, uncoloured } from "./style.ts";
import { textTable } from "./text_table.ts";

/** Writes what changed: a table, warnings, and whether anything is slower than allowed, by a share. */
export function renderChanges(
  { changes, warnings }: Pick<ResultsComparison, "changes" | "warnings">,
  maxSlowdown: number,
  style: Style,
): string {
  const palette = paletteFor(style);
  const blocks: string[] = [];
  for (const [job, of] of Map.groupBy(changes, (change) => change.job)) {
    const paint = ({ tooSlow, verdict }: Change) =>
      tooSlow || verdict === "fails more now"
        ? palette.bad
        : verdict === "faster"
        ? palette.good
        : uncoloured;
    const table = textTable([
      { head: "model", left: true, cells: of.map(({ model }) => fit(plain(model), 12)) },
      { head: "before", dropOrder: 2, cells: of.map(({ oldMs }) => formatDuration(oldMs.median)) },
      { head: "now", dropOrder: 1, cells: of.map(({ newMs }) => formatDuration(newMs.median)) },
      {
        head: "ratio",
        cells: of.map((change) => ratio(change, ({ median }) => formatRatio(median))),
      },
      {
        head: "95% interval",
        dropOrder: 4,
        cells: of.map((change) =>
          ratio(change, ({ low, high }) => `${formatNumber(low)}–${formatNumber(high)}`)
        ),
      },
      {
        head: "",
        left: true,
        cells: of.map(verdictWords),
        short: {
          cells: of.map((change) => SHORT[verdictWords(change)] ?? verdictWords(change)),
          order: 3,
        },
        paint: (row) => paint(of[row]!),
      },
    ], style);
    blocks.push([palette.heading(wrap(plain(job), style.columns)), table].join("\n"));
  }
  const notices = warnings.map((text) =>
    palette.warning(wrap(`Warning: ${plain(text)}`, style.columns, "  "))
  );
  if (notices.length > 0) blocks.push(notices.join("\n"));
  blocks.push(palette.heading(wrap(summary(changes, maxSlowdown), style.columns)));
  return blocks.join("\n\n");
}

/** Shorter words, where the terminal is narrow. */
const SHORT: Readonly<Record<string, string>> = {
  "no detectable difference": "no difference seen",
};

const DIFFERENCES: readonly string[] = ["faster", "slower", "no detectable difference"];

/** A ratio of times; none where a different number of items succeeded. */
function ratio({ verdict, ratio }: Change, of: (ratio: Change["ratio"]) => string): string {
  return DIFFERENCES.includes(verdict) ? of(ratio) : NO_FIGURE;
}

function verdictWords({ verdict, tooSlow }: Change): string {
  return tooSlow ? "slower than allowed" : verdict;
}

function summary(changes: readonly Change[], maxSlowdown: number): string {
  if (changes.length === 0) return "The two results have no job and model in common.";
  const allowed = `the ${formatPercent(maxSlowdown)} allowed`;
  const slow = changes.filter(({ tooSlow }) => tooSlow);
  const failing = changes.filter(({ verdict }) => verdict === "fails more now");
  const fails = failing.length === 0
    ? ""
    : `More fails than before: ${
      failing.map(({ job, model }) => `${plain(model)} (${plain(job)})`).join(", ")
    }.`;
  const compared = changes.filter(({ verdict }) => DIFFERENCES.includes(verdict));
  if (slow.length === 0) {
    const rest = compared.length > 0
      ? `${failing.length > 0 ? "Of the others nothing" : "Nothing"} is slower than ${allowed}.`
      : "No times can be compared.";
    return `${fails} ${rest}`.trim();
  }
  const names = slow.map(({ job, model, ratio }) => {
    const by = Number.isFinite(ratio.median) ? formatPercent(ratio.median - 1) : NO_FIGURE;
    return `${plain(model)} by ${by} (${plain(job)})`;
  });
  return `${fails} Slower than ${allowed}: ${names.join(", ")}.`.trim();
}
