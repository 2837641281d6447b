/**
 * Whether a job waits or computes, by CPU time over wall time.
 *
 * @module
 */

import { studentCdf } from "../../timing/statistics.ts";
import type { Verdict } from "../../timing/result.ts";
import { COMPUTES, WAITS } from "../../judge/thresholds.ts";
import type { Machine } from "./machine.ts";
import { predict } from "./predict.ts";
import { SEQUENTIAL } from "./candidate.ts";
import type { Sample } from "../probe/sample.ts";

/**
 * Why no model can gain anything, whatever is measured: there is little to save, or one item; a task is
 * shorter than dealing it out, or than copying its item and its result to a lane.
 */
export type NoGain =
  | { readonly why: "little"; readonly savedMs: number }
  | { readonly why: "one item" | "dealing" | "copying" };

/** The class of a job, and how sure it is. */
export interface Classified {
  /** Why there is nothing to gain; undefined where there may be. */
  readonly noGain?: NoGain;
  /** I/O-bound, CPU-bound, mixed, or too small to matter. */
  readonly bound: Verdict["bound"];
  /** The share of its time in which it computes, 0 to 1. */
  readonly cpuShare: number;
  /** 0.5 to 1. */
  readonly confidence: number;
}

/** What the share may be off by whatever the sample says: caches, clocks and other programs change. */
const SYSTEMATIC = 0.03;

/** So many degrees of freedom for the clusters of a sample; small samples don't promise much. */
const MOST_FREEDOM = 60;

/**
 * Classifies a job by its sample. It is small if even the best model could save less than twice what it
 * takes to start a lane.
 */
export function classOf(
  sample: Pick<Sample, "cpuShare" | "cpuShareError" | "items">,
  atMostSavedMs: number,
  laneStartMs: number,
): Classified {
  const { cpuShare, cpuShareError, items } = sample;
  if (atMostSavedMs <= 2 * laneStartMs) {
    // On the logarithm, a factor of two from the bound is sure enough for 98 %.
    const distance = Math.log(Math.max(1e-9, atMostSavedMs) / (2 * laneStartMs)) / (Math.LN2 / 2);
    return { bound: "small", cpuShare, confidence: certainty(studentCdf(-distance, 30)) };
  }
  return classByShare({ cpuShare, cpuShareError, items });
}

/** Classifies tasks by the share of their time in which they compute, however little it is in all. */
export function classByShare(
  { cpuShare, cpuShareError, items }: Pick<Sample, "cpuShare" | "cpuShareError" | "items">,
): Classified {
  const error = Math.hypot(cpuShareError, SYSTEMATIC);
  const freedom = Math.max(1, Math.min(items - 1, MOST_FREEDOM));
  const below = (bound: number) => studentCdf((bound - cpuShare) / error, freedom);
  if (cpuShare <= WAITS) {
    return { bound: "io", cpuShare, confidence: certainty(below(WAITS)) };
  }
  if (cpuShare >= COMPUTES) {
    return { bound: "cpu", cpuShare, confidence: certainty(1 - below(COMPUTES)) };
  }
  const between = below(COMPUTES) - below(WAITS);
  return { bound: "mixed", cpuShare, confidence: certainty(between) };
}

/** A lane is started within this time on a machine that is idle, in milliseconds. */
const NOTICEABLE_MS = 40;
/** What the dispatcher and a lane need for an item that travels with many others, in milliseconds. */
const LEAST_ITEM_MS = 0.001;

/**
 * Classifies a job of so many items.
 *
 * What could be saved at best is the waiting, all of it, and of the computing what all cores together
 * can save; nothing, if a task is shorter than dealing it out, or than copying it to a lane.
 */
export function classFor(sample: Sample, machine: Machine, items: number): Classified {
  const sequentialMs = predict(sample, SEQUENTIAL, items, machine).runMs;
  const { cpuShare, wallMs, cloneMs } = sample;
  // Where other programs use the CPUs lanes start slowly, which doesn't make the job smaller.
  const laneStartMs = Math.min(machine.startMs.workers, NOTICEABLE_MS);
  const saved = Math.max((1 - cpuShare) * (1 - 1 / items), 1 - 1 / Math.min(items, machine.cores));
  const savedMs = sequentialMs * saved;
  if (items < 2) {
    // One long task is no small one, though it has nobody to run beside.
    return { ...classOf(sample, sequentialMs, laneStartMs), noGain: { why: "one item" } };
  }
  const classified = classOf(sample, savedMs, laneStartMs);
  if (classified.bound === "small") return { ...classified, noGain: { why: "little", savedMs } };
  const computes = cpuShare > COMPUTES;
  const computeMs = wallMs * cpuShare;
  if (computes && computeMs < LEAST_ITEM_MS) {
    return { ...classOf(sample, 0, laneStartMs), noGain: { why: "dealing" } };
  }
  return computes && computeMs < LEAST_ITEM_MS + cloneMs
    ? { ...classified, noGain: { why: "copying" } }
    : classified;
}

function certainty(probability: number): number {
  return Math.round(Math.min(0.99, Math.max(0.5, probability)) * 100) / 100;
}
