import { assertEquals } from "@std/assert";
import { Turn } from "../../lib/lanes/event_loop.ts";
import { VirtualTime } from "./virtual_time.ts";

Deno.test("a turn is over once tasks have held it for 20 ms, and the next one begins in one of its own", () => {
  using time = new VirtualTime();
  let begun = 0;
  const turn = new Turn(() => begun++);
  assertEquals([turn.isOver(time.nowMs), turn.isOver(time.nowMs + 19)], [false, false]);
  assertEquals([turn.isOver(time.nowMs + 20), turn.isOver(time.nowMs)], [true, true]);
  // However often that is asked, it is told once.
  assertEquals([time.immediates, time.timers, begun], [1, 0, 0]);
  time.nowMs += 20;
  time.turn();
  assertEquals([begun, turn.isOver(time.nowMs + 19)], [1, false]);
});

Deno.test("after 200 ms awake the event loop sleeps, so that other threads are heard", () => {
  using time = new VirtualTime();
  const turn = new Turn(() => {});
  const sleeps = (afterMs: number) => {
    time.nowMs += afterMs;
    assertEquals(turn.isOver(time.nowMs), true);
    const does = time.timers === 1;
    assertEquals(time.immediates, does ? 0 : 1);
    if (does) time.pass(0);
    else time.turn();
    return does;
  };
  assertEquals([sleeps(199), sleeps(20), sleeps(180), sleeps(20)], [false, true, false, true]);
});

Deno.test("what is closed waits for no turn any more", () => {
  using time = new VirtualTime();
  for (const afterMs of [20, 200]) {
    const turn = new Turn(() => {});
    turn.isOver(time.nowMs + afterMs);
    turn.close();
    assertEquals([time.immediates, time.timers], [0, 0]);
  }
});
