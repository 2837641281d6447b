/** Comparisons as a report for terminal and Markdown; and their rounds as CSV. */

import { BASELINE } from "../../models.ts";
import {
  counted,
  formatBytes,
  formatDuration,
  formatNumber,
  formatPercent,
  formatRatio,
  formatSpeedup,
  middle,
  NO_FIGURE,
} from "../../text/format.ts";
import { plain } from "../../text/plain.ts";
import type { Change, ResultsComparison } from "../../timing/compare_results.ts";
import {
  type Comparison,
  isComparable,
  type ModelResult,
  type ResultFile,
  type Round,
} from "../../timing/result.ts";
import {
  type Block,
  type Column,
  csv,
  type CsvColumns,
  documentOf,
  footnote,
  heading,
  inTerminal,
  lines,
  paragraph,
  partialNote,
  properties,
  tableOf,
  together,
} from "../document.ts";
import type { Style } from "../terminal.ts";
import {
  isBusy,
  LESSON,
  noticeLines,
  passesCeiling,
  roundsOf,
  verdictText,
} from "./comparison_words.ts";
import { renderLanes } from "./lanes_picture.ts";

export function resultReport(result: ResultFile): Block {
  return documentOf([...result.comparisons.map(comparisonReport), resultFoot(result)]);
}

export function resultFoot({ comparisons, partial, environment }: ResultFile): Block {
  return documentOf([
    paragraph(comparisons.length === 0 ? "Nothing was measured." : ""),
    partialNote(partial),
    footnote(environment, [], [LESSON]),
  ]);
}

/** One comparison: its table, the picture of its lanes, what failed, warnings, and the verdict. */
export function comparisonReport(comparison: Comparison): Block {
  const { job, models, ceiling, others } = comparison;
  const title = `${job.name}: ${counted(job.items, "item")}, ${roundsOf(comparison)}, medians`;
  const limit = ceiling === null
    ? ""
    : `Ceiling: ${counted(ceiling.lanes, "independent process")} gain ` +
      `${formatRatio(ceiling.speedup)} on this machine` +
      (ceiling.lanes > 1 ? `, ${formatNumber(ceiling.speedup / ceiling.lanes)} a process` : "") +
      (passesCeiling(comparison)
        ? "; a model gained more, so it was measured too low."
        : isBusy(comparison)
        ? ` while others used ${formatNumber(others!.used)} of its ${
          counted(others!.cores, "core")
        }.`
        : "; no number of lanes computes faster.");
  const [warnings, failures] = [true, false].map((isWarning) =>
    noticeLines(comparison).filter(({ kind }) => (kind === "Warning") === isWarning)
      .map(({ kind, text }) => `${kind}: ${text}`)
  );
  return documentOf([
    heading(title, "  "),
    tableOf(MODEL_COLUMNS, models),
    paragraph(limit, "idle", "  "),
    inTerminal((style) => renderLanes(comparison, style)),
    together(lines(failures!, "bad"), lines(warnings!, "warning")),
    paragraph(verdictText(comparison), "heading"),
  ]);
}

function medianTime(of: (round: Round) => number) {
  return ({ rounds }: ModelResult) => formatDuration(middle(rounds.map(of)));
}

/** Of these a terminal of 80 columns has start, work, total, CPU, speedup, memory and failures. */
export const MODEL_COLUMNS: readonly Column<ModelResult>[] = [
  {
    head: "model",
    left: true,
    most: 12,
    cell: ({ model }) => plain(model),
    tone: ({ model }) => model === BASELINE ? undefined : "heading",
  },
  {
    head: "lanes × slots",
    left: true,
    dropOrder: 8,
    cell: ({ lanes, slots }) => `${lanes} × ${slots ?? "all"}`,
  },
  { head: "start", dropOrder: 3, cell: medianTime(({ startMs }) => startMs) },
  { head: "work", dropOrder: 4, cell: medianTime(({ runMs }) => runMs) },
  {
    head: "total",
    cell: ({ rounds, wallMs }) => formatDuration(rounds.length === 0 ? NaN : wallMs.median),
  },
  {
    head: "95% interval",
    dropOrder: 9,
    cell: (model) =>
      isComparable(model)
        ? `${formatDuration(model.wallMs.low)} to ${formatDuration(model.wallMs.high)}`
        : NO_FIGURE,
  },
  { head: "CPU", dropOrder: 2, cell: medianTime(({ cpuMs }) => cpuMs) },
  {
    head: "CPUs",
    dropOrder: 7,
    cell: ({ rounds }) =>
      formatNumber(middle(rounds.map(({ cpuMs, wallMs }) => wallMs > 0 ? cpuMs / wallMs : NaN))),
  },
  {
    head: "speedup",
    cell: speedupOf,
    // Shorter cells are taken after all columns that may be left out.
    short: { cell: (model) => speedupOf(model).replace(/ .*/, ""), order: 0.5 },
    tone: ({ model, speedup }) =>
      speedup === null || model === BASELINE
        ? undefined
        : speedup.low > 1
        ? "good"
        : speedup.high < 1
        ? "bad"
        : undefined,
  },
  {
    head: "memory",
    dropOrder: 1,
    cell: ({ rounds }) => formatBytes(middle(rounds.map(({ peakRssBytes }) => peakRssBytes))),
  },
  {
    head: "failed",
    cell: (model) => String(failedOf(model)),
    tone: (model) => failedOf(model) > 0 ? "bad" : undefined,
  },
];

