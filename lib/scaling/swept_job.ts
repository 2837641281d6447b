/** The jobs that are swept: downloads from a test site, sums, and the user's own. */

import type { Site } from "../site/start.ts";
import { calibrate } from "../tasks/calibrate.ts";
import { CPU_TASKS } from "../tasks/catalogue.ts";
import type { Sample } from "../advice/probe/sample.ts";
import { limitedTo } from "../timing/job_items.ts";
import { computingJob, downloadJob } from "../timing/ready_jobs.ts";
import type { JobSpec } from "../timing/spec.ts";
import { LEAST_WAVES, MOST_DEFAULT_SLOTS, type SweepPlan } from "./sweep_plan.ts";

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

/** How long a trial of the smallest size should take with the user's own job, in milliseconds. */
const OWN_TRIAL_MS = 4_500;
/** A list of at most this many times the items for that time runs whole, with its unusual items. */
const HARDLY_MORE = 2;

/**
 * How many items of the user's own job every size runs: as many as the smallest size runs in a few seconds, at
 * least as many as the given sizes can hold, and a multiple of the sizes' slots.
 */
export function itemsFor(
  { wallMs, sourceMs, cpuShare, total }: Pick<
    Sample,
    "wallMs" | "sourceMs" | "cpuShare" | "total"
  >,
  plan: SweepPlan | undefined,
  cores: number,
): number {
  const { sizes, slotsPerLane, extendTo } = plan ?? { sizes: [1], slotsPerLane: 1, extendTo: 1 };
  const [smallest, largest] = [sizes[0]! * slotsPerLane, sizes.at(-1)! * slotsPerLane];
  const atOnce = Math.min(smallest, cores / Math.max(cpuShare, 1e-9));
  const isAsked = extendTo === 0;
  // A source gives one item at a time.
  const inTime = OWN_TRIAL_MS / Math.max(wallMs / atOnce, sourceMs, 1e-6);
  const timely = Math.max(isAsked ? largest : LEAST_WAVES, inTime);
  const multiple = isAsked
    ? largest
    : Math.min(MOST_DEFAULT_SLOTS, 2 ** Math.round(Math.log2(timely)));
  const wanted = multiple * Math.round(timely / multiple);
  return total !== null && total <= HARDLY_MORE * timely ? total : wanted;
}

/** The user's own job; no items run before a trial, since that may have effects. */
export function ownJob(
  job: JobSpec,
  known: Pick<SweptJob, "computingShare" | "freeShare" | "total" | "expectedMs" | "failedShare"> =
    {},
): SweptJob {
  return { name: job.name, chunk: "auto", ...known, at: () => job, warmupAt: () => 0 };
}
