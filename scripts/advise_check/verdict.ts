/** How one piece of advice differs from its label, and a table of all pieces of advice. */

import type { Advice } from "../../lib/advice/advice.ts";
import type { Label } from "../../tests/advice/labelled/labels.ts";
import { SURE_CLASS } from "../../lib/judge/thresholds.ts";
import { formatPercent, formatRatio, NO_FIGURE } from "../../lib/text/format.ts";
import { type Column, numberColumn, textColumn, textTable } from "../../lib/report/document.ts";
import type { Held } from "./regret.ts";

/** The faults of a piece of advice, in a few words each; empty if the advice is as it should be. */
export function shortfalls(label: Label, advice: Advice): string[] {
  const { models, hazard, orHazard, noHazard, bound } = label;
  const kinds = advice.hazards.map(({ kind }) => kind);
  return [
    ...(advice.bound === bound || advice.classConfidence < SURE_CLASS
      ? []
      : [`${bound} taken for ${advice.bound}`]),
    // "can't tell", as on a busy machine, doesn't count as wrong.
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
  readonly label: Label;
  readonly advice: Advice;
  /** How the recommended model did when every model was measured afterwards; undefined if that wasn't done. */
  readonly held: Held | undefined;
}

const isUnsureClass = ({ advice }: Verdict) => advice.classConfidence < SURE_CLASS;

/** Whether the advice said that its prediction was unsure, or that its race refuted it. */
const isUnsure = ({ advice: { unsure, recommended, surprises } }: Verdict) =>
  unsure !== undefined || recommended.decision === "can't tell" ||
  surprises.some(({ name }) => name === recommended.name);

/** The highest regret that counts as none, as a share; the constants below are such limits too. */
const GOOD_REGRET = 0.1;
const GOOD_AUTO = 0.15;
/** If the plain loop takes less than this, in milliseconds, `auto` is only compared with the loop. */
const LONG_MS = 2000;
const GOOD_TO_PLAIN = 1.05;
const GOOD_PREDICTION = 0.25;
const GOOD_COST = 3;

/** The least share of the advice on a job that must name the same model, or an equal of it. */
const GOOD_REPEAT = 0.9;

const byModel = (of: readonly Verdict[]) =>
  Map.groupBy(of, ({ advice }) => advice.recommended.name);

/** The share of a job's pieces of advice that recommend the model most named, or an equal of it. */
function steadiness(of: readonly Verdict[]): number {
  const [[name, [most]]] = [...byModel(of)]
    .toSorted(([, a], [, b]) => b.length - a.length) as [[string, [Verdict]]];
  const isEqual = ({ advice, held }: Verdict) =>
    advice.recommended.name === name ||
    (held !== undefined && Math.abs(held.wallMs / most.held!.wallMs - 1) <= GOOD_REGRET);
  return of.filter(isEqual).length / of.length;
}

/** Lists how repeated advice on each job differs. */
function repeatLines(verdicts: readonly Verdict[]): string[] {
  const jobs = [...Map.groupBy(verdicts, ({ label }) => label.file)];
  if (jobs.every(([, of]) => of.length < 2)) return [];
  const steady = jobs.filter(([, of]) => steadiness(of) >= GOOD_REPEAT).length;
  return [
    `One recommendation, or equals, in 90%: ${formatPercent(steady / jobs.length)} of the jobs`,
    ...jobs.flatMap(([file, of]) => {
      const named = byModel(of);
      if (named.size < 2) return [];
      const counts = [...named].map(([name, { length }]) => `${name} ${length} times`);
      return [`  ${file}: ${formatPercent(steadiness(of))} (${counts.join(", ")})`];
    }),
  ];
}

const COLUMNS: readonly Column<Verdict>[] = [
  textColumn("job", 0, ({ label }) => label.file.replace(/\.ts$/, "")),
  textColumn("label", 0, ({ label }) => label.bound),
  textColumn("found", 0, (of) => of.advice.bound + (isUnsureClass(of) ? "?" : "")),
  numberColumn("CPU", 0, ({ advice }) => formatPercent(advice.cpuShare)),
  textColumn("recommended", 0, ({ advice }) => advice.recommended.name),
  textColumn("best", 0, ({ held }) => held?.best ?? NO_FIGURE),
  numberColumn("regret", 0, ({ held }) => formatPercent(held?.regret ?? NaN)),
  numberColumn("auto", 0, ({ held }) => formatPercent(held?.autoRegret ?? NaN)),
  numberColumn("pred.", 0, ({ advice }) => formatRatio(advice.recommended.predictedGain)),
  numberColumn("raced", 0, ({ advice }) => formatRatio(advice.recommended.gain?.median ?? NaN)),
  numberColumn("meas.", 0, ({ held }) => formatRatio(held?.gain ?? NaN)),
  textColumn("", 0, (of) => isUnsure(of) ? "unsure" : ""),
  numberColumn("cost", 0, ({ advice }) => advice.cost.sequentialRuns.toFixed(1)),
  textColumn("wrong", 0, ({ label, advice }) => shortfalls(label, advice).join("; ")),
];

/** All verdicts as a table, with a summary. */
export function tableOf(verdicts: readonly Verdict[]): string {
  const share = <Of>(among: readonly Of[], holds: (of: Of) => boolean) =>
    among.length === 0 ? NO_FIGURE : formatPercent(among.filter(holds).length / among.length);
  const compared = verdicts.flatMap(({ held, ...of }) => held ? [{ ...of, held }] : []);
  const tried = compared.map(({ held }) => held).filter(({ autoRegret }) => autoRegret !== null);
  const [long, short] = [true, false]
    .map((is) => tried.filter(({ plainMs }) => (plainMs >= LONG_MS) === is)) as [Held[], Held[]];
  const isGoodAuto = ({ autoRegret }: Held) => autoRegret! <= GOOD_AUTO;
  const isClass = ({ label, advice }: Verdict) => label.bound === advice.bound;
  const isNear = (gain: number, { gain: measured }: Held) =>
    Math.abs(gain / measured - 1) <= GOOD_PREDICTION;
  const isPredicted = ({ advice: { recommended: of }, held }: typeof compared[number]) =>
    isNear(of.predictedGain, held);
  const isGiven = ({ advice: { recommended: of }, held }: typeof compared[number]) =>
    isNear(of.gain?.median ?? of.predictedGain, held);
  const wrong = compared.filter((of) =>
    !isUnsure(of) && (of.advice.recommended.gain?.median ?? 1) > 1 && of.held.gain < 1
  );
  const told = {
    "Class right": `${share(verdicts, isClass)}, or said to be unsure: ` +
      share(verdicts, (of) => isClass(of) || isUnsureClass(of)),
    "As labelled in all": share(verdicts, (of) => shortfalls(of.label, of.advice).length === 0),
    "Within 10% of the best": share(compared, ({ held }) => held.regret <= GOOD_REGRET),
    "auto within 15% of the best": `${share(long, isGoodAuto)} of jobs of 2 s or more ` +
      `(${share(tried, isGoodAuto)} of all)`,
    "auto no 5% slower than a plain loop": `${
      share(short, ({ autoToPlain }) => autoToPlain <= GOOD_TO_PLAIN)
    } of shorter jobs`,
    "Gain predicted within 25%": `${share(compared, isPredicted)}, or said to be unsure: ` +
      share(compared, (of) => isUnsure(of) || isPredicted(of)),
    "Gain given (raced) within 25%": share(compared, isGiven),
    "Called a gain and wasn't one": `${wrong.length} of ${compared.length}`,
    "Cost below three sequential runs": share(
      verdicts,
      ({ advice }) => advice.cost.sequentialRuns < GOOD_COST,
    ),
  };
  return [
    textTable(COLUMNS, verdicts, { columns: Infinity, colour: false }),
    "",
    ...Object.entries(told).map(([what, said]) => `${`${what}:`.padEnd(36)} ${said}`),
    ...repeatLines(verdicts),
    "",
    "Regret is what both take when measured anew, since the least of a dozen times is also the luckiest;",
    "it counts the 30 ms that any program takes to start, as a person's wait does.",
  ].join("\n");
}
