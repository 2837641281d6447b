import { assertEquals } from "@std/assert";
import { ONE } from "../../lib/adaptive/watch.ts";
import { RunState } from "../../lib/running/run_job.ts";
import { RunProgress, waitsText } from "../../lib/running/run_progress.ts";

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
    const paused = { ms: 11_400, asked: true, status: 429, host: "a.example" };
    state.waits = { again: 3, paused, others: 0 };
    progress.tick();
    state.waits = { again: 0 };
    const figures = { busyShare: 0.1, latencyMs: 20, perSecond: 25, refused: 0 };
    state.decided = { atMs: 0, from: ONE, to: { ...ONE, slots: 4 }, why: "waits", figures };
    progress.tick();
  } finally {
    progress.end();
  }
  assertEquals(lines, [
    "crawl: 1,000 items",
    "crawl: 1,500 of 3,000 items (50%), 1 failed, 25.0/s, 1m left",
    "crawl: 1,500 of 3,000 items (50%), paused 12 s: the server asked for it (429, host a.example), " +
    "3 wait for a retry, 1 failed, 25.0/s, 1m left",
    "crawl: 1,500 of 3,000 items (50%), 1 failed, 25.0/s, 1m left, slots 1 → 4: tasks wait",
  ]);
});

Deno.test("what a run waits for is told by what is known of it", () => {
  const paused = { ms: 61_000, asked: false, status: undefined, host: undefined };
  assertEquals(waitsText({ again: 0 }), "");
  assertEquals(waitsText({ again: 1 }), "1 waits for a retry");
  assertEquals(
    waitsText({ again: 2, machine: true }),
    "waits for a machine to join, 2 wait for a retry",
  );
  assertEquals(
    waitsText({ again: 0, paused: { ...paused, status: 429 }, others: 2 }),
    "paused 1m 1s: the server refuses (429), and 2 other hosts",
  );
  assertEquals(waitsText({ again: 0, paused }), "paused 1m 1s: the server refuses");
});
