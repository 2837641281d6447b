/** How refusals are met. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Refusals } from "../../lib/adaptive/refusals.ts";

const isPaused = (refusals: Refusals, nowMs: number) => refusals.waitMs(nowMs) > 0;

/** Tasks end that were started then, and took 10 ms. */
function end(
  refusals: Refusals,
  through: number,
  refused: number,
  fromMs: number,
  askedMs = 0,
): void {
  refusals.ended(through + refused, fromMs, fromMs + 10, { refused, askedMs });
}

Deno.test("a few refusals among many are no limit", () => {
  const refusals = new Refusals(0);
  end(refusals, 99, 1, 0);
  assert(!refusals.areTooMany(0));
  end(refusals, 0, 4, 0);
  assert(refusals.areTooMany(0));
});

Deno.test("there are as many slots as got through, and more once answers have made up for it", () => {
  const refusals = new Refusals(0);
  end(refusals, 0, 3, 0);
  assertEquals(refusals.brake(100, 20, 17), undefined);
  assert(isPaused(refusals, 100));
  end(refusals, 12, 5, 50);
  assertEquals(refusals.brake(150, 20, 0), 12);
  assert(!isPaused(refusals, 150));
  refusals.forget();
  assertEquals(refusals.most, 12);
  // What had been started before tells nothing new.
  end(refusals, 0, 1, 50);
  assert(!refusals.areTooMany(0));
  // 50 answers for each of the 8.
  end(refusals, 399, 0, 200);
  assertEquals(refusals.most, 12);
  end(refusals, 1, 0, 200);
  assertEquals(refusals.most, 13);
  refusals.passed(13);
  assertEquals(refusals.most, 14);
  // The second time it is 100 answers.
  end(refusals, 13, 1, 300);
  assertEquals(refusals.brake(400, 14, 0), 13);
});

Deno.test("after what was too many went well it is no bound any more", () => {
  const refusals = new Refusals(0);
  end(refusals, 0, 1, 0);
  refusals.brake(0, 5, 4);
  end(refusals, 4, 0, 0);
  assertEquals(refusals.brake(10, 5, 0), 4);
  end(refusals, 50, 0, 20);
  assertEquals(refusals.most, 5);
  refusals.passed(5);
  assertEquals(refusals.most, Infinity);
});

Deno.test("what is in flight for long is waited for no longer than it takes to be met within a second", () => {
  const refusals = new Refusals(0);
  end(refusals, 0, 3, 0);
  assertEquals(refusals.brake(0, 8, 5), undefined);
  assertEquals(refusals.brake(799, 8, 5), undefined);
  assertEquals(refusals.brake(800, 8, 5), 5);
});

Deno.test("where all is refused there are pauses, longer and longer, as a server asks, and not for ever", () => {
  const refusals = new Refusals(0);
  end(refusals, 1, 0, 0);
  refusals.forget();
  end(refusals, 0, 10, 0);
  assertEquals(refusals.brake(0, 11, 0), 0);
  assert(isPaused(refusals, 49) && !isPaused(refusals, 50));
  assertEquals(refusals.most, 7);
  end(refusals, 0, 1, 50, 3000);
  refusals.slower(51);
  assert(isPaused(refusals, 3050) && !isPaused(refusals, 3051));
  // Something got through: the next pause is short again.
  end(refusals, 1, 0, 3100);
  end(refusals, 0, 1, 3200);
  refusals.slower(3200);
  for (let time = 0, nowMs = 3300; time < 10; time++, nowMs += 100_000) {
    end(refusals, 0, 1, nowMs);
    refusals.slower(nowMs);
    assertEquals(isPaused(refusals, nowMs + 50 * 2 ** time - 1), true, `${time}`);
    assert(!isPaused(refusals, nowMs + 50 * 2 ** time));
  }
  end(refusals, 0, 1, 2e6);
  refusals.slower(2e6);
  assert(!isPaused(refusals, 2e6));
});

