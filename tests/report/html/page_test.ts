import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { parseHTML } from "linkedom";
import { createHash } from "node:crypto";
import { renderDocument } from "../../../lib/report/html/document.ts";
import { comparisonPart, renderPage } from "../../../lib/report/html/page.ts";
import { renderParts } from "../../../lib/report/html/parts.ts";
import { cpuResult, ioResult, resultOf, simulate } from "./fixture.ts";

interface Element {
  readonly textContent: string;
  readonly id: string;
  getAttribute(name: string): string | null;
  querySelector(selector: string): Element | null;
  querySelectorAll(selector: string): Iterable<Element>;
}

function parse(page: string): Element {
  return (parseHTML(page) as unknown as { document: Element }).document;
}

const all = (root: Element, selector: string) => [...root.querySelectorAll(selector)];

Deno.test("the page's first heading is the verdict", () => {
  const document = parse(renderPage(ioResult()));
  assertMatch(
    document.querySelector("h1")!.textContent,
    /^This job waits: concurrent is 91\.\d× as fast$/,
  );
});

Deno.test("the page of two comparisons says both verdicts before any chart", () => {
  const page = renderPage(cpuResult());
  const document = parse(page);
  assertEquals(all(document, ".verdicts li").length, 2);
  assertEquals(all(document, ".part > .headline").length, 2);
  assertLess(page.indexOf('class="verdicts"'), page.indexOf("<svg"));
});

Deno.test("every part that the page promises is there, in order", () => {
  const page = renderPage(
    resultOf(simulate({ name: "small", kind: "io", tasks: 12, takesMs: 50 })),
  );
  const document = parse(page);
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
  const document = parse(renderPage(cpuResult()));
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
  const document = parse(renderPage(cpuResult()));
  const ids = all(document, "[id]").map(({ id }) => id);
  assertEquals(ids.length, new Set(ids).size);
  for (const link of all(document, "a")) assert(ids.includes(link.getAttribute("href")!.slice(1)));
});

Deno.test("the policy allows exactly the page's own style and script, and no address", () => {
  const page = renderPage(ioResult());
  const policy = parse(page).querySelector("meta[http-equiv]")!.getAttribute("content")!;
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
  const page = renderParts([
    comparisonPart(io, { alone: false }),
    comparisonPart({ ...cpu, partial: true }, { before: 1, alone: false }),
  ]);
  const document = parse(page);
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
  assertEquals(head(renderDocument("Scaling", [])), head(renderPage(ioResult())));
});

Deno.test("an interrupted run says so", () => {
  assertStringIncludes(renderPage({ ...ioResult(), partial: true }), "<b>Partial:</b>");
});

Deno.test("models that differ get no speedup", () => {
  const result = ioResult();
  const comparison = result.comparisons[0]!;
  const models = comparison.models.map((model) => ({ ...model, speedup: null }));
  const page = renderPage({ ...result, comparisons: [{ ...comparison, models, agree: false }] });
  assertStringIncludes(page, "The models’ results differ");
  assertEquals(parse(page).querySelector('[aria-label="Speedup against sequential"]'), null);
});

Deno.test("a speedup whose interval holds 1, or lies above the ceiling, is called by its name", () => {
  const [comparison] = cpuResult().comparisons;
  const models = comparison!.models.map((model) => ({
    ...model,
    speedup: model.model === "limited"
      ? { median: 1.01, low: 0.97, high: 1.04 }
      : { median: 2.5, low: 2.4, high: 2.6 },
  }));
  const page = renderPage(resultOf({ ...comparison!, models }));
  assertStringIncludes(page, "no detectable difference");
  assertStringIncludes(page, "above the ceiling");
});

Deno.test("100,000 tasks make a page below 3 MB that says what it joined", () => {
  const comparison = simulate({ name: "many", kind: "io", tasks: 100_000, takesMs: 5, rounds: 2 });
  const page = renderPage(resultOf(comparison));
  assertLess(new TextEncoder().encode(page).length, 3_000_000);
  assert(page.includes("Neighbouring tasks narrower than a pixel are joined into one bar"));
  assert(page.includes("too many for a row each"));
});

Deno.test("a timeline that holds only some of the tasks says so", () => {
  const comparison = simulate({ name: "many", kind: "io", tasks: 20, takesMs: 5, rounds: 2 });
  const page = renderPage(resultOf({ ...comparison, job: { ...comparison.job, items: 50_000 } }));
  assertStringIncludes(page, "The file records 20 of 50,000 tasks");
});

Deno.test("a result without rounds, timelines or comparisons still makes a page", () => {
  const [comparison] = ioResult().comparisons;
  const bare = comparison!.models.map(({ timeline: _, ...model }) => ({ ...model, rounds: [] }));
  assertStringIncludes(renderPage(resultOf({ ...comparison!, models: bare })), "No timeline");
  assertStringIncludes(renderPage(resultOf()), "Nothing was measured");
});
