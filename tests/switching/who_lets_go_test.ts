import { assertEquals } from "@std/assert";
import { Ticker, tickFigures } from "../../lib/switching/who_lets_go.ts";
import { VirtualTimers } from "./virtual_timers.ts";

Deno.test("a ticker ticks at every multiple of its period while its event loop is free", () => {
  const timers = new VirtualTimers();
  const ticker = new Ticker(10, timers);
  timers.pass(35);
  assertEquals(ticker.stop(), [10, 20, 30].map((ms) => ({ dueMs: ms, atMs: ms })));
  assertEquals(timers.pending, 0);
});

Deno.test("a ticker that was held up ticks once, late, and makes up for nothing", () => {
  const timers = new VirtualTimers();
  const ticker = new Ticker(10, timers);
  timers.pass(15);
  timers.hold(500);
  timers.pass(10);
  assertEquals(ticker.stop(), [
    { dueMs: 10, atMs: 10 },
    { dueMs: 20, atMs: 515 },
    { dueMs: 520, atMs: 520 },
  ]);
});

Deno.test("a tick that comes a little early isn't followed by another for the same time", () => {
  let fire = () => {};
  let nowMs = 0;
  const ticker = new Ticker(10, {
    now: () => nowMs,
    after: (_, callback) => {
      fire = callback;
      return () => {};
    },
  });
  nowMs = 9.9;
  fire();
  nowMs = 20;
  fire();
  assertEquals(ticker.stop(), [{ dueMs: 10, atMs: 9.9 }, { dueMs: 20, atMs: 20 }]);
});

/** The figures of a ticker beside a task that computes for half a second, yielding after each slice. */
function beside(sliceMs: number): ReturnType<typeof tickFigures> {
  const timers = new VirtualTimers();
  const ticker = new Ticker(10, timers);
  timers.pass(105);
  for (let computedMs = 0; computedMs < 500; computedMs += sliceMs) timers.hold(sliceMs);
  timers.pass(100);
  return tickFigures(ticker.stop(), { fromMs: 105, toMs: 605 }, 10);
}

Deno.test("beside a task that never lets go no tick comes, and the first is half a second late", () => {
  const figures = beside(500);
  assertEquals(figures, { due: 50, came: 0, typicalLateMs: 495, worstLateMs: 495 });
});

Deno.test("beside a task that lets go every 25 ms a tick comes after each slice", () => {
  const figures = beside(25);
  assertEquals([figures.due, figures.came], [50, 19]);
  assertEquals(figures.worstLateMs, 20);
});

Deno.test("beside a thread every tick comes", () => {
  const timers = new VirtualTimers();
  const ticker = new Ticker(10, timers);
  timers.pass(700);
  const figures = tickFigures(ticker.stop(), { fromMs: 105, toMs: 605 }, 10);
  assertEquals(figures, { due: 50, came: 50, typicalLateMs: 0, worstLateMs: 0 });
});

Deno.test("no tick was due in no time", () => {
  assertEquals(tickFigures([], { fromMs: 12, toMs: 13 }, 10), {
    ...{ due: 0, came: 0, typicalLateMs: 0, worstLateMs: 0 },
  });
});
