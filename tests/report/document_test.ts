import {
  code,
  type Column,
  csv,
  documentOf,
  environmentLine,
  escapeMarkdown,
  footnote,
  heading,
  inTerminal,
  lines,
  markdownTable,
  paragraph,
  partialNote,
  points,
  textTable,
  together,
} from "../../lib/report/document.ts";
import { ENVIRONMENT } from "../environment.ts";
import { resultOf } from "./fixture.ts";
import { assert, assertEquals, assertMatch } from "@std/assert";
import stringWidth from "fast-string-width";

const STYLE = { columns: 24, colour: false };

Deno.test("a document tells the same in a terminal and as Markdown, and empty blocks leave no gap", () => {
  const blocks = documentOf([
    together(heading("a | b"), paragraph("one\x1b[2J two")),
    paragraph(""),
    lines([]),
    points("none", []),
    lines(["b", "1. c"]),
    points("why", ["because of what follows from it"]),
    inTerminal(() => "~~~"),
    partialNote(false),
  ]);
  assertEquals(
    blocks.text(STYLE),
    "a | b\none two\n\nb\n1. c\n\nwhy\n  • because of what\n    follows from it\n\n~~~",
  );
  assertEquals(
    blocks.markdown(),
    "### a &#124; b\n\none two\n\n- b\n- 1&#46; c\n\n#### why\n\n- because of what follows from it",
  );
});

Deno.test("code's fence is longer than any within it, and at least three signs long", () => {
  assertEquals(code(["a"]).markdown(), "```ts\na\n```");
  assertEquals(code(["````"]).markdown(), "`````ts\n````\n`````");
  assertEquals(code(["a", "", "b"], "  ").text(STYLE), "  a\n\n  b");
});

Deno.test("a report ends with whether it is partial and its machine", () => {
  const { environment } = resultOf();
  const noted = { ...environment, notes: ["a <proxy>"] };
  const end = documentOf([partialNote(true), footnote(noted, ["before"], ["behind"])]);
  const [partial, foot, ...rest] = end.markdown().split("\n\n");
  assertEquals(partial, "**Partial:** the run was interrupted.");
  assertEquals(foot!.endsWith("; Note: a &#60;proxy&#62;</sub>"), true, foot);
  assertEquals(rest, []);
  const text = end.text({ ...STYLE, columns: 1000 }).split("\n");
  assertEquals([text[0]!.startsWith("Partial: "), text[2], text.at(-1)], [
    true,
    "before",
    "behind",
  ]);
});

Deno.test("the environment is one line, with a start that isn't a date as it is", () => {
  const { environment } = resultOf();
  assertEquals(
    environmentLine({ ...environment, cpuModel: "Some CPU" }),
    "Deno 2.9.6, linux x86_64, 2 CPUs (Some CPU), load 0.42, seed 42, 2026-01-02 03:04 UTC",
  );
  const { seed: _, ...machine } = environment;
  assert(!environmentLine(machine).includes("seed"));
  assert(environmentLine({ ...environment, startedAt: "long\nago" }).endsWith(", long ago"));
});

Deno.test("where a table doesn't fit its widest column of words is cut, be it the first or not", () => {
  const rows = [{ at: "88.5 ms", what: "slots 1 → 32: tasks wait" }];
  const columns: readonly Column<typeof rows[number]>[] = [
    { head: "after", cell: ({ at }) => at },
    { head: "decided", cell: ({ what }) => what, left: true },
  ];
  const [, , row] = textTable(columns, rows, { columns: 24, colour: false }).split("\n");
  assertEquals(row, "88.5 ms  slots 1 → 32: …");
});

Deno.test("what a footnote explains is told once where several reports are printed", () => {
  const style = { columns: 80, colour: false, explained: new Set<string>() };
  const told = () => footnote(ENVIRONMENT, ["Before."], ["Behind."]).text(style);
  assertMatch(told(), /^ *Before\.\n[^]+\n *Behind\.$/);
  const again = told();
  assertEquals(/Before|Behind/.test(again), false);
  assertMatch(again, /^ *Deno /);
});

