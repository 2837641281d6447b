/** The jobs that are swept: downloads from a test site, sums, and the user's own. */

import type { Site } from "../site/start.ts";
import { calibrate } from "../tasks/calibrate.ts";
import { CPU_TASKS } from "../tasks/catalogue.ts";
import { limitedTo } from "../timing/job_items.ts";
import type { JobSpec } from "../timing/spec.ts";

/** A job that grows with the slots or lanes, its places, so that each trial takes about as long. */
export interface SweptJob {
  readonly name: string;
  /** Items that travel together: one, where the last chunk would leave lanes without any. */
  readonly chunk: "auto" | 1;
  at(places: number): JobSpec;
  /** How much of the time a task computes by itself, 0 to 1, as far as that is known. */
  readonly computingShare?: number;
  readonly total?: number;
  /** Items to run beforehand for a number of places: connections are opened, code gets compiled. */
  warmupAt(places: number): number;
}

const MOST_DOWNLOADS = 5_000;
/** Items of each place at least: at the end of a trial, places stand empty for up to one item's time. */
const LEAST_WAVES = 8;
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
  const module = new URL("../tasks/download.ts", import.meta.url).href;
  return {
    name,
    chunk: 1,
    at: (places) => {
      const count = Math.max(LEAST_WAVES * places, Math.min(MOST_DOWNLOADS, waves * places));
      const urls = site.urls(Math.ceil(count / 2)).slice(0, count);
      return {
        name,
        task: { module, export: "default" },
        items: { kind: "values", values: urls.map((url) => ({ url, timeoutMs: 30_000 })) },
        permissions: { net: site.hosts },
        options: { latencyMs },
      };
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
  const msPerWork = await calibrate(chosen, { ...(signal && { signal }) });
  const wanted = Math.round(trialMs / count / msPerWork);
  const start = Math.max(1, Math.min(chosen.limit - count, wanted));
  const name = `sum squares below ${start.toLocaleString("en")}`;
  const at = (count: number): JobSpec => ({
    name,
    task: { module: chosen.module, export: "default" },
    items: { kind: "values", values: chosen.items({ start, count }) },
    options: { task: chosen.name, start, count },
  });
  return {
    name,
    chunk: 1,
    computingShare: 1,
    at: (places) => at(grows ? countAt(places) : count),
    warmupAt: (places) => 2 * places,
  };
}

/** How long a trial of a job of the user's own is to take about. */
const OWN_TRIAL_MS = 1_500;

/** From this deviation on, over the mean, items differ so much that only the same ones can be compared. */
const UNEVEN = 0.25;
/** So many times as long as another trial those of the smallest size may then take. */
const LONGER = 3;

/**
 * How many items of a job of the user's own each place gets, so that a trial takes about that long; or how
 * many all get, if they differ.
 */
export function itemsOf(
  { wallMs, variation }: { readonly wallMs: number; readonly variation: number },
): { readonly perPlace: number } | { readonly same: number } {
  const count = OWN_TRIAL_MS / Math.max(wallMs, 1e-6);
  return variation < UNEVEN
    ? { perPlace: Math.max(LEAST_WAVES, Math.round(count)) }
    : { same: Math.max(LEAST_WAVES, Math.round(LONGER * count)) };
}

/** A job of the user's own; none of its items are run beforehand, since that may have effects. */
export function ownJob(
  job: JobSpec,
  perPlace: number,
  known: Pick<SweptJob, "computingShare" | "total"> = {},
): SweptJob {
  return {
    name: job.name,
    chunk: "auto",
    ...known,
    at: (places) => limitedTo(job, places * perPlace),
    warmupAt: () => 0,
  };
}
