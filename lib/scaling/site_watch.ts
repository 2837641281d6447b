/**
 * Watches the test site while it is downloaded from: whether it was the limit, and not what was swept.
 *
 * @module
 */

import { type SiteSample, siteWarnings } from "../site/bottleneck.ts";
import type { Site } from "../site/start.ts";

/** Asks the site for its load around each trial. */
export class SiteWatch {
  readonly #site: Pick<Site, "stats"> | undefined;
  readonly #samples: Promise<SiteSample | undefined>[] = [];

  /**
   * Begins to watch.
   *
   * @param site The site; undefined if it isn't ours, and then nothing is asked.
   */
  constructor(site: Pick<Site, "stats"> | undefined) {
    this.#site = site;
  }

  /** Begins counting anew, before a trial. */
  restart(): void {
    // The trial's process takes far longer to start than the counters to restart.
    this.#site?.stats({ restart: true }).catch(() => {});
  }

  /**
   * Takes down the site's load, after a trial.
   *
   * @param runMs How long its items took, in milliseconds.
   */
  sample(model: string, runMs: number): void {
    if (this.#site === undefined) return;
    this.#samples.push(
      this.#site.stats().then(({ cpuMs }) => ({ model, siteCpuMs: cpuMs, runMs }), () => undefined),
    );
  }

  /** Judges the load. */
  async warnings(): Promise<string[]> {
    return siteWarnings((await Promise.all(this.#samples)).filter((one) => one !== undefined));
  }
}
