/**
 * Says when it was the test site that limited a run, and not the model that was measured.
 *
 * @module
 */

/** What the site used during one trial. */
export interface SiteSample {
  /** The model measured. */
  readonly model: string;
  /** CPU time of the site's process during the trial, in milliseconds. */
  readonly siteCpuMs: number;
  /** How long the trial's items took, in milliseconds. */
  readonly runMs: number;
}

/** From this share on, the site's one event loop had hardly a pause in which to wait for a client. */
export const BUSY_SITE_SHARE = 0.8;

/**
 * Finds the models under which the site was busy nearly all the time.
 *
 * @param samples One for each trial, in any order.
 * @returns A warning for each such model; its trials are judged together.
 *
 * @example
 * ```ts
 * import { siteWarnings } from "./bottleneck.ts";
 *
 * console.log(siteWarnings([{ model: "limited", siteCpuMs: 100, runMs: 700 }])); // []
 * ```
 */
export function siteWarnings(samples: readonly SiteSample[]): string[] {
  const warnings: string[] = [];
  for (const [model, of] of Map.groupBy(samples, (sample) => sample.model)) {
    const cpuMs = of.reduce((sum, { siteCpuMs }) => sum + siteCpuMs, 0);
    const runMs = of.reduce((sum, sample) => sum + sample.runMs, 0);
    if (runMs <= 0 || cpuMs / runMs < BUSY_SITE_SHARE) continue;
    const percent = Math.min(100, Math.round(cpuMs / runMs * 100));
    warnings.push(
      `Under ${model} the test site's own process was busy ${percent}% of the time: the site was ` +
        `the limit there, not the model. Raise --latency or lower --size to measure the model.`,
    );
  }
  return warnings;
}
