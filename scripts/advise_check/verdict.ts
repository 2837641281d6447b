/** How one piece of advice turned out: where it isn't what the label says, and a table of all. */

import type { Advice } from "../../lib/advice/advice.ts";
import type { Label } from "../../tests/advice/labelled/labels.ts";
import { SURE_CLASS } from "../../lib/judge/thresholds.ts";
import { formatPercent, formatRatio } from "../../lib/text/format.ts";
import { type Column, textTable } from "../../lib/report/document.ts";

/** What is wrong, a few words each; none if the advice is as it should be. */
export function shortfalls(label: Label, advice: Advice): string[] {
  const { models, hazard, orHazard, noHazard, bound } = label;
  const kinds = advice.hazards.map(({ kind }) => kind);
  return [
    ...(advice.bound === bound || advice.classConfidence < SURE_CLASS
      ? []
      : [`${bound} taken for ${advice.bound}`]),
    // Who can't tell on a busy machine isn't wrong.
    ...(models === undefined || models.includes(advice.recommended.model) ||
        advice.recommended.decision === "can't tell"
      ? []
      : [`not ${models.join(" or ")}`]),
    ...(hazard === undefined || kinds.some((kind) => kind === hazard || kind === orHazard)
      ? []
      : [`no word on ${hazard}`]),
    ...(noHazard === undefined || !kinds.includes(noHazard) ? [] : [`${noHazard} seen`]),
  ];
}

export interface Verdict {
  readonly file: string;
  readonly label: string;
  /** What the advice took it for. */
  readonly found: string;
  /** How sure it was of that, 0 to 1. */
  readonly classConfidence: number;
  readonly cpuShare: number;
  readonly recommended: string;
  readonly wallMs: number | null;
  /** The model that was best, with its time. */
  readonly best: string;
  readonly regret: number | null;
  /** That of `auto`, which runs every item once. */
  readonly autoRegret: number | null;
  /** How many times as long as the plain loop `auto` takes; null if either wasn't measured. */
  readonly autoToPlain: number | null;
  readonly plainMs: number | null;
  /** The recommended model's gain: as predicted, as the advice's own race measured it, and afterwards. */
  readonly predicted: number;
  readonly raced: number | null;
  readonly measured: number;
  /** Whether the advice said that its prediction was unsure, or that its race refuted it. */
  readonly unsure: boolean;
  /** What the advice cost, in sequential runs of its sample. */
  readonly runs: number;
  /** Where the advice isn't what the label says. */
  readonly shortfalls: readonly string[];
}

/** Regret up to this is as good as none; a prediction may be off by this; advice may cost this. */
const GOOD_REGRET = 0.1;
const GOOD_AUTO = 0.15;
/** Of jobs shorter than this, one by one, `auto` may only be no slower than the plain loop, but for so much. */
const LONG_MS = 2000;
const GOOD_TO_PLAIN = 1.05;
const GOOD_PREDICTION = 0.25;
const GOOD_COST = 3;

/** Of a job's pieces of advice so many are to be one, or equals of it. */
const GOOD_REPEAT = 0.9;

/** The share of a job's pieces of advice that recommend the model most named, or an equal of it. */
function steadiness(of: readonly Verdict[]): number {
  const named = Map.groupBy(of, ({ recommended }) => recommended);
  const [most] = [...named.values()].toSorted((a, b) => b.length - a.length);
  const { recommended, wallMs } = most![0]!;
  const isEqual = (other: Verdict) =>
    other.recommended === recommended ||
    (wallMs !== null && Math.abs(other.wallMs! / wallMs - 1) <= GOOD_REGRET);
  return of.filter(isEqual).length / of.length;
}

/** What differs from one piece of advice on a job to the next. */
function repeatLines(verdicts: readonly Verdict[]): string[] {
  const jobs = [...Map.groupBy(verdicts, ({ file }) => file)];
  if (jobs.every(([, of]) => of.length < 2)) return [];
  const steady = jobs.filter(([, of]) => steadiness(of) >= GOOD_REPEAT).length;
  return [
    `One recommendation, or equals, in 90%: ${formatPercent(steady / jobs.length)} of the jobs`,
    ...jobs.flatMap(([file, of]) => {
      const named = Map.groupBy(of, ({ recommended }) => recommended);
      if (named.size < 2) return [];
      const counts = [...named].map(([name, { length }]) => `${name} ${length} times`);
      return [`  ${file}: ${formatPercent(steadiness(of))} (${counts.join(", ")})`];
    }),
  ];
}