function speedupOf({ model, speedup }: ModelResult): string {
  return speedup === null ? NO_FIGURE : model === BASELINE ? "1×" : formatSpeedup(speedup);
}

/** Failures in the worst round: a median would hide what failed in one of three. */
function failedOf({ rounds }: ModelResult): number {
  return Math.max(0, ...rounds.map(({ failed }) => failed));
}

interface RoundRow extends Pick<ModelResult, "model" | "lanes" | "slots">, Round {
  readonly of: Comparison;
}

function reasonsOf<Of>(
  of: Readonly<Record<string, Of>> = {},
  words: (reason: string, of: Of) => string,
) {
  return Object.entries(of).map(([reason, of]) => words(reason, of)).join("; ");
}

/** Columns are named as in the result file. Slots without a limit are an empty cell. */
const CSV_COLUMNS: CsvColumns<RoundRow> = {
  job: ({ of }) => of.job.name,
  task: ({ of }) => of.job.task,
  items: ({ of }) => of.job.items,
  ...properties("model", "lanes", "slots", "round", "startMs", "runMs", "wallMs", "cpuMs"),
  ...properties("peakRssBytes", "succeeded", "failed"),
  reasons: ({ reasons }) => reasonsOf(reasons, (reason, count) => `${count} ${reason}`),
  checksum: ({ checksum }) => checksum,
  agree: ({ of }) => of.agree,
  examples: ({ examples }) => reasonsOf(examples, (reason, example) => `${reason}: ${example}`),
};

export function renderCsv(results: readonly Pick<ResultFile, "comparisons">[]): string {
  const rows = results.flatMap(({ comparisons }) =>
    comparisons.flatMap((of) =>
      of.models.flatMap(({ rounds, ...model }) =>
        rounds.map((round) => ({ ...model, ...round, of }))
      )
    )
  );
  return csv(CSV_COLUMNS, rows);
}

const DIFFERENCES: readonly string[] = ["faster", "slower", "no detectable difference"];

/** Whether times may be compared: not where a different number of items succeeded. */
function hasRatio({ verdict }: Change): boolean {
  return DIFFERENCES.includes(verdict);
}

function verdictWords({ verdict, tooSlow }: Change): string {
  return tooSlow ? "slower than allowed" : verdict;
}

const COLUMNS: readonly Column<Change>[] = [
  { head: "model", left: true, most: 12, cell: ({ model }) => plain(model) },
  { head: "before", dropOrder: 2, cell: ({ oldMs }) => formatDuration(oldMs.median) },
  { head: "now", dropOrder: 1, cell: ({ newMs }) => formatDuration(newMs.median) },
  {
    head: "ratio",
    cell: (change) => hasRatio(change) ? formatRatio(change.ratio.median) : NO_FIGURE,
  },
  {
    head: "95% interval",
    dropOrder: 4,
    cell: (change) => {
      const { low, high } = change.ratio;
      return hasRatio(change) ? `${formatNumber(low)}–${formatNumber(high)}` : NO_FIGURE;
    },
  },
  {
    head: "",
    left: true,
    cell: verdictWords,
    short: {
      cell: (change) =>
        verdictWords(change).replace("no detectable difference", "no difference seen"),
      order: 3,
    },
    tone: ({ tooSlow, verdict }) =>
      tooSlow || verdict === "fails more now" ? "bad" : verdict === "faster" ? "good" : undefined,
  },
];

export function renderChanges(
  { changes, warnings }: Pick<ResultsComparison, "changes" | "warnings">,
  maxSlowdown: number,
  style: Style,
): string {
  const jobs = [...Map.groupBy(changes, ({ job }) => job)];
  return documentOf([
    ...jobs.map(([job, of]) => together(heading(job), tableOf(COLUMNS, of))),
    lines(warnings.map((text) => `Warning: ${text}`), "warning"),
    paragraph(summary(changes, maxSlowdown), "heading"),
  ]).text(style);
}

function summary(changes: readonly Change[], maxSlowdown: number): string {
  if (changes.length === 0) return "The two results have no job and model in common.";
  const allowed = `the ${formatPercent(maxSlowdown)} allowed`;
  const failing = changes.filter(({ verdict }) => verdict === "fails more now");
  const slow = changes.filter(({ tooSlow }) => tooSlow);
  const list = (of: readonly Change[], words = (_: Change) => "") =>
    of.map((change) => `${plain(change.model)}${words(change)} (${plain(change.job)})`).join(", ");
  const byHowMuch = ({ ratio: { median } }: Change) =>
    ` by ${formatPercent(Number.isFinite(median) ? median - 1 : NaN)}`;
  const rest = slow.length > 0
    ? `Slower than ${allowed}: ${list(slow, byHowMuch)}.`
    : changes.some(hasRatio)
    ? `${failing.length > 0 ? "Of the others nothing" : "Nothing"} is slower than ${allowed}.`
    : "No times can be compared.";
  return failing.length === 0 ? rest : `More fails than before: ${list(failing)}. ${rest}`;
}
