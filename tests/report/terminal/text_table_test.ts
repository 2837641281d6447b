import { assert, assertEquals } from "@std/assert";
import stringWidth from "string-width";
import { textTable } from "../../../lib/report/terminal/text_table.ts";

const COLUMNS = [
  { head: "model", left: true, cells: ["sequential", "workers"] },
  { head: "memory", dropOrder: 2, cells: ["62 MB", "118 MB"] },
  { head: "start", dropOrder: 1, cells: ["0.20 ms", "48.0 ms"] },
  {
    head: "speedup",
    cells: ["1×", "4.63× 4.49–4.81"],
    short: { cells: ["1×", "4.63×"], order: 0.5 },
  },
];
const at = (columns: number) => textTable(COLUMNS, { columns, colour: false }).split("\n");

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
