/** A comparison in sentences with their numbers: the verdict, how sure it is, and what failed. */

import { MORE_LIKELY } from "../../judge/thresholds.ts";
import { BASELINE } from "../../models.ts";
import type { AwaitCost } from "../../tasks/calibrate.ts";
import {
  counted,
  formatBytes,
  formatNumber,
  formatPercent,
  formatRatio,
  middle,
} from "../../text/format.ts";
import { plain } from "../../text/plain.ts";
import { sumOfFailures } from "../../timing/failures.ts";
import { isBusy as othersAreBusy } from "../../timing/meter/meter.ts";
import {
  type Comparison,
  type ModelResult,
  nothingSucceeded,
  type Round,
  type Verdict,
} from "../../timing/result.ts";

export const LESSON: string = "Slots are concurrency: one lane waits for many tasks at once. " +
  "Lanes are parallelism: they compute at the same time.";

/** Below this, a verdict says that it is unsure. */
const SURE = 0.9;

/** What binds the job, which model to take, what that costs; or what kept it from a verdict. */
export function verdictText(comparison: Comparison): string {
  const { verdict, agree } = comparison;
  const measured = comparison.models.filter(({ rounds }) => rounds.length > 0);
  if (measured.length === 0) return "No verdict: nothing was measured.";
  if (measured.every(nothingSucceeded)) return "No verdict: no task succeeded.";
  if (!agree) {
    return "No verdict: the models gave different results, so their times can't be compared.";
  }
  if (verdict === null) {
    return measured.some(({ model }) => model === BASELINE)
      ? "No verdict: too little was measured."
      : "No verdict: sequential wasn't measured, and gains are counted from it (--models).";
  }
  // That a job is small was concluded from the same times, which can't be trusted here.
  const reason = isUndecided(comparison) && verdict.bound === "small" ? "" : verdict.reason;
  const parts = [adviceOf(comparison, verdict), sentence(reason), doubtOf(verdict)];
  return parts.filter((part) => part !== "").join(" ");
}

/** Whether others used so much of the machine that figures may not hold. */
export function isBusy({ others }: Pick<Comparison, "others">): boolean {
  return others !== undefined && othersAreBusy(others);
}

/** Whether rounds say too little to leave a job sequential; of a small one much doubt is usual. */
export function isUndecided(comparison: Comparison): boolean {
  const { verdict } = comparison;
  if (verdict === null || verdict.recommended !== BASELINE) return false;
  return isBusy(comparison)
    ? verdict.confidence < SURE
    : verdict.bound !== "small" && verdict.confidence < MORE_LIKELY;
}

/** Whether a model surely gained more on this machine's cores than the ceiling, which then isn't one. */
export function passesCeiling({ ceiling, models }: Comparison): boolean {
  return ceiling !== null &&
    models.some(({ device, speedup }) =>
      !device && speedup !== null && speedup.low > ceiling.speedup
    );
}

/** The model to take, what it costs, and the machine's ceiling; the verdict's reason tells the gain. */
function adviceOf(comparison: Comparison, verdict: Verdict): string {
  const chosen = comparison.models.find(({ model }) => model === verdict.recommended);
  const base = comparison.models.find(({ model }) => model === BASELINE);
  if (isUndecided(comparison)) {
    return isBusy(comparison)
      ? "Which model is best can't be told on so busy a machine."
      : "Which model is best can't be told.";
  }
  if (verdict.recommended === BASELINE) return "Leave it sequential.";
  const name = plain(verdict.recommended);
  if (chosen === undefined || base === undefined) return `Take ${name}.`;
  const ceiling =
    comparison.ceiling !== null && verdict.bound !== "io" && !passesCeiling(comparison) &&
      !isBusy(comparison)
      ? `; ${formatRatio(comparison.ceiling.speedup)} is what this machine can give`
      : "";
  return `Take ${name}, ${memoryOf(base, chosen)}${ceiling}.`;
}

function doubtOf({ confidence }: Verdict): string {
  if (confidence >= SURE) return "";
  return confidence >= MORE_LIKELY
    ? `Only ${formatPercent(confidence)} sure: more --rounds make it surer.`
    : "The rounds differ too much to be sure: end other programs, or give more --rounds.";
}

