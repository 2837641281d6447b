/** Comparisons as a report for terminal and Markdown, and as a part of a page; and their rounds as CSV. */

import { BASELINE } from "../../models.ts";
import {
  capitalized,
  counted,
  formatBytes,
  formatDuration,
  formatEnds,
  formatNumber,
  formatPercent,
  formatRatio,
  formatSpeedup,
  NO_FIGURE,
} from "../../text/format.ts";
import { plain } from "../../text/plain.ts";
import {
  type Comparison,
  isComparable,
  isOfCores,
  type ModelResult,
  nothingSucceeded,
  type ResultFile,
  type Round,
  type Verdict,
} from "../../timing/result.ts";
import * as doc from "../document.ts";
import { renderLanes } from "./lanes_picture.ts";
import method from "./method.html" with { type: "text" };
import { MORE_LIKELY, SURE_VERDICT } from "../../judge/thresholds.ts";
import type { AwaitCost } from "../../tasks/catalogue.ts";
import { sumOfFailures } from "../../timing/failures.ts";
import { isBusy } from "../../timing/meter/meter.ts";
import { filled, type Html, list, type Markup, markup, unbroken } from "../html/markup.ts";
import { type PagePart, type PartPlace, type Section, taskWords } from "../html/page.ts";
import { timelineSection } from "../html/timeline.ts";
import {
  distributionSection,
  speedupSection,
  startupSection,
  usageSection,
} from "./comparison_charts.ts";
import { middle } from "../../timing/statistics.ts";
import { passesCeiling } from "../../timing/warnings.ts";

export function resultReport(result: ResultFile): doc.Block {
  return doc.documentOf([...result.comparisons.map(comparisonReport), resultFoot(result)]);
}

export function resultFoot({ comparisons, partial, environment }: ResultFile): doc.Block {
  return doc.documentOf([
    doc.paragraph(comparisons.length === 0 ? "Nothing was measured." : ""),
    doc.partialNote(partial),
    doc.footnote(environment, [], [LESSON]),
  ]);
}

/** One comparison: its table, the picture of its lanes, what failed, warnings, and the verdict. */
export function comparisonReport(comparison: Comparison): doc.Block {
  const { job, models, ceiling, others } = comparison;
  const items = counted(job.items, "item");
  const title = `${job.name}: ${items}, ${roundsOf(comparison)}, medians`;
  const meaning = passesCeiling(models, ceiling)
    ? "; a model gained more."
    : wasShared(comparison)
    ? ` while others used ${formatNumber(others!.used)} of its ${counted(others!.cores, "core")}.`
    : "; as many lanes compute no faster.";
  const limit = ceiling === null
    ? ""
    : `Ceiling: ${counted(ceiling.lanes, "independent process")} gain ` +
      `${formatRatio(ceiling.speedup)} on this machine` +
      (ceiling.lanes > 1 ? `, ${formatNumber(ceiling.speedup / ceiling.lanes)} a process` : "") +
      meaning;
  const notices = noticeLines(comparison);
  const linesOf = (warn: boolean) =>
    notices.flatMap(({ kind, text }) => (kind === "Warning") === warn ? `${kind}: ${text}` : []);
  return doc.documentOf([
    doc.heading(title, "  "),
    doc.tableOf(MODEL_COLUMNS, models),
    doc.paragraph(limit, "idle", "  "),
    doc.inTerminal((style) => renderLanes(comparison, style)),
    doc.together(doc.lines(linesOf(false), "bad"), doc.lines(linesOf(true), "warning")),
    doc.paragraph(verdictText(comparison), "heading"),
  ]);
}

function medianOf(of: (round: Round) => number, format = formatDuration) {
  return ({ rounds }: ModelResult) => format(middle(rounds.map(of)));
}

const cpusOf = ({ cpuMs, wallMs }: Round) => wallMs > 0 ? cpuMs / wallMs : NaN;

