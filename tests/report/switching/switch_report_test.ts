import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseReportFile } from "../../../lib/report/kinds.ts";
import { ResultFileError } from "../../../lib/timing/json_file.ts";
import { reportPage } from "../../../lib/report/kinds.ts";
import { dots, switchReport } from "../../../lib/report/switching/switch_report.ts";
import { switchFile } from "./fixture.ts";

Deno.test("ticks are dots on a time axis", () => {
  const [held, , , thread] = switchFile().whoLetsGo.rows;
  assertEquals(dots(held!, 700, 70), ` ${"•".repeat(10)}${" ".repeat(49)}${"•".repeat(10)}`);
  assertEquals(dots(thread!, 700, 70), ` ${"•".repeat(69)}`);
});

Deno.test("the text fits the terminal, and is plain without colour", () => {
  for (const columns of [80, 100, 160]) {
    const text = switchReport(switchFile()).text({ columns, colour: false });
    for (const line of text.split("\n")) assert([...line].length <= columns, line);
    // deno-lint-ignore no-control-regex
    assertEquals(/\x1b/.test(text), false);
  }
});

Deno.test("bars are as long as their share of the longest", () => {
  const text = switchReport(switchFile()).text({ columns: 120, colour: false });
  const bar = (of: string) =>
    /█*(?=\s|$)/.exec(text.split(of)[1]!.split("\n")[0]!.replace(/^[^█]*/, ""))![0];
  const { rows } = switchFile().whoseTurn;
  const share = Math.max(...rows[0]!.lost) / switchFile().whoseTurn.updates;
  assertEquals(bar("x[0]++ ").length, Math.ceil(20 * share));
  assertEquals(bar("a client each request ").length, 20);
  assertEquals(bar("5 threads, a client each ").length, Math.ceil(20 * 5 / 40));
});

Deno.test("text and page tell the experiments that were run, and no others", () => {
  const { whoLetsGo: _, whoseSession: __, whoIsServed: ___, ...file } = switchFile();
  const text = switchReport(file).text({ columns: 80, colour: false });
  const page = reportPage([file]);
  for (const made of [text, page]) {
    assertStringIncludes(made, "Whose turn was it?");
    assertEquals(/Who lets go|Whose session|Who is served/.test(made), false);
  }
});

Deno.test("the page has a chart and a table for each experiment, and escapes what was said", () => {
  const page = reportPage([switchFile()]);
  assertEquals(page.match(/<figure /g)?.length, 4);
  assertEquals(page.match(/<caption>/g)?.length, 4);
  assertStringIncludes(page, "&lt;b&gt;HttpClient&lt;/b&gt;");
  assertEquals(page.includes("<b>HttpClient"), false);
});

Deno.test("the tables for an issue hold every row, and escape what was said", () => {
  const markdown = switchReport(switchFile()).markdown();
  assertStringIncludes(markdown, "| in a thread | 49 of 49 |");
  assertStringIncludes(markdown, "| 2 threads | Atomics.add | 0 | 50.0 ns |");
  assertStringIncludes(markdown, "| 5 threads, a client each | 5 | 5 | 40 |");
  assertStringIncludes(markdown, "| computes, 2 threads | 20 | 52.0 ms | 100 ms |");
  assertEquals(markdown.includes("<b>"), false);
});

Deno.test("a file of these experiments is read again, and refused if there is none in it", () => {
  const file = switchFile();
  assertEquals(parseReportFile(JSON.stringify(file), "switch.json"), file);
  const { schemaVersion, kind, environment } = file;
  const empty = JSON.stringify({ schemaVersion, kind, environment });
  assertThrows(
    () => parseReportFile(empty, "switch.json"),
    ResultFileError,
    "there is no experiment in it",
  );
});

Deno.test("control characters in a file reach neither terminal nor page", () => {
  const file = switchFile();
  const whoseSession = { ...file.whoseSession, refusal: "\x1b[31mred\x07\u202e" };
  const made = [
    switchReport({ ...file, whoseSession }).text({ columns: 80, colour: false }),
    reportPage([{ ...file, whoseSession }]),
  ];
  // deno-lint-ignore no-control-regex
  for (const text of made) assertEquals(/[\x1b\x07\u202e]/.test(text), false);
});
