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
  /** Items that travel together: one, where the last chunk would leave lanes without any. */
  readonly chunk: "auto" | 1;
  /**
   * What so many slots or lanes, its places, run: of made items, which are alike, as many for each, so that
   * trials take about as long; of a job of the user's own the same items at every size.
   */
  at(places: number): JobSpec;
  /** How much of the time a task computes by itself, 0 to 1, as far as that is known. */
  readonly computingShare?: number;
  /** How much of it a task leaves its thread to others. */
  readonly freeShare?: number;
  readonly total?: number;
  /** How long all items take one by one, and the share of them that fails so, as far as that is known. */
  readonly expectedMs?: number;
  readonly failedShare?: number;
  /** Items to run beforehand for a number of places: connections are opened, code gets compiled. */
  warmupAt(places: number): number;
}

const MOST_DOWNLOADS = 5_000;
/** How long one may take, in milliseconds. */
const DOWNLOAD_MS = 30_000;
/** Divided by 1 to 6 without a rest, so that no lane ends early. */
const LEAST_SUMS = 120;

/** Downloads from a test site, as many for each place, so that a trial takes as long at 64 slots as at one. */
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

/** Sums of squares, so many that one lane takes about `trialMs`; with `grows` so many for each place. */
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

/** How long a trial of the smallest size is to take about with a job of the user's own, in milliseconds. */
const OWN_TRIAL_MS = 4_500;
/** A list of no more than so many times as many items as that takes is run whole, with its odd ones. */
const HARDLY_MORE = 2;

/**
 * How many items of a job of the user's own every size runs, the same ones: so many that the smallest size
 * takes a few seconds, no fewer than sizes that were asked for can hold, and, where that can be, as many for
 * each slot of the largest.
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
  // A source gives one at a time.
  const inTime = OWN_TRIAL_MS / Math.max(wallMs / atOnce, sourceMs, 1e-6);
  const timely = Math.max(isAsked ? largest : LEAST_WAVES, inTime);
  const multiple = isAsked
    ? largest
    : Math.min(MOST_DEFAULT_SLOTS, 2 ** Math.round(Math.log2(timely)));
  const wanted = multiple * Math.round(timely / multiple);
  return total !== null && total <= HARDLY_MORE * timely ? total : wanted;
}

/** A job of the user's own; none of its items are run beforehand, since that may have effects. */
export function ownJob(
  job: JobSpec,
  known: Pick<SweptJob, "computingShare" | "freeShare" | "total" | "expectedMs" | "failedShare"> =
    {},
): SweptJob {
  return { name: job.name, chunk: "auto", ...known, at: () => job, warmupAt: () => 0 };
}
