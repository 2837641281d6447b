import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { ONE } from "../../../lib/adaptive/watch.ts";
import { comparisonPart } from "../../../lib/report/comparison/comparison_report.ts";
import { distributionSection } from "../../../lib/report/comparison/comparison_charts.ts";
import { drawGains, type GainRow } from "../../../lib/report/html/gains_chart.ts";
import { type Html, markup } from "../../../lib/report/html/markup.ts";
import { timelineSection } from "../../../lib/report/html/timeline.ts";
import type { Comparison, Timeline, Verdict } from "../../../lib/timing/result.ts";
import { cpuResult } from "./fixture.ts";
import { all, type Element, parsed, texts } from "./parsed.ts";
import { middle } from "../../../lib/timing/statistics.ts";

const [comparison] = cpuResult().comparisons as [Comparison];
const number = (of: Element, name: string) => Number(of.getAttribute(name));

/** A comparison of two models, with tasks that started and ended at these times. */
function of(
  status: string,
  cpuShare: number,
  spans: readonly [number, number, number][],
): Comparison {
  const timeline: Timeline = {
    round: 0,
    lanes: [{ lane: 0, startMs: 0, cpuShare }],
    index: spans.map((_, i) => i),
    lane: spans.map(() => 0),
    queuedMs: spans.map(([queuedMs]) => queuedMs),
    startedMs: spans.map(([, startedMs]) => startedMs),
    endedMs: spans.map(([, , endedMs]) => endedMs),
    status: spans.map(() => status),
  };
  return { ...comparison, models: [{ ...comparison.models[0]!, timeline }] };
}

function bodyOf(html: Html): Element {
  return parsed(`<html><body>${html.text}</body></html>`).querySelector("body")!;
}

Deno.test("the dark part of a bar is its lower end, as high as its lane's share", () => {
  const body = bodyOf(timelineSection(of("fulfilled", 0.25, [[0, 10, 90]]), "t"));
  const [bar] = all(body, ".wide .flight rect"), [ran] = all(body, ".wide .running rect");
  assertAlmostEquals(number(ran!, "height"), number(bar!, "height") / 4, 0.02);
  const bottom = (rect: Element) => number(rect, "y") + number(rect, "height");
  assertAlmostEquals(bottom(ran!), bottom(bar!), 0.02);
  assertEquals(all(body, ".bad rect").length, 0);
  assertEquals(texts(body, ".wide .flight title"), [
    "task 0 on lane 0: 80.0 ms\n10.0 ms to 90.0 ms\nwaited 10.0 ms for a slot\nrunning about 25% of it",
  ]);
});

Deno.test("a task that gave no value is red, says how it ended, and has no dark part", () => {
  const body = bodyOf(timelineSection(of("timed-out", 0.25, [[0, 10, 90]]), "t"));
  assert(texts(body, ".wide .bad title")[0]!.endsWith("\ntimed-out"));
  assertEquals(all(body, ".flight rect, .running rect").length, 0);
});

Deno.test("waiting tasks stand above the lanes, the deepest the whole height", () => {
  const spans: [number, number, number][] = [[0, 0, 50], [0, 50, 90], [25, 90, 99]];
  const body = bodyOf(timelineSection(of("fulfilled", 1, spans), "t"));
  const queue = all(body, ".wide .queue rect");
  const heights = queue.map((rect) => number(rect, "height"));
  assertEquals([Math.min(...heights), Math.max(...heights)], [4.5, 9]);
  const lanes = number(all(body, ".wide .lanes rect")[0]!, "y");
  for (const rect of queue) assert(number(rect, "y") + number(rect, "height") <= lanes);
  assert(texts(body, ".wide svg text").includes("queue"));
});

