import { assertEquals } from "@std/assert";
import { createProgress } from "../../lib/progress/progress.ts";
import type { TrialResult, TrialSpec } from "../../lib/timing/spec.ts";

Deno.test("in a pipe there is one plain line a comparison, and nothing moves", () => {
  const lines: string[] = [];
  const writeLine = (line: string) => lines.push(line);
  const progress = createProgress({ isTerminal: false, columns: 80, writeLine, now: () => 0 });
  const models = [{ model: "sequential" }, { model: "limited", slots: 5 }] as const;
  const trial = { model: "sequential" } as TrialSpec;
  for (const job of ["download\x1b[2J 160 pages", "again"]) {
    progress.begin({ job, models, rounds: 3 });
    progress.onEvent({ type: "trial-started", trial, number: 1, of: 6 });
    progress.onEvent({ type: "progress", settled: 1, total: 160 });
    progress.onEvent({ type: "trial-ended", trial, result: {} as TrialResult });
    progress.onEvent({ type: "ceiling-started" });
    progress.end();
  }
  assertEquals(lines, [
    "download 160 pages: 3 rounds of sequential, limited …",
    "again: 3 rounds of sequential, limited …",
  ]);
});