/** Peak memory differs by so much from run to run of the same program. */
const SAME_MEMORY = 0.1;

function memoryOf(base: ModelResult, chosen: ModelResult): string {
  const baseBytes = middle(base.rounds.map((r) => r.peakRssBytes));
  const difference = middle(chosen.rounds.map((r) => r.peakRssBytes)) - baseBytes;
  return Math.abs(difference) < SAME_MEMORY * baseBytes
    ? "for about the same memory"
    : `for ${formatBytes(Math.abs(difference))} ${difference > 0 ? "more" : "less"} memory`;
}

/** A file's text as a sentence: a capital at its start, a full stop at its end. */
function sentence(text: string): string {
  const clean = plain(text);
  if (clean === "") return "";
  const whole = clean[0]!.toUpperCase() + clean.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** What a comparison's report must say before its figures are believed; outside text is plain. */
export function noticeLines(
  comparison: Comparison,
): { readonly kind: "Failed" | "Example of" | "Warning"; readonly text: string }[] {
  return [
    ...failureLines(comparison).map((text) => ({ kind: "Failed" as const, text })),
    ...exampleLines(comparison).map((text) => ({ kind: "Example of" as const, text })),
    ...comparison.warnings.map((text) => ({ kind: "Warning" as const, text: plain(text) })),
  ];
}

export function roundsOf({ models }: Pick<Comparison, "models">): string {
  return counted(Math.max(0, ...models.map(({ rounds }) => rounds.length)), "round");
}

export function failureLines(comparison: Comparison): string[] {
  return comparison.models.flatMap(({ model, rounds }) => {
    const told = rounds.filter(({ failed }) => failed > 0).map(failureOf);
    if (told.length === 0) return [];
    // Rounds that failed alike are told once, as a person would.
    if (told.length === rounds.length && new Set(told).size === 1) {
      return `${plain(model)}: ${told[0]}${
        told.length > 1 ? ` in each of ${told.length} rounds` : ""
      }`;
    }
    return rounds.flatMap((round) =>
      round.failed > 0 ? `${plain(model)}, round ${round.round + 1}: ${failureOf(round)}` : []
    );
  });
}

function failureOf({ failed, succeeded, reasons = {} }: Round): string {
  const why = Object.entries(reasons).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .map(([reason, count]) => `${count} ${plain(reason)}`);
  const shown = why.length > MOST_REASONS
    ? [...why.slice(0, MOST_REASONS), `and ${why.length - MOST_REASONS} more reasons`]
    : why;
  return `${failed} of ${failed + succeeded} failed${
    shown.length === 0 ? "" : `: ${shown.join(", ")}`
  }`;
}

/** A line names no more reasons than this; the files hold all. */
const MOST_REASONS = 5;

/** Of each reason that tasks failed for one example: the item, and what the error said. */
export function exampleLines({ models }: Comparison): string[] {
  const seen = new Map<string, string>();
  for (const { model, rounds } of models) {
    for (const [reason, example] of Object.entries(sumOfFailures(rounds).examples)) {
      if (seen.has(reason)) continue;
      seen.set(reason, `${plain(reason)}: ${plain(example)} (${plain(model)})`);
    }
  }
  return [...seen.values()].slice(0, 2 * MOST_REASONS);
}

const NS_PER_MS = 1e6;

/** Says what awaiting every call of a recursion costs, and why. */
export function awaitCostText({ plainMs, awaitedMs }: AwaitCost): string {
  const [plain, awaited] = [plainMs, awaitedMs].map((ms) => `${formatNumber(ms * NS_PER_MS)} ns`);
  const ratio = awaitedMs / plainMs;
  const times = ratio > 1.05 ? `${formatNumber(ratio)} times as long as` : "no longer than";
  return `Awaited, a call of this recursion takes ${times} a plain one: ${awaited} instead of ` +
    `${plain}, measured here. Each await makes a promise, saves the function and queues the rest of ` +
    "it, and nothing ever waits, so no slot gets that back. async is for what waits.";
}
