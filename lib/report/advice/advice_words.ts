/** Advice in sentences, and in the cells of its tables. */

import type { Advice, Hazard } from "../../advice/advice.ts";
import type { ModelAdvice } from "../../advice/model_advice.ts";
import { itemsText } from "../../advice/findings/failures.ts";
import { sourceLimit } from "../../advice/probe/sample.ts";
import type { Deed, JobProfile, Owner } from "../../advice/profile/job_profile.ts";
import { didTheWork } from "../../advice/race/runner.ts";
import { sayAll } from "../../advice/say.ts";
import { AS_GOOD, MORE_LIKELY, SURE_CLASS } from "../../judge/thresholds.ts";
import { BASELINE, isRemote, needsServer } from "../../models.ts";
import {
  capitalized,
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
import { plain } from "../../text/plain.ts";
import { isBusy, othersWords } from "../../timing/meter/meter.ts";
import { type Column, numberColumn, textColumn } from "../document.ts";

const CLASS_NAMES: Readonly<Record<Advice["bound"], string>> = {
  io: "I/O-bound",
  cpu: "CPU-bound",
  mixed: "mixed",
  small: "too small to matter",
};

const OUT_WORDS = {
  failures: "tasks failed",
  results: "other results",
  broken: "could not run",
  impossible: "can't be right",
};

/** The remark on a model; for one slower than the best, only what its interval against the plain loop shows. */
export function remarkOn({ out, measured }: ModelAdvice): string {
  if (out !== undefined && out !== "slower") return OUT_WORDS[out];
  if (measured === undefined) return out === undefined ? "not raced" : "stopped, too long";
  if (out === undefined) return "";
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
    : CLASS_NAMES[advice.bound];
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
  const { recommended, auto } = advice;
  const { model, reason, retries = 0, rate } = recommended;
  return [
    reason,
    rate !== undefined &&
    `Rate: at most ${counted(rate.limit, "start")} in ${formatDuration(rate.perMs)}.`,
    retries > 0 &&
    `Retries: ${retries}, after waits that grow; after retryAfterMs at the earliest, where what ` +
      `is thrown has that (a server's Retry-After).`,
    ...(model === BASELINE ? plainDoubt(recommended) : takenLines(advice)),
    auto !== undefined && auto.text,
  ].filter((line) => line !== false);
}

function sureLine({ confidence }: Pick<Advice["recommended"], "confidence">): string {
  return `Confidence: ${formatPercent(confidence)}.`;
}

/** Says how sure it is that no model gains on the plain loop. */
function plainDoubt({ decision, confidence }: Advice["recommended"]): string[] {
  if (decision !== "can't tell") return [sureLine({ confidence })];
  // A lower figure would be no answer, and the reason has already named the possible gain.
  return confidence <= MORE_LIKELY
    ? []
    : [`That nothing gains a tenth is ${formatPercent(confidence)} sure.`];
}

function has({ hazards }: Pick<Advice, "hazards">, wanted: Hazard["kind"]): boolean {
  return hazards.some(({ kind }) => kind === wanted);
}

/** The size of the recommended model, its gain and cost, and from how many items on it pays. */
function takenLines(advice: Advice): string[] {
  const { recommended, machine } = advice;
  const { lanes, slots, chunk, gain, memoryBytes, breakEven } = recommended;
  const isHere = !needsServer(recommended.model);
  // A gain above the ceiling shows that the ceiling was measured too low.
  const isLimit = machine.ceiling < machine.cores && (gain?.median ?? 0) <= machine.ceiling;
  return [
    `Lanes: ${lanes}; slots on each: ${slots ?? "all items'"}; chunk: ${chunk}.`,
    // If the server refused the plain loop, there is nothing to count a gain from.
    (gain !== null || !has(advice, "rate")) && gainLine(advice),
    isLimit && lanes > 1 && isHere &&
    `${machine.cores} independent processes gain ${formatRatio(machine.ceiling)} here` +
      `${has(advice, "busy") ? " while others compute" : ": computing can't gain more"}.`,
    memoryBytes !== null &&
    `Memory: ${
      memoryBytes > 0 ? `${formatBytes(memoryBytes)} more` : "no more"
    } than the plain loop.`,
    // A server's pace is the same for few items and for many.
    breakEven !== null && `Pays from about ${Math.max(2, breakEven)} items.`,
    sureLine(recommended),
  ].filter((line) => line !== false);
}

/** The measured gain, or the predicted one if it wasn't measured. */
function gainLine(advice: Advice): string {
  const { recommended: { name, gain, predictedGain }, horizon, models, unsure } = advice;
  const items = jobItems(advice);
  const predicted = formatRatio(predictedGain);
  const doubt = unsure === undefined ? "" : ` (unsure: ${unsure})`;
  if (gain === null) return `Gain: ${predicted} predicted for ${items}${doubt}.`;
  const measured = models.find((of) => of.name === name)?.measured;
  const raced = measured?.items ?? horizon;
  const by = raced < horizon ? `, by runs of ${raced}` : "";
  const { median = 0 } = measured?.gain ?? {};
  // The claimed gain is capped at what is possible, so a higher measured one is explained.
  const excess = median > AS_GOOD * gain.median
    ? `; ${formatRatio(median)} was measured, which cores and waiting can't give: most likely ` +
      "the plain loop was slowed down in the race"
    : "";
  const gained = has(advice, "busy") ? "Faster here, on a busy machine" : "Gain";
  const claimed = gain.low < gain.high
    ? formatSpeedup(gain)
    : `${formatRatio(gain.median)} at most`;
  return `${gained}: ${claimed} for ${items}${by}; ${predicted} was ` +
    `predicted${doubt}${excess}.`;
}

/** From how many items figures are scaled, such as " Scaled to that: sequential from 4, others from 11." */
export function scaledWords({ models, horizon }: Advice): string {
  const from = (isPlain: boolean) => {
    const items = models.flatMap(({ model, measured: { items } = { items: horizon } }) =>
      (model === BASELINE) === isPlain && items < horizon ? items : []
    );
    const [least, most] = [Math.min(...items), Math.max(...items)];
    return items.length === 0 ? "" : least === most ? `${most}` : `${least} to ${most}`;
  };
  const [plain, others] = [from(true), from(false)];
  if (plain !== "" && plain === others) return ` Scaled to that from ${plain}.`;
  const said = [plain && `sequential from ${plain}`, others && `others from ${others}`];
  const told = said.filter(Boolean).join(", ");
  return told && ` Scaled to that: ${told}.`;
}

export function modelColumns({ recommended, models }: Advice): Column<ModelAdvice>[] {
  const isChosen = ({ name }: ModelAdvice) => name === recommended.name;
  // If nothing was raced, predictions are all that is known, so their column is never left out.
  const wasRaced = models.some(({ model, measured }) => model !== BASELINE && measured);
  const tone = (row: ModelAdvice) => isChosen(row) ? "good" as const : undefined;
  const columns: Column<ModelAdvice>[] = [
    textColumn("model", 0, ({ name }) => name),
    numberColumn("predicted", wasRaced ? 2 : 0, ({ model, predictedMs, predictedGain }) => {
      return model === BASELINE ? formatDuration(predictedMs) : formatRatio(predictedGain);
    }),
    numberColumn("measured", wasRaced ? 0 : 2, (row) => {
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

export function sampleLine(advice: Advice): string {
  const { sample, job } = advice;
  const { itemBytes, resultBytes, sourceMs, wallMs, others } = sample;
  const [each, cpu, copying, source, queued] = [
    wallMs,
    sample.cpuMs,
    sample.cloneMs,
    sourceMs,
    sample.queuedMs ?? 0,
  ].map(formatShortDuration);
  const isShared = others !== undefined && isBusy(others);
  // The hazard "busy" already says how much others used.
  const who = isShared && !has(advice, "busy") ? `${othersWords(others)}: a` : "A";
  const programs = sample.programsMs ? ", without the programs that it ran" : "";
  return sayAll(
    `${counted(sample.items, "item")} of ${job.total ?? "an unknown number"} ran one by one: ` +
      `${each} each on average (standard deviation ${
        formatPercent(sample.variation)
      }), ${cpu} of CPU.`,
    itemBytes + resultBytes >= 1 &&
      `An item takes ${formatBytes(itemBytes)} to send, a result ${formatBytes(resultBytes)}; ` +
        `copying both takes ${copying}.`,
    sourceMs > 0.05 * wallMs && sourceMs > 0.01 &&
      `Getting an item from its source takes ${source} on average, which no model shares out.`,
    isShared &&
      `${who} task queued ${queued} for a core on average${programs}, which isn't taken for waiting.`,
    others === undefined && sample.available < 0.9 &&
      `Other programs left ${formatPercent(sample.available)} of a CPU, by a loop that only ` +
        `computes; the share is corrected for it.`,
  );
}

/** A line on the lanes of other machines that have joined, if there are any. */
export function joinedLines({ machine: { joined } }: Advice): string[] {
  if (joined === undefined) return [];
  return [
    `${joinedWords(joined)}. Their gain is predicted as if each were a core of this machine; ` +
    "only what was measured counts.",
  ];
}

/** The joined lanes in words, such as "2 lanes of other machines have joined (a, b)". */
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

/** A line on what the answer lacks, which the reader must know before the figures. */
export function remarkLines({ partial }: Pick<Advice, "partial">): string[] {
  return partial === undefined ? [] : [`Partial: ${partial}.`];
}

export const PROFILE_TITLE = "Where the time goes";

/** The owners of functions, in words and in colour. */
export const OWNERS: Readonly<Record<Owner, { readonly words: string; readonly colour: string }>> =
  {
    own: { words: "your code", colour: "var(--workers)" },
    packages: { words: "a package", colour: "var(--limited)" },
    runtime: { words: "the runtime", colour: "var(--sequential)" },
  };

/** Deeds of the runtime are named from this share (0 to 1) on. */
const WORTH_TELLING = 0.02;

/** A function stands out from this share (0 to 1) on. */
const STANDS_OUT = 0.1;

/** The runtime's deeds, such as "cloning 50%, collecting garbage 9%", between two texts; empty if none. */
function deedsWords(before: string, deeds: readonly Deed[] = [], after = ""): string {
  const told = deeds.filter(({ share }) => share >= WORTH_TELLING)
    .map(({ name, share }) => `${name} ${formatPercent(share)}`).join(", ");
  return told === "" ? "" : before + told + after;
}

function sharesLine({ tasks, tasksMs, samples, shares, deeds }: JobProfile): string {
  return `Of what the tasks compute, your own code takes ${formatPercent(shares.own)}, packages ` +
    `${formatPercent(shares.packages)}, the runtime ${formatPercent(shares.runtime)}` +
    `${deedsWords(" (", deeds, ")")}: ${samples} looks at ` +
    `${counted(tasks, "task")} in ${formatDuration(tasksMs)}. V8's own functions, such as ` +
    "JSON.parse, mostly count for their callers.";
}

/** Compares the time that a faster function would save with what the recommended model saves. */
function savingsLine(
  { cpuShare, sample, recommended, hazards }: Advice,
  { functions }: JobProfile,
) {
  // Only what the reader can change is worth halving.
  const most = functions.find((of) => of.owner !== "runtime" && !isOfLanes(of));
  if (most === undefined) return undefined;
  const where = most.place === undefined ? "" : ` (${most.place})`;
  // The profile covers only the event loop's thread.
  const onLoop = sample.cpuMs > 0 ? Math.min(1, sample.loopMs / sample.cpuMs) : 1;
  const ofAll = sample.wallMs / (sample.wallMs + sample.sourceMs);
  const saved = formatPercent(most.share * cpuShare * onLoop * ofAll / 2);
  const halving = most.share < STANDS_OUT ? "No function stands out: halving" : "Halving";
  const half = `${halving} what ${most.name}${where} does would save ${saved} of the time`;
  const { model, name, gain, predictedGain, decision } = recommended;
  if (model === BASELINE) {
    const others = hazards.some(({ figures }) => figures?.offer !== undefined)
      ? "lanes save some, too"
      : decision === "order matters"
      ? "no other model does the same"
      : "no other model surely saves any";
    return `${half}; ${others}.`;
  }
  if (gain !== null && gain.low <= 1) return `${half}; whether ${name} saves any can't be told.`;
  const share = formatPercent(Math.max(0, 1 - 1 / (gain?.median ?? predictedGain)));
  const how = gain === null
    ? ", as predicted"
    : sample.others !== undefined && isBusy(sample.others)
    ? ", on a machine as busy as this was"
    : "";
  return `${half}; ${name} ${isRemote(model) ? "save" : "saves"} ${share}${how}.`;
}

/** Sentences on where the time goes; none if the advice has no profile. */
export function profileLines(advice: Advice): string[] {
  const { profile } = advice;
  if (profile === undefined) return [];
  if ("missing" in profile) return [`Not known: ${profile.missing.replace(/[.\s]+$/, "")}.`];
  const savings = savingsLine(advice, profile);
  return [sharesLine(profile), ...(savings === undefined ? [] : [savings])];
}

function isOfLanes({ owner, place }: JobProfile["functions"][number]): boolean {
  return owner === "packages" && place?.startsWith("lanes/") === true;
}

export function functionLines({ profile }: Pick<Advice, "profile">): string[] {
  if (profile === undefined || "missing" in profile) return [];
  return profile.functions.map((of) => {
    const { name, place, owner, share, deeds } = of;
    const where = place === undefined ? "" : `, ${place}`;
    const ofPackage = isOfLanes(of) ? " (Lanes itself)" : " (a package)";
    const whose = owner === "packages" ? ofPackage : owner === "runtime" ? " (runtime)" : "";
    return `${formatPercent(share)} ${name}${where}${whose}${deedsWords("; of it ", deeds)}`;
  });
}

export function foundWords({ bound, recommended: { model, name, gain }, hazards }: Advice): string {
  const take = model === BASELINE ? "leave it sequential" : `take ${name}`;
  const [low, high] = [gain?.low ?? 0, gain?.high ?? 0].map(formatNumber);
  const fast = gain === null || model === BASELINE
    ? ""
    : `, ${formatRatio(gain.median)} as fast (${low} to ${high})`;
  const seen = hazards.length === 0 ? "" : `; ${counted(hazards.length, "hazard")} seen`;
  return `${capitalized(CLASS_NAMES[bound])}: ${take}${fast}${seen}`;
}

export const FUNCTION_COLUMNS: readonly Column<JobProfile["functions"][number]>[] = [
  textColumn("function", 0, ({ name }) => name),
  textColumn("where", 0, ({ place = "" }) => place),
  textColumn("whose", 0, ({ owner }) => OWNERS[owner].words),
  numberColumn("itself", 0, ({ share, deeds }) => {
    return formatPercent(share) + deedsWords(" (of it ", deeds, ")");
  }),
  numberColumn("with what it calls", 0, ({ totalShare }) => formatPercent(totalShare)),
];
