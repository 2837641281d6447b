import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import type { FlameBar } from "../../../lib/advice/profile/job_profile.ts";
import { drawFlame, profileSection } from "../../../lib/report/advice/advice_part.ts";
import { markup } from "../../../lib/report/html/markup.ts";
import { adviceOn, asPredicted } from "../../advice/advice_on.ts";
import { PROFILE } from "../../advice/profile/fixture.ts";
import { all, type Element, parsed, texts } from "../html/parsed.ts";

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

Deno.test("a flame graph of what no one ever measured is still drawn", () => {
  const wild: FlameBar[] = [
    { name: "<b>", owner: "own", depth: -3, from: -1, share: 9 },
    { name: "x", owner: "nobody" as never, depth: 1e9, from: NaN, share: Infinity },
    { name: "</svg><script>", owner: "__proto__" as never, depth: 0.5, from: 0.9, share: 0.9 },
  ];
  const svg = flame(wild);
  assertEquals(all(svg, "script, b").length, 0);
  assert(!drawFlame(wild, 840).text.includes("NaN"));
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
