/** The report of a run, for a terminal, Markdown, a page and a trace. */

import { reasonText } from "../../advice/findings/failures.ts";
import { nameOf } from "../../advice/prediction/candidate.ts";
import { decisionText } from "../../timing/decisions.ts";
import type { RunFile, RunResult } from "../../running/run_result.ts";
import {
  counted,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
} from "../../text/format.ts";
import * as doc from "../document.ts";
import { list, markup } from "../html/markup.ts";
import type { PagePart, PartPlace } from "../html/page.ts";
import { timelineSection } from "../html/timeline.ts";
import type { Traced } from "../trace.ts";

/** How many reasons, decisions and items a terminal shows; the file of failures holds all failures. */
const MOST_ROWS = 5;
const MOST_DECISION = 55;

const WHY_FAILED = "Why items failed";

/** Whether a run ended before all of its items had. */
function isCut({ ended, total, succeeded, failed }: RunResult): boolean {
  return ended !== "done" && succeeded + failed !== total;
}

function headline(run: RunResult): string {
  const { job, succeeded, failed, wallMs, total } = run;
  const settled = succeeded + failed;
  const items = !isCut(run) || total === null
    ? counted(settled, "item")
    : `${formatCount(settled)} of ${counted(total, "item")}`;
  const rate = wallMs > 0 && settled > 0 ? `, ${formatRate(settled / wallMs * 1000)}` : "";
  return `${job.name}: ${items} in ${formatDuration(wallMs)}${rate}: ` +
    `${formatCount(succeeded)} succeeded, ${formatCount(failed)} failed`;
}

const ENDED: Readonly<Record<RunResult["ended"], string>> = {
  done: "",
  interrupted: "interrupted",
  halted: "halted",
  failed: "stopped before its end",
};

function were(count: number): string {
  return `${formatCount(count)} ${count === 1 ? "was" : "were"}`;
}

function details(run: RunResult): string {
  const { model, lanes, slots, before, gone, auto, succeeded, failed } = run;
  const earlier = [
    before.done > 0 && `${were(before.done)} done`,
    before.failed > 0 && `${formatCount(before.failed)} had failed`,
  ].filter(Boolean).join(" and ");
  return [
    nameOf({ model, lanes, slots: slots ?? Infinity }),
    isCut(run) && ENDED[run.ended],
    earlier && `${earlier} before`,
    gone > 0 && `${counted(gone, "recorded item")} left the list`,
    // What `auto` found out from items that mostly failed is how fast they fail.
    auto !== undefined && succeeded > failed && `next time: ${auto.next}`,
  ].filter(Boolean).join("; ");
}

const DECISIONS: readonly doc.Column<NonNullable<RunResult["auto"]>["decisions"][number]>[] = [
  doc.numberColumn("after", 0, ({ atMs }) => formatDuration(atMs)),
  doc.textColumn("decided", 0, decisionText, { most: MOST_DECISION }),
  doc.numberColumn("busy", 2, ({ figures }) => formatPercent(figures.busyShare)),
  doc.numberColumn("done", 1, ({ figures }) => formatRate(figures.perSecond)),
];

const SLOWEST: readonly doc.Column<RunResult["slowest"][number]>[] = [
  doc.textColumn("slowest", 0, ({ index }) => `item ${index}`),
  doc.numberColumn("took", 0, ({ ms }) => formatDuration(ms)),
  doc.numberColumn("attempts", 0, ({ attempts }) => String(attempts)),
];

/** The contents of a run's report: its results in two lines, why items failed, and tables that have rows. */
function runWords(run: RunResult) {
  const [decided, slow] = [DECISIONS, SLOWEST] as readonly (readonly doc.Column<unknown>[])[];
  return {
    headline: headline(run),
    details: details(run),
    reasons: run.reasons.map(reasonText),
    tables: [
      {
        caption: "What was decided",
        what: "decision",
        rows: run.auto?.decisions ?? [],
        of: decided!,
      },
      { caption: "What took longest", what: "item", rows: run.slowest, of: slow! },
    ].filter(({ rows }) => rows.length > 0),
  };
}

/** Shows only the first rows in a terminal, with the number of further ones; Markdown shows all. */
function firstOf<Row>(
  rows: readonly Row[],
  what: string,
  block: (rows: readonly Row[]) => doc.Block,
): doc.Block {
  const left = rows.length - MOST_ROWS;
  const more = doc.paragraph(left > 0 ? `… and ${counted(left, `more ${what}`)}` : "");
  const { text } = block(rows.slice(0, MOST_ROWS));
  return doc.together({ text, markdown: block(rows).markdown }, doc.inTerminal(more.text));
}

export function runReport({ run, environment }: RunFile): doc.Block {
  const { headline, details, reasons, tables } = runWords(run);
  return doc.documentOf([
    doc.together(doc.heading(headline), doc.paragraph(details)),
    firstOf(reasons, "reason", (of) => (
      { text: doc.lines(of, "bad").text, markdown: doc.points(WHY_FAILED, of).markdown }
    )),
    ...tables.map(({ of, rows, what }) =>
      firstOf<unknown>(rows, what, (few) => doc.tableOf(of, few))
    ),
    { ...doc.partialNote(run.ended === "interrupted"), text: () => "" },
    { ...doc.footnote(environment), text: () => "" },
  ]);
}

/** A run's tasks for a trace; undefined if none was timed. */
export function runTraced({ run }: RunFile): Traced[] | undefined {
  const { job, model, timeline, succeeded, failed, reasons } = run;
  if (timeline === undefined) return undefined;
  const [kept, all] = [timeline.index.length, succeeded + failed];
  const labels = [
    ...(kept < all ? [`an even sample of ${kept} of ${all} tasks`] : []),
    ...reasons.map(({ count, reason }) => `${count} ${reason}`),
  ].join("; ");
  return [{ name: `${model}: ${job.name}`, labels, startMs: 0, timeline }];
}

export function runPart({ run }: RunFile, { id }: PartPlace): PagePart {
  const { headline, details, reasons, tables } = runWords(run);
  const { job, model, lanes, slots, succeeded, failed, problem, auto } = run;
  const timeline = run.timeline && { ...run.timeline, decisions: auto?.decisions };
  const timed = { models: [{ model, lanes, slots, timeline }], job: { items: succeeded + failed } };
  return {
    title: job.name,
    sections: [{
      id,
      title: job.name,
      found: { name: job.name, text: headline.slice(job.name.length + 2) },
      html: [
        markup`<p class="verdict">${headline}</p><p>${details}</p>`,
        problem !== undefined && markup`<p>${problem}</p>`,
        reasons.length > 0 && markup`<section><h3>${WHY_FAILED}</h3>${list(reasons)}</section>`,
        tables.map(({ caption, of, rows }) => doc.htmlTable(caption, of, rows)),
        timelineSection(timed, `${id}-timeline`, false),
      ],
    }],
    jobs: [job.name],
    name: job.name,
    method: {
      name: "How a run is told",
      html:
        markup`<p>The items are those that this run settled; what earlier runs had recorded is counted
        apart. Times are of each item’s last attempt. Of many tasks the timeline shows an even sample: every
        second, every fourth and so on, in the order in which they ended.</p>`,
    },
  };
}
