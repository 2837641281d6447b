import { assertEquals } from "@std/assert";
import { Turn } from "../../lib/lanes/event_loop.ts";
import { VirtualTime } from "./virtual_time.ts";

Deno.test("the next turn is asked for after 10 ms, and tasks that hold it up for 10 more wait for it", () => {
  using time = new VirtualTime();
  let begun = 0;
  const turn = new Turn(() => begun++);
  const isOver = (afterMs: number) => turn.isOver(time.nowMs += afterMs);
  assertEquals([isOver(9), time.immediates], [false, 0]);
  assertEquals([isOver(1), time.immediates], [false, 1]);
  assertEquals([isOver(9), isOver(1), isOver(5)], [false, true, true]);
  // However often isOver is asked, only one immediate is scheduled.
  assertEquals([time.immediates, time.timers, begun], [1, 0, 0]);
  time.turn();
  assertEquals([begun, isOver(9), time.immediates], [1, false, 0]);
});

Deno.test("tasks that let the event loop turn wait for nothing, nor does what comes after a rest", () => {
  using time = new VirtualTime();
  const turn = new Turn(() => {});
  for (let turns = 0; turns < 5; turns++) {
    assertEquals([turn.isOver(time.nowMs += 10), time.immediates], [false, 1]);
    time.turn();
  }
  const lastStartMs = time.nowMs + 20;
  time.nowMs += 100;
  assertEquals([turn.isOver(lastStartMs), turn.isOver(time.nowMs)], [false, false]);
});

Deno.test("after 200 ms awake the event loop sleeps, so that other threads are heard", () => {
  using time = new VirtualTime();
  const turn = new Turn(() => {});
  const sleeps = (afterMs: number) => {
    assertEquals(turn.isOver(time.nowMs += afterMs), false);
    const does = time.timers === 1;
    assertEquals(time.immediates, does ? 0 : 1);
    if (does) time.pass(0);
    else time.turn();
    return does;
  };
  assertEquals([sleeps(199), sleeps(20), sleeps(180), sleeps(20)], [false, true, false, true]);
});

Deno.test("while something is on another lane the event loop sleeps after each turn, so that it is heard", () => {
  using time = new VirtualTime();
  let isAwaited = true;
  const turn = new Turn(() => {}, () => isAwaited);
  assertEquals([turn.isOver(time.nowMs += 10), time.immediates, time.timers], [false, 0, 1]);
  time.pass(0);
  isAwaited = false;
  assertEquals([turn.isOver(time.nowMs += 10), time.immediates, time.timers], [false, 1, 0]);
});

Deno.test("a closed turn leaves no timer", () => {
  using time = new VirtualTime();
  for (const isAwaited of [true, false]) {
    const turn = new Turn(() => {}, () => isAwaited);
    turn.isOver(time.nowMs + 20);
    turn.close();
    assertEquals([time.immediates, time.timers], [0, 0]);
  }
});
