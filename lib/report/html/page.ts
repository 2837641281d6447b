/**
 * The HTML report: verdict first, then why.
 *
 * @module
 */

import type { Comparison, ResultFile } from "../../timing/result.ts";
import { distributionSection } from "./distribution_chart.ts";
import { jobWords } from "./environment_section.ts";
import { inert } from "./inert.ts";
import { markup } from "./markup.ts";
import { methodSection } from "./method_section.ts";
import { type PagePart, renderParts } from "./parts.ts";
import { resultsTable } from "./results_table.ts";
import type { Section } from "./section.ts";
import { speedupSection } from "./speedup_chart.ts";
import { startupSection } from "./startup_chart.ts";
import { timelineSection } from "./timeline_section.ts";
import { usageSection } from "./usage_chart.ts";
import { headlineOf, verdictSection } from "./verdict_section.ts";

/** Where comparisons stand in a page. */
export interface ComparisonPlace {
  /** How many comparisons stand before, which makes their ids unique; default 0. */
  readonly before?: number;
  /** Whether the page holds one comparison and nothing else, whose headline is the page's title. */
  readonly alone?: boolean;
}

/**
 * A result file as a part of a page.
 *
 * @param place Where it stands; alone, if it has one comparison, unless told otherwise.
 */
export function comparisonPart(result: ResultFile, place: ComparisonPlace = {}): PagePart {
  const { environment, comparisons, partial = false } = inert(result);
  const { before = 0, alone = comparisons.length === 1 } = place;
  const idOf = (i: number) => `c${before + i}`;
  const [first] = comparisons;
  return {
    title: first === undefined ? "Nothing was measured" : headlineOf(first),
    did: "compared",
    headlines: comparisons.map((comparison, i) => ({
      id: idOf(i),
      name: comparison.job.name,
      text: headlineOf(comparison),
    })),
    sections: comparisons.map((comparison, i) => comparisonSection(comparison, idOf(i), alone)),
    environment,
    jobs: comparisons.map(jobWords),
    name: comparisons.map(({ job }) => job.name).slice(0, 5).join(", ") || "nothing",
    partial,
    method: { name: "How models are compared", html: methodSection() },
  };
}

/**
 * Writes a result file as one HTML page that opens offline. Nothing in it, whatever the file holds,
 * becomes markup, runs, or reaches the network.
 */
export function renderPage(result: ResultFile): string {
  return renderParts([comparisonPart(result)]);
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
