/** How refusals limit slots and starts. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Refusals } from "../../lib/adaptive/refusals.ts";

const isPaused = (refusals: Refusals, nowMs: number) => refusals.waitMs(nowMs) > 0;

/** Ends tasks that started at `fromMs` and took 10 ms. */
function end(
  refusals: Refusals,
  through: number,
  refused: number,
  fromMs: number,
  askedMs = 0,
): void {
  refusals.ended(through + refused, fromMs, fromMs + 10, { refused, askedMs });
}

/** Ends as many answers and refusals with one slot, so that the rate is limited. */
function paced(refusals: Refusals, through: number, nowMs: number): number {
  end(refusals, through, 1, nowMs - 10);
  assertEquals(refusals.brake(nowMs, 1, 0), true);
  return refusals.gapMs;
}

Deno.test("a few refusals among many answers aren't too many", () => {
  const refusals = new Refusals(0);
  end(refusals, 99, 1, 0);
  assert(!refusals.areTooMany(0));
  end(refusals, 0, 4, 0);
  assert(refusals.areTooMany(0));
});

Deno.test("a single refusal among the first few tasks isn't too many, unless nothing else got through", () => {
  for (
    const [through, askedMs, inFlight, areMany] of [
      [3, 0, 0, false],
      [3, 50, 0, false],
      [0, 0, 3, false],
      [10, 0, 0, false],
      [2, 0, 0, true],
      [11, 0, 0, true],
    ] as const
  ) {
    const refusals = new Refusals(0);
    end(refusals, through, 0, 0);
    end(refusals, 0, 1, 0, askedMs);
    assertEquals(refusals.areTooMany(inFlight), areMany, `${through} ${askedMs}`);
    end(refusals, 0, 1, 0);
    assert(refusals.areTooMany(inFlight));
  }
});

Deno.test("refusals that come before any answer are held against everything in flight", () => {
  const refusals = new Refusals(0);
  end(refusals, 0, 3, 0);
  assertEquals([refusals.areTooMany(146), refusals.areTooMany(147)], [true, false]);
});

Deno.test("refusals limit the slots to as many as got through, and enough answers raise the limit again", () => {
  const refusals = new Refusals(0);
  end(refusals, 0, 3, 0);
  assertEquals(refusals.brake(100, 20, 17), undefined);
  assert(isPaused(refusals, 100));
  end(refusals, 12, 5, 50);
  assertEquals(refusals.brake(150, 20, 0), true);
  assert(!isPaused(refusals, 150));
  assertEquals(refusals.most, 12);
  // Tasks that had started before tell nothing new.
  end(refusals, 0, 1, 50);
  assert(!refusals.areTooMany(0));
  // 400 answers make up for the 8 refusals, 50 for each.
  const most = Array.from({ length: 6 }, () => (end(refusals, 80, 0, 200), refusals.most));
  assertEquals(most, [14, 16, 17, 17, 18, 18]);
  for (let at = 0; at < 10; at++) end(refusals, 80, 0, 200);
  assert(refusals.most > 20);
});

Deno.test("where one at once gets through, starts are evenly apart from then on, by the latency of late", () => {
  for (const [through, apart] of [[1, [0, 4.5, 2.25, 0]], [2, [0, 0, 0, 0]]] as const) {
    const refusals = new Refusals(0);
    refusals.ended(4, 0, 10, { refused: 4 - through }, 4);
    assertEquals(refusals.brake(10, 4, 0), true);
    assertEquals([1, 2, 4, 10].map((slots) => refusals.apartMs(slots)), [...apart]);
    for (let task = 0; task < 200; task++) refusals.ended(1, 100, 140, {}, 2);
    assertAlmostEquals(refusals.apartMs(2), through === 1 ? 18 : 0, 0.1);
  }
});

Deno.test("if some are refused of many slots, the number is limited even if it went well before", () => {
  const refusals = new Refusals(0);
  end(refusals, 80, 1, 900);
  refusals.brake(1000, 9, 0);
  assertEquals([refusals.gapMs, refusals.most], [0, 8]);
});

