/**
 * Where a job's time goes, on a page: sentences, a flame graph, and the functions that matter as a table.
 *
 * @module
 */

import { figure } from "../figure.ts";
import { type Markup, markup } from "../markup.ts";
import { table } from "../table.ts";
import type { Advice } from "../../../advice/advice.ts";
import type { JobProfile } from "../../../advice/profile/job_profile.ts";
import {
  FUNCTION_HEADS,
  functionCells,
  PROFILE_TITLE,
  profileLines,
} from "../../../advice/profile/profile_words.ts";
import { drawFlame } from "./flame_chart.ts";

/** More functions are never told; a file may hold more. */
const MOST_ROWS = 20;

function functionsTable({ functions }: JobProfile) {
  return table(
    "The functions that matter",
    FUNCTION_HEADS.map((name, i) => ({ name, figures: i >= 3 })),
    functions.slice(0, MOST_ROWS).map(functionCells),
  );
}

/** Writes the section; nothing for advice without a profile. */
export function profileSection(advice: Advice, id: string): Markup {
  const { profile } = advice;
  if (profile === undefined) return false;
  const lines = profileLines(advice).map((line) => markup`<p class="note">${line}</p>`);
  if ("missing" in profile) {
    return markup`<section id="${id}"><h3>${PROFILE_TITLE}</h3>${lines}</section>`;
  }
  const own = functionsTable(profile);
  if (profile.flame.length === 0) {
    return markup`<section id="${id}"><h3>${PROFILE_TITLE}</h3>${lines}${own}</section>`;
  }
  return markup`${
    figure({
      id,
      title: PROFILE_TITLE,
      lead:
        markup`Each bar is a function on top of the one that called it, as wide as its share of the
      computing: <b>your code</b> is orange, <b>packages</b> are green, <b>the runtime</b> is grey.`,
      draw: (width) => drawFlame(profile.flame, width),
      table: own,
    })
  }${lines}`;
}
