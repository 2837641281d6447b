/**
 * The HTML report: verdict first, then why.
 *
 * @module
 */

import type { Comparison, ResultFile } from "../../timing/result.ts";
import { environmentLine } from "../verdict_text.ts";
import { formatCount } from "./count.ts";
import { distributionSection } from "./distribution_chart.ts";
import { renderDocument } from "./document.ts";
import { environmentSection } from "./environment_section.ts";
import { inert } from "./inert.ts";
import { markup } from "./markup.ts";
import { methodSection } from "./method_section.ts";
import { resultsTable } from "./results_table.ts";
import type { Section } from "./section.ts";
import { speedupSection } from "./speedup_chart.ts";
import { startupSection } from "./startup_chart.ts";
import { timelineSection } from "./timeline_section.ts";
import { usageSection } from "./usage_chart.ts";
import { headlineOf, verdictSection } from "./verdict_section.ts";

/** What a page may hold beside its result file. */
export interface PageOptions {
  /** Sections after the comparisons, such as advice or scaling; their markup must be safe. */
  readonly sections?: readonly Section[];
}

/**
 * Writes a result file as one HTML page that opens offline. Nothing in it, whatever the file holds,
 * becomes markup, runs, or reaches the network.
 *
 * @param result What was measured.
 * @param options Further sections.
 * @returns The whole page; below 3 MB also for 100,000 tasks.
 *
 * @example
 * ```ts
 * import { renderPage } from "./page.ts";
 *
 * const machine = { deno: "2.9.6", v8: "14", os: "linux", arch: "x86_64", cpus: 2, lanesAvailable: 2 };
 * const environment = { ...machine, startedAt: "2026-01-01T12:00:00Z", seed: 1 };
 * const page = renderPage({ schemaVersion: 1, environment, comparisons: [] });
 * console.log(page.includes("Nothing was measured")); // true
 * ```
 */
export function renderPage(result: ResultFile, options: PageOptions = {}): string {
  const safe = inert(result);
  const [first] = safe.comparisons;
  const title = first === undefined
    ? "Nothing was measured"
    : safe.comparisons.length === 1
    ? headlineOf(first)
    : `${formatCount(safe.comparisons.length)} jobs compared`;
  const verdicts = safe.comparisons.map((comparison, i) =>
    markup`<li><a href="#c${i}">${comparison.job.name}</a> ${headlineOf(comparison)}</li>`
  );
  const intro = markup`${
    safe.comparisons.length > 1 && markup`<ul class="verdicts">${verdicts}</ul>`
  }<p class="where">${environmentLine(safe.environment)}</p>${
    safe.partial &&
    markup`<p class="partial"><b>Partial:</b> the run was interrupted; this is what was measured until
      then.</p>`
  }`;
  return renderDocument(title, [
    ...safe.comparisons.map((comparison, i) =>
      comparisonSection(comparison, `c${i}`, safe.comparisons.length === 1)
    ),
    ...(options.sections ?? []),
    { id: "environment", title: "Environment", html: environmentSection(safe).text },
    { id: "method", title: "Method", html: methodSection().text },
  ], {
    kicker: "Lanes report",
    intro,
    linked: verdicts.length > 1 ? verdicts.map((_, i) => `c${i}`) : [],
  });
}

function comparisonSection(comparison: Comparison, id: string, alone: boolean): Section {
  return {
    id,
    title: comparison.job.name,
    // With one comparison only, the headline is the page's title.
    html:
      markup`${!alone && markup`<p class="headline">${headlineOf(comparison)}</p>`}${
        verdictSection(comparison)
      }${speedupSection(comparison, `${id}-speedup`)}${
        timelineSection(comparison, `${id}-timeline`)
      }${resultsTable(comparison, `${id}-figures`)}${
        distributionSection(comparison, `${id}-times`)
      }${startupSection(comparison, `${id}-startup`)}${usageSection(comparison, `${id}-usage`)}`
        .text,
  };
}
