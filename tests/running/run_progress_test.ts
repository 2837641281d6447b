import { assertEquals } from "@std/assert";
import { ONE } from "../../lib/adaptive/watch.ts";
import { VirtualTime } from "../dispatch/virtual_time.ts";
import { RunState } from "../../lib/running/run_job.ts";
import { RunProgress, waitsText } from "../../lib/running/run_progress.ts";

Deno.test("in a pipe a line tells how many have settled, how fast, and how long the rest takes", () => {
  const lines: string[] = [];
  using time = new VirtualTime();
  const state = new RunState({ done: 1000, failed: 0 });
  const one = new RunState({ done: 1, failed: 0 });
  const writeLine = (line: string) => lines.push(line);
  const output = { isTerminal: false, columns: 80, writeLine };
  const [progress, alone] = [state, one].map((of) => new RunProgress("crawl", of, output)) as [
    RunProgress,
    RunProgress,
  ];
  try {
    time.nowMs += 10_000;
    alone.tick();
    progress.tick();
    state.total = 2000;
    progress.tick();
    Object.assign(state, { total: 3000, succeeded: 499, failed: 1 });
    time.nowMs += 10_000;
    progress.tick();
    const paused = { ms: 11_400, asked: true, status: 429, host: "a.example" };
    state.waits = { again: 3, paused, others: 0 };
    progress.tick();
    state.waits = { again: 0, machine: true };
    progress.tick();
    state.waits = { again: 0 };
    const figures = { busyShare: 0.1, latencyMs: 20, perSecond: 25, refused: 0 };
    state.decided = { atMs: 0, from: ONE, to: { ...ONE, slots: 4 }, why: "waits", figures };
    progress.tick();
  } finally {
    progress.end();
    alone.end();
  }
  assertEquals(lines, [
    "crawl: 1 item",
    "crawl: 1,000 items",
    "crawl: 1,000 of 2,000 items (50%)",
    "crawl: 1,500 of 3,000 items (50%), 1 failed, 25.0/s, 1m left",
    "crawl: 1,500 of 3,000 items (50%), paused 12 s: the server asked for it (429, host a.example), " +
    "3 wait for a retry, 1 failed, 25.0/s, 1m left",
    "crawl: 1,500 of 3,000 items (50%), waits for a machine to join, 1 failed",
    "crawl: 1,500 of 3,000 items (50%), 1 failed, 25.0/s, 1m left, slots 1 → 4: tasks wait",
  ]);
});

Deno.test("what a run waits for is told by what is known of it", () => {
  const paused = { ms: 61_000, asked: false, status: undefined, host: undefined };
  assertEquals(waitsText({ again: 0 }), "");
  assertEquals(waitsText({ again: 1 }), "1 waits for a retry");
  assertEquals(waitsText({ again: 0, on: "prepare" }), "waits for prepare");
  assertEquals(waitsText({ again: 0 }, 4_000), "");
  assertEquals(waitsText({ again: 0 }, 12_000), "its event loop is held for 12 s");
  assertEquals(
    waitsText({ again: 2, machine: true }),
    "waits for a machine to join, 2 wait for a retry",
  );
  assertEquals(
    waitsText({ again: 0, paused: { ...paused, status: 429 }, others: 2 }),
    "paused 1m 1s: the server refuses (429), and 2 other hosts",
  );
  assertEquals(waitsText({ again: 0, paused }), "paused 1m 1s: the server refuses");
  assertEquals(
    waitsText({ again: 2, paused: { ...paused, host: "a.example" }, others: 1 }),
    "paused 1m 1s: the server refuses (host a.example), and 1 other host, 2 wait for a retry",
  );
});

/** A run's progress, on a clock that a test advances. */
function passing(run?: ConstructorParameters<typeof RunState>[1]) {
  const time = new VirtualTime();
  const state = new RunState({ done: 10, failed: 5 }, run);
  const progress = new RunProgress("crawl", state, {
    isTerminal: false,
    columns: 80,
    writeLine: () => {},
  });
  const pulse = (passedMs: number, succeeded: number, failed = 0) => {
    time.nowMs += passedMs;
    Object.assign(state, { succeeded, failed });
    return progress.pulse();
  };
  const end = () => {
    progress.end();
    time[Symbol.dispose]();
  };
  return { state, pulse, [Symbol.dispose]: end };
}

Deno.test("what earlier runs did counts as settled, but neither as failed nor for the rate", () => {
  using run = passing();
  const { atMs, settled, failed, total, perSecond, waits } = run.pulse(2_000, 6, 2);
  assertEquals([atMs, settled, failed, total, perSecond, waits], [2_000, 23, 2, null, 4, ""]);
});

Deno.test("items that failed are to be dealt with again where they run again, and the rest where it runs", () => {
  const told = (run: Parameters<typeof passing>[0]) => {
    using of = passing(run);
    of.state.total = 100;
    return [of.pulse(0, 0), of.pulse(1_000, 4, 1)].map((
      at,
    ) => [at.settled, at.total, at.perSecond]);
  };
  assertEquals(told({ rest: true, failed: false }), [[15, 100, 0], [20, 100, 5]]);
  assertEquals(told({ rest: true, failed: true }), [[10, 100, 0], [15, 100, 5]]);
  assertEquals(told({ rest: false, failed: true }), [[10, 15, 0], [15, 15, 5]]);
});

Deno.test("of a list that is longer than it was counted, how long isn't known", () => {
  using run = passing();
  run.state.total = 20;
  assertEquals(run.pulse(1_000, 5).total, 20);
  assertEquals(run.pulse(1_000, 6).total, null);
});

Deno.test("the rate is that of the last half minute", () => {
  using run = passing();
  assertEquals(run.pulse(0, 0).perSecond, 0);
  for (let at = 1; at <= 20; at++) run.pulse(1_000, 100 * at);
  assertEquals(run.pulse(0, 2_000).perSecond, 100);
  for (let at = 1; at <= 60; at++) run.pulse(1_000, 2_000);
  assertEquals(run.pulse(0, 2_000).perSecond, 0);
  // However long ago the last pulse was, the rate since then is known.
  assertEquals(run.pulse(100_000, 2_130).perSecond, 1.3);
});
