/**
 * Writes advice as text for a terminal.
 *
 * @module
 */

import Table from "cli-table3";
import {
  formatBytes,
  formatDuration,
  formatNumber,
  formatPercent,
  formatRatio,
  formatSpeedup,
  NO_FIGURE,
} from "../reporting/format.ts";
import { plain, wrap } from "../reporting/plain.ts";
import { paletteFor, type Style } from "../reporting/style.ts";
import { BORDERLESS } from "../reporting/table.ts";
import type { Advice, ModelAdvice } from "./advice.ts";

/** What each class is called. */
const CLASS_NAMES: Readonly<Record<Advice["bound"], string>> = {
  io: "I/O-bound",
  cpu: "CPU-bound",
  mixed: "mixed",
  small: "too small to matter",
};

const OUT: Readonly<Record<NonNullable<ModelAdvice["out"]>, string>> = {
  failures: "tasks failed",
  results: "other results",
  slower: "clearly slower",
  broken: "could not run",
};

/**
 * What a class of jobs is called.
 *
 * @param advice The advice.
 * @returns Such as "I/O-bound: it computes 3% of its time (99% sure)".
 *
 * @example
 * ```ts
 * import { classLine } from "./render_advice.ts";
 *
 * console.log(classLine({ bound: "io", cpuShare: 0.03, classConfidence: 0.99 }));
 * ```
 */
export function classLine(advice: Pick<Advice, "bound" | "cpuShare" | "classConfidence">): string {
  const share = formatPercent(advice.cpuShare);
  const rest = share === "100%" ? "" : " and wait the rest";
  return `${CLASS_NAMES[advice.bound]}: the tasks compute ${share} of their time${rest} ` +
    `(${formatPercent(advice.classConfidence)} sure)`;
}

/** @returns The recommendation's size, gain, cost and break-even, one sentence each. */
export function recommendationLines({ recommended, horizon, unsure, machine }: Advice): string[] {
  const { gain, predictedGain, confidence, memoryBytes, breakEven, chunk } = recommended;
  const lines = [recommended.reason];
  if (recommended.model === "sequential") return lines;
  const slots = recommended.slots ?? "all items'";
  lines.push(`Lanes: ${recommended.lanes}; slots on each: ${slots}; chunk: ${chunk}.`);
  lines.push(
    gain === null
      ? `Gain: ${formatRatio(predictedGain)} predicted for ${horizon} items${
        unsure === undefined ? "" : ` (unsure: ${unsure})`
      }.`
      : `Gain: ${formatSpeedup(gain)} for ${horizon} items; ${formatRatio(predictedGain)} was ` +
        `predicted${unsure === undefined ? "" : ` (unsure: ${unsure})`}.`,
  );
  if (machine.ceiling < machine.cores && recommended.lanes > 1) {
    lines.push(
      `${machine.cores} independent processes gain ${
        formatRatio(machine.ceiling)
      } here: computing ` +
        `can't gain more.`,
    );
  }
  if (memoryBytes !== null) {
    lines.push(
      memoryBytes > 0
        ? `Memory: ${formatBytes(memoryBytes)} more than the plain loop.`
        : "Memory: no more than the plain loop.",
    );
  }
  lines.push(
    breakEven === null
      ? "By its start-up and cost per item it would not pay for any number of items."
      : `Pays from about ${breakEven} item${breakEven === 1 ? "" : "s"}.`,
  );
  lines.push(`Confidence: ${formatPercent(confidence)}.`);
  return lines;
}

/** @returns The cells of a model's row: name, predicted, measured, gain, memory, remark. */
export function modelCells({ advice, model }: { advice: Advice; model: ModelAdvice }): string[] {
  const { measured, out } = model;
  const first = model.model === "sequential";
  const chosen = model.name === advice.recommended.name;
  return [
    model.name,
    first ? formatDuration(model.predictedMs) : formatRatio(model.predictedGain),
    measured === undefined
      ? NO_FIGURE
      : first || measured.gain === null
      ? formatDuration(measured.totalMs)
      : formatSpeedup(measured.gain),
    measured === undefined ? NO_FIGURE : formatDuration(measured.startMs),
    measured === undefined ? NO_FIGURE : formatBytes(measured.peakRssBytes),
    chosen
      ? "← recommended"
      : out !== undefined
      ? OUT[out]
      : measured === undefined
      ? "not raced"
      : "",
  ];
}

