import { assert, assertEquals } from "@std/assert";
import { parse } from "@std/csv/parse";
import fc from "fast-check";
import { renderCsv, renderMarkdown } from "../../../lib/report/files/comparison_files.ts";
import { cpuComparison, HOSTILE, hostileResult, ioComparison, resultOf } from "../fixture.ts";

Deno.test("CSV has one row a round, as in the result file", async (t) => {
  const result = resultOf(ioComparison());
  const [head, ...rows] = parse(renderCsv([result]));
  assertEquals(rows.length, 15);
  const row = Object.fromEntries(head!.map((name, at) => [name, rows[5]![at]]));
  const model = result.comparisons[0]!.models[1]!;
  assertEquals(row.model, "concurrent");
  assertEquals(row.slots, "");
  assertEquals(Number(row.round), model.rounds[2]!.round);
  assertEquals(Number(row.runMs), model.rounds[2]!.runMs);
  await t.assertSnapshot(renderCsv([result]));
});

Deno.test("no text cell of a CSV file is a formula, and every row is whole", () => {
  const rows = parse(renderCsv([hostileResult()]));
  assertEquals(new Set(rows.map((row) => row.length)).size, 1);
  for (const cell of rows.flat()) assert(!/^\s*[=+\-@\t\r]/.test(cell), cell);
});

Deno.test("whatever a job is called, its name comes back from the CSV, or with an apostrophe", () => {
  // A lone CR LF inside quotes is a matter of taste among readers of CSV; std's keeps LF.
  const name = fc.oneof(fc.string(), fc.constantFrom(...HOSTILE)).filter((s) => !s.includes("\r"));
  fc.assert(fc.property(name, (name) => {
    const comparison = ioComparison();
    const job = { ...comparison.job, name };
    const rows = parse(
      renderCsv([resultOf({ ...comparison, job, models: comparison.models.slice(0, 1) })]),
    );
    assertEquals(rows[1]![0]!.replace(/^'/, ""), name.replace(/^'/, ""));
  }));
});

Deno.test("Markdown has a table and the verdict for each comparison", async (t) => {
  await t.assertSnapshot(renderMarkdown(resultOf(ioComparison(), cpuComparison())));
});

Deno.test("Markdown of hostile text", async (t) => {
  await t.assertSnapshot(renderMarkdown(hostileResult()));
});

Deno.test("text from outside can't format, link, mention or embed in Markdown", () => {
  // What this file itself writes goes first: the heading's signs, the rule, the foot's tags.
  const text = renderMarkdown(hostileResult()).replaceAll(
    /<\/?sub>|\*\*Partial:\*\*|^###|^- /gm,
    "",
  );
  const cells = text.split("\n").filter((line) => line.startsWith("|"));
  assertEquals(new Set(cells.map((line) => line.split("|").length)).size, 1);
  for (const line of text.split("\n")) {
    const inside = line.startsWith("|") ? line.replaceAll("|", " ") : line;
    assert(!/[<>`*_\[\]@~]|:\/\/|(?<!&)#|^[=+]/.test(inside), inside);
  }
});