Deno.test("a table has a row of names, an empty cell for what is missing, and no formula", () => {
  const columns = {
    name: ([name]: readonly [string, number | null]) => name,
    count: ([, count]: readonly [string, number | null]) => count,
    even: ([, count]: readonly [string, number | null]) =>
      count === null ? undefined : !(count % 2),
  };
  assertEquals(
    csv(columns, [["a,b", 0], ["=1+1", 1], [" @x", null], ["\uff1dx", -2]]),
    "name,count,even\r\n\"a,b\",0,true\r\n'=1+1,1,false\r\n' @x,,\r\n'\uff1dx,-2,true\r\n",
  );
  assertEquals(csv(columns, []), "name,count,even\r\n");
});

Deno.test("text formats, links and mentions nothing, nor begins a list, a quotation or a rule", () => {
  assertEquals(
    escapeMarkdown("*a* [b](c) @d #1 # @"),
    "&#42;a&#42; &#91;b&#93;(c) &#64;&#8203;d &#35;&#8203;1 &#35; &#64;",
  );
  assertEquals(escapeMarkdown("https://x www.y"), "https&#58;//x www&#46;y");
  assertEquals(escapeMarkdown("a:+1: gh-1 b: c"), "a:&#8203;+1: gh-&#8203;1 b: c");
  assertEquals(["- a", "+ a", "== a"].map(escapeMarkdown), ["&#45; a", "&#43; a", "&#61;= a"]);
  assertEquals(["1. a", "12) a", "1.5 a"].map(escapeMarkdown), ["1&#46; a", "12&#41; a", "1.5 a"]);
  assertEquals(escapeMarkdown("two\nlines"), "two lines");
});

type Row = readonly [model: string, memory: string, start: string, speedup: string];

const COLUMNS: readonly Column<Row>[] = [
  { head: "model", left: true, cell: ([model]) => model },
  { head: "memory", dropOrder: 2, cell: ([, memory]) => memory },
  { head: "start", longHead: "start-up", dropOrder: 1, cell: ([, , start]) => start },
  {
    head: "speedup",
    cell: ([, , , speedup]) => speedup,
    short: { cell: ([, , , speedup]) => speedup.split(" ")[0]!, order: 0.5 },
    tone: ([model]) => model === "workers" ? "good" : undefined,
  },
];
const ROWS: readonly Row[] = [
  ["sequential", "62 MB", "0.20 ms", "1×"],
  ["workers", "118 MB", "48.0 ms", "4.63× 4.49–4.81"],
];
const at = (columns: number) => textTable(COLUMNS, ROWS, { columns, colour: false }).split("\n");

Deno.test("a table leaves out what is least telling, then shortens, then cuts", () => {
  assertEquals(at(80)[0], "model       memory    start          speedup");
  assertEquals(at(40)[0], "model         start          speedup");
  assertEquals(at(28)[0], "model               speedup");
  assertEquals(at(22).slice(0, 3), ["model       speedup", "─".repeat(19), "sequential       1×"]);
  assertEquals(at(16)[2], "sequen…       1×");
  for (const columns of [16, 22, 28, 40, 80]) {
    for (const line of at(columns)) assert(stringWidth(line) <= columns, line);
  }
});

Deno.test("a column's own limit cuts its cells, and its tone colours them", () => {
  const columns = COLUMNS.map((column) => ({ ...column, most: 4 }));
  const [head, , , workers] = textTable(columns, ROWS, { columns: 80, colour: true }).split("\n");
  assert(head!.startsWith("\x1b[1mmodel\x1b[22m"), head);
  assertEquals(workers!.split(/ +/), ["wor…", "118…", "48.…", "\x1b[32m4.6…\x1b[39m"]);
});

Deno.test("Markdown has every column, but for those that only a terminal has", () => {
  const bar: Column<Row> = { head: "bar", cell: () => "█", terminalOnly: true };
  assertEquals(markdownTable([...COLUMNS, bar], ROWS.slice(0, 1)).split("\n"), [
    "| model | memory | start-up | speedup |",
    "| :-- | --: | --: | --: |",
    "| sequential | 62 MB | 0.20 ms | 1× |",
  ]);
});
