import { assertEquals } from "@std/assert";
import { Ticker, tickFigures } from "../../lib/switching/who_lets_go.ts";
import { VirtualTime } from "../dispatch/virtual_time.ts";

Deno.test("a ticker ticks at every multiple of its period while its event loop is free", () => {
  using time = new VirtualTime();
  const ticker = new Ticker(10);
  time.pass(35);
  assertEquals(ticker.stop(), [10, 20, 30].map((ms) => ({ dueMs: ms, atMs: ms })));
  assertEquals(time.timers, 0);
});

Deno.test("a ticker that was held up ticks once, late, and makes up for nothing", () => {
  using time = new VirtualTime();
  const ticker = new Ticker(10);
  time.pass(15);
  time.nowMs += 500;
  time.pass(10);
  assertEquals(ticker.stop(), [
    { dueMs: 10, atMs: 10 },
    { dueMs: 20, atMs: 515 },
    { dueMs: 520, atMs: 520 },
  ]);
});

Deno.test("a tick that comes a little early isn't followed by another for the same time", () => {
  using time = new VirtualTime();
  const ticker = new Ticker(10);
  // The clock that ticks are timed by runs a little behind that of timers.
  performance.now = () => time.nowMs - 0.125;
  time.pass(25);
  assertEquals(ticker.stop(), [{ dueMs: 10, atMs: 9.875 }, { dueMs: 20, atMs: 20 }]);
});

/** The figures of a ticker beside a task that computes for half a second, yielding after each slice. */
function beside(sliceMs: number): ReturnType<typeof tickFigures> {
  using time = new VirtualTime();
  const ticker = new Ticker(10);
  time.pass(105);
  for (let computedMs = 0; computedMs < 500; computedMs += sliceMs) {
    time.nowMs += sliceMs;
    time.pass(0);
  }
  time.pass(100);
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
  using time = new VirtualTime();
  const ticker = new Ticker(10);
  time.pass(700);
  const figures = tickFigures(ticker.stop(), { fromMs: 105, toMs: 605 }, 10);
  assertEquals(figures, { due: 50, came: 50, typicalLateMs: 0, worstLateMs: 0 });
});

Deno.test("no tick was due in no time", () => {
  assertEquals(tickFigures([], { fromMs: 12, toMs: 13 }, 10), {
    ...{ due: 0, came: 0, typicalLateMs: 0, worstLateMs: 0 },
  });
});
