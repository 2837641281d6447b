import { type Advice, ADVICE_FORMAT } from "../../../lib/advice/advice.ts";
import type { FlameBar } from "../../../lib/advice/profile/job_profile.ts";
import { drawFlame, profileSection } from "../../../lib/report/advice/advice_charts.ts";
import { advicePart, adviceSection } from "../../../lib/report/advice/advice_report.ts";
import { markup } from "../../../lib/report/html/markup.ts";
import { adviceFileOf } from "../../advice/advice_file.ts";
import { adviceOn, asPredicted } from "../../advice/advice_on.ts";
import { PROFILE } from "../../advice/profile/fixture.ts";
import { all, type Element, parsed, texts } from "../html/parsed.ts";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";

const waits = await adviceOn({ waitMs: 20 }, asPredicted);
const computes = await adviceOn({ computeMs: 20 }, asPredicted);
const both = await adviceOn({ computeMs: 6, waitMs: 6 }, asPredicted);
const small = await adviceOn({ computeMs: 0.05 }, asPredicted);

function sectionOf(advice: Advice): Element {
  return parsed(`<html><body>${adviceSection(advice, advice.code, "a").html.text}</body></html>`)
    .querySelector(
      "body",
    )!;
}

/** A figure's chart for wide windows. */
function chart(advice: Advice, figure: "a-split" | "a-gains"): Element {
  return sectionOf(advice).querySelector(`#${figure} .wide svg`)!;
}

const width = (rect: Element) => Number(rect.getAttribute("width"));

Deno.test("the bar of a task's time is split where its share of computing is", () => {
  for (const advice of [waits, computes, both]) {
    const svg = chart(advice, "a-split");
    const [computing] = all(svg, "g.computing rect, .computing rect");
    const [waiting] = all(svg, ".waiting rect");
    const [did, waited] = [computing, waiting].map((rect) => rect === undefined ? 0 : width(rect));
    const share = did! / (did! + waited!);
    assert(Math.abs(share - advice.cpuShare) < 0.01, `${share} of the bar, ${advice.cpuShare}`);
    assertEquals(all(svg, ".threshold line").length, 2);
  }
});

Deno.test("the interval of a task's share reaches as far to either side, within the bar", () => {
  const ends = (cpuShare: number, cpuShareError: number) => {
    const svg = chart({ ...both, cpuShare, sample: { ...both.sample, cpuShareError } }, "a-split");
    const line = all(svg, "line").find((of) => of.getAttribute("y1") === "40")!;
    const [bar, rest] = [".computing rect", ".waiting rect"].map((of) => all(svg, of)[0]!);
    const whole = width(bar!) + width(rest!);
    return ["x1", "x2"].map((end) =>
      (Number(line.getAttribute(end)) - Number(bar!.getAttribute("x"))) / whole
    ) as [number, number];
  };
  const [from, to] = ends(0.5, 0.1);
  assertAlmostEquals(from, 0.5 - 0.196, 0.01);
  assertAlmostEquals(to, 0.5 + 0.196, 0.01);
  assertAlmostEquals(ends(0.1, 0.1)[0], 0, 0.01);
  assertAlmostEquals(ends(0.9, 0.1)[1], 1, 0.01);
});

Deno.test("the class stands out among the three, unless the job is too small for any", () => {
  const strong = (advice: Advice) =>
    texts(chart(advice, "a-split"), ".zone text").length === 3
      ? texts(chart(advice, "a-split"), ".zone .strong")
      : ["no zones"];
  assertEquals(strong(waits), ["I/O-bound"]);
  assertEquals(strong(computes), ["CPU-bound"]);
  assertEquals(strong(both), ["mixed"]);
  assertEquals(strong(small), []);
  assertStringIncludes(sectionOf(small).textContent, "over before a change could pay");
});

Deno.test("the thresholds are where the classes begin", () => {
  const svg = chart(computes, "a-split");
  const [waits, computesFrom] = all(svg, ".threshold line").map((line) =>
    Number(line.getAttribute("x1"))
  );
  const [bar] = all(svg, ".computing rect");
  const from = Number(bar!.getAttribute("x"));
  // All time is computing here, so the bar is the whole scale.
  assert(Math.abs((waits! - from) / width(bar!) - 0.35) < 0.01);
  assert(Math.abs((computesFrom! - from) / width(bar!) - 0.75) < 0.01);
  // The lines extend beyond the bar at both ends.
  const [top, height] = ["y", "height"].map((name) => Number(bar!.getAttribute(name)));
  for (const line of all(svg, ".threshold line")) {
    const [above, below] = ["y1", "y2"].map((name) => Number(line.getAttribute(name)));
    assert(above! < top! && below! > top! + height!, `${above} to ${below}`);
  }
});

