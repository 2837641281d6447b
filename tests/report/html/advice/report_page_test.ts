import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { reportPage } from "../../../../lib/report/html/advice/report_page.ts";
import { renderPage } from "../../../../lib/report/html/page.ts";
import { cpuResult, ioResult } from "../fixture.ts";
import { adviceFileOf } from "../../../advice/advice_file.ts";
import { adviceOn, asPredicted } from "../../../advice/advice_on.ts";
import { resultOf as sweepOf } from "../../../scaling/measured.ts";
import { ratesOf } from "../../../scaling/rates.ts";
import { all, type Element, parsed, texts } from "./parsed.ts";

const io = ioResult();
const waits = adviceFileOf(await adviceOn({ waitMs: 20 }, asPredicted));
const computes = adviceFileOf(await adviceOn({ computeMs: 20 }, asPredicted));
const sweep = await sweepOf({ lambda: 50, sigma: 0.05, kappa: 1e-3 });
const rates = await ratesOf();

function assertSound(document: Element): void {
  const ids = all(document, "[id]").map(({ id }) => id);
  assertEquals(ids.length, new Set(ids).size, "ids are unique");
  for (const link of all(document, "a")) {
    assert(ids.includes(link.getAttribute("href")!.slice(1)), "links lead somewhere");
  }
  for (const svg of all(document, "svg")) {
    assertEquals(svg.getAttribute("role"), "img");
    assert(svg.getAttribute("aria-label") && svg.getAttribute("aria-description"));
  }
  for (const figure of all(document, "figure")) {
    // A comparison's timeline up close shares the table of the whole one.
    if (figure.id.endsWith("-close")) continue;
    assert(figure.querySelector("details table tbody th[scope=row]"), `${figure.id} has no table`);
  }
}

const MIXTURES = {
  "one comparison": [io],
  "one advice": [waits],
  "one sweep": [sweep],
  "one sweep of rates": [rates],
  "two pieces of advice": [waits, computes],
  "two sweeps of a kind": [sweep, sweep],
  "a comparison and advice": [io, computes],
  "advice and sweeps": [waits, sweep, rates],
  "several of all, some twice": [rates, io, waits, sweep, cpuResult(), computes, waits, sweep],
} as const;

for (const [what, files] of Object.entries(MIXTURES)) {
  Deno.test(`a page of ${what} has unique ids, links that lead somewhere, and a table behind each chart`, () => {
    assertSound(parsed(reportPage(files)));
  });
}

Deno.test("a page of one thing is titled with what was found", () => {
  const heading = (page: string) => texts(parsed(page), "h1")[0]!;
  assertEquals(heading(reportPage([waits])), "made up: concurrent");
  assertEquals(heading(reportPage([computes])), "made up: workers (2 lanes)");
  assertEquals(heading(reportPage([sweep])), "wait a little: limited by slots");
  assertEquals(reportPage([io]), renderPage(io));
});

Deno.test("a page of several says how many of what, and lists what each found", () => {
  const document = parsed(reportPage([sweep, waits, io, rates]));
  assertEquals(texts(document, "h1"), ["1 job compared, 1 advised on, 2 scaled"]);
  assertEquals(texts(document, ".verdicts a"), [
    "download 160 pages",
    "Advice on made up",
    "Scaling of wait a little by slots",
    "Scaling of wait a little by rate",
  ]);
  assertMatch(texts(document, ".verdicts li")[1]!, /I\/O-bound: take concurrent, [\d.]+× as fast/);
  assertEquals(texts(document, "h2"), [
    "download 160 pages",
    "Advice on made up: concurrent",
    "How far it scales: wait a little: limited by slots",
    "What it bears on schedule: wait a little: limited by rate",
    "Environment",
    "Method",
  ]);
  assertEquals(texts(document, "nav a"), ["Environment", "Method"]);
  assertEquals(texts(document, "#method h3").length, 4);
  assertEquals(texts(parsed(reportPage([waits, computes])), "h1"), ["2 jobs advised on"]);
});

Deno.test("the words above the title say what the page holds", () => {
  const kicker = (...files: Parameters<typeof reportPage>[0]) =>
    texts(parsed(reportPage(files)), ".kicker")[0];
  assertEquals(kicker(io), "Lanes report");
  assertEquals(kicker(waits, computes), "Lanes advice");
  assertEquals(kicker(sweep, rates), "Lanes sweep");
  assertEquals(kicker(waits, sweep), "Lanes report");
});

Deno.test("each machine is told where its part is, and what all have in common once", () => {
  const other = { ...sweep, environment: { ...sweep.environment, cpus: 64, seed: 9 } };
  const page = reportPage([waits, other]);
  const lists = texts(parsed(page), "#environment dl");
  assertEquals(lists.length, 3);
  assertStringIncludes(lists[0]!, "2.9.6");
  assert(!lists[0]!.includes("Processors"));
  assertStringIncludes(lists[2]!.replace(/\s+/g, " "), "Processors 64");
});

Deno.test("an interrupted sweep's page says so, and its warnings stand with it", () => {
  const partial = { ...sweep, partial: true, warnings: ["The site was the bottleneck."] };
  for (const files of [[partial], [io, partial]]) {
    const document = parsed(reportPage(files));
    assertStringIncludes(document.querySelector("header .partial")!.textContent, "interrupted");
    assertEquals(texts(document, "#sweep .notices li"), ["The site was the bottleneck."]);
  }
  const nothing = { ...partial, points: [], fits: [], best: null, forecasts: [], knee: null };
  assertStringIncludes(reportPage([nothing]), "Nothing was measured.");
});
