import { parseReportFile, reportPage } from "../../../lib/report/kinds.ts";
import {
  dots,
  lostText,
  switchReport,
  whoIsServedWords,
  whoLetsGoWords,
  whoseSessionWords,
  whoseTurnWords,
} from "../../../lib/report/switching/switch_report.ts";
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

const { whoLetsGo, whoseTurn, whoseSession, whoIsServed } = switchFile();

Deno.test("how a ticker fared is said with its figures and by whose leave", () => {
  const words = whoLetsGoWords(whoLetsGo);
  assertStringIncludes(words, "In one event loop the ticker stood still (0 of 49 ticks, at worst");
  assertStringIncludes(words, "cooperative multitasking");
  assertStringIncludes(words, "With an await of a timer in it the ticker limped (19 of 49 ticks");
  assertStringIncludes(words, "every 25.0 ms");
  assertStringIncludes(
    words,
    "Beside a thread the ticker ticked on (49 of 49 ticks): threads run",
  );
});

Deno.test("a ticker that fared otherwise than it should isn't explained away", () => {
  const thread = { ...whoLetsGo.rows[3]!, came: 20 };
  const words = whoLetsGoWords({ ...whoLetsGo, rows: [thread] });
  assertStringIncludes(words, "Beside a thread the ticker limped (20 of 49 ticks)");
  assertStringIncludes(words, "to be expected that it ticked on; was the machine busy?");
  assertEquals(words.includes("preemptive"), false);
});

Deno.test("what a race lost, and what safety costs, is said by its names", () => {
  const words = whoseTurnWords(whoseTurn);
  assertStringIncludes(words, "lost updates in 2 of 3 runs, up to 50% of 1,000,000");
  assertStringIncludes(words, "a race condition, and its harm a lost update");
  assertStringIncludes(
    words,
    "never lost one, at 50.0 ns an update instead of 1.00 ns (50.0 times",
  );
  assertStringIncludes(words, "One event loop loses 50% too");
});

Deno.test("a race that lost nothing is called luck", () => {
  const [plain, ...rest] = whoseTurn.rows;
  const rows = [{ ...plain!, lost: [0, 0, 0] }, ...rest];
  assertStringIncludes(whoseTurnWords({ ...whoseTurn, rows }), "lost nothing in 3 runs, by luck");
});

Deno.test("what differs from run to run is given as a range", () => {
  assertEquals(lostText({ lost: [480_000, 0, 499_000] }), "0–499,000");
  assertEquals(lostText({ lost: [5, 5] }), "5");
});

Deno.test("clients and connections are told, and why a client stays where it is", () => {
  const words = whoseSessionWords(whoseSession);
  assertStringIncludes(words, "5 threads made 5 clients and 5 connections for 40 pages");
  assertStringIncludes(words, whoseSession.refusal);
  assertStringIncludes(words, "it opened 5 connections for up to 5 pages");
  assertStringIncludes(words, "40 pages cost 40 connections");
});

Deno.test("pages that didn't come are mentioned", () => {
  const [first, ...rest] = whoseSession.rows;
  const rows = [{ ...first!, pages: 39 }, ...rest];
  assertStringIncludes(
    whoseSessionWords({ ...whoseSession, rows }),
    "Only 39 of 40 pages came with event loop, a client each request, so",
  );
});

Deno.test("what is lost even with the await after the write is said", () => {
  const rows = whoseTurn.rows.map((row) => ({ ...row, lost: [0, 1_234] }));
  const words = whoseTurnWords({ ...whoseTurn, rows });
  assertStringIncludes(words, "Atomics.add lost 1,234, at 50.0 ns");
  assertStringIncludes(words, "With the await after the write it lost 1,234.");
  const none = whoseTurnWords({
    ...whoseTurn,
    rows: whoseTurn.rows.map((row) => ({ ...row, lost: [0] })),
  });
  assertStringIncludes(none, "it never loses one, without any lock");
  assertStringIncludes(none, "lost nothing even with an await between");
});

Deno.test("what one event loop serves together is told, and what it doesn't", () => {
  const words = whoIsServedWords(whoIsServed);
  assertStringIncludes(words, "20 clients had its answer after 420 ms");
  assertStringIncludes(words, "after 24.0 ms from one event loop for all (17.5 times as fast)");
  assertStringIncludes(words, "the squares below 5,000,000 summed");
  assertStringIncludes(words, "With the sums on 2 threads: 100 ms (2.00 times as fast)");
  const served = (lastMs: number, answered = 20) =>
    whoIsServedWords({
      ...whoIsServed,
      lanes: 1,
      rows: whoIsServed.rows.map((row) =>
        row.way === "computes, threads" ? { ...row, lastMs, answered } : row
      ),
    });
  assertStringIncludes(served(400), "With the sums on 1 thread: 400 ms (2.00 times as long)");
  assertStringIncludes(served(201), "201 ms (as long)");
  assertStringIncludes(served(201), "No time was gained here");
  assertStringIncludes(
    served(100, 19),
    "Only 19 of 20 clients had an answer with computes, 1 thread",
  );
});
