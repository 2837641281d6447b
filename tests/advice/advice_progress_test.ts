import { assertEquals } from "@std/assert";
import { adviceProgress } from "../../lib/advice/advice_progress.ts";

Deno.test("adviceProgress() writes one plain line a phase in a pipe, harmless whatever the title", () => {
  const lines: string[] = [];
  const output = {
    isTerminal: false,
    columns: 80,
    writeLine: (line: string) => void lines.push(line),
  };
  const progress = adviceProgress("red \x1b[31mtitle", 30_000, output);
  progress.phase("running a sample one by one");
  progress.onEvent({ type: "ceiling-started" });
  progress.phase("racing the promising models");
  progress.end();
  assertEquals(lines, [
    "red title: running a sample one by one …",
    "red title: racing the promising models …",
  ]);
});
