import { reportPage } from "../../../lib/report/kinds.ts";
import { parseReportFile } from "../../json_schemas.ts";
import { dots, lostText, switchReport } from "../../../lib/report/switching/switch_report.ts";
import { ideasOf } from "../../../lib/report/lesson/ideas.ts";
import { SEEN } from "../../../lib/report/switching/switch_words.ts";
import { Speaker } from "../../../lib/report/speaker.ts";
import type { SwitchFile } from "../../../lib/switching/switch_result.ts";
import { ResultFileError } from "../../../lib/timing/json_file.ts";
import { switchFile } from "./fixture.ts";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";

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

Deno.test("below the ticks of each row stands when its task computed", () => {
  const text = switchReport(switchFile()).text({ columns: 80, colour: false });
  const { rows } = switchFile().whoLetsGo;
  assertEquals(text.match(/^[ •]+\n +▔+$/gm)?.length, rows.length, text);
});

Deno.test("in the narrowest terminal the rows of each table can still be told apart", () => {
  const text = switchReport(switchFile()).text({ columns: 40, colour: false });
  const tables = text.split("\n\n").filter((block) => /^─+$/m.test(block));
  assertEquals(tables.length, 4);
  for (const table of tables) {
    const labels = table.split("\n").slice(2).map((row) => row.split(/ {2,}/)[0]);
    assertEquals(new Set(labels).size, labels.length, table);
  }
});

Deno.test("bars are as long as their share of the longest", () => {
  const text = switchReport(switchFile()).text({ columns: 120, colour: false });
  const bar = (of: string) =>
    /█*(?=\s|$)/.exec(text.split(of)[1]!.split("\n")[0]!.replace(/^[^█]*/, ""))![0];
  const { rows } = switchFile().whoseTurn;
  const share = Math.max(...rows[0]!.lost) / switchFile().whoseTurn.updates;
  assertEquals(bar("x[0]++").length, Math.ceil(20 * share));
  assertEquals(bar("a session each request").length, 20);
  assertEquals(bar("5 threads, a session each").length, Math.ceil(20 * 5 / 40));
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
  assertStringIncludes(markdown, "| 2 threads, Atomics.add | 0 | 50.0 ns |");
  assertStringIncludes(markdown, "| 5 threads, a session each | 5 | 5 | 40 |");
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

const { whoLetsGo, whoseTurn, whoseSession, whoIsServed } = switchFile();

/** The words on a file with other figures. */
function seen(idea: keyof typeof SEEN, of: Partial<SwitchFile> = {}): string {
  return SEEN[idea](new Speaker("en"), { ...switchFile(), ...of }).filter(Boolean).join(" ");
}

Deno.test("how a ticker fared is said with its figures", () => {
  const words = seen("inLoop");
  assertStringIncludes(words, "without an await, the ticker got 0 of 49 turns, at worst 490 ms");
  assertStringIncludes(words, "it awaited what was ready already, which lets in nothing but");
  assertStringIncludes(words, "a timer every 25 ms, the ticker got 19 of 49.");
  assertStringIncludes(seen("besideThread"), "that wants a turn every 10 ms got 49 of 49");
  assertEquals(seen("besideThread").includes("should have ticked on"), false);
});

Deno.test("a ticker that fared otherwise than it should isn't explained away", () => {
  const thread = { ...whoLetsGo.rows[3]!, came: 39 };
  const words = seen("besideThread", { whoLetsGo: { ...whoLetsGo, rows: [thread] } });
  assertStringIncludes(words, "got 39 of 49");
  assertStringIncludes(words, "It should have ticked on; other programs probably had the cores.");
});

Deno.test("what a race lost, and what safety costs, is said by its names", () => {
  const words = seen("races");
  assertStringIncludes(words, "lost updates in 2 of 3 runs, up to 50% of 1,000,000");
  assertStringIncludes(words, "With Atomics.add, which no other can come between, they lost 0");
  assertStringIncludes(words, "an update then took 50.0 ns instead of 1.00 ns");
  assertStringIncludes(seen("racesInLoop"), "one event loop lost 500,000 of 1,000,000");
});

Deno.test("a race that lost nothing is called luck", () => {
  const [plain, ...rest] = whoseTurn.rows;
  const rows = [{ ...plain!, lost: [0, 0, 0] }, ...rest];
  assertStringIncludes(
    seen("races", { whoseTurn: { ...whoseTurn, rows } }),
    "lost nothing in 3 runs, by luck",
  );
});

Deno.test("what differs from run to run is given as a range", () => {
  assertEquals(lostText({ lost: [480_000, 0, 499_000] }), "0–499,000");
  assertEquals(lostText({ lost: [5, 5] }), "5");
});

Deno.test("sessions and connections are told, and why a session stays where it is", () => {
  const words = seen("sessions");
  assertStringIncludes(words, "5 threads made 5 sessions and 5 connections for 40 pages");
  assertStringIncludes(words, whoseSession.refusal);
  assertStringIncludes(words, "the event loop made 1 session and 5 connections");
  assertStringIncludes(words, "With a new session for each request there were 40 connections.");
});

Deno.test("pages that didn't come are mentioned", () => {
  const [first, ...rest] = whoseSession.rows;
  const rows = [{ ...first!, pages: 39 }, ...rest];
  assertStringIncludes(
    seen("sessions", { whoseSession: { ...whoseSession, rows } }),
    "Only 39 of 40 pages came with a session each request, so",
  );
  assertEquals(seen("sessions").includes("Only"), false);
});

Deno.test("what is lost even with the await after the write is said", () => {
  const rows = whoseTurn.rows.map((row) => ({ ...row, lost: [0, 1_234] }));
  const lost = { whoseTurn: { ...whoseTurn, rows } };
  assertStringIncludes(seen("races", lost), "they lost 1,234; an update");
  assertStringIncludes(seen("racesInLoop", lost), "with the await after the writing, 1,234.");
});

Deno.test("what one event loop serves together is told, and what it doesn't", () => {
  const words = seen("server");
  assertStringIncludes(words, "20 clients asked at the same moment");
  assertStringIncludes(words, "after 420 ms; one event loop for all, after 24 ms.");
  assertStringIncludes(words, "the squares below 5,000,000 summed");
  assertStringIncludes(words, "on 2 threads it was 100 ms, 2.00 times as fast.");
  const served = (lastMs: number, answered = 20) =>
    seen("server", {
      whoIsServed: {
        ...whoIsServed,
        lanes: 1,
        rows: whoIsServed.rows.map((row) =>
          row.way === "computes, threads" ? { ...row, lastMs, answered } : row
        ),
      },
    });
  assertStringIncludes(served(400), "on 1 thread it was 400 ms, 2.00 times as long: other");
  assertStringIncludes(served(201), "it was 201 ms, about as long.");
  assertStringIncludes(
    served(100, 19),
    "Only 19 of 20 clients had an answer with computes, 1 thread",
  );
});

Deno.test("report and lesson say the same of the same experiments, and explain them alike", () => {
  const file = switchFile();
  const text = switchReport(file).text({ columns: 10_000, colour: false });
  const lesson = { ...file, kind: "lesson", language: "en" } as unknown as Parameters<
    typeof ideasOf
  >[0];
  for (const { id, about, seen } of ideasOf(lesson)) {
    if (!/^(preemptive|cooperative|races|sessions|server)$/.test(id)) continue;
    for (const sentence of [about, ...seen]) assertStringIncludes(text, sentence);
  }
});
