import { assertEquals } from "@std/assert";
import { RunState } from "../../lib/running/run_job.ts";
import { RunProgress } from "../../lib/running/run_progress.ts";

Deno.test("in a pipe a line tells how many have settled, how fast, and how long the rest takes", () => {
  const lines: string[] = [];
  let nowMs = 0;
  const state = new RunState({ done: 1000, failed: 0 });
  const progress = new RunProgress("crawl", state, {
    isTerminal: false,
    columns: 80,
    writeLine: (line) => lines.push(line),
    now: () => nowMs,
  });
  try {
    nowMs = 10_000;
    progress.tick();
    Object.assign(state, { total: 3000, succeeded: 499, failed: 1 });
    nowMs = 20_000;
    progress.tick();
  } finally {
    progress.end();
  }
  assertEquals(lines, [
    "crawl: 1,000 items",
    "crawl: 1,500 of 3,000 items (50%), 1 failed, 25.0/s, 1m left",
  ]);
});