/** Times below a tenth of a millisecond are read better in microseconds. */
function fine(ms: number): string {
  return ms < 0.1 ? `${formatNumber(ms * 1000)} µs` : formatDuration(ms);
}

/** The heads of the cells. */
export const MODEL_HEADS = ["model", "predicted", "measured", "start", "memory", ""] as const;

/** @returns What the sample was, in a sentence or two. */
export function sampleLine({ sample, job }: Advice): string {
  const all = job.total === null ? "of an unknown number" : `of ${job.total}`;
  const sizes = sample.itemBytes + sample.resultBytes < 1
    ? ""
    : ` An item takes ${formatBytes(sample.itemBytes)} to send, a result ${
      formatBytes(sample.resultBytes)
    }; copying both takes ${fine(sample.cloneMs)}.`;
  const busy = sample.available < 0.9
    ? ` Other programs left ${
      formatPercent(sample.available)
    } of a CPU; the share is corrected for it.`
    : "";
  return `${sample.items} items ${all} ran one by one: ${fine(sample.wallMs)} each on average ` +
    `(standard deviation ${formatPercent(sample.variation)}), ${fine(sample.cpuMs)} of CPU.` +
    `${sizes}${busy}`;
}

/** @returns What the advice cost, in a sentence. */
export function costLine({ cost }: Advice): string {
  return `This advice ran tasks for ${formatDuration(cost.tasksMs)}, ` +
    `${
      cost.sequentialRuns.toFixed(1)
    } times one sequential run of the sample; no item ran more than ` +
    `${cost.timesRun} times.`;
}

/**
 * Writes advice as text.
 *
 * @param advice The advice.
 * @param style Width and colour.
 * @returns The text, without a newline at the end.
 *
 * @example
 * ```ts
 * import type { Advice } from "./advice.ts";
 * import { renderAdvice } from "./render_advice.ts";
 *
 * const print = (advice: Advice) => console.log(renderAdvice(advice, { columns: 80, colour: false }));
 * console.log(print.length); // 1
 * ```
 */
export function renderAdvice(advice: Advice, style: Style): string {
  const palette = paletteFor(style);
  const text = (line: string) => wrap(plain(line), style.columns);
  const list = (lines: readonly string[]) =>
    lines.map((line) => `  • ${wrap(plain(line), style.columns - 4, "    ")}`).join("\n");
  const table = new Table({
    ...BORDERLESS,
    head: MODEL_HEADS.map((head) => palette.heading(head)),
    colAligns: ["left", "right", "right", "right", "right", "left"],
  });
  for (const model of advice.models) {
    const cells = modelCells({ advice, model }).map(plain);
    table.push(model.name === advice.recommended.name ? cells.map(palette.good) : cells);
  }
  const parts = [
    palette.heading(text(`${advice.job.title}: ${classLine(advice)}`)),
    text(sampleLine(advice)),
    ...(advice.classNote === undefined ? [] : [text(advice.classNote)]),
    ...(advice.partial === undefined ? [] : [palette.warning(text(`Partial: ${advice.partial}.`))]),
    table.toString().split("\n").map((line) => line.trimEnd()).join("\n") +
    `\nGains are against sequential, for ${advice.horizon} items.`,
    palette.heading(text(`Recommended: ${advice.recommended.name}`)) + "\n" +
    list(recommendationLines(advice)),
    ...(advice.surprises.length === 0 ? [] : [
      palette.heading("Where the prediction was wrong") + "\n" +
      list(advice.surprises.map(({ text }) => text)),
    ]),
    ...(advice.hazards.length === 0 ? [] : [
      palette.warning("Hazards seen") + "\n" + list(advice.hazards.map(({ text }) => text)),
    ]),
    palette.heading("The code") +
    ` (deno run ${advice.flags.map(shellWord).join(" ")} job_run.ts)\n\n` +
    advice.code.trimEnd().split("\n").map((line) => `  ${line}`.trimEnd()).join("\n"),
    palette.idle(text(costLine(advice))),
  ];
  return parts.join("\n\n");
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
