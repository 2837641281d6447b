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

/** Refusals after one slot's tasks in `tookMs`: `through` got through, and one was refused. */
function paced(through: number, tookMs: number): Refusals {
  const refusals = new Refusals(0);
  end(refusals, through, 1, tookMs - 10);
  assertEquals(refusals.brake(tookMs, 1, 0), true);
  return refusals;
}

Deno.test("a few refusals among many answers aren't too many", () => {
  const refusals = new Refusals(0);
  end(refusals, 99, 1, 0);
  assert(!refusals.areTooMany(0));
  end(refusals, 0, 4, 0);
  assert(refusals.areTooMany(0));
});

Deno.test("refusals that come before any answer are held against everything in flight", () => {
  const refusals = new Refusals(0);
  end(refusals, 0, 3, 0);
  assertEquals([refusals.areTooMany(96), refusals.areTooMany(98)], [true, false]);
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
  // 800 answers make up for the 8 refusals, 100 for each.
  end(refusals, 799, 0, 200);
  assertEquals(refusals.most, 12);
  end(refusals, 1, 0, 200);
  assertEquals(refusals.most, 13);
  refusals.passed(13);
  assertEquals(refusals.most, 14);
  // After the second refusal it takes 200 answers.
  end(refusals, 13, 1, 300);
  refusals.brake(400, 14, 0);
  assertEquals(refusals.most, 13);
  end(refusals, 199, 0, 500);
  assertEquals(refusals.most, 13);
  end(refusals, 1, 0, 500);
  assertEquals(refusals.most, 14);
});

Deno.test("the limit is at least what once went well, and it takes no more answers to raise it than for so many refusals", () => {
  const refusals = new Refusals(0);
  end(refusals, 4, 0, 0);
  refusals.passed(4);
  refusals.change();
  end(refusals, 2, 42, 20);
  refusals.brake(100, 44, 0);
  assertEquals(refusals.most, 4);
  end(refusals, 4 * 100 - 1, 0, 200);
  assertEquals(refusals.most, 4);
  end(refusals, 1, 0, 200);
  assertEquals(refusals.most, 5);
});

Deno.test("if some are refused of as many as went well before, at a rate too quick for timers, the limit is somewhat below what got through", () => {
  const refusals = new Refusals(0);
  end(refusals, 500, 0, 0);
  refusals.passed(500);
  refusals.change();
  end(refusals, 400, 100, 20);
  refusals.brake(30, 500, 0);
  assertEquals([refusals.most, refusals.gapMs], [280, 0]);
});

