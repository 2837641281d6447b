/**
 * Advice in sentences, table cells and lines of code, the same in every report.
 *
 * @module
 */

import { BASELINE } from "../../models.ts";
import type { Advice, ModelAdvice } from "../../advice/advice.ts";
import { WAITS } from "../../judge/thresholds.ts";
import {
  counted,
  formatBytes,
  formatDuration,
  formatPercent,
  formatRatio,
  formatShortDuration,
  formatSpeedup,
  NO_FIGURE,
} from "../../text/format.ts";
import { plain } from "../../text/plain.ts";
import { isBusy, othersWords } from "../../timing/meter/reading.ts";

/** What each class is called; without a prototype, since what is looked up in it comes from a file. */
const CLASS_NAMES: Readonly<Record<Advice["bound"], string>> = Object.assign(Object.create(null), {
  io: "I/O-bound",
  cpu: "CPU-bound",
  mixed: "mixed",
  small: "too small to matter",
});

/** What a class is called. */
export function className(bound: Advice["bound"]): string {
  return CLASS_NAMES[bound] ?? "measured";
}

const OUT_WORDS: Readonly<Record<string, string>> = Object.assign(
  Object.create(null),
  {
    failures: "tasks failed",
    results: "other results",
    broken: "could not run",
    impossible: "can't be right",
  },
);

/** Why a model is out: of one that was slower than the best, only what its interval against the plain loop shows. */
function outWords({ out, measured }: ModelAdvice): string {
  if (out !== "slower") return OUT_WORDS[out ?? ""] ?? "";
  if (measured === undefined) return "stopped, too long";
  const { gain } = measured;
  if (gain === null || gain.low > 1) return "behind the best";
  return gain.high < 1 ? "clearly slower" : "seemed slower";
}

/** The class and what it rests on. */
export function classLine(advice: Pick<Advice, "bound" | "cpuShare" | "classConfidence">): string {
  const share = formatPercent(advice.cpuShare);
  const rest = share === "100%" ? "" : " and wait the rest";
  return `${className(advice.bound)}: the tasks compute ${share} of their time${rest} ` +
    `(${formatPercent(advice.classConfidence)} sure)`;
}

/** The recommendation in words: size, gain, cost, break-even. */
export function recommendationLines(
  { recommended, horizon, unsure, machine, sample, cpuShare }: Advice,
): string[] {
  const { gain, predictedGain, confidence, memoryBytes, breakEven, chunk } = recommended;
  const { retries = 0, rate } = recommended;
  const lines = [recommended.reason];
  if (recommended.model === BASELINE) {
    if (rate !== undefined) lines.push(rateLine(rate));
    if (retries > 0) lines.push(retriesLine(retries));
    if (recommended.decision !== "can't tell") {
      return [...lines, `Confidence: ${formatPercent(confidence)}.`];
    }
    // Half sure is not knowing.
    return confidence === 0.5
      ? lines
      : [...lines, `That nothing gains a tenth is ${formatPercent(confidence)} sure.`];
  }
  const slots = recommended.slots ?? "all items'";
  if (rate !== undefined) lines.push(rateLine(rate));
  if (retries > 0) lines.push(retriesLine(retries));
  lines.push(`Lanes: ${recommended.lanes}; slots on each: ${slots}; chunk: ${chunk}.`);
  lines.push(
    gain === null
      ? `Gain: ${formatRatio(predictedGain)} predicted for ${counted(horizon, "item")}${
        unsure === undefined ? "" : ` (unsure: ${unsure})`
      }.`
      : `Gain: ${formatSpeedup(gain)} for ${counted(horizon, "item")}; ${
        formatRatio(predictedGain)
      } was ` +
        `predicted${unsure === undefined ? "" : ` (unsure: ${unsure})`}.`,
  );
  const contended = cpuShare > WAITS && sample.others !== undefined && isBusy(sample.others);
  if (contended && gain !== null && recommended.lanes > 1) {
    lines.push(
      `How much of it an idle machine gives can't be told: ${
        othersWords(sample.others).replace(/^O/, "o")
      }, and on a busy machine ` +
        `more lanes take a greater share from the others. Run it again on an idle one.`,
    );
  }
  if (machine.ceiling < machine.cores && recommended.lanes > 1) {
    lines.push(
      `${machine.cores} independent processes gain ${formatRatio(machine.ceiling)} here${
        contended ? " while others compute" : ": computing can't gain more"
      }.`,
    );
  }
  if (memoryBytes !== null) {
    lines.push(
      memoryBytes > 0
        ? `Memory: ${formatBytes(memoryBytes)} more than the plain loop.`
        : "Memory: no more than the plain loop.",
    );
  }
  // A server's pace is the same for few items and for many.
  if (breakEven !== null) lines.push(`Pays from about ${Math.max(2, breakEven)} items.`);
  lines.push(`Confidence: ${formatPercent(confidence)}.`);
  return lines;
}

