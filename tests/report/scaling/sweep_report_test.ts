import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parse } from "@std/csv/parse";
import { reportPage } from "../../../lib/report/kinds.ts";
import { anyFailed } from "../../../lib/report/scaling/sweep_words.ts";
import { chartText, drawSweep } from "../../../lib/report/scaling/sweep_chart.ts";
import { sweepCsv, sweepReport } from "../../../lib/report/scaling/sweep_report.ts";
import { type SweepResult, sweepResultSchema } from "../../../lib/scaling/sweep_result.ts";
import { resultOf } from "../../scaling/measured.ts";
import { ratesOf } from "../../scaling/rates.ts";

const STYLE = { columns: 80, colour: false };
const plateau = (slots: number) => 50 * Math.min(slots, 8);
const LAW = { lambda: 50, sigma: 0.05, kappa: 1e-3 };

const openLoop = () => ratesOf("timed \x1b[31mout");

Deno.test("chartText() draws a plateau with its knee", async (t) => {
  await t.assertSnapshot(chartText(await resultOf(plateau), 80));
});

Deno.test("chartText() draws a curve that falls again, with its fit", async (t) => {
  await t.assertSnapshot(chartText(await resultOf(LAW), 80));
});

Deno.test("an axis of sizes is logarithmic from eight times the smallest on, in either chart", async () => {
  const linear = await resultOf(LAW, { sizes: [1, 2, 4, 7], refineSteps: 0 });
  const log = await resultOf(LAW, { sizes: [1, 2, 4, 8], refineSteps: 0 });
  assertEquals([linear, log].map((of) => /slots \(log\):/.test(chartText(of, 80))), [false, true]);
  // Ticks are at powers of two, up to ten times the largest size if the fit is trusted.
  const ticks = (of: SweepResult) =>
    [...drawSweep(of, 840).text.matchAll(/>(\d+)<\/text>/g)].map(([_, text]) => Number(text));
  assertEquals(Math.max(...ticks(await resultOf(LAW)).filter((tick) => tick > 500)), 512);
  assert(ticks({ ...linear, forecasts: [] }).includes(7));
});

Deno.test("only the naive times are dashed", async () => {
  const page = reportPage([await openLoop()]);
  assertEquals(page.match(/stroke-dasharray="6 4"/g)?.length, 2, "in a wide and in a narrow chart");
});

Deno.test("chartText() keeps within its width, and needs neither colour nor two sizes", async () => {
  for (const columns of [40, 80, 120]) {
    const chart = chartText(await resultOf(LAW), columns);
    for (const line of chart.split("\n").slice(0, -1)) assert(line.length <= columns, line);
    // deno-lint-ignore no-control-regex
    assert(!/\x1b/.test(chart));
  }
  assertEquals(chartText(await resultOf(LAW, { sizes: [4] }), 80), "");
});

Deno.test("both charts show where computing ends, and only if it was reached", async () => {
  const result = await resultOf(plateau);
  const capacity = {
    by: "event loop",
    units: 1,
    size: 8,
    busy: 0.98,
    cpuMsPerItem: 2.4,
    limitPerSecond: 416,
    computingShare: 0.1,
    reached: true,
  } as const;
  const full = chartText({ ...result, capacity }, 80);
  assertStringIncludes(full, "= loop full");
  assertMatch(full, /==========/);
  for (const line of full.split("\n")) assert(line.length <= 80, line);
  const drawn = drawSweep({ ...result, capacity }, 720).text;
  assertStringIncludes(drawn, "event loop full");
  const [, x2] = /<line[^>]* x2="([\d.]+)"[^>]*stroke-dasharray="2 3"/.exec(drawn)!;
  assertEquals(Number(x2), 720 - 18);
  const within = { ...capacity, reached: false };
  assert(!chartText({ ...result, capacity: within }, 80).includes("="));
  assert(!drawSweep({ ...result, capacity: within }, 720).text.includes("event loop full"));
});

