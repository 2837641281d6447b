/** Advice as a report for terminal and Markdown; its sentences and cells are the same in every report. */

import type { Advice, AdviceFile, Hazard, ModelAdvice } from "../../advice/advice.ts";
import { itemsText } from "../../advice/findings.ts";
import { SURE_CLASS } from "../../judge/thresholds.ts";
import { BASELINE, isRemote, needsServer } from "../../models.ts";
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
import { plain, shellWord } from "../../text/plain.ts";
import { isBusy, othersWords } from "../../timing/meter/meter.ts";
import {
  type Block,
  code,
  type Column,
  documentOf,
  escapeMarkdown,
  footnote,
  heading,
  paragraph,
  points,
  tableOf,
  together,
} from "../document.ts";
import { paletteFor } from "../terminal.ts";
import type { Deed, JobProfile, Owner } from "../../advice/profile/job_profile.ts";

export function adviceReport({ advice, environment }: AdviceFile): Block {
  const { job, recommended, surprises, hazards, models } = advice;
  const command = commandLine(advice);
  return documentOf([
    heading(`${job.title}: ${classLine(advice)}`),
    paragraph(sampleLine(advice)),
    ...joinedLines(advice).map((line) => paragraph(line)),
    ...remarkLines(advice).map((line) => paragraph(line, "warning")),
    together(
      tableOf(modelColumns(advice), models),
      paragraph(`Gains are against sequential, for ${jobItems(advice)}.`),
    ),
    points(`Recommended: ${recommended.name}`, recommendationLines(advice)),
    points(PROFILE_TITLE, [...profileLines(advice), ...functionLines(advice)]),
    points("Where the prediction was wrong", surprises.map(({ text }) => text)),
    points("Hazards seen", hazards.map(({ text }) => text), "warning"),
    {
      text: (style) => `${paletteFor(style).heading("The code")} (${command})`,
      markdown: () => `#### The code\n\nSaved as job\\_run.ts: ${escapeMarkdown(command)}`,
    },
    code(codeLines(advice), "  "),
    paragraph(costLine(advice), "idle"),
    footnote(environment),
  ]);
}

/** What each class is called; without a prototype, since what is looked up in it comes from a file. */
const CLASS_NAMES: Readonly<Record<Advice["bound"], string>> = Object.assign(Object.create(null), {
  io: "I/O-bound",
  cpu: "CPU-bound",
  mixed: "mixed",
  small: "too small to matter",
});

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
  if (gain.high < 1) return "clearly slower";
  return gain.median < 1 ? "seemed slower" : "seemed behind";
}

export function classLine(advice: Pick<Advice, "bound" | "cpuShare" | "classConfidence">): string {
  const share = formatPercent(advice.cpuShare);
  const sure = formatPercent(advice.classConfidence);
  const rest = share === "100%" ? "" : " and wait the rest";
  return `${className(advice.bound)}: the tasks compute ${share} of their time${rest} ` +
    (advice.classConfidence < SURE_CLASS ? `(unsure: ${sure})` : `(${sure} sure)`);
}

export function jobItems({ horizon, job }: Pick<Advice, "horizon" | "job">): string {
  return itemsText({ horizon, total: job.total });
}

export function recommendationLines(advice: Advice): string[] {
  const { recommended, horizon, models, unsure, machine } = advice;
  const { gain, predictedGain, confidence, memoryBytes, breakEven, chunk } = recommended;
  const { retries = 0, rate } = recommended;
  const pace = [
    ...(rate === undefined ? [] : [rateLine(rate)]),
    ...(retries > 0 ? [retriesLine(retries)] : []),
  ];
  const sure = `Confidence: ${formatPercent(confidence)}.`;
  const auto = advice.auto === undefined ? [] : [advice.auto.text];
  if (recommended.model === BASELINE) {
    const doubt = recommended.decision !== "can't tell"
      ? [sure]
      // Half sure is not knowing, and what surely gains something the reason has told.
      : confidence === 0.5 || confidence < 0.01
      ? []
      : [`That nothing gains a tenth is ${formatPercent(confidence)} sure.`];
    return [recommended.reason, ...pace, ...doubt, ...auto];
  }
  const raced = models.find(({ name }) => name === recommended.name)?.measured?.items ?? horizon;
  const items = jobItems(advice);
  const by = raced < horizon ? `, by runs of ${raced}` : "";
  const doubt = unsure === undefined ? "" : ` (unsure: ${unsure})`;
  const predicted = formatRatio(predictedGain);
  const has = (kind: Hazard["kind"]) => advice.hazards.some((of) => of.kind === kind);
  const contended = has("busy");
  const gained = contended ? "Faster here, on a busy machine" : "Gain";
  const lines = [
    recommended.reason,
    ...pace,
    `Lanes: ${recommended.lanes}; slots on each: ${recommended.slots ?? "all items'"}; ` +
    `chunk: ${chunk}.`,
  ];
  if (gain !== null) {
    lines.push(
      `${gained}: ${formatSpeedup(gain)} for ${items}${by}; ${predicted} was predicted${doubt}.`,
    );
  } else if (!has("rate")) {
    // A plain loop that was refused is nothing to gain from.
    lines.push(`Gain: ${predicted} predicted for ${items}${doubt}.`);
  }
  const isHere = !needsServer(recommended.model);
  if (machine.ceiling < machine.cores && recommended.lanes > 1 && isHere) {
    const limit = contended ? " while others compute" : ": computing can't gain more";
    lines.push(
      `${machine.cores} independent processes gain ${formatRatio(machine.ceiling)} here${limit}.`,
    );
  }
  if (memoryBytes !== null) {
    const more = memoryBytes > 0 ? `${formatBytes(memoryBytes)} more` : "no more";
    lines.push(`Memory: ${more} than the plain loop.`);
  }
  // A server's pace is the same for few items and for many.
  if (breakEven !== null) lines.push(`Pays from about ${Math.max(2, breakEven)} items.`);
  return [...lines, sure, ...auto];
}