function rateLine({ limit, perMs }: { readonly limit: number; readonly perMs: number }): string {
  return `Rate: at most ${counted(limit, "start")} in ${formatDuration(perMs)}.`;
}

function retriesLine(retries: number): string {
  return `Retries: ${retries}, after waits that grow; after retryAfterMs at the earliest, where what is ` +
    `thrown has that (a server's Retry-After).`;
}

/** The cells of a model's row: name, predicted, measured, start, memory, remark. */
export function modelCells({ advice, model }: { advice: Advice; model: ModelAdvice }): string[] {
  const { measured, out } = model;
  const first = model.model === BASELINE;
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
      ? outWords(model)
      : measured === undefined
      ? "not raced"
      : "",
  ];
}

/** The heads of the cells. */
export const MODEL_HEADS = ["model", "predicted", "measured", "start", "memory", ""] as const;

/** What the sample was. */
export function sampleLine({ sample, job }: Advice): string {
  const all = job.total === null ? "of an unknown number" : `of ${job.total}`;
  const sizes = sample.itemBytes + sample.resultBytes < 1
    ? ""
    : ` An item takes ${formatBytes(sample.itemBytes)} to send, a result ${
      formatBytes(sample.resultBytes)
    }; copying both takes ${formatShortDuration(sample.cloneMs)}.`;
  const source = sample.sourceMs > 0.05 * sample.wallMs && sample.sourceMs > 0.01
    ? ` Getting an item from its source takes ${
      formatShortDuration(sample.sourceMs)
    }, which no model shares out.`
    : "";
  const { others, queuedMs = 0 } = sample;
  const busy = others !== undefined
    ? isBusy(others)
      ? ` ${othersWords(others)}: a task queued ${
        formatShortDuration(queuedMs)
      } for a core on average, which the ` +
        `system counted and which isn't taken for waiting.`
      : ""
    : sample.available < 0.9
    ? ` Other programs left ${formatPercent(sample.available)} of a CPU, by a loop that only ` +
      `computes; the share is corrected for it.`
    : "";
  return `${counted(sample.items, "item")} ${all} ran one by one: ${
    formatShortDuration(sample.wallMs)
  } each on average ` +
    `(standard deviation ${formatPercent(sample.variation)}), ${
      formatShortDuration(sample.cpuMs)
    } of CPU.` +
    `${sizes}${source}${busy}`;
}

/** What the advice cost. */
export function costLine({ cost }: Advice): string {
  return `This advice ran tasks for ${formatDuration(cost.tasksMs)}, ` +
    `${
      cost.sequentialRuns.toFixed(1)
    } times one sequential run of the sample; no item ran more than ` +
    (cost.timesRun === 1 ? "once." : `${cost.timesRun} times.`);
}

/** What the reader must know before the figures: what is missing, and where the class was corrected. */
export function remarkLines(
  { partial, classNote }: Pick<Advice, "partial" | "classNote">,
): string[] {
  return [
    ...(partial === undefined ? [] : [`Partial: ${partial}.`]),
    ...(classNote === undefined ? [] : [classNote]),
  ];
}

/** The lines of the program. */
export function codeLines({ code }: Pick<Advice, "code">): string[] {
  return code.trimEnd().split("\n").map((line) => /^ */.exec(line)![0] + plain(line));
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The command that runs the program. */
export function commandLine({ flags }: Pick<Advice, "flags">): string {
  return ["deno run", ...flags.map((flag) => shellWord(plain(flag))), "job_run.ts"].join(" ");
}