Deno.test("a task's time is told as computing and waiting, and its class begins the verdict", () => {
  const sample = { ...both.sample, cpuMs: 6, wallMs: 99 };
  const section = sectionOf({ ...both, cpuShare: 0.25, sample });
  assertEquals(texts(section, "#a-split tbody td"), ["25%", "6.00 ms", "75%", "18.0 ms"]);
  assert(texts(section, ".verdict")[0]!.startsWith("Mixed: the tasks compute 25%"));
  const waiting = sectionOf({ ...waits, cpuShare: 0, sample: { ...sample, wallMs: 20 } });
  assertEquals(texts(waiting, "#a-split tbody td").at(-1), "20.0 ms");
});

Deno.test("each class's name lies between the thresholds that it has", () => {
  const svg = chart(both, "a-split");
  const thresholds = all(svg, ".threshold line").map((line) => Number(line.getAttribute("x1")));
  const names = all(svg, ".zone text").map((text) => Number(text.getAttribute("x")));
  const order = [names[0], thresholds[0], names[1], thresholds[1], names[2]] as number[];
  assertEquals(order.toSorted((a, b) => a - b), order);
});

Deno.test("every model has its prediction, each that was raced a bar, the recommended a highlight", () => {
  for (const advice of [waits, computes, both]) {
    const svg = chart(advice, "a-gains");
    const others = advice.models.filter(({ model }) => model !== "sequential");
    assertEquals(all(svg, ".predicted circle").length, others.length);
    const raced = others.filter(({ measured }) => measured?.gain != null);
    assertEquals(all(svg, ".gain rect").length, raced.length);
    assertEquals(all(svg, ".chosen rect").length, 1);
    assertEquals(texts(svg, ".remark text").filter((text) => text === "recommended").length, 1);
    const description = svg.getAttribute("aria-description")!;
    for (const { name } of others) assertStringIncludes(description, `${name}: `);
  }
});

Deno.test("a longer bar is a greater gain", () => {
  const svg = chart(computes, "a-gains");
  const gains = computes.models.filter(({ model, measured }) =>
    model !== "sequential" && measured?.gain != null
  ).map(({ measured }) => measured!.gain!.median);
  const widths = all(svg, ".gain rect").map(width);
  const order = (values: number[]) =>
    values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  assertEquals(order(widths), order(gains));
});

Deno.test("a ceiling that was measured is called one, and the number of cores is not", () => {
  const words = (ceiling: number) => {
    const advice = { ...computes, machine: { ...computes.machine, ceiling } };
    return texts(chart(advice, "a-gains"), "text").filter((text) => /ceiling|cores/.test(text));
  };
  assertEquals(words(1.9), ["ceiling 1.90×"]);
  assertEquals(words(2), ["2 cores"]);
});

Deno.test("a page's headline tells what to take and how fast it is, and of the plain loop no gain", () => {
  const headline = (advice: Advice) => {
    const file = adviceFileOf(advice);
    return advicePart(file, { id: "a", alone: true, before: 0 }, file).sections[0]!.found!.text;
  };
  const gain = { median: 1.9, low: 1.8, high: 2 };
  const hazards = [{ kind: "memory", text: "It needs 1 GB." }] as const;
  const take = { ...computes.recommended, model: "workers", name: "workers (2 lanes)" } as const;
  assertEquals(
    headline({ ...computes, hazards, recommended: { ...take, gain } }),
    "CPU-bound: take workers (2 lanes), 1.90× as fast (1.80 to 2.00); 1 hazard seen",
  );
  assertEquals(
    headline({ ...computes, hazards: [], recommended: { ...take, gain: null } }),
    "CPU-bound: take workers (2 lanes)",
  );
  const plain = { ...take, model: "sequential", name: "sequential", gain } as const;
  assertEquals(
    headline({ ...computes, hazards: [], recommended: plain }),
    "CPU-bound: leave it sequential",
  );
});

Deno.test("advice to leave it sequential shows the plain loop among what it was held against", () => {
  const svg = sectionOf(small).querySelector("#a-gains svg");
  assert(svg !== null);
  assertEquals(texts(svg, ".remark text")[0], "recommended");
});

