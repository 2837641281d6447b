import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { reportPage } from "../../../lib/report/html/report_page.ts";
import type { SweepResult } from "../../../lib/scaling/sweep_result.ts";
import { sweepMarkdown } from "../../../lib/report/scaling/sweep_files.ts";
import { sweepText } from "../../../lib/report/scaling/sweep_text.ts";
import { resultOf } from "../measured.ts";

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
  const text = sweepText(result, { columns: 80, colour: false });
  assertStringIncludes(text, "No knee: no task succeeded.");
  assertStringIncludes(text, "refused (item 0, GET http://a/)");
  assert(!/\bTake \d|holds at every size|perfect/.test(text), text);
  assert(!/\bTake \d/.test(sweepMarkdown(result)));
  assertEquals(reportPage([result]).includes("No knee: no task succeeded."), true);
});
