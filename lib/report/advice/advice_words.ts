/** Advice in sentences, and in the cells of its tables. */

import type { Advice, Hazard } from "../../advice/advice.ts";
import { itemsText } from "../../advice/findings/failures.ts";
import type { ModelAdvice } from "../../advice/prediction/candidate.ts";
import { sourceLimit } from "../../advice/probe/sample.ts";
import type { Deed, JobProfile, Owner } from "../../advice/profile/job_profile.ts";
import { didTheWork } from "../../advice/race/runner.ts";
import { say } from "../../advice/say.ts";
import { sayAll } from "../../text/fill.ts";
import { AS_GOOD, MORE_LIKELY, SURE_CLASS } from "../../judge/thresholds.ts";
import { BASELINE, isRemote, needsServer } from "../../models.ts";
import {
  capitalized,
  counted,
  formatBytes,
  formatCount,
  formatDuration,
  formatEnds,
  formatPercent,
  formatRatio,
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
    say(rate.limit === 1 ? "advised.rate.one" : "advised.rate", rate),
    retries > 0 && say("advised.retries", { retries }),
    ...(model === BASELINE ? plainDoubt(recommended) : takenLines(advice)),
    auto !== undefined && auto.text,
  ].filter((line) => line !== false);
}

function sureLine({ confidence }: Pick<Advice["recommended"], "confidence">): string {
  return say("advised.sure", { sureShare: confidence });
}

/** Says how sure it is that no model gains on the plain loop. */
function plainDoubt({ decision, confidence }: Advice["recommended"]): string[] {
  if (decision !== "can't tell") return [sureLine({ confidence })];
  // A lower figure would be no answer, and the reason has already named the possible gain.
  return confidence <= MORE_LIKELY ? [] : [say("advised.nothing", { sureShare: confidence })];
}

function has({ hazards }: Pick<Advice, "hazards">, wanted: Hazard["kind"]): boolean {
  return hazards.some(({ kind }) => kind === wanted);
}

/** The size of the recommended model, its gain and cost, and from how many items on it pays. */
function takenLines(advice: Advice): string[] {
  const { recommended, machine } = advice;
  const { lanes, slots, gain, memoryBytes, breakEven } = recommended;
  const isHere = !needsServer(recommended.model);
  // A gain above the ceiling shows that the ceiling was measured too low.
  const isLimit = machine.ceiling < machine.cores && (gain?.median ?? 0) <= machine.ceiling;
  return [
    slots === null ? say("advised.size.all", recommended) : say("advised.size", recommended),
    // If the server refused the plain loop, there is nothing to count a gain from.
    (gain !== null || !has(advice, "rate")) && gainLine(advice),
    isLimit && lanes > 1 && isHere &&
    say(has(advice, "busy") ? "advised.ceiling.busy" : "advised.ceiling", {
      cores: machine.cores,
      ceilingRatio: machine.ceiling,
    }),
    memoryBytes !== null &&
    say(memoryBytes > 0 ? "advised.memory" : "advised.memory.none", { memoryBytes }),
    // A server's pace is the same for few items and for many.
    breakEven !== null && say("advised.pays", { least: Math.max(2, breakEven) }),
    sureLine(recommended),
  ].filter((line) => line !== false);
}

/** The measured gain, or the predicted one if it wasn't measured. */
function gainLine(advice: Advice): string {
  const { recommended: { name, gain, predictedGain }, horizon, models, unsure } = advice;
  const doubt = unsure === undefined ? "" : say("gain.unsure", { unsure });
  const figures = { items: jobItems(advice), predictedGain, doubt };
  if (gain === null) return say("gain.predicted", figures);
  const measured = models.find((of) => of.name === name)?.measured;
  const raced = measured?.items ?? horizon;
  const { median: measuredGain = 0 } = measured?.gain ?? {};
  // The claimed gain is capped at what is possible, so a higher measured one is explained.
  const isExcess = measuredGain > AS_GOOD * gain.median;
  return say(has(advice, "busy") ? "gain.busy" : "gain", {
    ...figures,
    claimed: gain.low < gain.high ? formatSpeedup(gain) : say("gain.most", { gain: gain.median }),
    by: raced < horizon ? say("gain.by", { raced }) : "",
    excess: isExcess ? say("gain.excess", { measuredGain }) : "",
  });
}