Deno.test("what auto decided is a line across its panel, one where several fall together", () => {
  const { models: [model], ...rest } = of("fulfilled", 1, [[0, 10, 90]]) as Comparison & {
    models: [Comparison["models"][0]];
  };
  const slots = (count: number) => ({ ...ONE, slots: count });
  const figures = { busyShare: 0.1, latencyMs: null, perSecond: 120, refused: 0 };
  const decision = (atMs: number, from: number, to: number) => (
    { atMs, from: slots(from), to: slots(to), why: "waits" as const, detail: "<b>", figures }
  );
  const decisions = [decision(20, 16, 32), decision(45, 32, 64), decision(45.01, 64, 128)];
  const timeline = { ...model.timeline!, decisions };
  const body = bodyOf(timelineSection({ ...rest, models: [{ ...model, timeline }] }, "t"));
  assertEquals(texts(body, ".wide .decided title"), [
    "slots 16 → 32: tasks wait (<b>)\nafter 20.0 ms",
    "slots 32 → 64: tasks wait (<b>)\nafter 45.0 ms\nslots 64 → 128: tasks wait (<b>)\nafter 45.0 ms",
  ]);
  const [line] = all(body, ".wide .decided line"), [lane] = all(body, ".wide .lanes rect");
  const place = number(lane!, "x") + 20 / 90 * number(lane!, "width");
  assertAlmostEquals(number(line!, "x1"), place, 0.6);
  assertEquals(number(line!, "x1"), number(line!, "x2"));
  assertEquals(all(bodyOf(timelineSection({ ...rest, models: [model] }, "t")), ".decided"), []);
});

Deno.test("names stand at a timeline's left edge, whatever its margins", () => {
  const body = bodyOf(timelineSection(of("fulfilled", 1, [[0, 0, 50]]), "t"));
  const names = all(body, "svg text").filter(({ textContent }) => textContent === "sequential");
  assertEquals(names.map((name) => number(name, "x")), [0, 0]);
});

Deno.test("a hairline is left between bars, but for those too narrow to lose it", () => {
  const body = bodyOf(timelineSection(of("fulfilled", 1, [[0, 50, 50.3], [0, 60, 100]]), "t"));
  const pixels = number(body.querySelector(".wide .lanes rect")!, "width") / 100;
  const [narrow, wide] = all(body, ".wide .flight rect").map((rect) => number(rect, "width"));
  assertAlmostEquals(narrow!, 0.3 * pixels, 0.02);
  assertAlmostEquals(wide!, 40 * pixels - 0.6, 0.02);
});

Deno.test("a task's time counts from its start, its latency from when it was queued", () => {
  const waits = { ...comparison.verdict!, bound: "io" as const };
  const body = bodyOf(
    distributionSection(
      { ...of("fulfilled", 1, [[0, 40, 100], [10, 40, 100]]), verdict: waits },
      "d",
    ),
  );
  const medians = (id: string) => texts(body, `#${id} tbody td`).slice(0, 3);
  assertEquals(medians("d"), ["2", "60.0 ms", "60.0 ms"]);
  assertEquals(medians("d-latency"), ["2", "90.5 ms", "95.0 ms"]);
});

Deno.test("latency is shown of jobs that wait, and of no others", () => {
  const isShown = (bound: Verdict["bound"]) => {
    const verdict = { ...comparison.verdict!, bound };
    const section = distributionSection({ ...of("fulfilled", 1, [[0, 40, 100]]), verdict }, "d");
    return all(bodyOf(section), "#d-latency").length > 0;
  };
  assertEquals((["io", "mixed", "cpu", "small"] as const).map(isShown), [true, true, false, false]);
});

Deno.test("a bar of a distribution is as high as its tasks are many, where their times are", () => {
  const spans: [number, number, number][] = [[0, 0, 10], [5, 5, 15], [7, 7, 17], [0, 0, 100]];
  const body = bodyOf(distributionSection(of("fulfilled", 1, spans), "d"));
  const [many, one, ...others] = all(body, ".wide .times rect");
  assertEquals(others, []);
  assertAlmostEquals(number(many!, "height"), 3 * number(one!, "height"), 0.02);
  const foot = (bar: Element) => number(bar, "y") + number(bar, "height");
  assertEquals(foot(many!), foot(one!));
  // With 64 bars for 100 ms, 10 ms are in the seventh bar.
  assertAlmostEquals(number(one!, "x") - number(many!, "x"), 57 * number(one!, "width"), 0.5);
  assertEquals(texts(body, ".wide .times title").map((text) => text.split(": ")[1]), [
    "3 tasks took\n9.38 ms to 10.9 ms",
    "1 task took\n98.4 ms to 100 ms",
  ]);
});

