/** The report of changes between two results, for a terminal. */

import {
  formatCount,
  formatDuration,
  formatEnds,
  formatRatio,
  NO_FIGURE,
} from "../../text/format.ts";
import type { Change } from "../../timing/compare_results.ts";
import * as doc from "../document.ts";
import type { Style } from "../terminal.ts";

const DIFFERENCES: readonly string[] = ["faster", "slower", "no detectable difference"];

/** Whether times may be compared: not if results or shares of failed items differ, or nothing succeeded. */
function hasRatio({ verdict }: Change): boolean {
  return DIFFERENCES.includes(verdict);
}

function verdictWords({ verdict, tooSlow }: Change): string {
  return tooSlow ? "slower than allowed" : verdict;
}

const COLUMNS: readonly doc.Column<Change>[] = [
  doc.textColumn("model", 0, ({ model }) => model, { most: 12 }),
  doc.numberColumn("before", 2, ({ oldMs }) => formatDuration(oldMs.median)),
  doc.numberColumn("now", 1, ({ newMs }) => formatDuration(newMs.median)),
  doc.numberColumn("ratio", 0, (of) => hasRatio(of) ? formatRatio(of.ratio.median) : NO_FIGURE),
  doc.numberColumn(
    "95% interval",
    4,
    (change) => hasRatio(change) ? formatEnds(change.ratio) : NO_FIGURE,
  ),
  doc.textColumn("", 0, verdictWords, {
    short: {
      cell: (of) => verdictWords(of).replace("no detectable difference", "no difference seen"),
      order: 3,
    },
    tone: ({ tooSlow, verdict }) =>
      tooSlow || verdict === "fails more now" ? "bad" : verdict === "faster" ? "good" : undefined,
  }),
];

export function renderChanges(
  { changes, warnings }: {
    readonly changes: readonly Change[];
    readonly warnings: readonly string[];
  },
  maxSlowdown: number,
  style: Style,
): string {
  const jobs = [...Map.groupBy(changes, ({ job }) => job)];
  return doc.documentOf([
    ...jobs.map(([job, of]) => doc.together(doc.heading(job), doc.tableOf(COLUMNS, of))),
    doc.lines(warnings.map((text) => `Warning: ${text}`), "warning"),
    doc.paragraph(summary(changes, maxSlowdown), "heading"),
  ]).text(style);
}

/** Formats a share with a decimal if it isn't whole: 10.4% is more than the 10% allowed. */
function percent(share: number): string {
  return `${formatCount(Math.round(1000 * share) / 10)}%`;
}

function summary(changes: readonly Change[], maxSlowdown: number): string {
  if (changes.length === 0) return "The two results have no job and model in common.";
  const allowed = `the ${percent(maxSlowdown)} allowed`;
  const failing = changes.filter(({ verdict }) => verdict === "fails more now");
  const slow = changes.filter(({ tooSlow }) => tooSlow);
  const list = (of: readonly Change[], words = (_: Change) => "") =>
    of.map((change) => `${change.model}${words(change)} (${change.job})`).join(", ");
  const byHowMuch = ({ ratio: { median } }: Change) =>
    ` by ${Number.isFinite(median) ? percent(median - 1) : NO_FIGURE}`;
  const nothing = failing.length > 0 ? "Of the others nothing" : "Nothing";
  const rest = slow.length > 0
    ? `Slower than ${allowed}: ${list(slow, byHowMuch)}.`
    : changes.some(hasRatio)
    ? `${nothing} is detectably slower than ${allowed}.`
    : "No times can be compared.";
  return failing.length === 0 ? rest : `More fails than before: ${list(failing)}. ${rest}`;
}