/** From how many items figures are scaled, such as " Scaled to that: sequential from 4, others from 11." */
export function scaledWords({ models, horizon }: Advice): string {
  const from = (isPlain: boolean) => {
    const items = models.flatMap(({ model, measured: { items } = { items: horizon } }) =>
      (model === BASELINE) === isPlain && items < horizon ? items : []
    );
    const [least, most] = [Math.min(...items), Math.max(...items)].map(formatCount);
    return items.length === 0 ? "" : least === most ? most! : `${least} to ${most}`;
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
  const isShared = isBusy(others);
  const figures = {
    ...sample,
    total: job.total ?? say("sample.total unknown"),
    wallTinyMs: wallMs,
    cpuTinyMs: sample.cpuMs,
    cloneTinyMs: sample.cloneMs,
    sourceTinyMs: sourceMs,
    queuedTinyMs: sample.queuedMs ?? 0,
    variationShare: sample.variation,
    availableShare: sample.available,
    // The hazard "busy" already says how much others used.
    task: isShared && !has(advice, "busy")
      ? say("sample.others", { others: othersWords(others!) })
      : say("sample.task"),
    programs: sample.programsMs ? say("sample.programs") : "",
  };
  return sayAll(
    say("sample", figures),
    itemBytes + resultBytes >= 1 && say("sample.sent", figures),
    sourceMs > 0.05 * wallMs && sourceMs > 0.01 && say("sample.source", figures),
    isShared && say("sample.queued", figures),
    others === undefined && sample.available < 0.9 && say("sample.available", figures),
  );
}

/** A line on the lanes of other machines that have joined, if there are any. */
export function joinedLines({ machine: { joined } }: Advice): string[] {
  if (joined === undefined) return [];
  return [say("joined.predicted", { joined: joinedWords(joined) })];
}

/** The joined lanes in words, such as "2 lanes of other machines have joined (a, b)". */
export function joinedWords({ lanes, machines }: NonNullable<Advice["machine"]["joined"]>): string {
  return say(lanes === 1 ? "joined.one" : "joined", {
    lanes,
    machines: plain(machines.join(", ")),
  });
}

export function costLine(advice: Advice): string {
  const { cost } = advice;
  const runs = cost.sequentialRuns.toFixed(1);
  const isRefused = has(advice, "rate") || has(advice, "refused");
  const key = cost.timesRun === 1 ? "cost.once" : isRefused ? "cost.refused" : "cost";
  return say(key, { ...cost, runs });
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
  const { own: ownShare, packages: packagesShare, runtime: runtimeShare } = shares;
  return say("profile", {
    ...{ tasks, tasksMs, samples, ownShare, packagesShare, runtimeShare },
    deeds: deedsWords(" (", deeds, ")"),
  });
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
  const half = say(most.share < STANDS_OUT ? "halving.none" : "halving", {
    what: most.name + where,
    savedShare: most.share * cpuShare * onLoop * ofAll / 2,
  });
  const { model, name, gain, predictedGain, decision } = recommended;
  if (model === BASELINE) {
    const isOffered = hazards.some(({ figures }) => figures?.offer !== undefined);
    const others = isOffered ? "lanes" : decision === "order matters" ? "order" : "plain";
    return say(`halving.${others}`, { half });
  }
  if (gain !== null && gain.low <= 1) return say("halving.unknown", { half, name });
  const how = gain === null
    ? say("halving.predicted")
    : isBusy(sample.others)
    ? say("halving.busy")
    : "";
  const share = Math.max(0, 1 - 1 / (gain?.median ?? predictedGain));
  return say(isRemote(model) ? "halving.those" : "halving.that", { half, name, share, how });
}

/** Sentences on where the time goes; none if the advice has no profile. */
export function profileLines(advice: Advice): string[] {
  const { profile } = advice;
  if (profile === undefined) return [];
  if ("missing" in profile) {
    return [say("profile.missing", { why: profile.missing.replace(/[.\s]+$/, "") })];
  }
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
  const fast = gain === null || model === BASELINE
    ? ""
    : `, ${formatRatio(gain.median)} as fast (${formatEnds(gain, { to: " to " })})`;
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
