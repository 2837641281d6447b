import { assert, assertEquals } from "@std/assert";
import { stripAnsiCode } from "@std/fmt/colors";
import stringWidth from "fast-string-width";
import { textTable } from "../../../lib/report/document.ts";
import {
  MODEL_COLUMNS,
  renderCsv,
  resultReport,
} from "../../../lib/report/comparison/comparison_report.ts";
import type { Style } from "../../../lib/report/terminal.ts";
import type { Comparison } from "../../../lib/timing/result.ts";
import { cpuComparison, HOSTILE, hostileResult, ioComparison, resultOf } from "../fixture.ts";
import { parse } from "@std/csv/parse";
import fc from "../../properties.ts";

function renderTable({ models }: Comparison, style: Style): string {
  return textTable(MODEL_COLUMNS, models, style);
}

for (const columns of [80, 120]) {
  for (const colour of [false, true]) {
    const how = `${columns} columns ${colour ? "with" : "without"} colour`;
    Deno.test(`the whole report at ${how}`, async (t) => {
      await t.assertSnapshot(resultReport(resultOf(cpuComparison())).text({ columns, colour }));
    });
  }
}

Deno.test("the report of hostile text", async (t) => {
  await t.assertSnapshot(resultReport(hostileResult()).text({ columns: 80, colour: false }));
});

Deno.test("the report says the same with and without colour", () => {
  for (const result of [resultOf(ioComparison(), cpuComparison()), hostileResult()]) {
    const colourful = resultReport(result).text({ columns: 80, colour: true });
    const plain = resultReport(result).text({ columns: 80, colour: false });
    assert(stripAnsiCode(colourful) === plain);
  }
});

Deno.test("no line of the report is wider than the terminal, but for words that are", () => {
  for (const columns of [40, 60, 80, 120]) {
    const result = resultOf(ioComparison(), cpuComparison());
    for (const line of resultReport(result).text({ columns, colour: true }).split("\n")) {
      assert(stringWidth(line) <= columns, line);
    }
  }
});

Deno.test("without colour nothing in the report obeys to a terminal", () => {
  const text = resultReport(hostileResult()).text({ columns: 80, colour: false });
  // deno-lint-ignore no-control-regex
  assert(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.test(text));
});

Deno.test("a report of nothing says so", () => {
  assert(
    resultReport(resultOf()).text({ columns: 80, colour: false }).startsWith(
      "Nothing was measured.",
    ),
  );
});

Deno.test("a partial report says so", () => {
  const result = { ...resultOf(ioComparison()), partial: true };
  assert(resultReport(result).text({ columns: 80, colour: false }).includes("\nPartial: "));
});

for (const columns of [80, 120]) {
  for (const colour of [false, true]) {
    const how = `${columns} columns ${colour ? "with" : "without"} colour`;
    Deno.test(`the table at ${how}`, async (t) => {
      await t.assertSnapshot(renderTable(ioComparison(), { columns, colour }));
    });
  }
}

Deno.test("80 columns hold start, work, total, CPU, speedup, memory and failures", () => {
  for (const comparison of [ioComparison(), cpuComparison()]) {
    const head = renderTable(comparison, { columns: 80, colour: false }).split("\n")[0]!;
    assertEquals(
      head.trim().split(/\s+/),
      ["model", "start", "work", "total", "CPU", "speedup", "memory", "failed"],
    );
  }
});

Deno.test("no line of the table is wider than asked, down to what can't be left out", () => {
  for (const columns of [60, 80, 100, 120, 160]) {
    const comparison = hostileResult().comparisons[0]!;
    for (const line of renderTable(comparison, { columns, colour: true }).split("\n")) {
      assert(stringWidth(line) <= columns, `${columns}: ${line}`);
    }
  }
});

Deno.test("wide characters don't shift a column", () => {
  const comparison = ioComparison();
  const models = comparison.models.map((model, at) => ({
    ...model,
    model: at ? "日本語" : "ascii",
  }));
  const lines = renderTable({ ...comparison, models }, { columns: 80, colour: false }).split("\n");
  assertEquals(new Set(lines.map((line) => stringWidth(line))).size, 1);
});

