import { assertEquals, assertStringIncludes } from "@std/assert";
import { sweepMarkdown } from "../../../lib/report/scaling/sweep_files.ts";
import { resultOf } from "../../scaling/measured.ts";
import { ratesOf } from "../../scaling/rates.ts";

const rowsOf = (text: string) => text.split("\n").filter((line) => /^\| \d/.test(line));

Deno.test("sweepMarkdown() has a row for each size, the knee, and what it was measured on", async () => {
  const result = await resultOf({ lambda: 50, sigma: 0.05, kappa: 1e-3 });
  const text = sweepMarkdown({ ...result, warnings: ["few <rounds>"], partial: true });
  assertEquals(rowsOf(text).length, result.points.length);
  assertStringIncludes(text, "### wait a little: limited by slots\n");
  assertStringIncludes(text, `\nKnee at ${result.knee!.size} slots`);
  assertStringIncludes(text, "\n- Warning: few &#60;rounds&#62;\n");
  assertStringIncludes(text, "\n**Partial:** the run was interrupted.\n");
  assertStringIncludes(text, "<sub>Deno 2.9.6, linux");
});

Deno.test("sweepMarkdown() has a row for each rate, and says which was kept up", async () => {
  const text = sweepMarkdown(await ratesOf());
  assertEquals(rowsOf(text).map((row) => row.split(" | ").at(-1)), ["yes |", "no |"]);
});

Deno.test("sweepMarkdown() says that nothing was measured where nothing was", async () => {
  const result = await ratesOf();
  assertStringIncludes(sweepMarkdown({ ...result, openLoop: [] }), "Nothing was measured.");
});