function rateLine({ limit, perMs }: { readonly limit: number; readonly perMs: number }): string {
  return `Rate: at most ${counted(limit, "start")} in ${formatDuration(perMs)}.`;
}

function retriesLine(retries: number): string {
  return `Retries: ${retries}, after waits that grow; after retryAfterMs at the earliest, where what is ` +
    `thrown has that (a server's Retry-After).`;
}

export function modelColumns({ recommended }: Advice): Column<ModelAdvice>[] {
  const isChosen = ({ name }: ModelAdvice) => name === recommended.name;
  const tone = (row: ModelAdvice) => isChosen(row) ? "good" as const : undefined;
  const columns: Column<ModelAdvice>[] = [
    { head: "model", left: true, cell: ({ name }) => plain(name) },
    {
      head: "predicted",
      dropOrder: 2,
      cell: ({ model, predictedMs, predictedGain }) =>
        model === BASELINE ? formatDuration(predictedMs) : formatRatio(predictedGain),
    },
    {
      head: "measured",
      cell: ({ model, measured, out }) =>
        measured === undefined || !(out === undefined || out === "slower")
          ? NO_FIGURE
          : model === BASELINE || measured.gain === null
          ? formatDuration(measured.totalMs)
          : formatSpeedup(measured.gain),
    },
    {
      head: "start",
      dropOrder: 4,
      cell: ({ measured }) => formatDuration(measured?.startMs ?? NaN),
    },
    {
      head: "memory",
      dropOrder: 3,
      cell: ({ measured }) => formatBytes(measured?.peakRssBytes ?? NaN),
    },
    {
      head: "",
      left: true,
      cell: (row) => isChosen(row) ? "← recommended" : remarkOn(row),
      short: { cell: (row) => isChosen(row) ? "←" : "", order: 1.5 },
    },
  ];
  return columns.map((column) => ({ ...column, tone }));
}

export function remarkOn(model: ModelAdvice): string {
  if (model.out !== undefined) return outWords(model);
  return model.measured === undefined ? "not raced" : "";
}

export function sampleLine({ sample, job }: Advice): string {
  const { itemBytes, resultBytes, cloneMs, sourceMs, wallMs, others, queuedMs = 0 } = sample;
  const programs = sample.programsMs ? ", without the programs that it ran" : "";
  const sentences = [
    `${counted(sample.items, "item")} of ${job.total ?? "an unknown number"} ran one by one: ` +
    `${formatShortDuration(wallMs)} each on average (standard deviation ` +
    `${formatPercent(sample.variation)}), ${formatShortDuration(sample.cpuMs)} of CPU.`,
  ];
  if (itemBytes + resultBytes >= 1) {
    sentences.push(
      `An item takes ${formatBytes(itemBytes)} to send, a result ${formatBytes(resultBytes)}; ` +
        `copying both takes ${formatShortDuration(cloneMs)}.`,
    );
  }
  if (sourceMs > 0.05 * wallMs && sourceMs > 0.01) {
    sentences.push(
      `Getting an item from its source takes ${formatShortDuration(sourceMs)}, which no model ` +
        `shares out.`,
    );
  }
  if (others !== undefined && isBusy(others)) {
    sentences.push(
      `${othersWords(others)}: a task queued ${formatShortDuration(queuedMs)} for a core on ` +
        `average${programs}, which the system counted and which isn't taken for waiting.`,
    );
  } else if (others === undefined && sample.available < 0.9) {
    sentences.push(
      `Other programs left ${formatPercent(sample.available)} of a CPU, by a loop that only ` +
        `computes; the share is corrected for it.`,
    );
  }
  return sentences.join(" ");
}

/** The lanes of other machines that could be raced. */
export function joinedLines({ machine: { joined } }: Advice): string[] {
  return joined === undefined ? [] : [
    `${
      joinedWords(joined)
    }. Their gain is predicted as if each were a core of this machine; only ` +
    "what was measured counts.",
  ];
}

/** Such as "2 lanes of other machines have joined (a, b)". */
export function joinedWords({ lanes, machines }: NonNullable<Advice["machine"]["joined"]>): string {
  const [are, have] = lanes === 1 ? ["One lane", "has"] : [`${lanes} lanes`, "have"];
  return `${are} of other machines ${have} joined (${plain(machines.join(", "))})`;
}