/** A terminal of 80 characters shows model, start, work, total, CPU, speedup, memory and failed of these. */
export const MODEL_COLUMNS: readonly doc.Column<ModelResult>[] = [
  doc.textColumn("model", 0, ({ model }) => model, {
    most: 12,
    tone: ({ model }) => model === BASELINE ? undefined : "heading",
  }),
  doc.textColumn("lanes × slots", 8, ({ lanes, slots }) => `${lanes} × ${slots ?? "all"}`),
  doc.numberColumn("start", 3, medianOf(({ startMs }) => startMs)),
  doc.numberColumn("work", 4, medianOf(({ runMs }) => runMs)),
  doc.numberColumn("total", 0, ({ rounds, wallMs }) => {
    return formatDuration(rounds.length === 0 ? NaN : wallMs.median);
  }),
  doc.numberColumn(
    "95% interval",
    9,
    (model) =>
      isComparable(model)
        ? formatEnds(model.wallMs, { format: formatDuration, to: " to " })
        : NO_FIGURE,
  ),
  doc.numberColumn("CPU", 2, medianOf(({ cpuMs }) => cpuMs)),
  doc.numberColumn("CPUs", 7, medianOf(cpusOf, formatNumber)),
  doc.numberColumn("speedup", 0, speedupOf, {
    // Cells are shortened only after all columns that may be left out are gone.
    short: { cell: (model) => speedupOf(model).replace(/ .*/, ""), order: 0.5 },
    tone: ({ model, speedup }) => {
      if (speedup === null || model === BASELINE) return undefined;
      return speedup.low > 1 ? "good" : speedup.high < 1 ? "bad" : undefined;
    },
  }),
  doc.numberColumn("memory", 1, medianOf(({ peakRssBytes }) => peakRssBytes, formatBytes)),
  doc.numberColumn("failed", 0, (model) => String(failedOf(model)), {
    tone: (model) => failedOf(model) > 0 ? "bad" : undefined,
  }),
];

function speedupOf({ model, speedup }: ModelResult): string {
  return speedup === null ? NO_FIGURE : model === BASELINE ? "1×" : formatSpeedup(speedup);
}

/** Failures in the worst round, since a median would hide those of one round in three. */
function failedOf({ rounds }: ModelResult): number {
  return Math.max(0, ...rounds.map(({ failed }) => failed));
}

type RoundRow = Pick<ModelResult, "model" | "lanes" | "slots"> & Round & {
  readonly of: Comparison;
  readonly startedAt: string;
};

function reasonsOf<Of>(of: Record<string, Of> = {}, words: (reason: string, of: Of) => string) {
  return Object.entries(of).map(([reason, of]) => words(reason, of)).join("; ");
}

/** Columns are named as in the result file. Slots without a limit are an empty cell. */
const CSV_COLUMNS: doc.CsvColumns<RoundRow> = {
  job: ({ of }) => of.job.name,
  task: ({ of }) => of.job.task,
  items: ({ of }) => of.job.items,
  ...doc.properties("model", "lanes", "slots", "round", "startMs", "runMs", "wallMs", "cpuMs"),
  ...doc.properties("peakRssBytes", "succeeded", "failed"),
  reasons: ({ reasons }) => reasonsOf(reasons, (reason, count) => `${count} ${reason}`),
  checksum: ({ checksum }) => checksum,
  agree: ({ of }) => of.agree,
  examples: ({ examples }) => reasonsOf(examples, (reason, example) => `${reason}: ${example}`),
  // Several files may hold the same job; the start time tells them apart.
  ...doc.properties("startedAt"),
};

export function renderCsv(
  results: readonly Pick<ResultFile, "comparisons" | "environment">[],
): string {
  const rows = results.flatMap(({ comparisons, environment: { startedAt } }) =>
    comparisons.flatMap((of) =>
      of.models.flatMap((model) =>
        model.rounds.map((round): RoundRow => ({ ...model, ...round, of, startedAt }))
      )
    )
  );
  return doc.csv(CSV_COLUMNS, rows);
}