Deno.test("the table behind the chart has every model, the plain loop too", () => {
  const rows = texts(sectionOf(computes), "#a-gains tbody th");
  assertEquals(rows, computes.models.map(({ name }) => name));
});

Deno.test("advice on no model but the plain loop is a table without a chart", () => {
  const alone = { ...small, models: small.models.filter(({ model }) => model === "sequential") };
  const section = sectionOf(alone);
  assert(section.querySelector("#a-gains svg") === null);
  assert(section.querySelector("#a-gains table") !== null);
});

Deno.test("the code stands as it is, with the command that runs it", () => {
  const section = sectionOf(both);
  assertEquals(section.querySelector("pre code")!.textContent, both.code.trimEnd());
  assertStringIncludes(section.textContent, "deno run --allow-read job_run.ts");
});

function flame(bars: readonly FlameBar[], width = 840): Element {
  return parsed(`<html><body>${drawFlame(bars, width)}</body></html>`).querySelector("svg")!;
}

const number = (of: Element, name: string) => Number(of.getAttribute(name));

Deno.test("a flame graph's bars are as wide as their shares, callers at the foot", () => {
  const rects = all(flame(PROFILE.flame), ".call rect");
  assertEquals(rects.length, 3);
  const [caller, called, collecting] = rects as [Element, Element, Element];
  assertAlmostEquals(number(called, "width") / number(caller, "width"), 0.7 / 0.9, 0.01);
  assertAlmostEquals(number(called, "x"), number(caller, "x"), 0.01);
  assert(number(called, "y") < number(caller, "y"));
  assertAlmostEquals(number(collecting, "y"), number(caller, "y"), 0.01);
});

Deno.test("a flame graph tells each function's share and place, by text alone too", () => {
  const svg = flame(PROFILE.flame);
  assertEquals(all(svg, ".call title").map(({ textContent }) => textContent), [
    "default(): 90%\njob.ts:9",
    "parse(): 70%\njob.ts:4",
    "collecting garbage: 10%\nthe runtime",
  ]);
  assertEquals(svg.getAttribute("role"), "img");
  assertStringIncludes(svg.getAttribute("aria-description")!, "parse() (job.ts:4): 70%");
  assertEquals(all(svg, "script, style").length, 0);
});

Deno.test("a name that has no room in its bar is cut, or left out", () => {
  const bar = (share: number, name: string): FlameBar => ({
    name,
    owner: "own",
    depth: 0,
    from: 0,
    share,
  });
  const label = (share: number, name: string) =>
    texts(flame([bar(share, name)], 328), ".call-name text");
  assertEquals(label(0.01, "parse()"), []);
  assertEquals(label(1, "parse()"), ["parse()"]);
  const [cut] = label(0.3, "aVeryLongNameOfAFunction()");
  assert(cut!.endsWith("…") && cut!.length < 14, cut);
});

Deno.test("a flame graph ends where its axis does, and its names are text alone", () => {
  const svg = flame([{ name: "</svg><script>", owner: "own", depth: 1, from: 0.9, share: 0.9 }]);
  const [bar, ...more] = all(svg, ".call rect, script");
  assertEquals([number(bar!, "x") + number(bar!, "width"), more.length], [830, 0]);
});

Deno.test("advice whose profile holds what no one can measure is refused where it is read", () => {
  const [bar] = PROFILE.flame;
  for (const odd of [{ depth: -3 }, { share: 9 }, { from: -1 }, { owner: "nobody" }]) {
    const profile = { ...PROFILE, flame: [{ ...bar!, ...odd }] };
    const { advice, ...file } = adviceFileOf(both);
    assert(ADVICE_FORMAT.schema.safeParse({ ...file, advice: { ...advice, profile } }).error);
  }
});

Deno.test("the section tells what mending saves, with the functions as a table", async () => {
  const advice = { ...await adviceOn({ computeMs: 20 }, asPredicted), profile: PROFILE };
  const text = markup`${profileSection(advice, "p")}`.text;
  const body = parsed(`<html><body>${text}</body></html>`).querySelector("body")!;
  assertStringIncludes(body.textContent, "Halving what parse() (job.ts:4) does would save");
  assertEquals(all(body, "tbody tr").length, 3);
  const missing = { ...advice, profile: { missing: "no time was left" } };
  const said = markup`${profileSection(missing, "p")}`.text;
  assertStringIncludes(said, "Not known: no time was left.");
  assertEquals(profileSection({ ...advice, profile: undefined }, "p"), false);
});
