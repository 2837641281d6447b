/** Where every mark of every picture stands, on small data: a sketch of each, as it was looked at. */

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

/** More marks of a kind that follow each other show nothing that the first ones don't. */
const MOST_ALIKE = 4;

/** A line for each mark: its kind, its places and looks without their names, its tooltip and its words. */
function sketchOf(page: string): string {
  const marks = page.matchAll(
    /<(figure|svg|g|rect|line|circle|path|text)\b([^>]*)>(?:<title>([^<]*)<\/title>)?([^<]*)/g,
  );
  let [last, alike] = ["", 0];
  return Array.from(marks, ([, kind, attributes, title = "", words]) => {
    alike = kind === last ? alike + 1 : 1;
    last = kind!;
    if (alike > MOST_ALIKE) return "";
    const values = Array.from(
      attributes!.matchAll(/="([^"]*)"/g),
      ([, value]) => value!.slice(0, 60),
    );
    return [kind, ...values, title.replaceAll("\n", " / "), words!.trim()].filter(Boolean).join(
      " ",
    );
  }).filter(Boolean).join("\n");
}

const comparisons = resultOf(
  simulate({ name: "waits", kind: "io", tasks: 6, takesMs: 50, rounds: 2, failures: 1 }),
);
const advice = await adviceOn({ computeMs: 6, waitMs: 6 }, asPredicted);

const FILES: Readonly<Record<string, ReportFile>> = {
  comparisons,
  advice: adviceFileOf({ ...advice, profile: PROFILE }),
  sweep: await sweepOf({ lambda: 50, sigma: 0.05, kappa: 1e-3 }),
  rates: await ratesOf(),
  switching: switchFile(),
  lesson: lessonFile("en"),
};

for (const [name, file] of Object.entries(FILES)) {
  Deno.test(`the pictures of ${name} look as they did`, async (t) => {
    await t.assertSnapshot(sketchOf(reportPage([file])));
  });
}