Deno.test("where one task at once is too many they start as far apart as they got through, and a little more", () => {
  const refusals = new Refusals(0);
  end(refusals, 40, 1, 0);
  assertEquals(refusals.slower(1000), false);
  assertAlmostEquals(refusals.gapMs, 1.1 * 25);
  assertEquals(refusals.most, 1);
  // Until that was too much, nothing is to be made up for first.
  refusals.faster(5);
  const gapMs = 0.9 * 1.1 * 25;
  assertAlmostEquals(refusals.gapMs, gapMs);
  end(refusals, 10, 1, 1100);
  refusals.slower(1110);
  assertAlmostEquals(refusals.gapMs, 1.1 * gapMs);
  refusals.faster(5);
  assertAlmostEquals(refusals.gapMs, 1.1 * gapMs);
  end(refusals, 100, 0, 1200);
  refusals.faster(5);
  assertAlmostEquals(refusals.gapMs, 0.9 * 1.1 * gapMs);
  // A gap that is short beside the task is none.
  refusals.faster(100);
  assertEquals(refusals.gapMs, 0);
});

Deno.test("a pace that went well for long is left for a little slower one first, then for as slow a one as is answered", () => {
  const refusals = new Refusals(0);
  end(refusals, 10, 1, 990);
  refusals.slower(1000);
  // It takes a minute to make up for that.
  end(refusals, 50, 0, 60_000);
  refusals.faster(5);
  const gaps = [60_100, 61_200].map((nowMs) => {
    end(refusals, 5, 1, nowMs);
    refusals.slower(nowMs);
    return Math.round(refusals.gapMs);
  });
  assertEquals(gaps, [109, 242]);
});

Deno.test("a pace that slots alone came to keep is remembered, if that is too quick", () => {
  const refusals = new Refusals(0);
  end(refusals, 40, 1, 990);
  refusals.slower(1000);
  end(refusals, 50, 0, 60_000);
  refusals.faster(100);
  assertEquals(refusals.gapMs, 0);
  end(refusals, 5, 1, 60_100);
  refusals.slower(60_110);
  assertAlmostEquals(refusals.gapMs, 1.1 * 0.9 * 1.1 * 25);
});

Deno.test("where a server asks for long pauses, few answers tell how far apart they were without these", () => {
  for (const [through, gapMs] of [[1, 33], [10, 113]] as const) {
    const refusals = new Refusals(0);
    end(refusals, 0, 1, 0, 1000);
    refusals.slower(10);
    assert(isPaused(refusals, 1009));
    end(refusals, through, 1, 1020);
    refusals.slower(1030);
    assertEquals(Math.round(refusals.gapMs), gapMs);
  }
});

Deno.test("what a task's module took to load, however often that was looked at, is no time between answers", () => {
  const refusals = new Refusals(0);
  for (let nowMs = 0; nowMs <= 200; nowMs++) refusals.begin(nowMs);
  for (let at = 0; at < 20; at++) refusals.ended(1, 1100, 1200);
  end(refusals, 0, 1, 1190);
  refusals.brake(1200, 2, 0);
  assertEquals([Math.round(refusals.gapMs), refusals.most], [55, 2]);
});

Deno.test("as many slots as went well before there were too many go well again", () => {
  const refusals = new Refusals(0);
  end(refusals, 4, 0, 0);
  refusals.passed(4);
  refusals.forget();
  end(refusals, 2, 42, 20);
  refusals.brake(100, 44, 0);
  assertEquals(refusals.most, 4);
  // Too many were tried once: only so many slots' refusals are to be made up for.
  end(refusals, 4 * 50, 0, 200);
  assertEquals(refusals.most, 5);
});

Deno.test("of how many were in flight on average a single round tells nothing", () => {
  for (const [rounds, most] of [[1, 4], [4, 1]] as const) {
    const refusals = new Refusals(0);
    end(refusals, 6, 10, 0);
    refusals.brake(100, 16, 0);
    refusals.forget();
    // Four at once get through, after that nothing for a while.
    let nowMs = 100;
    for (let round = 0; round < rounds; round++, nowMs += 300) {
      for (let task = 0; task < 4; task++) refusals.ended(1, nowMs, nowMs + 40);
    }
    end(refusals, 0, 2, nowMs);
    refusals.brake(nowMs, 6, 4);
    for (let task = 0; task < 4; task++) refusals.ended(1, nowMs, nowMs + 40);
    assertEquals(refusals.brake(nowMs + 40, 6, 0), 4);
    assertEquals(refusals.most, most);
  }
});