export function costLine({ cost }: Advice): string {
  const times = cost.timesRun === 1 ? "once" : `${cost.timesRun} times`;
  return `This advice ran tasks for ${formatDuration(cost.tasksMs)}, ` +
    `${cost.sequentialRuns.toFixed(1)} times one sequential run of the sample; no item ran more ` +
    `than ${times}.`;
}

/** What the reader must know before the figures: what is missing. */
export function remarkLines({ partial }: Pick<Advice, "partial">): string[] {
  return partial === undefined ? [] : [`Partial: ${partial}.`];
}

export function codeLines({ code }: Pick<Advice, "code">): string[] {
  return code.trimEnd().split("\n").map((line) => /^ */.exec(line)![0] + plain(line));
}

export function commandLine({ flags }: Pick<Advice, "flags">): string {
  return ["deno run", ...flags.map(shellWord), "job_run.ts"].join(" ");
}

export const PROFILE_TITLE = "Where the time goes";

export const FUNCTION_HEADS = [
  "function",
  "where",
  "whose",
  "itself",
  "with what it calls",
] as const;

/** Whose a function is; without a prototype, as a word of a file is looked up in it. */
const OWNERS: Readonly<Record<Owner, string>> = Object.assign(Object.create(null), {
  own: "your code",
  packages: "a package",
  runtime: "the runtime",
});

export function ownerWords(owner: Owner): string {
  return OWNERS[owner] ?? "unknown";
}

/** What the runtime did is told from this share on. */
const WORTH_TELLING = 0.02;

/** What the runtime did, such as "cloning 50%, collecting garbage 9%", between two texts; nothing if it did nothing. */
function deedsWords(before: string, deeds: readonly Deed[] = [], after = ""): string {
  const told = deeds.filter(({ share }) => share >= WORTH_TELLING)
    .map(({ name, share }) => `${name} ${formatPercent(share)}`).join(", ");
  return told === "" ? "" : before + told + after;
}

export function functionCells(
  { name, place = "", owner, share, deeds, totalShare }: JobProfile["functions"][number],
): string[] {
  const itself = formatPercent(share) + deedsWords(" (of it ", deeds, ")");
  return [name, place, ownerWords(owner), itself, formatPercent(totalShare)];
}

function sharesLine({ tasks, tasksMs, samples, shares, deeds }: JobProfile): string {
  return `Of what the tasks compute, your own code takes ${formatPercent(shares.own)}, packages ` +
    `${formatPercent(shares.packages)}, the runtime ${formatPercent(shares.runtime)}` +
    `${deedsWords(" (", deeds, ")")}: ${samples} looks at ` +
    `${counted(tasks, "task")} in ${formatDuration(tasksMs)}.`;
}

/** What a person would gain from mending a function, beside what they gain from the recommended model. */
function savingsLine(
  { cpuShare, sample, recommended }: Advice,
  { functions }: JobProfile,
): string | undefined {
  const most = functions.find(({ owner }) => owner !== "runtime");
  if (most === undefined) return undefined;
  const where = most.place === undefined ? "" : ` (${most.place})`;
  // The event loop's thread alone was looked at.
  const onLoop = sample.cpuMs > 0 ? Math.min(1, sample.loopMs / sample.cpuMs) : 1;
  const saved = formatPercent(most.share * cpuShare * onLoop / 2);
  const half = `Halving what ${most.name}${where} does would save ${saved} of the time`;
  const { model, name, gain, predictedGain } = recommended;
  if (model === BASELINE) return `${half}; no other model surely saves any.`;
  if (gain !== null && gain.low <= 1) return `${half}; whether ${name} saves any can't be told.`;
  const share = formatPercent(Math.max(0, 1 - 1 / (gain?.median ?? predictedGain)));
  const isShared = sample.others !== undefined && isBusy(sample.others);
  const how = gain === null
    ? ", as predicted"
    : isShared
    ? ", on a machine as busy as this was"
    : "";
  return `${half}; ${name} ${isRemote(model) ? "save" : "saves"} ${share}${how}.`;
}

/** Where the time goes, in sentences; none if the job has no profile and nobody would ask for one. */
export function profileLines(advice: Advice): string[] {
  const { profile } = advice;
  if (profile === undefined) return [];
  if ("missing" in profile) return [`Not known: ${profile.missing.replace(/[.\s]+$/, "")}.`];
  const savings = savingsLine(advice, profile);
  return [sharesLine(profile), ...(savings === undefined ? [] : [savings])];
}

export function functionLines({ profile }: Pick<Advice, "profile">): string[] {
  if (profile === undefined || "missing" in profile) return [];
  return profile.functions.map(({ name, place, owner, share, deeds }) => {
    const where = place === undefined ? "" : `, ${place}`;
    const whose = owner === "packages" ? " (a package)" : owner === "runtime" ? " (runtime)" : "";
    return `${formatPercent(share)} ${name}${where}${whose}${deedsWords("; of it ", deeds)}`;
  });
}