Deno.test("tasks in flight are waited for no longer than 800 ms before slots are limited", () => {
  const refusals = new Refusals(0);
  end(refusals, 1, 3, 0);
  assertEquals(refusals.brake(0, 8, 5), undefined);
  assertEquals(refusals.brake(799, 8, 5), undefined);
  assertEquals(refusals.brake(800, 8, 5), true);
  assertEquals(refusals.most, 5);
});

Deno.test("if everything is refused, pauses get longer, last as long as the server asks, and are given up in the end", () => {
  const refusals = new Refusals(0);
  end(refusals, 1, 0, 0);
  refusals.change();
  end(refusals, 0, 10, 0);
  assertEquals(refusals.brake(0, 11, 0), false);
  assert(isPaused(refusals, 99) && !isPaused(refusals, 100));
  end(refusals, 0, 1, 100, 3000);
  refusals.brake(101, 1, 0);
  assert(isPaused(refusals, 3100) && !isPaused(refusals, 3101));
  // Something got through: the next pause is short again.
  end(refusals, 1, 0, 3200);
  end(refusals, 0, 1, 3300);
  refusals.brake(3300, 1, 0);
  for (let time = 0, nowMs = 3400; time < 10; time++, nowMs += 100_000) {
    end(refusals, 0, 1, nowMs);
    refusals.brake(nowMs, 1, 0);
    assertEquals(isPaused(refusals, nowMs + 100 * 2 ** time - 1), true, `${time}`);
    assert(!isPaused(refusals, nowMs + 100 * 2 ** time));
  }
  end(refusals, 0, 1, 2e6);
  refusals.brake(2e6, 1, 0);
  assert(!isPaused(refusals, 2e6));
});

Deno.test("a server that has answered nothing yet is paused for, and limits nothing afterwards", () => {
  const refusals = new Refusals(0);
  end(refusals, 0, 1, 0);
  assertEquals(refusals.brake(10, 1, 0), false);
  assert(isPaused(refusals, 109));
  assertEquals([refusals.most, refusals.gapMs], [Infinity, 0]);
});

Deno.test("if some are refused of a single slot, or of a few that went well for long, the rate is limited to what got through", () => {
  for (const slots of [1, 4]) {
    // 20 tasks of 100 ms each end in a second.
    const refusals = new Refusals(0);
    for (let at = 0; at < 20; at++) refusals.ended(1, 890, 990);
    end(refusals, 0, 1, 990);
    assertEquals(refusals.brake(1000, slots, 0), true);
    assertAlmostEquals(refusals.gapMs, 50);
    assertEquals(refusals.most, 2);
  }
});

Deno.test("a pace gets faster as answers make up for refusals, until timers are no finer", () => {
  const refusals = new Refusals(0);
  const gaps = [paced(refusals, 40, 1000)];
  for (let time = 0; time < 8; time++) {
    end(refusals, 25, 0, 1100);
    gaps.push(refusals.gapMs);
  }
  for (const [at, gapMs] of gaps.entries()) {
    if (at > 0) assert(gapMs === 0 || gapMs < gaps[at - 1]!, `${gaps}`);
  }
  for (let time = 0; time < 40; time++) end(refusals, 25, 0, 1200);
  assertEquals(refusals.gapMs, 0);
});

Deno.test("a pace that is too fast again soon is reduced further", () => {
  const refusals = new Refusals(0);
  assertAlmostEquals(paced(refusals, 40, 1000), 25);
  assertAlmostEquals(paced(refusals, 10, 1200), 20 / 0.7);
});

Deno.test("the time that a task's module took to load doesn't count in the pace", () => {
  const refusals = new Refusals(0);
  for (let nowMs = 0; nowMs <= 200; nowMs++) refusals.begin(nowMs);
  for (let at = 0; at < 20; at++) refusals.ended(1, 1100, 1200);
  end(refusals, 0, 1, 1190);
  refusals.brake(1200, 1, 0);
  assertAlmostEquals(refusals.gapMs, 50);
});

