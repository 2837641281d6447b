/** Starts the test site in a process of its own, so that it takes no time from the trials' event loops. */

import { MeasuringChild } from "../children/measuring_child.ts";
import { UsageError } from "../text/option_values.ts";
import { formatPercent } from "../text/format.ts";
import type { SiteStats } from "./handler.ts";
import type { SiteOptions } from "./site_options.ts";
import type { SiteGreeting, SiteServer } from "./site_main.ts";

export interface Site extends SiteServer {
  /** Settles when the process has ended, for any reason. */
  readonly ended: Promise<Deno.CommandStatus>;
  /** Lists 2 × `copies` addresses to download: the site's two pages in turn, no two addresses the same. */
  urls(copies: number): string[];
  /** Asks for the site's load since it started or counting restarted; `restart` begins counting anew. */
  stats(options?: { readonly restart?: boolean }): Promise<SiteStats>;
}

/** Problems with the requested port, by the names of errors. */
const PORT_PROBLEMS: Readonly<Record<string, string>> = {
  AddrInUse: "already in use",
  PermissionDenied: "this user may not listen on it",
};

/** The test site could not be started, perhaps because of its port. */
export class SiteError extends UsageError {
  /** The problem with the port; undefined if the cause is another. */
  readonly portProblem: string | undefined;

  constructor(readonly problem: string, errorName = "") {
    super("test site", "127.0.0.1", problem, "run deno task site to try it alone");
    this.portProblem = PORT_PROBLEMS[errorName];
  }
}

const PAGES = 2;
/** How long the process may take until it serves, in milliseconds; it takes some 50. */
const START_LIMIT_MS = 15_000;

export async function startSite(options: SiteOptions = {}): Promise<Site> {
  const child = new MeasuringChild<SiteGreeting>({
    entry: new URL("./site_main.ts", import.meta.url),
    order: options,
    flags: ["--no-config", "--allow-net=127.0.0.1"],
  });
  let closing: Promise<void> | undefined;
  const close = () => closing ??= child[Symbol.asyncDispose]();
  const greeting = await child.nextWithin(START_LIMIT_MS);
  if (greeting?.type !== "serving") {
    await close();
    const { signal } = await child.ended;
    if (greeting === undefined && signal !== null) {
      // A signal to this program, such as Ctrl-C, reaches its children too.
      throw new DOMException(`The test site was ended by ${signal}`, "AbortError");
    }
    const why = greeting?.message ?? await child.howItEnded();
    throw new SiteError(`Cannot start the test site: ${why}`, greeting?.name);
  }
  const { url, hosts } = greeting;
  return {
    url,
    hosts,
    ended: child.ended,
    urls: (copies) =>
      Array.from(
        { length: PAGES * copies },
        (_, index) => `${url}/page/${index % PAGES + 1}?copy=${Math.floor(index / PAGES) + 1}`,
      ),
    stats: async ({ restart = false } = {}) => {
      const response = await fetch(`${url}/_stats${restart ? "?restart=1" : ""}`);
      return await response.json();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The site's CPU time and the time of a trial's items, in milliseconds; `model` may include a size. */
interface SiteSample {
  readonly model: string;
  readonly siteCpuMs: number;
  readonly runMs: number;
}

/** From this share of CPU time on, the site's single event loop hardly ever waited for a client. */
const BUSY_SITE_SHARE = 0.8;

/** A warning for each model under which the site was busy nearly all the time, over all its trials. */
export function siteWarnings(samples: readonly SiteSample[]): string[] {
  const warnings: string[] = [];
  for (const [model, of] of Map.groupBy(samples, (sample) => sample.model)) {
    const cpuMs = of.reduce((sum, { siteCpuMs }) => sum + siteCpuMs, 0);
    const runMs = of.reduce((sum, sample) => sum + sample.runMs, 0);
    if (runMs <= 0 || cpuMs / runMs < BUSY_SITE_SHARE) continue;
    const busy = formatPercent(Math.min(1, cpuMs / runMs));
    warnings.push(
      `Under ${model} the test site's own process was busy ${busy} of the time: the site was ` +
        `the limit there, not the model. Raise --latency or lower --size to measure the model.`,
    );
  }
  return warnings;
}

/** Asks the site for its load around each trial; does nothing if `site` is undefined. */
export class SiteWatch {
  readonly #samples: Promise<SiteSample | undefined>[] = [];

  constructor(private readonly site: Pick<Site, "stats"> | undefined) {}

  restart(): void {
    // Not awaited, as the trial's process takes far longer to start than the counters to restart.
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
