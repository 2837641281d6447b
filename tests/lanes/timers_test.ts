import { assertEquals } from "@std/assert";
import { Alarm } from "../../lib/lanes/timers.ts";
import { VirtualTime } from "../dispatch/virtual_time.ts";

Deno.test("an alarm goes off once, at the earliest of the times that it was set to, and can be set again", () => {
  using time = new VirtualTime();
  const wentOffMs: number[] = [];
  const alarm = new Alarm(() => void wentOffMs.push(time.nowMs));
  for (const waitMs of [500, 300, 400, 300]) alarm.within(waitMs);
  assertEquals(time.timers, 1);
  time.pass(299);
  assertEquals(wentOffMs, []);
  time.pass(701);
  assertEquals([wentOffMs, time.timers], [[1300], 0]);
  alarm.within(0.5);
  time.pass(1000);
  assertEquals(wentOffMs, [1300, 2001]);
});

Deno.test("an alarm may be set while it goes off, until it is stopped", () => {
  using time = new VirtualTime();
  let count = 0;
  const alarm: Alarm = new Alarm(() => {
    count++;
    alarm.within(100);
  });
  alarm.within(100);
  time.pass(1000);
  assertEquals([count, time.timers], [10, 1]);
  alarm.stop();
  time.pass(1000);
  assertEquals([count, time.timers], [10, 0]);
  alarm.within(100);
  time.pass(100);
  assertEquals(count, 11);
  alarm.stop();
});

Deno.test("an alarm for a time that no timer holds goes off when the longest one does", () => {
  using time = new VirtualTime();
  let count = 0;
  const alarm = new Alarm(() => void count++);
  alarm.within(Infinity);
  time.pass(2 ** 31 - 2);
  assertEquals([count, time.timers], [0, 1]);
  time.pass(1);
  assertEquals([count, time.timers], [1, 0]);
});