Deno.test("a share that is refused however few tasks are in flight, or however slowly they start, is chance", () => {
  for (const slots of [32, 1]) {
    const refusals = new Refusals(0);
    let nowMs = 0;
    let given = slots;
    for (let task = 1; refusals.byChance === 0 && task < 1000; task++) {
      given = Math.min(slots, refusals.most);
      nowMs += Math.max(10 / given, refusals.gapMs);
      refusals.ended(1, nowMs - 0.01, nowMs, { refused: Number(task % 20 === 0) }, given);
      if (refusals.areTooMany(0)) refusals.brake(nowMs, given, 0);
    }
    const least = { most: refusals.most, gapMs: refusals.gapMs };
    if (slots > 1) assert(least.most < 0.7 * slots, `${least.most}`);
    else assert(least.gapMs > 15, `${least.gapMs}`);
    assertAlmostEquals(refusals.byChance, 0.05, 0.02);
    // From now on such a share limits nothing, and a much larger one does.
    for (let task = 1; task <= 400; task++) {
      refusals.ended(1, ++nowMs - 0.01, nowMs, { refused: Number(task % 20 === 0) }, 32);
      assert(!refusals.areTooMany(0));
    }
    assert(refusals.most >= slots && refusals.gapMs < least.gapMs + 1);
    end(refusals, 0, 40, nowMs);
    assert(refusals.areTooMany(0));
  }
});

Deno.test("refusals aren't taken for chance if everything, or half of it, is refused for a while", () => {
  for (const [through, refused] of [[0, 3], [8, 8]] as const) {
    const refusals = new Refusals(0);
    for (const [time, slots] of [32, 8, 8, 8, 8].entries()) {
      end(refusals, time === 0 ? 30 : through, time === 0 ? 2 : refused, 100 * time);
      refusals.brake(100 * time + 50, slots, 0);
    }
    assert(refusals.most < Infinity);
  }
});

Deno.test("a limit for tasks that fail with many slots is lifted once as many fail with fewer, or waiting was in vain", () => {
  for (const every of [2, 1]) {
    const refusals = new Refusals(0);
    refusals.ended(5, 0, 10, {}, 4);
    for (let task = 0; task < 16; task++) refusals.ended(1, 10, 20, { failed: 1 }, 16);
    assert(refusals.areTooMany(0));
    let nowMs = 20;
    refusals.brake(nowMs, 16, 0);
    let brakes = 0;
    for (let task = 0; task < 100; task++) {
      nowMs += Math.max(10, refusals.waitMs(nowMs), refusals.gapMs);
      const slots = Math.min(16, refusals.most);
      refusals.ended(1, nowMs - 1, nowMs, { failed: Number(task % every === 0) }, slots);
      if (refusals.areTooMany(0)) refusals.brake(nowMs, slots, 0), brakes = task;
    }
    assert(brakes < 60, `${brakes}`);
    assert(nowMs < 20_000, `${nowMs}`);
    assert(refusals.most > 8, `${refusals.most}`);
  }
});

Deno.test("a single refusal while slots grow to their limit again lowers it no further; a second one does", () => {
  const refusals = new Refusals(0);
  end(refusals, 25, 23, 0);
  refusals.brake(20, 48, 0);
  const { most } = refusals;
  for (const [fromMs, isKept] of [[30, true], [60, false]] as const) {
    end(refusals, 1, 1, fromMs);
    refusals.brake(fromMs + 20, 1, 0);
    assertEquals(refusals.most === most, isKept, `${fromMs}`);
  }
});

Deno.test("what is refused in the same share however slowly it is asked is refused by chance", () => {
  for (const [of10, isChance] of [[2, true], [7, false]] as const) {
    const refusals = new Refusals(0);
    end(refusals, 30, 18, 0);
    refusals.brake(20, 48, 0);
    let [nowMs, task] = [20, 0];
    for (; task < 200 && refusals.most < Infinity; task++) {
      nowMs += Math.max(10, refusals.waitMs(nowMs), refusals.gapMs);
      const isRefused = 7 * task % 10 < of10;
      end(refusals, Number(!isRefused), Number(isRefused), nowMs - 10);
      if (refusals.areTooMany(0)) refusals.brake(nowMs, 1, 0);
    }
    assertEquals(refusals.most === Infinity, isChance, `${of10}: ${task} ${nowMs}`);
  }
});
