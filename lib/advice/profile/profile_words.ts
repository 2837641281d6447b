/** Where a job's time goes, in sentences and cells, the same in every report. */

import { BASELINE, isRemote } from "../../models.ts";
import { counted, formatDuration, formatPercent } from "../../text/format.ts";
import { isBusy } from "../../timing/meter/meter.ts";
import type { Advice } from "../advice.ts";
import type { Deed, JobProfile, Owner } from "./job_profile.ts";

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
