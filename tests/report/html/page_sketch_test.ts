/** Sketches of pages on small data: their texts, and the place of every mark in their pictures. */

import type { ReportFile } from "../../../lib/report/kinds.ts";
import { reportPage } from "../../../lib/report/kinds.ts";
import { adviceFileOf } from "../../advice/advice_file.ts";
import { adviceOn, asPredicted } from "../../advice/advice_on.ts";
import { PROFILE } from "../../advice/profile/fixture.ts";
import { resultOf as sweepOf } from "../../scaling/measured.ts";
import { ratesOf } from "../../scaling/rates.ts";
import { lessonFile } from "../lesson/fixture.ts";
import { switchFile } from "../switching/fixture.ts";
import { resultOf, simulate } from "./fixture.ts";

/** How many consecutive marks of a kind are kept: more of them show nothing new. */
const MOST_ALIKE = 2;

/** A line per element: its kind, its positions and styles without their names, its tooltip and its text. */
function sketchOf(page: string): string {
  const elements = page.matchAll(
    /<(figure|svg|g|rect|line|circle|path|text|h\d|p|li|dt|dd|th|td)\b([^>]*)>(?:<title>([^<]*)<\/title>)?([^<]*)/g,
  );
  let [last, alike] = ["", 0];
  return Array.from(elements, ([, kind, attributes, title = "", words]) => {
    const values = Array.from(
      attributes!.matchAll(/="([^"]*)"/g),
      ([, value]) => value!.slice(0, 60),
    );
    const look = [kind, ...values.filter((value) => Number.isNaN(Number(value)))].join(" ");
    alike = look === last ? alike + 1 : 1;
    last = look;
    if (alike > MOST_ALIKE) return "";
    const said = [title.replaceAll("\n", " / "), words!.trim().slice(0, 120)];
    return [kind, ...values, ...said].filter(Boolean).join(" ");
  }).filter(Boolean).join("\n");
}

const comparisons = resultOf(
  simulate({ name: "waits", kind: "io", tasks: 6, takesMs: 50, rounds: 2, failures: 1 }),
);
const advice = await adviceOn({ computeMs: 6, waitMs: 6 }, asPredicted);

const crowded = resultOf(
  simulate({ name: "crowds", kind: "io", tasks: 900, takesMs: 9, rounds: 1 }),
);
const [crowd] = crowded.comparisons;
const { timeline } = crowd!.models[1]!;
// There are more tasks than the chart has room for, and one of them never started.
timeline!.lane[5] = -1;
const sweep = await sweepOf({ lambda: 50, sigma: 0.05, kappa: 1e-3 });

const PAGES: Readonly<Record<string, readonly ReportFile[]>> = {
  comparisons: [comparisons],
  "a crowd": [{
    ...crowded,
    comparisons: [{ ...crowd!, models: [{ ...crowd!.models[1]!, timeline }] }],
  }],
  advice: [adviceFileOf({ ...advice, profile: PROFILE })],
  rates: [await ratesOf()],
  "several files": [sweep, sweep, { ...switchFile(), partial: true } as ReportFile],
  lesson: [lessonFile("en")],
};

for (const [name, files] of Object.entries(PAGES)) {
  Deno.test(`the page of ${name} looks as it did`, async (t) => {
    await t.assertSnapshot(sketchOf(reportPage(files)));
  });
}