Deno.test("tasks in flight are waited for no longer than 800 ms before slots are limited", () => {
  const refusals = new Refusals(0);
  end(refusals, 0, 3, 0);
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

Deno.test("if everything is refused of as many as went well before, the limit stays at that number", () => {
  const refusals = new Refusals(0);
  end(refusals, 500, 0, 0);
  refusals.passed(500);
  refusals.change();
  end(refusals, 0, 500, 20);
  assertEquals(refusals.brake(30, 501, 0), false);
  assertEquals(refusals.most, 500);
});

Deno.test("if some are refused of as many as went well before, the rate is limited: tasks start as far apart as they got through", () => {
  // 20 tasks of 100 ms each end in a second.
  const refusals = new Refusals(0);
  for (let at = 0; at < 20; at++) refusals.ended(1, 890, 990);
  refusals.passed(4);
  end(refusals, 0, 1, 990);
  assertEquals(refusals.brake(1000, 4, 0), true);
  assertAlmostEquals(refusals.gapMs, 1.1 * 50 * 1.05);
  assertEquals(refusals.most, 2);
});

Deno.test("the rate is limited, too, if some are refused of as many as once got through together", () => {
  const refusals = new Refusals(0);
  for (const [time, slots, gapMs] of [[1, 40, 0], [2, 20, 1.1 * 10 * 1.1]] as const) {
    end(refusals, slots / 2, slots / 2, 100 * time);
    refusals.brake(100 * time + 50, slots, 0);
    assertAlmostEquals(refusals.gapMs, gapMs);
  }
});

Deno.test("the number of slots is limited, not the rate, if as many slots as are left were in use all the while", () => {
  const refusals = new Refusals(0);
  for (let at = 0; at < 80; at++) refusals.ended(1, 890, 990);
  refusals.passed(9);
  end(refusals, 0, 1, 990);
  refusals.brake(1000, 9, 0);
  assertEquals([refusals.gapMs, refusals.most], [0, 6]);
});

Deno.test("a pace gets quicker at once, and after a further refusal only as answers make up for it", () => {
  const refusals = paced(40, 1000);
  const first = 1.1 * 25 * (1 + 1 / 40);
  assertAlmostEquals(refusals.gapMs, first);
  // The first gap is only about right, so a smaller one is tried at once.
  refusals.faster(5);
  assertAlmostEquals(refusals.gapMs, 0.9 * first);
  end(refusals, 10, 1, 1100);
  refusals.brake(1110, 1, 0);
  const second = 1.1 * 0.9 * first;
  assertAlmostEquals(refusals.gapMs, second);
  // At a pace, every refusal must be made up for.
  end(refusals, 90, 0, 1150);
  for (let step = 0; step < 3; step++) {
    refusals.faster(5);
    assertAlmostEquals(refusals.gapMs, second * 0.9 ** step);
    end(refusals, 100, 0, 1200);
  }
  // Below 1 ms there is no gap, as timers are no finer.
  for (let step = 0; step < 40; step++) {
    refusals.faster(5);
    end(refusals, 100, 0, 1300);
  }
  assertEquals([refusals.gapMs, refusals.most], [0, 6]);
});

Deno.test("a pace that is refused again before it got quicker becomes as slow as tasks got through", () => {
  const refusals = paced(40, 1000);
  end(refusals, 10, 1, 1990);
  refusals.brake(2000, 1, 0);
  assertAlmostEquals(refusals.gapMs, 1.1 * 100 * 1.1);
});

Deno.test("a pace after which a server refuses for long becomes as slow as the server answered", () => {
  const refusals = paced(40, 1000);
  end(refusals, 50, 1, 5990);
  refusals.brake(6000, 1, 0);
  assertAlmostEquals(refusals.gapMs, 1.1 * 100 * (1 + 1 / 50));
});

Deno.test("a long pause that a server asked for counts in the pace only if there were enough answers", () => {
  for (const [through, apartMs] of [[1, 30 * 2], [10, 103 * 1.1]] as const) {
    const refusals = new Refusals(0);
    end(refusals, 0, 1, 0, 1000);
    refusals.brake(10, 1, 0);
    assert(isPaused(refusals, 1009));
    end(refusals, through, 1, 1020);
    refusals.brake(1030, 1, 0);
    assertAlmostEquals(refusals.gapMs, 1.1 * apartMs);
  }
});

Deno.test("the time that a task's module took to load doesn't count in the pace", () => {
  const refusals = new Refusals(0);
  for (let nowMs = 0; nowMs <= 200; nowMs++) refusals.begin(nowMs);
  for (let at = 0; at < 20; at++) refusals.ended(1, 1100, 1200);
  end(refusals, 0, 1, 1190);
  refusals.brake(1200, 1, 0);
  assertAlmostEquals(refusals.gapMs, 1.1 * 50 * 1.05);
});

Deno.test("a share that is refused however few tasks are in flight, or however slowly they start, is chance", () => {
  for (const all of [[32, 16, 8, 4, 2], [1, 1, 1, 1, 1]]) {
    const refusals = new Refusals(0);
    for (const [time, slots] of all.entries()) {
      assertEquals(refusals.most === Infinity, time === 0);
      end(refusals, 19, 1, 1000 * time + 980);
      refusals.brake(1000 * time + 1000, slots, 0);
    }
    assertEquals([refusals.most, refusals.gapMs, refusals.byChance], [Infinity, 0, 0.05]);
    end(refusals, 18, 2, 6000);
    assert(!refusals.areTooMany(0));
    end(refusals, 0, 20, 6000);
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

Deno.test("tasks that fail after every pause, and don't say that they were refused, weren't refused", () => {
  const refusals = new Refusals(0);
  end(refusals, 4, 0, 0);
  refusals.change();
  for (let time = 0; time < 5; time++) {
    const nowMs = 10_000 * (time + 1);
    refusals.ended(1, nowMs - 10, nowMs, { refused: 1, lost: 1, unsaid: 1 });
    refusals.brake(nowMs, 1, 0);
    assertEquals(isPaused(refusals, nowMs), time < 4);
  }
  assertEquals([refusals.most, refusals.gapMs, refusals.byChance], [Infinity, 0, 1]);
});

Deno.test("a share that is lost at pace after pace limits none in the end, and one that the server says it refuses does", () => {
  for (const lost of [0, 1]) {
    const refusals = new Refusals(0);
    const paced = Array.from({ length: 5 }, (_, time) => {
      const nowMs = 1000 * (time + 1);
      refusals.ended(3, nowMs - 10, nowMs, { refused: 1, lost });
      refusals.brake(nowMs, 1, 0);
      return refusals.gapMs > 0;
    });
    assertEquals(paced, [true, true, true, true, lost === 0]);
  }
});

Deno.test("a server that never answered is given up after fewer pauses than one that has", () => {
  for (const answers of [0, 4]) {
    const refusals = new Refusals(0);
    end(refusals, answers, 0, 0);
    refusals.change();
    for (let time = 0; time < 6; time++) {
      const nowMs = 10_000 * (time + 1);
      refusals.ended(1, nowMs - 10, nowMs, { refused: 1, lost: 1 });
      refusals.brake(nowMs, 1, 0);
      assertEquals(isPaused(refusals, nowMs), answers > 0 || time < 4);
    }
  }
});

Deno.test("a limit for lost tasks is lifted once tasks fail alone, too, and one for stated refusals isn't", () => {
  for (const lost of [0, 3]) {
    const refusals = new Refusals(0);
    refusals.ended(4, 0, 10, { refused: 3, lost });
    refusals.brake(10, 4, 0);
    assert(refusals.most < Infinity);
    for (const isSeen of [false, true]) {
      refusals.ended(1, 20, 30, { failed: 1 }, 1);
      assertEquals(refusals.most === Infinity, isSeen && lost > 0);
    }
  }
});