const LESSON: string = "Slots are concurrency: one lane waits for many tasks at once. " +
  "Lanes are parallelism: they compute at the same time.";

/** Which model to take, its cost, and the verdict's reason and doubt; or why there is no verdict. */
export function verdictText(comparison: Comparison): string {
  const { verdict, agree } = comparison;
  const measured = measuredIn(comparison);
  if (measured.length === 0) return "No verdict: nothing was measured.";
  if (measured.every(nothingSucceeded)) return "No verdict: no task succeeded.";
  if (!agree) {
    return "No verdict: the models gave different results, so their times can't be compared.";
  }
  if (verdict === null) {
    return measured.some(({ model }) => model === BASELINE)
      ? "No verdict: too little was measured."
      : "No verdict: sequential wasn't measured, and gains are counted from it (--models).";
  }
  // That a job is small was concluded from the same times, which can't be trusted here.
  const reason = isUndecided(comparison) && verdict.bound === "small" ? "" : verdict.reason;
  // A share would contradict that nothing can be told; a warning says what to do about others.
  const doubt = isUndecided(comparison) && wasShared(comparison) ? "" : doubtOf(verdict);
  const parts = [adviceOf(comparison, verdict), sentence(reason), doubt];
  return parts.filter((part) => part !== "").join(" ");
}

/** Whether other programs used so much of the machine that the figures may be wrong. */
export function wasShared({ others }: Pick<Comparison, "others">): boolean {
  return isBusy(others);
}

/** Whether the rounds are too unsure to recommend sequential; for a small job much doubt is usual. */
export function isUndecided(comparison: Comparison): boolean {
  const { verdict } = comparison;
  if (verdict === null || verdict.recommended !== BASELINE) return false;
  return wasShared(comparison)
    ? verdict.confidence < SURE_VERDICT
    : verdict.bound !== "small" && verdict.confidence <= MORE_LIKELY;
}

/** The model to take, what it costs, and the machine's ceiling; the verdict's reason tells the gain. */
function adviceOf(comparison: Comparison, verdict: Verdict): string {
  const chosen = comparison.models.find(({ model }) => model === verdict.recommended);
  const base = comparison.models.find(({ model }) => model === BASELINE);
  if (isUndecided(comparison)) {
    return wasShared(comparison)
      ? "Which model is best can't be told on so busy a machine."
      : "Which model is best can't be told.";
  }
  if (verdict.recommended === BASELINE) return "Leave it sequential.";
  const name = plain(verdict.recommended);
  if (chosen === undefined || base === undefined) return `Take ${name}.`;
  const { ceiling, models } = comparison;
  const isLimit = ceiling !== null && verdict.bound !== "io" && isOfCores(chosen) &&
    chosen.lanes > 1 && !passesCeiling(models, ceiling) && !wasShared(comparison);
  const limit = isLimit
    ? `; ${formatRatio(ceiling.speedup)} is what ${counted(ceiling.lanes, "lane")} can give here`
    : "";
  return `Take ${name}, ${memoryOf(base, chosen)}${limit}.`;
}

function doubtOf({ confidence }: Verdict): string {
  if (confidence >= SURE_VERDICT) return "";
  return confidence >= MORE_LIKELY
    ? `Only ${formatPercent(confidence)} sure: more --rounds make it surer.`
    : "The rounds differ too much to be sure: end other programs, or give more --rounds.";
}

/** Peak memory differs by this share (0 to 1) between runs of the same program. */
const SAME_MEMORY = 0.1;

function memoryOf(base: ModelResult, chosen: ModelResult): string {
  const baseBytes = middle(base.rounds.map((r) => r.peakRssBytes));
  const difference = middle(chosen.rounds.map((r) => r.peakRssBytes)) - baseBytes;
  return Math.abs(difference) < SAME_MEMORY * baseBytes
    ? "for about the same memory"
    : `for ${formatBytes(Math.abs(difference))} ${difference > 0 ? "more" : "less"} memory`;
}

