/** Whether a job waits or computes, and whether it is worth more than the plain loop. */

import { studentCdf } from "../../timing/statistics.ts";
import type { Verdict } from "../../timing/result.ts";
import { boundOfShare, COMPUTES, WAITS } from "../../judge/thresholds.ts";
import type { Machine } from "./machine.ts";
import { predict } from "./predict.ts";
import { SEQUENTIAL } from "./candidate.ts";
import { mostCpuShare, type Sample } from "../probe/sample.ts";

/** Why no model can gain anything, whatever is measured. */
export type NoGain =
  | { readonly why: "little"; readonly savedMs: number }
  | { readonly why: "one item" | "dealing" | "copying" };

export interface Classified {
  readonly bound: Verdict["bound"];
  readonly cpuShare: number;
  readonly confidence: number;
  readonly noGain?: NoGain | undefined;
}

/** What the share may be off by whatever the sample says: caches, clocks and other programs change. */
const SYSTEMATIC = 0.03;
/** And by how much more where others have a core all the time: waits get longer, too. */
const CONTENDED = 0.3;
/** So many degrees of freedom for the clusters of a sample; small samples don't promise much. */
const MOST_FREEDOM = 60;

function certainty(probability: number): number {
  return Math.round(Math.min(0.99, Math.max(0.5, probability)) * 100) / 100;
}

/** Classifies tasks by the share of their time in which they compute, however little it is in all. */
export function classByShare(
  sample: Pick<Sample, "cpuShare" | "cpuShareError" | "items"> & Partial<Sample>,
): Classified {
  const { cpuShare, cpuShareError, items, available = 1 } = sample;
  const unknown = mostCpuShare(sample) - cpuShare;
  const error = Math.hypot(cpuShareError, unknown, SYSTEMATIC + CONTENDED * (1 - available));
  const freedom = Math.max(1, Math.min(items - 1, MOST_FREEDOM));
  const below = (threshold: number) => studentCdf((threshold - cpuShare) / error, freedom);
  const bound = boundOfShare(cpuShare);
  const sure = {
    io: below(WAITS),
    mixed: below(COMPUTES) - below(WAITS),
    cpu: 1 - below(COMPUTES),
  }[bound];
  return { bound, cpuShare, confidence: certainty(sure) };
}

/** A lane is started within this time on a machine that is idle. */
const NOTICEABLE_MS = 40;
/** What the dispatcher and a lane need for an item that travels with many others. */
const LEAST_ITEM_MS = 0.001;

/** A job is small if even the best model could save less than twice what it takes to start a lane. */
export function classFor(sample: Sample, machine: Machine, items: number): Classified {
  const { cpuShare, wallMs, cloneMs } = sample;
  // Where other programs use the CPUs lanes start slowly, which doesn't make the job smaller.
  const leastMs = 2 * Math.min(machine.startMs.workers, NOTICEABLE_MS);
  const saved = Math.max((1 - cpuShare) * (1 - 1 / items), 1 - 1 / Math.min(items, machine.cores));
  // One long task is no small one, though it has nobody to run beside.
  const savedMs = predict(sample, SEQUENTIAL, items, machine).runMs * (items < 2 ? 1 : saved);
  const isLittle = savedMs <= leastMs;
  const computeMs = cpuShare > COMPUTES ? wallMs * cpuShare : Infinity;
  const isDealt = items > 1 && computeMs < LEAST_ITEM_MS;
  const noGain: NoGain | undefined = items < 2
    ? { why: "one item" }
    : isLittle
    ? { why: "little", savedMs }
    : isDealt
    ? { why: "dealing" }
    : computeMs < LEAST_ITEM_MS + cloneMs
    ? { why: "copying" }
    : undefined;
  if (!isLittle && !isDealt) return { ...classByShare(sample), noGain };
  // On the logarithm, a factor of two from the bound is sure enough for 98 %.
  const distance = 2 * Math.log2(Math.max(1e-9, isDealt ? 0 : savedMs) / leastMs);
  return { bound: "small", cpuShare, confidence: certainty(studentCdf(-distance, 30)), noGain };
}
