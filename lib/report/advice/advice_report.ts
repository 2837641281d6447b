/** Advice as a report for terminal and Markdown, and as a part of a page with charts. */

import type { Advice, AdviceFile, Hazard, ModelAdvice } from "../../advice/advice.ts";
import { itemsText, sourceLimit } from "../../advice/findings.ts";
import { didTheWork } from "../../advice/race/race.ts";
import { AS_GOOD, COMPUTES, MORE_LIKELY, SURE_CLASS, WAITS } from "../../judge/thresholds.ts";
import { BASELINE, isRemote, needsServer } from "../../models.ts";
import {
  counted,
  formatBytes,
  formatDuration,
  formatNumber,
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
  htmlTable,
  numberColumn,
  paragraph,
  points,
  tableOf,
  textColumn,
  together,
} from "../document.ts";
import { paletteFor } from "../terminal.ts";
import type { Deed, FlameBar, JobProfile, Owner } from "../../advice/profile/job_profile.ts";
import type { Interval } from "../../timing/result.ts";
import { drawGains, type GainLimit, type GainRow } from "../html/gains_chart.ts";
import {
  codeBlock,
  figure,
  type Html,
  list,
  type Markup,
  markup,
  paragraphs,
  sanitizedText,
} from "../html/markup.ts";
import { type PagePart, type PartPlace, taskWords } from "../html/page.ts";
import { modelColour } from "../html/style.ts";
import * as chart from "../html/svg.ts";

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
      paragraph(`Gains are against sequential, for ${jobItems(advice)}.${scaledWords(advice)}`),
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

/** What each class is called: a map, since what is looked up in it comes from a file. */
const CLASS_NAMES: ReadonlyMap<string, string> = new Map([
  ["io", "I/O-bound"],
  ["cpu", "CPU-bound"],
  ["mixed", "mixed"],
  ["small", "too small to matter"],
]);

export function className(bound: Advice["bound"]): string {
  return CLASS_NAMES.get(bound) ?? "measured";
}

const OUT_WORDS: ReadonlyMap<string, string> = new Map([
  ["failures", "tasks failed"],
  ["results", "other results"],
  ["broken", "could not run"],
  ["impossible", "can't be right"],
]);

/** Why a model is out: of one that was slower than the best, only what its interval against the plain loop shows. */
function outWords({ out, measured }: ModelAdvice): string {
  if (out !== "slower") return OUT_WORDS.get(out ?? "") ?? "";
  if (measured === undefined) return "stopped, too long";
  const { gain } = measured;
  if (gain === null || gain.low > 1) return "behind the best";
  if (gain.high < 1) return "clearly slower";
  return gain.median < 1 ? "seemed slower" : "seemed behind";
}

