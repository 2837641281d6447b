import { assert, assertEquals } from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";
import { Alarm, clock, originHere, within } from "../../lib/lanes/timers.ts";
import { VirtualTime } from "../dispatch/virtual_time.ts";
import { granted } from "../granted.ts";
import { printed } from "./small_program.ts";

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

for (const set of [clock.setTimeout, clock.setImmediate]) {
  Deno.test(`an action of ${set.name} is in the async context in which it was set`, async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen = Promise.withResolvers<string | undefined>();
    storage.run("mine", () => set(() => seen.resolve(storage.getStore())));
    assertEquals(await storage.run("another", () => seen.promise), "mine");
  });
}

const urlOf = (path: string) => JSON.stringify(new URL(`../../lib/${path}`, import.meta.url));

for (
  const [whose, before] of [
    ["Deno's own", ""],
    ["Node's", "Object.defineProperty(Deno, 'internal', { value: Symbol() });"],
  ] as const
) {
  Deno.test(`a program goes on for timers that hold it and for immediates, ${whose}`, {
    ignore: !granted("run"),
  }, async () => {
    const code = `
      ${before}
      const { clock } = await import(${urlOf("lanes/timers.ts")});
      const seen = [];
      clock.hold(clock.setTimeout(() => seen.push("not held"), 2 ** 31 - 1), false);
      const again = clock.setTimeout(() => seen.push("held again"), 1);
      clock.hold(again, false);
      clock.hold(again, true);
      clock.clearTimeout(clock.setTimeout(() => seen.push("cleared"), 2 ** 31 - 1));
      clock.clearTimeout(undefined);
      clock.setImmediate(() => clock.setImmediate(() => seen.push("an immediate of an immediate")));
      clock.clearImmediate(clock.setImmediate(() => seen.push("cleared")));
      clock.clearImmediate(undefined);
      addEventListener("unload", () => print(seen.sort()));
    `;
    assertEquals(await printed(code), ["an immediate of an immediate", "held again"]);
  });
}

Deno.test(
  "a short program doesn't make Deno load Node's timers, under any model of the event loop",
  {
    ignore: !granted("run"),
  },
  async () => {
    const code = `
    const read = [];
    for (const name of ["setTimeout", "clearTimeout", "setInterval", "setImmediate", "clearImmediate"]) {
      const own = Object.getOwnPropertyDescriptor(globalThis, name);
      const get = () => (read.push(name), own.get?.call(globalThis) ?? own.value);
      Object.defineProperty(globalThis, name, { configurable: true, get });
    }
    // At each reading 5 ms have passed, so that turns of the event loop are due.
    let nowMs = 0;
    performance.now = () => nowMs += 5;
    const models = await import(${urlOf("open.ts")});
    const task = { module: "data:text/javascript,export default (n) => n + 1", export: "default" };
    const seen = [];
    for (const name of ["sequential", "concurrent", "limited", "auto"]) {
      await using executor = models[name]();
      for await (const value of executor.map(task, [1, 2, 3])) seen.push(value);
      seen.push(await executor.run((n) => -n, 1));
    }
    print([seen.join(), read]);
  `;
    assertEquals(await printed(code), [Array(4).fill("2,3,4,-1").join(), []]);
  },
);

Deno.test("what came in time counts, though this event loop was held up beyond the time", async () => {
  const { port1, port2 } = new MessageChannel();
  const { promise, resolve } = Promise.withResolvers<string>();
  port2.onmessage = () => resolve("in time");
  const answer = within(5, promise, () => "late");
  port1.postMessage(0);
  for (const sinceMs = performance.now(); performance.now() < sinceMs + 20;);
  assertEquals(await answer, "in time");
  port1.close();
  port2.close();
});

Deno.test("a lane's clock isn't shifted because this thread lost its core while it read its own", () => {
  const { now } = clock;
  const originMs = originHere(1_000);
  for (const lateAt of [0, 1]) {
    let reads = 0;
    clock.now = () => now() + (reads++ === lateAt ? 50 : 0);
    try {
      assert(Math.abs(originHere(1_000) - originMs) < 25);
    } finally {
      clock.now = now;
    }
  }
});