Deno.test("the page names the law that its curve follows, if one was chosen", async () => {
  const result = await resultOf(LAW);
  const told = (chosen: SweepResult["chosen"]) =>
    /The line is [^.]*\./.exec(reportPage([{ ...result, chosen }]))?.[0];
  assertMatch(told("usl")!, /^The line is the /);
  assertMatch(told("amdahl")!, /^The line is (?!the )/);
  assertEquals(told(null), undefined);
});

Deno.test("both charts tell a bad fit from a good one", async () => {
  const bad = await resultOf((slots) => slots <= 8 ? 50 * slots : 60);
  assertStringIncludes(chartText(bad, 80), ". bad fit");
  assertStringIncludes(drawSweep(bad, 360).text, 'stroke-opacity="0.35"');
  const good = await resultOf(LAW);
  assertStringIncludes(chartText(good, 80), ". fit");
  assert(!drawSweep(good, 360).text.includes('stroke-opacity="0.35"'));
});

Deno.test("sweepReport() reports a sweep", async (t) => {
  await t.assertSnapshot(sweepReport(await resultOf(LAW)).text(STYLE));
});

Deno.test("sweepReport() says that a bad fit isn't followed any further", async () => {
  const text = sweepReport(await resultOf((slots) => slots <= 8 ? 50 * slots : 60)).text(STYLE);
  assertStringIncludes(text, "BAD FIT");
  assertStringIncludes(
    text.replace(/\s+/g, " "),
    "640 slots and 64,000 slots: no forecast, since it misses",
  );
});

Deno.test("sweepReport() reports open-loop load, and lets nothing steer the terminal", async (t) => {
  const result = await openLoop();
  const text = sweepReport(result).text(STYLE);
  await t.assertSnapshot(text);
  // deno-lint-ignore no-control-regex
  assert(!/\x1b/.test(text));
  assert(anyFailed(result));
});

Deno.test("sweepReport() gives no interval to a fit that no size is left to check", async () => {
  const text = sweepReport(await resultOf(LAW, { sizes: [1, 2], refineSteps: 0 })).text(STYLE);
  assertMatch(
    text,
    /Amdahl's law: λ = \S+, σ = [\d.]+; limit \d+\/s; BAD FIT: 2\s+sizes are too few/,
  );
});

Deno.test("sweepReport() says that an interrupted sweep is partial", async () => {
  const text = sweepReport({ ...await resultOf(LAW), partial: true }).text(STYLE);
  assertStringIncludes(text, "Partial: the run was interrupted");
});

Deno.test("a sweep's result file survives JSON and its schema", async () => {
  for (const result of [await resultOf(LAW), await resultOf(plateau), await openLoop()]) {
    assertEquals(sweepResultSchema.parse(JSON.parse(JSON.stringify(result))), result);
  }
});

Deno.test("sweepCsv() writes a row for each round or rate, as many cells in each", async () => {
  const result = await resultOf(LAW);
  const rounds = result.points.reduce((sum, point) => sum + point.rounds.length, 0);
  for (const [of, rows] of [[result, rounds], [await openLoop(), 2]] as const) {
    const table = parse(sweepCsv(of));
    assertEquals(table.length, rows + 1);
    assertEquals(new Set(table.map((row) => row.length)).size, 1);
  }
});

Deno.test("a sweep's page draws points, intervals, fit, knee and a dashed extrapolation", async () => {
  const result = await resultOf(LAW);
  const page = reportPage([result]);
  assertEquals(page.match(/<svg /g)?.length, 2, "one for wide windows, one for narrow ones");
  const dots = page.match(/<circle/g)!.length;
  assertEquals(dots, 2 * result.points.length);
  assertStringIncludes(page, `knee at ${result.knee!.size}`);
  assertStringIncludes(page, 'stroke-dasharray="7 5"');
  assertStringIncludes(page, `<th scope="row">${result.points[0]!.size}</th>`);
  for (const { size } of result.points) {
    if (Number.isInteger(Math.log2(size))) assertStringIncludes(page, `>${size}</text>`);
  }
});

