/** How many slots follow from how tasks end. Simulations in controller_test.ts test the effect. */

import { assert, assertEquals } from "@std/assert";
import { Refusals } from "../../lib/adaptive/refusals.ts";
import { Slots } from "../../lib/adaptive/slots.ts";
import type { Seen } from "../../lib/adaptive/watch.ts";

const SEEN: Seen = {
  nowMs: 0,
  loopCpuMs: 0,
  cpuMs: 0,
  heldMs: 0,
  switches: { involuntary: 0, voluntary: 0 },
  inFlight: 1,
  remaining: undefined,
  travels: true,
  memoryBytes: 0,
  lateMs: 0,
};

/** Slots of one event loop, used as a controller uses them. */
class Loop {
  readonly slots: Slots;
  #nowMs = 0;
  memoryBytes = 100;

  constructor(mostBytes = Infinity, guess?: number) {
    this.slots = new Slots({ maxSlots: 1000, memoryBytes: mostBytes, guess }, 1, 0);
    this.slots.begin({ ...SEEN, memoryBytes: this.memoryBytes });
  }

  /** Ticks, with all slots taken by default, and sets the wanted slots; returns the reason. */
  tick(nowMs: number, inFlight = this.slots.count, remaining?: number): string | undefined {
    this.#nowMs = nowMs;
    const { memoryBytes, slots } = this;
    const seen = { ...SEEN, nowMs, inFlight, memoryBytes, remaining };
    const wanted = slots.areTooMany(seen) ? slots.fewer(seen) : slots.next(seen);
    if (wanted === undefined) return undefined;
    slots.count = wanted.slots;
    slots.open(nowMs, wanted.why);
    return wanted.why;
  }

  /** Ends `count` tasks, and `refused` that are refused. */
  end(count: number, startedAtMs: number, endedAtMs: number, refused = 0): void {
    for (let task = 0; task < count; task++) {
      this.slots.onEnded(1, startedAtMs, endedAtMs);
    }
    if (refused > 0) this.slots.onEnded(refused, startedAtMs, endedAtMs, { refused });
    this.#nowMs = endedAtMs;
  }

  /** Starts a task in each slot now; all end after `tookMs`, of which nothing moved for `stillMs`. */
  round(tookMs: number, stillMs = 0): string | undefined {
    const fromMs = this.#nowMs;
    if (stillMs > 0) this.slots.leaveOut(fromMs + stillMs, stillMs);
    this.end(Math.ceil(this.slots.count), fromMs, fromMs + tookMs);
    return this.tick(fromMs + tookMs);
  }
}

Deno.test("before any task has ended there are at most 4 slots, and then no more than may be refused within the limit", () => {
  const loop = new Loop();
  for (let nowMs = 0; nowMs < 200; nowMs++) loop.tick(nowMs);
  assertEquals(loop.slots.count, 4);
  loop.end(1, 0, 200);
  for (let nowMs = 200; nowMs < 220; nowMs++) loop.tick(nowMs);
  // One slot would end nine tasks in 1.8 s.
  assertEquals(loop.slots.count, 9);
});

Deno.test("a list of up to 16 tasks is all in flight, though none has ended", () => {
  for (const [tasks, slots] of [[10, 10], [16, 16], [17, 4]] as const) {
    const loop = new Loop();
    for (let nowMs = 0; nowMs < 30; nowMs++) {
      const inFlight = Math.min(tasks, loop.slots.count);
      loop.tick(nowMs, inFlight, tasks - inFlight);
    }
    assertEquals(loop.slots.count, slots);
  }
});

Deno.test("failures count as refusals if they come with many slots and didn't with few", () => {
  for (const [fewFail, isRefused] of [[0, true], [3, false]] as const) {
    const loop = new Loop();
    loop.tick(2);
    loop.end(4 - fewFail, 2, 52);
    if (fewFail > 0) loop.slots.onEnded(fewFail, 2, 52, { failed: fewFail });
    loop.tick(53);
    loop.slots.count = 16;
    loop.slots.open(60);
    for (let task = 0; task < 14; task++) loop.slots.onEnded(1, 60, 110, { failed: 1 });
    assertEquals(loop.slots.areTooMany(SEEN), isRefused);
  }
});

Deno.test("more slots are allowed again once tasks fail as often with fewer slots, for then they weren't refused", () => {
  const loop = new Loop();
  loop.tick(2);
  loop.end(4, 2, 52);
  loop.tick(53);
  let nowMs = 60;
  let asked = 0;
  for (let round = 0; round < 200; round++) {
    nowMs += 100;
    loop.slots.open(nowMs);
    const { count } = loop.slots;
    for (let task = 0; task < count; task++) {
      loop.slots.onEnded(1, nowMs, nowMs + 50, { failed: Number(asked++ < 16 || asked % 2 === 0) });
    }
    nowMs += 50;
    loop.tick(nowMs, 0);
    loop.tick(nowMs + 5);
  }
  assertEquals([loop.slots.areTooMany(SEEN), loop.slots.most > 4], [false, true]);
});

