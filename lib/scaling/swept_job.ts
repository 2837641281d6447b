/** The jobs that are swept; downloads from a test site, and sums. */

import type { Site } from "../site/start.ts";
import { calibrate, CPU_TASKS } from "../tasks/catalogue.ts";
import { limitedTo } from "../timing/job_items.ts";
import { computingJob, downloadJob } from "../timing/ready_jobs.ts";
import type { JobSpec } from "../timing/spec.ts";
import { LEAST_WAVES } from "./sweep_plan.ts";

export interface SweptJob {
  readonly name: string;
  /** How many items travel together; one, where a last chunk could leave lanes without items. */
  readonly chunk: "auto" | 1;
  /**
   * The job for a number of slots or lanes ("places"). Made items are alike, and there are as many for each
   * place, so that trials take about as long; the user's own job has the same items at every size.
   */
  at(places: number): JobSpec;
  /** The share of its time in which a task computes by itself, 0 to 1, if known. */
  readonly computingShare?: number;
  /** The share of its time in which a task leaves its thread to others, 0 to 1. */
  readonly freeShare?: number;
  readonly total?: number;
  /** How long all items take one by one in milliseconds, and the share of them that fails so, if known. */
  readonly expectedMs?: number;
  readonly failedShare?: number;
  /** Items to run before a trial with this many places, to open connections and compile code. */
  warmupAt(places: number): number;
}

const MOST_DOWNLOADS = 5_000;
/** The time limit of one download, in milliseconds. */
const DOWNLOAD_MS = 30_000;
/** Divisible by 1 to 6, so that no lane ends early. */
const LEAST_SUMS = 120;

/** Downloads from a test site, as many for each place, so that a trial at 64 slots takes as long as at one. */
export function downloads(
  site: Pick<Site, "hosts" | "urls">,
  latencyMs: number,
  trialMs = 600,
): SweptJob {
  const waves = Math.max(LEAST_WAVES, Math.round(trialMs / (latencyMs + 2)));
  const name = `download pages after ${latencyMs} ms`;
  return {
    name,
    chunk: 1,
    at: (places) => {
      const count = Math.max(LEAST_WAVES * places, Math.min(MOST_DOWNLOADS, waves * places));
      const job = downloadJob(site, Math.ceil(count / 2), DOWNLOAD_MS);
      return { ...limitedTo(job, count), name, options: { latencyMs } };
    },
    warmupAt: (places) => Math.max(LEAST_WAVES, places),
  };
}

/** Sums of squares that take one lane about `trialMs`; with `grows`, more of them for more places. */
export async function sums(
  most: number,
  trialMs = 900,
  signal?: AbortSignal,
  grows = false,
): Promise<SweptJob> {
  const chosen = CPU_TASKS["sum-squares"];
  const countAt = (places: number) => Math.max(LEAST_SUMS, LEAST_WAVES * places);
  const count = countAt(most);
  const msPerWork = await calibrate(chosen, { signal });
  const wanted = Math.round(trialMs / count / msPerWork);
  const start = Math.max(1, Math.min(chosen.limit - count, wanted));
  const name = `sum squares below ${start.toLocaleString("en")}`;
  const at = (count: number) => ({ ...computingJob(chosen, { start, count }), name });
  return {
    name,
    chunk: 1,
    computingShare: 1,
    at: (places) => at(grows ? countAt(places) : count),
    warmupAt: (places) => 2 * places,
  };
}
