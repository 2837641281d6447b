/**
 * Where a job's time goes, in sentences and cells, the same in every report.
 *
 * @module
 */

import { BASELINE } from "../../models.ts";
import { counted, formatDuration, formatPercent } from "../../text/format.ts";
import { isBusy } from "../../timing/meter/reading.ts";
import type { Advice } from "../advice.ts";
import type { Deed, JobProfile, Owner } from "./job_profile.ts";

/** The title of what follows. */
export const PROFILE_TITLE = "Where the time goes";

/** The heads of the cells. */
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

/** Whose a function is, in words. */
export function ownerWords(owner: Owner): string {
  return OWNERS[owner] ?? "unknown";
}

/** What the runtime did is told from this share on. */
const WORTH_TELLING = 0.02;

/** A function's cells. */
export function functionCells(
  { name, place, owner, share, deeds, totalShare }: JobProfile["functions"][number],
): string[] {
  const told = deedsWords(deeds);
  return [
    name,
    place ?? "",
    ownerWords(owner),
    `${formatPercent(share)}${told === "" ? "" : ` (of it ${told})`}`,
    formatPercent(totalShare),
  ];
}

/** What the runtime did, such as "cloning 50%, collecting garbage 9%". */
function deedsWords(deeds: readonly Deed[] = []): string {
  return deeds.filter(({ share }) => share >= WORTH_TELLING)
    .map(({ name, share }) => `${name} ${formatPercent(share)}`).join(", ");
}

/** Whose the time was. */
function sharesLine({ tasks, tasksMs, samples, shares, deeds }: JobProfile): string {
  const told = deedsWords(deeds);
  return `Of what the tasks compute, your own code takes ${formatPercent(shares.own)}, packages ` +
    `${formatPercent(shares.packages)}, the runtime ${formatPercent(shares.runtime)}` +
    `${told === "" ? "" : ` (${told})`}: ${samples} looks at ` +
    `${counted(tasks, "task")} in ${formatDuration(tasksMs)}.`;
}

/** What halving a function would save of the whole time; the event loop's thread alone was looked at. */
function savedByHalf(
  { cpuShare, sample }: Pick<Advice, "cpuShare" | "sample">,
  share: number,
): number {
  const onLoop = sample.cpuMs > 0 ? Math.min(1, sample.loopMs / sample.cpuMs) : 1;
  return share * cpuShare * onLoop / 2;
}

/** What a person would gain from mending a function, beside what they gain from the recommended model. */
function savingsLine(advice: Advice, { functions }: JobProfile): string | undefined {
  const [most] = functions.filter(({ owner }) => owner !== "runtime");
  if (most === undefined) return undefined;
  const where = most.place === undefined ? "" : ` (${most.place})`;
  const half = `Halving what ${most.name}${where} does would save ${
    formatPercent(savedByHalf(advice, most.share))
  } of the time`;
  const { model, name, gain, predictedGain } = advice.recommended;
  if (model === BASELINE) return `${half}; no other model surely saves any.`;
  const fast = gain?.median ?? predictedGain;
  if (gain !== null && gain.low <= 1) return `${half}; whether ${name} saves any can't be told.`;
  const { others } = advice.sample;
  const now = others !== undefined && isBusy(others) ? ", on a machine as busy as this was" : "";
  return `${half}; ${name} save${/^(workers|processes)/.test(name) ? "" : "s"} ${
    formatPercent(Math.max(0, 1 - 1 / fast))
  }${gain === null ? ", as predicted" : now}.`;
}

/** Where the time goes, in sentences; none if the job has no profile and nobody would ask for one. */
export function profileLines(advice: Advice): string[] {
  const { profile } = advice;
  if (profile === undefined) return [];
  if ("missing" in profile) return [`Not known: ${profile.missing.replace(/[.\s]+$/, "")}.`];
  const savings = savingsLine(advice, profile);
  return [sharesLine(profile), ...(savings === undefined ? [] : [savings])];
}

/** The functions that matter, as lines of text. */
export function functionLines({ profile }: Pick<Advice, "profile">): string[] {
  if (profile === undefined || "missing" in profile) return [];
  return profile.functions.map((of) => {
    const { name, place, owner, share, deeds } = of;
    const told = deedsWords(deeds);
    const where = place === undefined ? "" : `, ${place}`;
    const whose = owner === "packages" ? " (a package)" : owner === "runtime" ? " (runtime)" : "";
    return `${formatPercent(share)} ${name}${where}${whose}${told === "" ? "" : `; of it ${told}`}`;
  });
}