export function classLine(
  advice: Pick<Advice, "bound" | "cpuShare" | "classConfidence" | "sample">,
): string {
  const { sample: { sourceMs, wallMs } } = advice;
  const isSource = sourceLimit(advice.sample, 1) !== undefined;
  const ofSource = formatPercent(sourceMs / (sourceMs + wallMs));
  const name = isSource
    ? `limited by the source of its items, which takes ${ofSource} of the time`
    : className(advice.bound);
  const share = formatPercent(advice.cpuShare);
  const sure = formatPercent(advice.classConfidence);
  const rest = share === "100%" ? "" : " and wait the rest";
  return `${name}: the tasks compute ${share} of their time${rest} ` +
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
      // What is less sure than that is no answer, and the reason has told the gain that there may be.
      : confidence <= MORE_LIKELY
      ? []
      : [`That nothing gains a tenth is ${formatPercent(confidence)} sure.`];
    return [recommended.reason, ...pace, ...doubt, ...auto];
  }
  const chosen = models.find(({ name }) => name === recommended.name);
  const raced = chosen?.measured?.items ?? horizon;
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
    const { median = 0 } = chosen?.measured?.gain ?? {};
    // What is claimed is no more than can be.
    const excess = median > AS_GOOD * gain.median
      ? `; ${formatRatio(median)} was measured, which cores and waiting can't give: most likely ` +
        "the plain loop was slowed down in the race"
      : "";
    lines.push(
      `${gained}: ${formatSpeedup(gain)} for ${items}${by}; ${predicted} was ` +
        `predicted${doubt}${excess}.`,
    );
  } else if (!has("rate")) {
    // A plain loop that was refused is nothing to gain from.
    lines.push(`Gain: ${predicted} predicted for ${items}${doubt}.`);
  }
  const isHere = !needsServer(recommended.model);
  // What gained more has shown it to be mismeasured.
  const isLimit = machine.ceiling < machine.cores && (gain?.median ?? 0) <= machine.ceiling;
  if (isLimit && recommended.lanes > 1 && isHere) {
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

/** Of how many items what was measured is scaled to all, such as " Scaled: sequential from 4, others from 11." */
function scaledWords({ models, horizon }: Advice): string {
  const from = (isPlain: boolean) => {
    const items = models.flatMap(({ model, measured }) =>
      (model === BASELINE) === isPlain && measured !== undefined && measured.items < horizon
        ? measured.items
        : []
    );
    const [least, most] = [Math.min(...items), Math.max(...items)];
    return items.length === 0 ? "" : least === most ? `${most}` : `${least} to ${most}`;
  };
  const said = [["sequential", from(true)], ["others", from(false)]]
    .flatMap(([who, items]) => items === "" ? [] : `${who} from ${items}`);
  return said.length === 0 ? "" : ` Scaled to that: ${said.join(", ")}.`;
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
    textColumn("model", 0, ({ name }) => plain(name)),
    numberColumn("predicted", 2, ({ model, predictedMs, predictedGain }) => {
      return model === BASELINE ? formatDuration(predictedMs) : formatRatio(predictedGain);
    }),
    numberColumn("measured", 0, (row) => {
      const { model, measured } = row;
      if (measured === undefined || !didTheWork(row)) return NO_FIGURE;
      const { gain, totalMs } = measured;
      return model === BASELINE || gain === null ? formatDuration(totalMs) : formatSpeedup(gain);
    }),
    numberColumn("start", 4, ({ measured }) => formatDuration(measured?.startMs ?? NaN)),
    numberColumn("memory", 3, ({ measured }) => formatBytes(measured?.peakRssBytes ?? NaN)),
    textColumn("", 0, (row) => isChosen(row) ? "← recommended" : remarkOn(row), {
      short: { cell: (row) => isChosen(row) ? "←" : "", order: 1.5 },
    }),
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
function joinedLines({ machine: { joined } }: Advice): string[] {
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

function codeLines({ code }: Pick<Advice, "code">): string[] {
  return code.trimEnd().split("\n").map((line) => /^ */.exec(line)![0] + plain(line));
}

function commandLine({ flags }: Pick<Advice, "flags">): string {
  return ["deno run", ...flags.map(shellWord), "job_run.ts"].join(" ");
}

const PROFILE_TITLE = "Where the time goes";

/** Whose a function is, in words and in colour: a map, as a word of a file is looked up in it. */
const OWNERS: ReadonlyMap<string, { readonly words: string; readonly colour: string }> = new Map([
  ["own", { words: "your code", colour: "var(--workers)" }],
  ["packages", { words: "a package", colour: "var(--limited)" }],
  ["runtime", { words: "the runtime", colour: "var(--sequential)" }],
]);

function ownerOf(owner: Owner) {
  return OWNERS.get(owner) ?? { words: "unknown", colour: "var(--other)" };
}

/** What the runtime did is told from this share on. */
const WORTH_TELLING = 0.02;

/** What the runtime did, such as "cloning 50%, collecting garbage 9%", between two texts; nothing if it did nothing. */
function deedsWords(before: string, deeds: readonly Deed[] = [], after = ""): string {
  const told = deeds.filter(({ share }) => share >= WORTH_TELLING)
    .map(({ name, share }) => `${name} ${formatPercent(share)}`).join(", ");
  return told === "" ? "" : before + told + after;
}

function sharesLine({ tasks, tasksMs, samples, shares, deeds }: JobProfile): string {
  return `Of what the tasks compute, your own code takes ${formatPercent(shares.own)}, packages ` +
    `${formatPercent(shares.packages)}, the runtime ${formatPercent(shares.runtime)}` +
    `${deedsWords(" (", deeds, ")")}: ${samples} looks at ` +
    `${counted(tasks, "task")} in ${formatDuration(tasksMs)}.`;
}

/** What a person would gain from mending a function, beside what they gain from the recommended model. */
function savingsLine({ cpuShare, sample, recommended }: Advice, { functions }: JobProfile) {
  const most = functions.find(({ owner }) => owner !== "runtime");
  if (most === undefined) return undefined;
  const where = most.place === undefined ? "" : ` (${most.place})`;
  // The event loop's thread alone was looked at.
  const onLoop = sample.cpuMs > 0 ? Math.min(1, sample.loopMs / sample.cpuMs) : 1;
  const ofAll = sample.wallMs / (sample.wallMs + sample.sourceMs);
  const saved = formatPercent(most.share * cpuShare * onLoop * ofAll / 2);
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

/** The code that advice gives is shorter; an edited file's may not be. */
const MOST_LINES = 400;

function shownCode(code: string): string {
  const lines = codeLines({ code: code.slice(0, 100_000) }).slice(0, MOST_LINES);
  return lines.map((line) => /^ {0,80}/.exec(line)![0] + sanitizedText(line)).join("\n");
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function titledList(title: string, lines: readonly string[], kind?: "notices"): Html {
  return lines.length === 0
    ? markup``
    : markup`<section><h3>${title}</h3>${list(lines, kind)}</section>`;
}

export function adviceSection(advice: Advice, code: string, id: string, title = "The advice") {
  const { recommended, surprises, hazards } = advice;
  const [reason, ...details] = recommendationLines(advice);
  const html = markup`
    <p class="verdict">${capital(classLine(advice))}. ${reason}</p>
    ${paragraphs("partial", remarkLines(advice))}
    ${titledList(`Recommended: ${recommended.name}`, details)}
    ${splitFigure(advice, `${id}-split`)}
    ${paragraphs("note", [sampleLine(advice), ...joinedLines(advice)])}
    ${gainsFigure(advice, `${id}-gains`)}
    ${profileSection(advice, `${id}-profile`)}
    ${titledList("Where the prediction was wrong", surprises.map(({ text }) => text))}
    ${titledList("Hazards seen", hazards.map(({ text }) => text), "notices")}
    <section><h3>The code</h3>
    <p class="note">Saved as <code>job_run.ts</code>: <code>${commandLine(advice)}</code></p>
    ${codeBlock("The code", shownCode(code))}
    <p class="note">${costLine(advice)}</p></section>
  `;
  return { id, title, html };
}

function method(): Html {
  return markup`
    <ul>
      <li><b>Sample.</b> Items run one by one in a process that measures its CPU time and the time that
    passes. Their ratio, less what other programs took, is the share of computing: up to
    ${formatPercent(WAITS)} a job is I/O-bound, from ${formatPercent(COMPUTES)} on CPU-bound. Its
    error is that of a ratio estimator (Cochran, Sampling Techniques, 1977).</li>
      <li><b>Prediction.</b> Between list scheduling of the sample’s own times over the slots, at best, and
    mean value analysis of tasks that queue for the event loop, at worst; with start-up, copying of
    items and results, and this machine’s ceiling.</li>
      <li><b>Race.</b> The promising models run the job’s own items, each trial in a fresh process. A
    measured gain is the ratio of sequential’s time to the model’s, paired by round, with its 95%
    interval.</li>
      <li><b>Where the time goes.</b> Tasks that compute are run once more under V8’s sampling profiler,
    which looks several thousand times a second at what runs. What the runtime does for a function
    counts with that function; collecting garbage is told by itself.</li>
      <li><b>Recommendation.</b> The simplest model that isn’t detectably slower than the best.</li>
    </ul>
  `;
}

function foundWords({ bound, recommended: { model, name, gain }, hazards }: Advice): string {
  const take = model === BASELINE ? "leave it sequential" : `take ${name}`;
  const [low, high] = [gain?.low ?? 0, gain?.high ?? 0].map(formatNumber);
  const fast = gain === null || model === BASELINE
    ? ""
    : `, ${formatRatio(gain.median)} as fast (${low} to ${high})`;
  const seen = hazards.length === 0 ? "" : `; ${counted(hazards.length, "hazard")} seen`;
  return `${capital(className(bound))}: ${take}${fast}${seen}`;
}

export function advicePart(
  { advice }: AdviceFile,
  { id, alone }: PartPlace,
  read: AdviceFile,
): PagePart {
  const { job, recommended } = advice;
  const title = `${job.title}: ${recommended.name}`;
  const name = `Advice on ${job.title}`;
  return {
    title,
    headlines: [{ id, name, text: foundWords(advice) }],
    sections: [
      adviceSection(advice, read.advice.code, id, alone ? undefined : `Advice on ${title}`),
    ],
    jobs: [
      [
        markup`<b>${job.title}</b>, ${jobItems(advice)}. `,
        taskWords(`${job.module}#${job.export}`),
      ],
    ],
    name,
    method: { name: "How advice is come by", html: method() },
  };
}

/** Computing is what lanes are for and waiting what slots are for, so they have those models' colours. */
const COLOURS = { computing: "var(--workers)", waiting: "var(--concurrent)" } as const;

/** The 95% interval of a normal distribution reaches so many standard errors to either side. */
const STANDARD_ERRORS = 1.96;

type Split = Pick<Advice, "bound" | "cpuShare" | "sample">;

/** Per task, in milliseconds; what it waited for a CPU that others used is left out. */
function timesOf({ cpuShare, sample: { cpuMs, wallMs } }: Split) {
  const share = clamped(cpuShare);
  return { computing: cpuMs, waiting: share > 0 ? cpuMs * (1 / share - 1) : wallMs };
}

function splitFigure(advice: Split, id: string): Html {
  const times = timesOf(advice);
  const share = clamped(advice.cpuShare);
  return figure({
    id,
    title: "What a task does with its time",
    lead: [
      markup`Up to ${formatPercent(WAITS)} computing a job is <b>I/O-bound</b>, from `,
      markup`${formatPercent(COMPUTES)} on <b>CPU-bound</b>, and <b>mixed</b> between. The fine line
        is the 95% interval.`,
      advice.bound === "small" &&
      " Here neither matters: the whole job is over before a change could pay.",
    ],
    draw: (width) => drawSplit(advice, width),
    table: htmlTable("A task’s time", [
      { head: "part", cell: ({ part }) => part },
      { head: "share", cell: ({ share }) => formatPercent(share) },
      { head: "a task, on average", cell: ({ ms }) => formatDuration(ms) },
    ], [
      { part: "computing", share, ms: times.computing },
      { part: "waiting", share: 1 - share, ms: times.waiting },
    ]),
  });
}

/** The classes of jobs, by the shares of computing between which each lies. */
const ZONES = [
  ["io", "I/O-bound", 0, WAITS],
  ["mixed", "mixed", WAITS, COMPUTES],
  ["cpu", "CPU-bound", COMPUTES, 1],
] as const;

function drawSplit(advice: Split, width: number): Html {
  const { bound, sample } = advice;
  const share = clamped(advice.cpuShare);
  const times = timesOf(advice);
  const off = STANDARD_ERRORS * clamped(sample.cpuShareError);
  const [top, bottom] = [22, 58];
  const x = chart.scale([0, 1], [10, width - 14]);
  const parts = [
    { name: "computing", from: 0, to: share, at: 0, textAnchor: "start" },
    { name: "waiting", from: share, to: 1, at: 1, textAnchor: "end" },
  ] as const;
  const told = parts.map(({ name, from, to }) => `${name} ${formatPercent(to - from)}`);
  return chart.svg(width, bottom + 46, {
    title: "Computing and waiting",
    description: `${told.join(", ")} of a task’s time. I/O-bound is up to ` +
      `${formatPercent(WAITS)} computing, CPU-bound from ${formatPercent(COMPUTES)}.`,
  }, [
    parts.map(({ name, from, to, at, textAnchor }, i) => {
      const fill = COLOURS[name];
      const title = `${told[i]}\n${formatDuration(times[name])} of each task`;
      return [
        chart.group(name, chart.rect(x(from), top, x(to), bottom, { fill, title })),
        chart.text(told[i]!, x(at), top - 12, { textAnchor, fill, ...chart.STRONG }),
      ];
    }),
    chart.line(x(Math.max(0, share - off)), 40, x(Math.min(1, share + off)), 40, chart.FINE),
    chart.marks("threshold", [WAITS, COMPUTES], (at) => {
      return chart.line(x(at), top - 4, x(at), bottom + 6, {
        ...chart.FINE,
        strokeDasharray: "5 4",
      });
    }),
    chart.axis(x, bottom + 2, [0, WAITS, COMPUTES, 1], formatPercent),
    chart.marks("zone", ZONES, ([zone, name, from, to]) => {
      return chart.text(name, x((from + to) / 2), bottom + 36, {
        textAnchor: "middle",
        ...(zone === bound ? chart.STRONG : chart.SOFT),
      });
    }),
  ]);
}

/** Advice has fewer models; an edited file may have more. */
const MOST_ROWS = 40;
/** The plain loop against itself is 1 by definition, whatever the noise. */
const ITSELF: Interval = { median: 1, low: 1, high: 1 };

function canBeDrawn(gain: Interval | null | undefined): gain is Interval {
  return gain != null && gain.median > 0 && Number.isFinite(gain.median);
}

/** The rows of the gains' chart; the plain loop, which the others are compared with, only if it is chosen. */
function gainRows({ models, recommended }: Advice): GainRow[] {
  return models.flatMap((model): GainRow[] => {
    const chosen = model.name === recommended.name;
    const plain = model.model === BASELINE;
    const { predictedGain: median, predictedGainLow: low, predictedGainHigh: high } = model;
    const predicted = plain ? ITSELF : { median, low, high };
    const gain = plain ? undefined : model.measured?.gain;
    if ((plain && !chosen) || !canBeDrawn(predicted)) return [];
    return [{
      name: model.name.slice(0, 34),
      colour: modelColour(model.model),
      remark: chosen ? "recommended" : remarkOn(model),
      chosen,
      predicted,
      measured: canBeDrawn(gain) ? gain : null,
      ...(plain && { predictedWords: "1×, by definition" }),
    }];
  });
}

function gainsFigure(advice: Advice, id: string): Html {
  const items = jobItems(advice);
  const figures = htmlTable(
    `Gains against sequential, for ${items}`,
    modelColumns(advice),
    advice.models,
  );
  const rows = gainRows(advice);
  if (rows.every(({ predictedWords }) => predictedWords !== undefined)) {
    return markup`<section id="${id}">${figures}</section>`;
  }
  const raced = rows.some(({ measured }) => measured !== null);
  const { cores, ceiling } = advice.machine;
  // A ceiling that wasn't measured, as for jobs that wait, is the number of cores.
  const isMeasured = ceiling < cores;
  const limit: GainLimit = {
    ratio: ceiling,
    words: isMeasured ? `ceiling ${formatRatio(ceiling)}` : counted(cores, "core"),
  };
  const shown = rows.slice(0, MOST_ROWS);
  const marks = raced
    ? markup`<b>Bars</b> were measured, the fine line is the 95% interval; <b>circles</b>`
    : markup`<b>Circles</b>`;
  const dashed = isMeasured
    ? markup`the <b>ceiling</b>: what ${cores} independent processes that share nothing gain on this
      machine.`
    : "the number of cores.";
  return figure({
    id,
    title: raced ? "What was predicted, and what was measured" : "What was predicted",
    lead: markup`Against one after the other, for ${items}. ${marks} are predicted, with the
      prediction’s range. The dashed line is ${dashed} It bounds computing; waiting takes no CPU.`,
    draw: (width) => drawGains(shown, limit, "Predicted and measured gains", width),
    note: rows.length > MOST_ROWS && `The first ${MOST_ROWS} models are drawn; the table has all.`,
    table: figures,
  });
}

/** A profile names fewer functions; an edited file may name more. */
const MOST_FUNCTIONS = 20;

const FUNCTION_COLUMNS: readonly Column<JobProfile["functions"][number]>[] = [
  textColumn("function", 0, ({ name }) => name),
  textColumn("where", 0, ({ place = "" }) => place),
  textColumn("whose", 0, ({ owner }) => ownerOf(owner).words),
  numberColumn("itself", 0, ({ share, deeds }) => {
    return formatPercent(share) + deedsWords(" (of it ", deeds, ")");
  }),
  numberColumn("with what it calls", 0, ({ totalShare }) => formatPercent(totalShare)),
];

export function profileSection(advice: Advice, id: string): Markup {
  const { profile } = advice;
  if (profile === undefined) return false;
  const lines = paragraphs("note", profileLines(advice));
  const known = "missing" in profile ? undefined : profile;
  const functions = known?.functions.slice(0, MOST_FUNCTIONS);
  const own = functions && htmlTable("The functions that matter", FUNCTION_COLUMNS, functions);
  if (known === undefined || known.flame.length === 0) {
    return markup`<section id="${id}"><h3>${PROFILE_TITLE}</h3>${lines}${own}</section>`;
  }
  const flame = figure({
    id,
    title: PROFILE_TITLE,
    lead:
      markup`Each bar is a function on top of the one that called it, as wide as its share of the
      computing: <b>your code</b> is orange, <b>packages</b> are green, <b>the runtime</b> is grey.`,
    draw: (width) => drawFlame(known.flame, width),
    table: own,
  });
  return [flame, lines];
}

const ROW_HEIGHT = 22;
const MARGIN = 10;
/** Room that a character of a label takes, and that a label keeps from its bar's ends. */
const CHARACTER = 7;
const PADDING = 6;
/** A label that must be cut shorter than this is left out. */
const FEWEST_CHARACTERS = 4;
/** A profile has fewer and lower bars; an edited file may not. */
const MOST_BARS = 400;
const DEEPEST = 40;

/** A share of an edited file, from 0 to 1. */
function clamped(share: number): number {
  return share > 0 ? Math.min(1, share) : 0;
}

function labelOf(name: string, pixels: number): string {
  const room = Math.floor((pixels - 2 * PADDING) / CHARACTER);
  if (room < FEWEST_CHARACTERS) return "";
  return name.length <= room ? name : `${name.slice(0, room - 1).toWellFormed()}…`;
}

export function drawFlame(bars: readonly FlameBar[], width: number): Html {
  const shown = bars.slice(0, MOST_BARS).filter(({ depth }) => depth >= 0 && depth < DEEPEST);
  const levels = shown.reduce((most, { depth }) => Math.max(most, Math.floor(depth) + 1), 1);
  const x = chart.scale([0, 1], [MARGIN, width - MARGIN]);
  const drawn = shown.map(({ name, owner, place, depth, from, share }) => {
    const [left, right] = [x(clamped(from)), x(clamped(clamped(from) + clamped(share)))];
    const top = MARGIN + (levels - 1 - Math.floor(depth)) * ROW_HEIGHT;
    const { words, colour: fill } = ownerOf(owner);
    const title = `${name}: ${formatPercent(share)}\n${place ?? words}`;
    return { name, left, right, top, title, fill };
  });
  const widest = bars.slice(0, MOST_BARS).toSorted((a, b) => b.share - a.share).slice(0, 8);
  return chart.svg(width, levels * ROW_HEIGHT + 2 * MARGIN, {
    title: "Flame graph",
    description: widest.map(({ name, place, share }) =>
      `${name}${place === undefined ? "" : ` (${place})`}: ${formatPercent(share)}`
    ).join("; "),
  }, [
    chart.marks("call", drawn, ({ left, right, top, fill, title }) => {
      return chart.rect(left, top, right, top + ROW_HEIGHT, {
        fill,
        stroke: "var(--paper)",
        title,
      });
    }),
    chart.marks("call-name", drawn, ({ name, left, right, top }) => {
      return chart.text(labelOf(name, right - left), (left + right) / 2, top + ROW_HEIGHT / 2, {
        textAnchor: "middle",
        fill: "var(--paper)",
      });
    }),
  ]);
}