Deno.test("a sweep's page draws no extrapolation of a bad fit", async () => {
  const page = reportPage([await resultOf((slots) => slots <= 8 ? 50 * slots : 60)]);
  assert(!page.includes('stroke-dasharray="7 5"'));
  assertStringIncludes(page, "no forecast, since it misses");
});

Deno.test("a sweep's page shows both times of open-loop load, and makes no markup of any name", async () => {
  const job = { name: "<script>alert(1)</script>", task: "", options: {} };
  const page = reportPage([{
    ...await openLoop(),
    job,
    warnings: ["<img src=x onerror=alert(1)>"],
  }]);
  assertStringIncludes(page, "coordinated omission");
  assertStringIncludes(page, "corrected");
  assert(!page.includes("<script>alert") && !page.includes("<img"));
});

async function failing(): Promise<SweepResult> {
  const result = await resultOf({ lambda: 50, sigma: 0.05, kappa: 1e-3 });
  const points = result.points.map((point) => ({
    ...point,
    throughputPerSecond: { median: 0, low: 0, high: 0 },
    rounds: point.rounds.map((round) => ({
      ...round,
      succeeded: 0,
      failed: 5,
      reasons: { refused: 5 },
      examples: { refused: "item 0, GET http://a/" },
    })),
  }));
  return { ...result, points, fits: [], chosen: null, knee: null, best: null, forecasts: [] };
}

Deno.test("a sweep in which nothing succeeded recommends nothing, draws nothing and says why", async () => {
  const result = await failing();
  const text = sweepReport(result).text({ columns: 80, colour: false });
  assertStringIncludes(text, "No knee: no task succeeded.");
  assertStringIncludes(text, "refused (item 0, GET http://a/)");
  assert(!/\bTake \d|holds at every size|perfect/.test(text), text);
  assert(!/\bTake \d/.test(sweepReport(result).markdown()));
  assertEquals(reportPage([result]).includes("No knee: no task succeeded."), true);
});

const rowsOf = (text: string) => text.split("\n").filter((line) => /^\| \d/.test(line));

Deno.test("sweepReport() has a row for each size, the knee, and what it was measured on", async () => {
  const result = await resultOf({ lambda: 50, sigma: 0.05, kappa: 1e-3 });
  const text = sweepReport({ ...result, warnings: ["few <rounds>"], partial: true }).markdown();
  assertEquals(rowsOf(text).length, result.points.length);
  assertStringIncludes(text, "### wait a little: limited by slots, 3 to 9 rounds, ");
  assertStringIncludes(text, `\nKnee at ${result.knee!.size} slots`);
  assertStringIncludes(text, "\n- Warning: few &#60;rounds&#62;\n");
  assertStringIncludes(text, "\n**Partial:** the run was interrupted.\n");
  assertStringIncludes(text, "<sub>Deno 2.9.6, linux");
});

Deno.test("sweepReport() has a row for each rate, and says which was kept up", async () => {
  const text = sweepReport(await ratesOf()).markdown();
  assertEquals(rowsOf(text).map((row) => row.split(" | ").at(-1)), ["yes |", "no |"]);
});

Deno.test("sweepReport() says that nothing was measured where nothing was", async () => {
  const result = await ratesOf();
  assertStringIncludes(
    sweepReport({ ...result, openLoop: [] }).markdown(),
    "Nothing was measured.",
  );
});

Deno.test("a corrected p99 is called a least value only if requests had no answer", async () => {
  const result = await ratesOf();
  const [point] = result.openLoop;
  const told = [[0, 0], [1, 0], [0, 1]].map(([unanswered, unstarted]) => {
    const openLoop = [{ ...point!, unanswered: unanswered!, unstarted: unstarted! }];
    return sweepReport({ ...result, openLoop }).markdown().includes("≥");
  });
  assertEquals(told, [false, true, true]);
});
