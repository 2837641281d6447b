import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parse } from "@std/csv/parse";
import stringWidth from "fast-string-width";
import { reportPage } from "../../../../lib/report/kinds.ts";
import {
  asReport,
  loopSentences,
  peersCsv,
  peersReport,
  summarySentences,
} from "../../../../scripts/peers/harness/peers_report.ts";
import { parseReportFile } from "../../../json_schemas.ts";
import { HOSTILE } from "../../../report/fixture.ts";
import { peersFile } from "./fixture.ts";

const at = (columns: number) => ({ columns, colour: false });

Deno.test("a race says what is measured and who is faster, whichever figures are better", () => {
  const text = peersReport(peersFile()).text(at(100));
  assertStringIncludes(text, "io: Downloading from a server on this machine: the tasks wait.");
  assertStringIncludes(text, "400× as fast (360–440)");
  // A contender with more milliseconds is slower.
  assertStringIncludes(text, "0.78× as fast");
  assertEquals(summarySentences(peersFile().rows), [
    "Of 7 comparisons this library is faster in 4, slower in 1, and in 2 there is no detectable " +
    "difference.",
    "It is slower than a hand-written loop (160 pages that take 50 ms, all at once: 0.78× as fast).",
  ]);
  assertStringIncludes(text, "aiohttp gather: not installed: no such module; pip install aiohttp");
});

Deno.test("a race of one round says that this tells nothing about noise", () => {
  const told = (rounds: number) =>
    peersReport({ ...peersFile(), rounds }).markdown().includes("nothing about noise");
  assertEquals([told(1), told(2)], [true, false]);
});

Deno.test("a race says which of Python's pools gain over its plain loop", () => {
  assertEquals(loopSentences(peersFile().rows), [
    "Against the plain loop, sums in Python 3.14.0 with its GIL: ThreadPoolExecutor(2) 0.98× " +
    "(no detectable gain), ProcessPoolExecutor(2) 1.90×.",
  ]);
  const text = peersReport(peersFile()).text(at(120));
  assertStringIncludes(text, "over its loop");
  assertStringIncludes(text, "0.98× 0.95–1.01");
  assertStringIncludes(peersReport(peersFile()).markdown(), "Against the plain loop");
});

Deno.test("a race tells what else was measured, in those contests that have it", () => {
  const file = peersFile();
  const [heads = "", ...rows] = peersReport(file).markdown().split("\n")
    .filter((line) => /^\|.*(connections|undici|hand-written)/.test(line));
  assertStringIncludes(heads, "| 99% within | memory | connections |");
  assertEquals(rows.map((row) => row.includes("| 71.5 ms | 84 MB | 64 |")), [false, true]);
  const without = file.rows.filter(({ besides }) => besides === undefined);
  assert(!peersReport({ ...file, rows: without }).markdown().includes("connections"));
});

Deno.test("the project's own aims are told where asked for alone", () => {
  assert(!/\baim\b|met/.test(peersReport(peersFile()).text(at(100))));
  assertStringIncludes(peersReport(peersFile(), { aims: true }).text(at(100)), "≥ 50.0×: met");
});

Deno.test("a race in short tells of each contest the best of the others alone", () => {
  const told = peersReport(peersFile(), { short: true }).text(at(120)).split("\n");
  assertEquals(told.filter((line) => line.includes("× as fast as")), [
    "tasks that do nothing: 8.00 M items/s, 400× as fast as piscina 5",
    "160 pages that take 50 ms, all at once: 64.0 ms, 0.78× as fast as a hand-written loop",
  ]);
  const rows = peersFile().rows.filter(({ contender }) => /concurrent|another/.test(contender));
  assertStringIncludes(
    peersReport({ ...peersFile(), rows }, { short: true }).text(at(120)),
    "1.00× as fast as another loop (unsure)",
  );
});

Deno.test("a race fits any width", () => {
  for (const columns of [40, 60, 80, 120]) {
    for (const options of [{}, { aims: true }, { short: true }]) {
      for (const line of peersReport(peersFile(), options).text(at(columns)).split("\n")) {
        assert(stringWidth(line) <= columns, line);
      }
    }
  }
});

Deno.test("a race's file is read again, and becomes a page, a table and Markdown", () => {
  const file = peersFile();
  assertEquals(parseReportFile(JSON.stringify(file), "peers.json"), asReport(file));
  const page = reportPage([asReport(file)]);
  assertStringIncludes(page, "400× as fast");
  assertStringIncludes(page, "This library against others");
  const [heads, ...rows] = parse(peersCsv(file));
  assertEquals(rows.length, 12);
  assertEquals(heads!.indexOf("better"), 7);
  assertStringIncludes(peersReport(file).markdown(), "| piscina 5 | ");
});

Deno.test("hostile names in a race stay inert", () => {
  for (const hostile of HOSTILE) {
    const file = peersFile();
    const rows = file.rows.map((row) => ({ ...row, contender: hostile, contest: hostile }));
    const text = peersReport({ ...file, rows }).text(at(80));
    // deno-lint-ignore no-control-regex
    assert(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(text));
    const page = reportPage([asReport({ ...file, rows })]);
    assert(!/<script|<img/i.test(page.replace(/<script[^>]*>.*?<\/script>/gs, "")));
  }
});