/** A file's text as a sentence: a capital at its start, a full stop at its end. */
function sentence(text: string): string {
  const clean = plain(text);
  if (clean === "") return "";
  const whole = capitalized(clean);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** The failures, examples and warnings of a comparison; text from outside is made plain. */
function noticeLines(
  comparison: Comparison,
): { readonly kind: "Failed" | "Example of" | "Warning"; readonly text: string }[] {
  return [
    ...failureLines(comparison).map((text) => ({ kind: "Failed" as const, text })),
    ...exampleLines(comparison).map((text) => ({ kind: "Example of" as const, text })),
    ...comparison.warnings.map((text) => ({ kind: "Warning" as const, text: plain(text) })),
  ];
}

function roundsOf({ models }: Pick<Comparison, "models">): string {
  return counted(Math.max(0, ...models.map(({ rounds }) => rounds.length)), "round");
}

export function failureLines(comparison: Comparison): string[] {
  return comparison.models.flatMap(({ model, rounds }) => {
    const failing = rounds.filter(({ failed }) => failed > 0);
    const told = new Set(failing.map(failureOf));
    // If all rounds failed alike, one line covers them.
    if (failing.length === rounds.length && told.size === 1) {
      const often = failing.length > 1 ? ` in each of ${failing.length} rounds` : "";
      return `${plain(model)}: ${[...told][0]}${often}`;
    }
    return failing.map((of) => `${plain(model)}, round ${of.round + 1}: ${failureOf(of)}`);
  });
}

function failureOf({ failed, succeeded, reasons = {} }: Round): string {
  const why = Object.entries(reasons).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .map(([reason, count]) => `${count} ${plain(reason)}`);
  const shown = why.slice(0, MOST_REASONS);
  if (why.length > MOST_REASONS) shown.push(`and ${why.length - MOST_REASONS} more reasons`);
  return [`${failed} of ${failed + succeeded} failed`, shown.join(", ")].filter(Boolean).join(": ");
}

/** A line names at most this many reasons; the files hold all. */
const MOST_REASONS = 5;

/** One example of each reason for failures: the item, and the error's message. */
export function exampleLines({ models }: Comparison): string[] {
  const seen = new Map<string, string>();
  for (const { model, rounds } of models) {
    for (const [reason, example] of Object.entries(sumOfFailures(rounds).examples)) {
      seen.getOrInsert(reason, `${plain(reason)}: ${plain(example)} (${plain(model)})`);
    }
  }
  return [...seen.values()].slice(0, 2 * MOST_REASONS);
}

const NS_PER_MS = 1e6;

/** Says what awaiting every call of a recursion costs, and why. */
export function awaitCostText({ plainMs, awaitedMs }: AwaitCost): string {
  const [plain, awaited] = [plainMs, awaitedMs].map((ms) => `${formatNumber(ms * NS_PER_MS)} ns`);
  const ratio = awaitedMs / plainMs;
  const times = ratio > 1.05 ? `${formatNumber(ratio)} times as long as` : "no longer than";
  return `Awaited, a call of this recursion takes ${times} a plain one: ${awaited} instead of ` +
    `${plain}, measured here. Each await makes a promise, saves the function and queues the rest of ` +
    "it, and nothing ever waits, so no slot gets that back. async is for what waits.";
}

export function comparisonPart(
  { comparisons }: ResultFile,
  { before, alone }: PartPlace,
): PagePart {
  const [first] = comparisons;
  return {
    title: first === undefined ? "Nothing was measured" : headlineOf(first),
    sections: comparisons.map((comparison, i) =>
      comparisonSection(comparison, `c${before + i}`, alone)
    ),
    jobs: comparisons.map(jobWords),
    name: comparisons.map(({ job }) => job.name).slice(0, 5).join(", ") || "nothing",
    method: { name: "How models are compared", html: filled(method, { lesson: LESSON }) },
  };
}

function measuredIn({ models }: Comparison): ModelResult[] {
  return models.filter(({ rounds }) => rounds.length > 0);
}

function comparisonSection(comparison: Comparison, id: string, alone: boolean): Section {
  const notices = noticeLines(comparison).map(({ kind, text }) => markup`<b>${kind}:</b> ${text}`);
  const measured = measuredIn(comparison);
  // With one comparison only, the headline is the page's title.
  const caption = "Medians over rounds, with 95% intervals";
  const figures = doc.htmlTable(caption, MODEL_COLUMNS, comparison.models);
  const html = markup`${!alone && markup`<p class="headline">${headlineOf(comparison)}</p>`}
    <p class="verdict">${unbroken(verdictText(comparison))}</p>
    <dl class="tiles">${tiles(comparison)}</dl>
    ${list(notices, "notices")}
    ${speedupSection(comparison, `${id}-speedup`)}
    ${timelineSection(comparison, `${id}-timeline`)}
    <section id="${id}-figures"><h3>All figures</h3>${figures}</section>
    ${distributionSection(comparison, `${id}-times`)}
    ${measured.length > 0 && startupSection(measured, `${id}-startup`)}
    ${measured.length > 0 && usageSection(measured, `${id}-usage`)}`;
  const { name } = comparison.job;
  return { id, title: name, found: { name, text: headlineOf(comparison) }, html };
}

function jobWords(comparison: Comparison): Html {
  const { name, items, task, options } = comparison.job;
  const size = `${counted(items, "item")}, ${roundsOf(comparison)}`;
  return markup`<b>${name}</b>, ${size}. ${taskWords(task, options)}`;
}

const BOUND: Record<Verdict["bound"], string> = {
  io: "This job waits",
  cpu: "This job computes",
  mixed: "This job waits and computes",
  small: "This job is small",
  unknown: "This job was measured",
};

function headlineOf(comparison: Comparison): string {
  const { job, agree, verdict, models } = comparison;
  if (!agree) return "The models’ results differ";
  if (models.length > 0 && models.every(nothingSucceeded)) {
    return `Nothing of ${job.name} succeeded`;
  }
  if (verdict === null) return `No verdict on ${job.name}`;
  const bound = BOUND[verdict.bound];
  if (isUndecided(comparison)) return `${bound}: which model is best can’t be told`;
  if (verdict.recommended === BASELINE) return `${bound}: leave it sequential`;
  const chosen = models.find(({ model }) => model === verdict.recommended);
  return chosen?.speedup
    ? `${bound}: ${verdict.recommended} is ${formatRatio(chosen.speedup.median)} as fast`
    : `${bound}: take ${verdict.recommended}`;
}

function tiles({ verdict, models, ceiling, agree }: Comparison): Markup[] {
  const base = models.find(({ model }) => model === BASELINE);
  const chosen = agree
    ? models.find(({ model }) => model === verdict?.recommended && model !== BASELINE)
    : undefined;
  const gain = chosen?.speedup;
  const tile = (name: string, figure: string, detail: string) =>
    markup`
      <div>
        <dt>${name}</dt>
        <dd><b>${figure}</b> <span>${detail}</span></dd>
      </div>
    `;
  return [
    base && base.rounds.length > 0 &&
    tile("one after the other", formatDuration(base.wallMs.median), "sequential, median"),
    chosen && tile("recommended", formatDuration(chosen.wallMs.median), chosen.model),
    gain &&
    tile(
      "as fast",
      formatRatio(gain.median),
      `95% interval ${formatEnds(gain, { to: " to " })}`,
    ),
    verdict &&
    tile(
      "of its time computing",
      formatPercent(Math.min(1, verdict.cpuShare)),
      verdict.bound === "unknown" ? "the rest it waits, for a core too" : "the rest it waits",
    ),
    ceiling &&
    tile(
      "ceiling",
      formatRatio(ceiling.speedup),
      `with ${counted(ceiling.lanes, "independent process")}`,
    ),
    verdict && tile("confidence", formatPercent(verdict.confidence), "in this verdict"),
  ];
}
