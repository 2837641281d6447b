/** Checks every page of the suite in a browser with axe-core. */

import { assertEquals } from "@std/assert";
import axe from "axe-core";
import { reportPage } from "../../../lib/report/kinds.ts";
import type { ResultFile } from "../../../lib/timing/result.ts";
import type { Pulse } from "../../../lib/progress/progress.ts";
import { livePage } from "../../../lib/report/live/live_server.ts";
import { lessonPage } from "../../../lib/report/lesson/lesson.ts";
import type { ReportFile } from "../../../lib/report/kinds.ts";
import { adviceFileOf } from "../../advice/advice_file.ts";
import { adviceOn, asPredicted } from "../../advice/advice_on.ts";
import { PROFILE } from "../../advice/profile/fixture.ts";
import { resultOf as sweepOf } from "../../scaling/measured.ts";
import { ratesOf } from "../../scaling/rates.ts";
import { lessonFile } from "../lesson/fixture.ts";
import { asReport } from "../../../scripts/peers/harness/peers_report.ts";
import { peersFile } from "../../scripts/peers/harness/fixture.ts";
import { runFile } from "../running/fixture.ts";
import { switchFile } from "../switching/fixture.ts";
import { whyNoChromium, withChromium } from "./chromium.ts";
import { cpuResult, resultOf, simulate } from "./fixture.ts";

const profiled = async () =>
  adviceFileOf({ ...await adviceOn({ computeMs: 6, waitMs: 6 }, asPredicted), profile: PROFILE });

/** Few tasks draw few marks, because axe checks each of them. */
const small = resultOf(simulate({ name: "small", kind: "io", tasks: 9, takesMs: 50 }));

/** A comparison with a graphics card, or with software in its place. */
function onCard(): ResultFile {
  const { comparisons: [cpu], ...result } = cpuResult();
  const card = { ...cpu!.models.at(-1)!, model: "gpu", device: { name: "card", software: true } };
  return { ...result, comparisons: [{ ...cpu!, models: [...cpu!.models, card] }] };
}

const ofEachKind: readonly ReportFile[] = [
  ...[small, await profiled(), await ratesOf(), runFile()],
  ...[await sweepOf({ lambda: 50, sigma: 0.05, kappa: 1e-3 }), switchFile()],
  asReport(peersFile()),
];
const files = [...ofEachKind, onCard()];

const PULSE: Pulse = {
  ...{ atMs: 1, settled: 5, failed: 1, total: 10, lanes: [1, 0], slots: 1, perSecond: 3 },
  ...{ latencyMs: { median: 20, most: 40 }, reasons: [{ reason: "refused", count: 1 }] },
};

const TWICE = "everything, twice";

const PAGES: Readonly<Record<string, () => string>> = {
  ...Object.fromEntries(files.map((file, at) => {
    const name = "kind" in file ? file.kind : "comparison";
    return [`${name} (${at + 1})`, () => reportPage([file])];
  })),
  [TWICE]: () => reportPage([...ofEachKind, ...ofEachKind]),
  "the lesson in English": () => lessonPage(lessonFile("en")),
  "the lesson in Korean": () => lessonPage(lessonFile("ko")),
  // The page has no server here; the server's data comes by a call.
  "a run while it goes on": () =>
    livePage("a job", "nonce").replace('new EventSource("events")', "new EventTarget()")
      .replace("</script>", `show(${JSON.stringify(PULSE)})</script>`),
};

interface Found {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** Only violations are reported, and without selectors, because finding these takes much of the time. */
const axeOf = (colours: boolean) =>
  `axe.run({ resultTypes: ["violations"], selectors: false, rules: {
    "color-contrast": { enabled: ${colours} } } }).then((it) => it.violations)`;

/** Each width and each colour scheme appears once. */
const VIEWS = [[360, "light"], [1280, "dark"]] as const;

// All pages share one browser, because starting it takes as long as a page does.
Deno.test({
  name: "every page opens alone, fits its window, and axe finds nothing",
  ignore: whyNoChromium() !== undefined,
  fn: (t) =>
    withChromium(async (open) => {
      const look = async (
        html: string,
        [width, scheme]: typeof VIEWS[number],
        colours: boolean,
      ) => {
        const { page, errors, requests } = await open(html, width, scheme);
        assertEquals([errors, requests.length], [[], 1]);
        assertEquals(await page.evaluate("document.documentElement.scrollWidth"), width);
        await page.evaluate("document.querySelectorAll('details').forEach((e) => e.open = true)");
        await page.evaluate(axe.source);
        const found: Found[] = await page.evaluate(axeOf(colours));
        const told = found.map(({ id, nodes }) => `${id}, ${nodes.length}: ${nodes[0]?.html}`);
        assertEquals(told, [], `${width} px, ${scheme}`);
      };
      for (const [name, make] of Object.entries(PAGES)) {
        await t.step(name, async () => {
          const html = make();
          // Each part was checked alone in both views; together the parts can only clash by their ids, to which
          // colours, whose check takes most of the time, don't matter.
          if (name === TWICE) await look(html, VIEWS[1], false);
          else for (const view of VIEWS) await look(html, view, true);
        });
      }
    }),
});
