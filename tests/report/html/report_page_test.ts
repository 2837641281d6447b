import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { renderDocument } from "../../../lib/report/html/page.ts";
import { reportPage } from "../../../lib/report/kinds.ts";
import { adviceFileOf } from "../../advice/advice_file.ts";
import { adviceOn, asPredicted } from "../../advice/advice_on.ts";
import { cpuResult, ioResult, resultOf, simulate } from "./fixture.ts";
import { all, type Element, parsed, texts } from "./parsed.ts";
import { resultOf as sweepOf } from "../../scaling/measured.ts";
import { ratesOf } from "../../scaling/rates.ts";

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
    // The close-up of a comparison's timeline shares the table of the whole timeline.
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
  assertMatch(heading(reportPage([io])), /^This job waits: concurrent is /);
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

Deno.test("parts that are called alike tell when each was measured, wherever they are named", () => {
  const at = (startedAt: string) => ({ ...io, environment: { ...io.environment, startedAt } });
  const page = parsed(
    reportPage([at("2026-03-14T09:26:53.589Z"), waits, at("2026-03-14T09:26:59Z")]),
  );
  const names = [
    "download 160 pages, 2026-03-14 09:26:53 UTC",
    "download 160 pages, 2026-03-14 09:26:59 UTC",
    "Advice on made up",
  ];
  assertEquals(texts(page, ".verdicts a"), names);
  assertEquals(texts(page, "#environment h3"), names);
  assertEquals(texts(page, "h2").slice(0, 2), names.slice(0, 2));
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

Deno.test("the page's first heading is the verdict", () => {
  const document = parsed(reportPage([ioResult()]));
  assertMatch(
    document.querySelector("h1")!.textContent,
    /^This job waits: concurrent is 91\.\d× as fast$/,
  );
});

Deno.test("a page says of no job that it waits where that can't be told", () => {
  const result = ioResult();
  const comparisons = result.comparisons.map((comparison) => ({
    ...comparison,
    verdict: { ...comparison.verdict!, bound: "unknown" as const },
  }));
  const document = parsed(reportPage([{ ...result, comparisons }]));
  assertMatch(document.querySelector("h1")!.textContent, /^This job was measured: concurrent is /);
  assertStringIncludes(document.querySelector(".tiles")!.textContent, "waits, for a core too");
});

Deno.test("the page of two comparisons says both verdicts before any chart", () => {
  const page = reportPage([cpuResult()]);
  const document = parsed(page);
  assertEquals(all(document, ".verdicts li").length, 2);
  assertEquals(all(document, ".part > .headline").length, 2);
  // If a page has only one comparison, its verdict is in the title.
  const [comparison] = cpuResult().comparisons;
  const alone = parsed(reportPage([{ ...cpuResult(), comparisons: [comparison!] }]));
  assertEquals(all(alone, ".part > .headline").length, 0);
  assertLess(page.indexOf('class="verdicts"'), page.indexOf("<svg"));
});

Deno.test("every part that the page promises is there, in order", () => {
  const page = reportPage([
    resultOf(simulate({ name: "small", kind: "io", tasks: 12, takesMs: 50 })),
  ]);
  const document = parsed(page);
  assertEquals(
    all(document, "h3").map(({ textContent }) => textContent.replace(/ [\d.]+ ms$/, "")),
    [
      "How much faster than one after the other",
      "What each lane did, and when",
      "The same up close: the first",
      "All figures",
      "How long a task took",
      "Latency: how long its caller waited",
      "Start-up against work",
      "CPU time",
      "Peak memory",
    ],
  );
  assertEquals(all(document, "h2").slice(-2).map(({ textContent }) => textContent), [
    "Environment",
    "Method",
  ]);
});

Deno.test("every chart has a name, a description, and a table behind it", () => {
  const document = parsed(reportPage([cpuResult()]));
  for (const svg of all(document, "svg")) {
    assertEquals(svg.getAttribute("role"), "img");
    assert(svg.getAttribute("aria-label"));
    assert(svg.getAttribute("aria-description"));
  }
  for (const figure of all(document, "figure")) {
    assert(figure.querySelector("details table tbody th[scope=row]"), `${figure.id} has no table`);
  }
});

Deno.test("ids are unique and every link within the page leads somewhere", () => {
  const document = parsed(reportPage([cpuResult()]));
  const ids = all(document, "[id]").map(({ id }) => id);
  assertEquals(ids.length, new Set(ids).size);
  for (const link of all(document, "a")) assert(ids.includes(link.getAttribute("href")!.slice(1)));
});

Deno.test("the policy allows exactly the page's own style and script, and no address", () => {
  const page = reportPage([ioResult()]);
  const policy = parsed(page).querySelector("meta[http-equiv]")!.getAttribute("content")!;
  for (const [, kind, text] of page.matchAll(/<(style|script)>([^]*?)<\/\1>/g)) {
    const hash = createHash("sha256").update(text!).digest("base64");
    assertStringIncludes(policy, `${kind}-src 'sha256-${hash}'`);
  }
  assertStringIncludes(policy, "default-src 'none'");
  assertEquals(/unsafe|https?:|data:/.test(policy), false);
  assertEquals(/\sstyle="|url\(|@import|\ssrc=|https?:\/\/(?!www\.w3\.org)/.test(page), false);
});

Deno.test("parts of several files share a page: headlines first, then sections, then all machines", () => {
  const [io, cpu] = [ioResult(), cpuResult()];
  const page = reportPage([io, { ...cpu, partial: true }]);
  const document = parsed(page);
  assertEquals(document.querySelector("h1")!.textContent, "3 jobs compared");
  assertEquals(all(document, ".verdicts li").length, 3);
  const titles = all(document, "h2").map(({ textContent }) => textContent);
  assertEquals(titles.at(0), "download 160 pages");
  assertEquals(titles.slice(3), ["Environment", "Method"]);
  const lists = all(document, "#environment dl").map(({ textContent }) => textContent);
  assertEquals(lists.length, 3);
  assertEquals(lists.map((text) => text.includes("2.9.6")), [true, false, false]);
  assertStringIncludes(lists[1]!, "download 160 pages");
  assertEquals(all(document, "#method h3").length, 0, "the same method is told once");
  const ids = all(document, "[id]").map(({ id }) => id);
  assertEquals(ids.length, new Set(ids).size);
  assertStringIncludes(document.querySelector(".partial")!.textContent, "sum the squares");
});

Deno.test("a document of sections has the same policy, style and script as the page", () => {
  const head = (page: string) => page.slice(page.indexOf("<meta http"), page.indexOf("<title>"));
  assertEquals(head(renderDocument("Scaling", [])), head(reportPage([ioResult()])));
});

Deno.test("an interrupted run says so", () => {
  assertStringIncludes(reportPage([{ ...ioResult(), partial: true }]), "<b>Partial:</b>");
});

Deno.test("models that differ get no speedup", () => {
  const result = ioResult();
  const comparison = result.comparisons[0]!;
  const models = comparison.models.map((model) => ({ ...model, speedup: null }));
  const page = reportPage([{ ...result, comparisons: [{ ...comparison, models, agree: false }] }]);
  assertStringIncludes(page, "The models’ results differ");
  assertEquals(parsed(page).querySelector('[aria-label="Speedup against sequential"]'), null);
});

Deno.test("a speedup whose interval holds 1, or lies above the ceiling, is called by its name", () => {
  const [comparison] = cpuResult().comparisons;
  const models = comparison!.models.map((model) => ({
    ...model,
    speedup: model.model === "limited"
      ? { median: 1.01, low: 0.97, high: 1.04 }
      : { median: 2.5, low: 2.4, high: 2.6 },
  }));
  const page = reportPage([resultOf({ ...comparison!, models })]);
  assertStringIncludes(page, "no detectable difference");
  assertStringIncludes(page, "above the ceiling");
});

Deno.test("100,000 tasks make a page below 3 MB with few marks, and says what it joined", () => {
  const comparison = simulate({ name: "many", kind: "io", tasks: 100_000, takesMs: 5, rounds: 2 });
  const page = reportPage([resultOf(comparison)]);
  assertLess(new TextEncoder().encode(page).length, 3_000_000);
  const charts = page.match(/<svg[^]*?<\/svg>/g)!.join("");
  assertLess(charts.match(/<[a-z]/g)!.length, 20_000);
  assert(page.includes("Neighbouring tasks narrower than a pixel are joined into one bar"));
  assert(page.includes("too many for a row each"));
});

Deno.test("a timeline that holds only some of the tasks says so", () => {
  const comparison = simulate({ name: "many", kind: "io", tasks: 20, takesMs: 5, rounds: 2 });
  const page = reportPage([resultOf({ ...comparison, job: { ...comparison.job, items: 50_000 } })]);
  assertStringIncludes(page, "The file records 20 of 50,000 tasks");
});

Deno.test("a result without rounds, timelines or comparisons still makes a page", () => {
  const [comparison] = ioResult().comparisons;
  const bare = comparison!.models.map(({ timeline: _, ...model }) => ({ ...model, rounds: [] }));
  assertStringIncludes(reportPage([resultOf({ ...comparison!, models: bare })]), "No timeline");
  assertStringIncludes(reportPage([resultOf()]), "Nothing was measured");
});
