/**
 * Watches the test site while it is measured against, and says when the site was the limit and not the
 * model.
 */

import type { Site } from "./start.ts";

/** What the site used while one model, perhaps of one size, ran its items; in milliseconds. */
interface SiteSample {
  readonly model: string;
  readonly siteCpuMs: number;
  readonly runMs: number;
}

/** From this share on, the site's one event loop hardly ever waited for a client. */
const BUSY_SITE_SHARE = 0.8;

/** A warning for each model under which the site was busy nearly all the time, over all its trials. */
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

/** Asks the site for its load around each trial; without a site of ours it asks nothing. */
export class SiteWatch {
  readonly #samples: Promise<SiteSample | undefined>[] = [];

  constructor(private readonly site: Pick<Site, "stats"> | undefined) {}

  /** Begins counting anew, before a trial. */
  restart(): void {
    // The trial's process takes far longer to start than the counters to restart.
    this.site?.stats({ restart: true }).catch(() => {});
  }

  /** Notes the site's load, after a trial whose items took `runMs` milliseconds. */
  sample(model: string, runMs: number): void {
    if (this.site === undefined) return;
    this.#samples.push(
      this.site.stats().then(({ cpuMs }) => ({ model, siteCpuMs: cpuMs, runMs }), () => undefined),
    );
  }

  async warnings(): Promise<string[]> {
    return siteWarnings((await Promise.all(this.#samples)).filter((one) => one !== undefined));
  }
}