Deno.test("without a speedup there is a dash, not a number", () => {
  const comparison = ioComparison();
  const models = comparison.models.map((model) => ({ ...model, speedup: null }));
  const lines = renderTable({ ...comparison, models }, { columns: 80, colour: false }).split("\n");
  assert(lines.slice(2).every((line) => / – /.test(line)), lines.join("\n"));
});

Deno.test("a model without rounds is shown as not measured", () => {
  const comparison = ioComparison();
  const models = [{ ...comparison.models[0]!, rounds: [], speedup: null }];
  const line = renderTable({ ...comparison, models }, { columns: 120, colour: false }).split(
    "\n",
  )[2]!;
  assert(!/NaN|Infinity/.test(line), line);
  assert(line.includes("–"));
});

Deno.test("a ceiling that a model passed is said to have been passed, and bounds no advice", () => {
  const low = { ...cpuComparison(), ceiling: { speedup: 1, lanes: 2 } };
  const text = resultReport(resultOf(low)).text({ columns: 200, colour: false });
  assert(text.includes("; a model gained more."));
  assert(!/compute no faster|can give here/.test(text));
});

Deno.test("a ceiling of fewer lanes than there are cores bounds as many lanes alone", () => {
  const few = { ...cpuComparison(), ceiling: { speedup: 1.96, lanes: 2 } };
  const text = resultReport(resultOf(few)).text({ columns: 200, colour: false });
  assert(
    text.includes("gain 1.96× on this machine, 0.98 a process; as many lanes compute no faster."),
  );
  assert(text.includes("; 1.96× is what 2 lanes can give here."));
});

Deno.test("the ceiling of this machine's cores bounds no graphics card and no other machine", () => {
  const comparison = cpuComparison();
  const speedup = { median: 12, low: 11, high: 13 };
  const [base, , , workers] = comparison.models;
  const verdict = (recommended: string) => ({ ...comparison.verdict!, recommended });
  const card = { ...workers!, model: "gpu", device: { name: "a card", software: false }, speedup };
  const elsewhere = { ...workers!, model: "cluster", speedup };
  for (const fast of [card, elsewhere]) {
    const models = [base!, fast];
    const of = { ...comparison, models, verdict: verdict(fast.model) };
    const text = resultReport(resultOf(of)).text({ columns: 200, colour: false });
    assert(text.includes("as many lanes compute no faster."), text);
    assert(!text.includes("can give here"), text);
  }
});

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
  // Readers of CSV treat a CR LF inside quotes differently; std's reader keeps only LF.
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
  await t.assertSnapshot(resultReport(resultOf(ioComparison(), cpuComparison())).markdown());
});

Deno.test("Markdown of hostile text", async (t) => {
  await t.assertSnapshot(resultReport(hostileResult()).markdown());
});

Deno.test("text from outside can't format, link, mention or embed in Markdown", () => {
  // Markup that the report itself writes is removed first: the heading's signs, the rule, the foot's tags.
  const text = resultReport(hostileResult()).markdown().replaceAll(
    /<\/?sub>|\*\*Partial:\*\*|^###|^- /gm,
    "",
  );
  const cells = text.split("\n").filter((line) => line.startsWith("|"));
  assertEquals(new Set(cells.map((line) => line.split("|").length)).size, 1);
  for (const line of text.split("\n")) {
    const inside = line.startsWith("|") ? line.replaceAll("|", " ") : line;
    assert(!/[<>`*_\[\]@~]|:\/\/|(?<!&)#|^[=+]/.test(inside), inside);
    const decoded = inside.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)));
    assert(!/[@#]\w/.test(decoded), "GitHub would take it for a mention or a reference");
  }
});

Deno.test("a ceiling of a busy machine is told with what others used", () => {
  const comparison = { ...cpuComparison(), others: { used: 1.8, cores: 2 } };
  const text = resultReport(resultOf(comparison)).text({ columns: 200, colour: false });
  assert(text.includes("0.98 a process while others used 1.80 of its 2 cores."));
  assert(!/compute no faster|can give here/.test(text));
});