Deno.test("tasks that are late however few there are take no slots in the end", () => {
  const loop = new Loop();
  loop.tick(2);
  let asked = 0;
  for (let nowMs = 2; nowMs < 3000;) {
    const { count } = loop.slots;
    for (let task = 0; task < count; task++) {
      const late = count > 1 ? { refused: 1, lost: 1 } : { failed: 1 };
      loop.slots.onEnded(1, nowMs, nowMs + 50, asked++ % 5 === 0 ? late : {});
    }
    nowMs += 50;
    loop.tick(nowMs, 0);
    do loop.tick(++nowMs); while (loop.slots.isPaused(nowMs));
  }
  assertEquals(loop.slots.count, 1000);
});

Deno.test("tasks that fail sooner than others end don't make those look slow", () => {
  const loop = new Loop();
  loop.slots.onEnded(1, 0, 1, { failed: 1 });
  assertEquals(loop.slots.latencies, [1]);
  loop.end(1, 0, 50);
  loop.slots.onEnded(1, 0, 1, { failed: 1 });
  assertEquals(loop.slots.latencies, [50]);
});

Deno.test("slots grow by answers to tasks that began while there were as many as now", () => {
  const loop = new Loop();
  loop.tick(2);
  assertEquals(loop.slots.count, 4);
  loop.end(1, 0, 1000);
  loop.tick(1000);
  assertEquals(loop.slots.count, 4);
  loop.end(3, 2, 1003);
  loop.tick(1003);
  assertEquals(loop.slots.count, 16);
});

Deno.test("slots taken away because tasks seemed to queue come back if as much less gets done with fewer", () => {
  for (const [tookMs, isQueue] of [[60, false], [10, true]] as const) {
    const loop = new Loop();
    while (loop.slots.count < 64) loop.round(10);
    // Tasks of the same stage that took the slots of its first ones end.
    for (let task = 0; task < 16; task++) loop.slots.onEnded(1, 20, 30);
    assertEquals([loop.round(60), loop.slots.count], ["queues", 20]);
    loop.round(tookMs);
    assertEquals(loop.slots.count === 64, !isQueue, `${loop.slots.count}`);
  }
});

Deno.test("if nothing ends any more a quarter of the slots is left; the others come back if less gets done with it", () => {
  for (const [tookMs, isStall] of [[10, true], [400, false]] as const) {
    const loop = new Loop();
    while (loop.slots.count < 256) loop.round(10);
    const whys: (string | undefined)[] = [];
    for (let nowMs = 50; nowMs < 400; nowMs += 10) whys.push(loop.tick(nowMs, 256));
    assertEquals([loop.slots.count, whys.filter((why) => why !== undefined)], [64, ["stalls"]]);
    loop.end(256, 40, 440);
    loop.end(64, 440, 440 + tookMs);
    loop.tick(440 + tookMs);
    assertEquals(loop.slots.count === 256, !isStall, `${loop.slots.count}`);
  }
});

Deno.test("time in which nothing moved on this machine makes no task look slower, and no task look stalled", () => {
  for (const isKnown of [true, false]) {
    const stillMs = isKnown ? 300 : 0;
    const loop = new Loop();
    while (loop.slots.count < 64) loop.round(10);
    for (let task = 0; task < 16; task++) loop.slots.onEnded(1, 20, 30);
    assertEquals(loop.round(310, stillMs), isKnown ? "waits" : "queues");
    const other = new Loop();
    while (other.slots.count < 256) other.round(10);
    if (isKnown) other.slots.leaveOut(340, stillMs);
    assertEquals(other.tick(345, 256), isKnown ? undefined : "stalls");
  }
});

Deno.test("time in which nothing moved on this machine doesn't make a server's answers look quicker", () => {
  const loop = new Loop();
  loop.slots.onEnded(1, 0, 50);
  loop.slots.leaveOut(150, 45);
  loop.slots.onEnded(1, 100, 150);
  // A task during which nothing moved doesn't look slower either.
  loop.slots.leaveOut(600, 300);
  loop.slots.onEnded(1, 300, 650);
  assertEquals(loop.slots.latencies, [50, 50, 50]);
});

Deno.test("nothing stalls while no more items are left to start, nor after a rest", () => {
  const loop = new Loop();
  while (loop.slots.count < 64) loop.round(10);
  loop.end(63, 30, 40);
  for (let nowMs = 50; nowMs < 1000; nowMs += 10) assertEquals(loop.tick(nowMs, 64, 0), undefined);
  loop.slots.begin({ ...SEEN, nowMs: 9000, memoryBytes: loop.memoryBytes });
  assertEquals(loop.tick(9010), undefined);
});

