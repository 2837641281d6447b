import { assert, assertEquals } from "@std/assert";
import stringWidth from "string-width";
import { type Column, markdownTable, textTable } from "../../lib/report/document.ts";

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