Deno.test("what is refused as often however few are in flight is refused by chance", () => {
  for (const lost of [0, 1]) {
    const refusals = new Refusals(0);
    for (const [time, slots] of [32, 16, 8, 4, 2].entries()) {
      assert(refusals.most === Infinity === (time === 0));
      refusals.ended(20, 100 * time + 50, 100 * time + 100, { refused: 1, lost });
      refusals.brake(100 * time + 100, slots, 0);
      refusals.forget();
    }
    assertEquals([refusals.most, refusals.gapMs], [Infinity, 0]);
    refusals.ended(20, 1000, 1050, { refused: 2, lost: 2 * lost });
    assert(!refusals.areTooMany(0));
    // Who was asked now says so: that is something else than what was lost.
    refusals.ended(20, 1000, 1050, { refused: 2 });
    assertEquals(refusals.areTooMany(0), lost > 0);
  }
});

Deno.test("so large a share of few slots' tasks is refused for a limit, not by chance", () => {
  for (const [through, isChance] of [[40, true], [20, false]] as const) {
    const refusals = new Refusals(0);
    for (const [time, slots] of [[1, 32], [2, 8]] as const) {
      end(refusals, through, 4, 100 * time);
      refusals.brake(100 * time + 50, slots, 0);
      refusals.forget();
    }
    assertEquals(refusals.most === Infinity, isChance);
  }
});

Deno.test("nothing is taken for chance where all is refused for a while, or much", () => {
  for (const [through, refused] of [[0, 3], [8, 8]] as const) {
    const refusals = new Refusals(0);
    for (const [time, slots] of [32, 8, 8, 8, 8].entries()) {
      end(refusals, time === 0 ? 30 : through, time === 0 ? 2 : refused, 100 * time);
      refusals.brake(100 * time + 50, slots, 0);
      refusals.forget();
    }
    assert(refusals.most < Infinity);
  }
});

Deno.test("refusals that come before answers are seen beside all that is in flight", () => {
  const refusals = new Refusals(0);
  end(refusals, 0, 3, 0);
  assertEquals([refusals.areTooMany(96), refusals.areTooMany(98)], [true, false]);
});

Deno.test("where more gets through than fewer slots would do, tasks start as far apart as that", () => {
  // 20 in a second: of 50 ms one slot would do as many, of 100 ms two, and not quite.
  for (const [latencyMs, gapMs, slots] of [[50, 0, 1], [100, 55, 2]] as const) {
    const refusals = new Refusals(0);
    for (let at = 0; at < 20; at++) refusals.ended(1, 1000 - latencyMs, 1000);
    end(refusals, 0, 1, 990);
    refusals.brake(1000, 2, 0);
    assertEquals([Math.round(refusals.gapMs), refusals.most], [gapMs, slots]);
  }
});

Deno.test("where as many get through with fewer slots, what is lost was too much", () => {
  const refusals = new Refusals(0);
  for (const [time, slots] of [[1, 64], [2, 16], [3, 12]] as const) {
    refusals.ended(slots, 100 * time - 50, 100 * time, { refused: slots - 8, lost: slots - 8 });
    assertEquals(refusals.brake(100 * time, slots, 0), 8);
    refusals.forget();
    assert(refusals.most <= 8 && refusals.most > 1, `${refusals.most}`);
  }
});

Deno.test("what is refused as often however slowly it is asked is refused by chance, and no reason to be slow", () => {
  const refusals = new Refusals(0);
  for (let time = 1; time <= 4; time++) {
    end(refusals, 19, 1, 1000 * time);
    assertEquals(refusals.slower(1000 * time), false);
  }
  end(refusals, 19, 1, 5000);
  assertEquals(refusals.slower(5000), true);
  assertEquals([refusals.gapMs, refusals.most], [0, Infinity]);
  end(refusals, 90, 10, 6000);
  assert(!refusals.areTooMany(0));
  end(refusals, 0, 20, 6000);
  assert(refusals.areTooMany(0));
});