Deno.test("time in which nothing moved on this machine makes no pace slower", () => {
  const gaps = [0, 9000].map((stillMs) => {
    const loop = new Loop();
    for (let at = 0; at < 20; at++) loop.end(1, 890, 990);
    loop.slots.leaveOut(1000 + stillMs, stillMs);
    loop.end(0, 990 + stillMs, 1000 + stillMs, 1);
    loop.tick(1000 + stillMs, 0);
    return loop.slots.gapMs;
  });
  assert(gaps[0]! > 0);
  assertEquals(gaps[1], gaps[0]);
});

Deno.test("slots stay as they are while few are in use, as when items come slowly", () => {
  const loop = new Loop();
  while (loop.slots.count < 64) loop.round(10);
  for (let nowMs = 40; nowMs < 1000; nowMs += 10) assertEquals(loop.tick(nowMs, 1), undefined);
  assertEquals([loop.slots.count, loop.slots.isSlowStart], [64, true]);
});

Deno.test("slots that slow start gave are taken away if they stay unused for half a second although items are there", () => {
  const cases = [[false, 20, 20], [true, 20, 64], [false, 40, 64]] as const;
  for (const [awaitsItems, inFlight, slots] of cases) {
    const loop = new Loop();
    while (loop.slots.count < 64) loop.round(10);
    loop.end(64, 30, 40);
    const given = [100, 600].map((nowMs) =>
      loop.slots.next({ ...SEEN, nowMs, inFlight, awaitsItems }, false)
    );
    assertEquals(given, [undefined, slots < 64 ? { slots, why: "unused" } : undefined]);
  }
});

Deno.test("a rest counts against no slots", () => {
  const loop = new Loop();
  while (loop.slots.count < 256) loop.round(10);
  loop.end(20, 50, 60);
  loop.slots.begin({ ...SEEN, nowMs: 10_000, memoryBytes: loop.memoryBytes });
  loop.end(256, 10_000, 10_010);
  assertEquals([loop.tick(10_010), loop.slots.count], ["waits", 1000]);
});

Deno.test("beyond a guess slots double instead of growing fourfold", () => {
  const loop = new Loop(Infinity, 8);
  const counts = Array.from({ length: 5 }, () => (loop.round(100), loop.slots.count));
  assertEquals(counts.slice(0, 4), [4, 8, 16, 32]);
});

Deno.test("after refusals there are soon as many slots as got through", () => {
  const loop = new Loop();
  loop.tick(2);
  loop.end(0, 2, 5, 2);
  loop.tick(5, 2);
  loop.end(2, 2, 10);
  assertEquals([loop.tick(10, 0), loop.slots.count, loop.slots.judged], ["refused", 1, 2]);
  assertEquals([loop.tick(12), loop.slots.count], ["waits", 2]);
  for (let nowMs = 13; nowMs < 50; nowMs++) loop.tick(nowMs);
  assertEquals(loop.slots.count, 2);
});

Deno.test("a refusal takes slots and never adds any, though tasks that take long fit into its pace", () => {
  const refusals = new Refusals(0);
  const slots = new Slots({ maxSlots: 1000, memoryBytes: Infinity }, 4, 0, refusals);
  // Of 20 tasks in a second, each of which takes a second, one is refused.
  for (let at = 0; at < 19; at++) slots.onEnded(1, 0, 1000);
  slots.onEnded(1, 990, 1000, { refused: 1 });
  assertEquals(slots.fewer({ ...SEEN, nowMs: 1000, inFlight: 0 }), { slots: 4, why: "refused" });
  assert(slots.gapMs > 0);
});

Deno.test("memory above its limit takes slots in proportion, once a round, and limits their growth", () => {
  const loop = new Loop(1000);
  loop.tick(2);
  loop.memoryBytes = 110;
  loop.end(4, 2, 20);
  loop.tick(20);
  // Four tasks took 10 bytes.
  assertEquals(loop.slots.count, 16);
  loop.memoryBytes = 1100;
  assertEquals([loop.tick(21), loop.slots.count], ["memory", 11]);
  assertEquals([loop.tick(22), loop.slots.count], [undefined, 11]);
  loop.end(11, 22, 40);
  assertEquals([loop.tick(40), loop.slots.count], ["memory", 7]);
});

Deno.test("no decision is made if there can't be more slots", () => {
  const slots = new Slots({ maxSlots: 4, memoryBytes: Infinity }, 4, 0);
  slots.begin(SEEN);
  for (let task = 0; task < 4; task++) slots.onEnded(1, 0, 10);
  assertEquals(slots.next({ ...SEEN, nowMs: 20, inFlight: 4 }), undefined);
});