Deno.test("a distribution's axis is logarithmic and begins with its least, unless that is next to nothing", () => {
  const firstOf = (count: number, ms: number, longestMs: number) => {
    const short = Array.from({ length: count }, (): [number, number, number] => [0, 0, ms]);
    const body = bodyOf(
      distributionSection(of("fulfilled", 1, [...short, [0, 0, longestMs]]), "d"),
    );
    const bars = all(body, ".wide .times rect");
    const [name, median] = all(body, ".wide svg > text");
    const last = bars.at(-1)!;
    assert(number(median!, "x") > number(last, "x") + number(last, "width"));
    assertAlmostEquals(number(median!, "y"), number(name!, "y"), 22);
    return texts(body, ".wide .times title")[0]!.split("\n")[1]!.split(" to ")[0];
  };
  assertEquals(firstOf(200, 2, 100), "1.94 ms", "in the fourth of 64 bars from 1.6 ms on");
  assertEquals(firstOf(200, 0.002, 1e5), "0.10 ms", "a millionth of the longest");
  assertEquals(firstOf(200, 0, 1), "0.00 ms", "a microsecond");
});

Deno.test("a model's work begins where its start ends, all on one scale", () => {
  const result = { ...cpuResult(), comparisons: [comparison] };
  const { sections } = comparisonPart(result, { id: "c1", before: 1, alone: true });
  const body = bodyOf(markup`${sections.map(({ html }) => html)}`);
  const [starts, works] = ["startup", "work"].map((kind) =>
    all(body, `#c1-startup .wide .${kind} rect`)
  );
  const perMs = comparison.models.map(({ rounds }, i) => {
    const [startMs, runMs] = [
      middle(rounds.map(({ startMs }) => startMs)),
      middle(rounds.map(({ runMs }) => runMs)),
    ];
    const [start, work] = [starts![i]!, works![i]!];
    assertEquals(number(start, "x"), number(starts![0]!, "x"));
    assertAlmostEquals(number(start, "x") + number(start, "width"), number(work, "x"), 0.02);
    return (number(start, "width") + number(work, "width")) / (startMs + runMs);
  });
  for (const scale of perMs) assertAlmostEquals(scale, perMs[0]!, perMs[0]! / 100);
});

Deno.test("an interval that ends next to nothing leaves room for the rest of a chart, and its ticks", () => {
  const row: GainRow = {
    name: "workers",
    colour: "var(--workers)",
    remark: "",
    measured: { median: 0.13, low: 0.00005, high: 44 },
    predicted: null,
  };
  const chart = parsed(`<html><body>${drawGains([row], undefined, "Gains", 360)}</body></html>`);
  const ticks = all(chart, ".ticks text").map(({ textContent }) => textContent);
  assertEquals(ticks, ["0.1×", "1×"]);
});

Deno.test("rows of gains are higher where there is a prediction below the bar", () => {
  const interval = { median: 2, low: 1.5, high: 2.5 };
  const row: GainRow = {
    name: "workers",
    colour: "var(--workers)",
    remark: "",
    measured: interval,
    predicted: null,
  };
  const height = (rows: GainRow[]) =>
    number(
      parsed(`<html><body>${drawGains(rows, undefined, "Gains", 840)}</body></html>`)
        .querySelector("svg")!,
      "height",
    );
  const bare = height([row, row]) - height([row]);
  const predicted = { ...row, predicted: interval };
  assert(height([predicted, predicted]) - height([predicted]) > bare);
});