const COLUMNS: readonly Column<Verdict>[] = [
  { head: "job", left: true, cell: ({ file }) => file.replace(/\.ts$/, "") },
  { head: "label", left: true, cell: ({ label }) => label },
  {
    head: "found",
    left: true,
    cell: ({ found, classConfidence }) => found + (classConfidence < SURE_CLASS ? "?" : ""),
  },
  { head: "CPU", cell: ({ cpuShare }) => formatPercent(cpuShare) },
  { head: "recommended", left: true, cell: ({ recommended }) => recommended },
  { head: "best", left: true, cell: ({ best }) => best },
  { head: "regret", cell: ({ regret }) => formatPercent(regret ?? NaN) },
  { head: "auto", cell: ({ autoRegret }) => formatPercent(autoRegret ?? NaN) },
  { head: "pred.", cell: ({ predicted }) => formatRatio(predicted) },
  { head: "raced", cell: ({ raced }) => formatRatio(raced ?? NaN) },
  {
    head: "meas.",
    cell: ({ measured }) => formatRatio(Number.isFinite(measured) ? measured : NaN),
  },
  { head: "", left: true, cell: ({ unsure }) => unsure ? "unsure" : "" },
  { head: "cost", cell: ({ runs }) => runs.toFixed(1) },
  { head: "wrong", left: true, cell: ({ shortfalls }) => shortfalls.join("; ") },
];

/** All verdicts as a table, and what they come to. */
export function tableOf(verdicts: readonly Verdict[]): string {
  const share = (holds: (of: Verdict) => boolean, among = verdicts) =>
    among.length === 0 ? "–" : formatPercent(among.filter(holds).length / among.length);
  const compared = verdicts.filter(({ regret }) => regret !== null);
  const tried = verdicts.filter(({ autoRegret }) => autoRegret !== null);
  const long = tried.filter(({ plainMs }) => plainMs! >= LONG_MS);
  const short = tried.filter(({ plainMs }) => plainMs! < LONG_MS);
  const near = (gain: number, measured: number) => Math.abs(gain / measured - 1) <= GOOD_PREDICTION;
  return [
    textTable(COLUMNS, verdicts, { columns: Infinity, colour: false }),
    "",
    `Class right:                        ${share(({ label, found }) => label === found)}, or ` +
    `said to be unsure: ${share((of) => of.label === of.found || of.classConfidence < SURE_CLASS)}`,
    `As labelled in all:                 ${share(({ shortfalls }) => shortfalls.length === 0)}`,
    `Within 10% of the best:             ${
      share(({ regret }) => regret! <= GOOD_REGRET, compared)
    }`,
    `auto within 15% of the best:        ${
      share(({ autoRegret }) => autoRegret! <= GOOD_AUTO, long)
    } of jobs of 2 s or more (${
      share(({ autoRegret }) => autoRegret! <= GOOD_AUTO, tried)
    } of all)`,
    `auto no 5% slower than a plain loop: ${
      share(({ autoToPlain }) => autoToPlain! <= GOOD_TO_PLAIN, short)
    } of shorter jobs`,
    `Gain predicted within 25%:          ${
      share((of) => near(of.predicted, of.measured), compared)
    }, or ` +
    `said to be unsure: ${share((of) => of.unsure || near(of.predicted, of.measured), compared)}`,
    `Gain given (raced) within 25%:      ${
      share((of) => near(of.raced ?? of.predicted, of.measured), compared)
    }`,
    `Called a gain and wasn't one:       ${
      compared.filter(({ unsure, raced, measured }) => !unsure && (raced ?? 1) > 1 && measured < 1)
        .length
    } of ${compared.length}`,
    `Cost below three sequential runs:   ${share(({ runs }) => runs < GOOD_COST)}`,
    ...repeatLines(verdicts),
    "",
    "Regret is what both take when measured anew, since the least of a dozen times is also the luckiest;",
    "it counts the 30 ms that any program takes to start, as a person's wait does.",
  ].join("\n");
}
