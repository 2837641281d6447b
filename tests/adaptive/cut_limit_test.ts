/** How a limit grows again by answers. Simulations in controller_test.ts test the effect. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { type Cut, CutLimit } from "../../lib/adaptive/cut_limit.ts";

const cut = (used: number, got: number, changed: Partial<Cut> = {}) =>
  new CutLimit({
    ...{ atMs: 0, used, got, isRate: false, cost: 1, answered: 100, ms: 1000 },
    ...{ mayBeChance: true, isSaid: true, before: undefined },
    ...changed,
  });

Deno.test("a limit grows from what got through, ever more slowly, to nearly what was used, and then ever more quickly", () => {
  const limit = cut(100, 50);
  const grown = Array.from({ length: 13 }, (_, time) => {
    if (time > 0) limit.answer(10, 0);
    return limit.now;
  });
  assertAlmostEquals(grown[0]!, 50);
  assertAlmostEquals(grown[5]!, 90);
  const steps = grown.slice(1).map((now, at) => now - grown[at]!);
  for (const [at, step] of steps.entries()) {
    if (at > 0) assert(at < 5 ? step < steps[at - 1]! : step > steps[at - 1]! || at === 5, `${at}`);
  }
  assert(grown[10]! > 1.2 * 90);
});

Deno.test("each refusal must be made up for by as many answers, or by time", () => {
  const grown = [[1, 50, 0], [4, 200, 0], [4, 50, 0], [4, 0, 30_000]].map(([cost, answers, ms]) => {
    const limit = cut(100, 50, { cost: cost! });
    limit.answer(answers!, ms!);
    return Math.round(limit.now);
  });
  assertEquals(grown, [90, 90, 73, 90]);
});

Deno.test("a limit that is reached again soon is reduced until that many answers have shown whether less is refused", () => {
  const before = cut(100, 90);
  before.answer(20, 100);
  const limit = cut(80, 60, { before });
  assertEquals([limit.isHeld, limit.now, limit.first], [true, 42, 42]);
  limit.answer(49, 200);
  assertEquals(limit.now, 42);
  limit.answer(1, 200);
  assert(limit.now > 60);
});

Deno.test("a limit that is reached again and again so soon is left until it is known whether that is chance", () => {
  const early = (before: CutLimit | undefined, changed: Partial<Cut> = {}) =>
    cut(100, 90, { ...changed, before });
  const known = { lift: 0, confirm: 0 };
  for (const cause of ["lift", "confirm"] as const) {
    const limit = early(early(early(undefined)));
    limit.answer(500, 1000);
    assertEquals([limit.isHeld, limit.isLess(63), limit.now], [true, true, 63]);
    limit[cause]();
    assertEquals([limit.isHeld, limit.isLess(63)], [false, false]);
    limit.answer(60, 1000);
    known[cause] = limit.now;
  }
  assert(known.lift > 3 * known.confirm, JSON.stringify(known));
  // Where so many are refused that it isn't chance, it isn't asked.
  const meant = early(early(early(undefined)), { mayBeChance: false });
  meant.answer(500, 1000);
  assertEquals([meant.isHeld, meant.isLess(10)], [false, false]);
});

Deno.test("what gets through while less is left doesn't make the next limit lower, if servers say that they refuse", () => {
  const rate = (got: number, before: CutLimit | undefined, isSaid: boolean) =>
    cut(20, got, { before, isRate: true, isSaid });
  for (const [isSaid, now] of [[true, 7], [false, 4.9]] as const) {
    const early = rate(10, rate(15, undefined, isSaid), isSaid);
    const held = rate(7, early, isSaid);
    assertAlmostEquals(held.now, now);
    // A pause shows that it was too much all the same.
    early.pause(100);
    assertAlmostEquals(rate(7, early, isSaid).now, 4.9);
  }
});

Deno.test("a limit is reduced in vain if some of a quarter of what got through first are refused too", () => {
  const row = (last: number, pausedMs = 0) => {
    let limit = cut(20, 15, { isRate: true, answered: 100 });
    for (const answered of [60, 40, last]) {
      limit.pause(pausedMs);
      limit = cut(20, 10, { isRate: true, answered, cost: 8, before: limit });
    }
    return limit.inVain;
  };
  assertEquals([row(26), row(25, 100)], [undefined, undefined]);
  const { asked, refused } = row(25)!;
  assertEquals([asked, refused], [149, 24]);
});

Deno.test("what is left to find out whether refusals are chance isn't left for long, and less often each time", () => {
  const early = (before: CutLimit | undefined) => cut(100, 90, { before });
  const limit = early(early(early(undefined)));
  limit.answer(10, 6000);
  assertEquals(limit.isHeld, false);
  const confirmed = early(early(early(undefined)));
  confirmed.confirm();
  const held = [early(confirmed)];
  for (let time = 0; time < 2; time++) held.push(early(held.at(-1)));
  assertEquals(
    held.map((one) => {
      one.answer(60, 0);
      return one.isHeld;
    }),
    [false, true, true],
  );
});

Deno.test("many fewer in flight than got through are less than it takes, but a rate may still be too fast", () => {
  assertEquals([70, 71].map((slots) => cut(101, 100).isLess(slots)), [true, false]);
  assertEquals(cut(0.2, 0.1, { isRate: true }).isLess(1), false);
});

Deno.test("the more often a limit is found where it was, the more answers are needed to try more", () => {
  let limit = cut(100, 95);
  const needed = Array.from({ length: 5 }, () => {
    let answers = 0;
    for (; limit.now < 110; answers++) limit.answer(1, 0);
    limit = cut(100, 95, { before: limit });
    return answers;
  });
  assertEquals(needed.map((answers) => Math.round(answers / needed[0]!)), [1, 2, 4, 8, 8]);
  // One that is reached soon again takes as many, though not more.
  const soon = cut(100, 95, { before: cut(100, 95, { before: limit }) });
  soon.answer(400, 0);
  assert(soon.now < 90);
});

Deno.test("the rate that got through is that of the whole time, pauses included, if enough got through to tell", () => {
  for (const [answered, rate] of [[100, 0.05], [4, 0.1]] as const) {
    const limit = cut(0.2, 0.1, { isRate: true, answered });
    limit.pause(1000);
    assertAlmostEquals(limit.now, rate);
  }
});

Deno.test("what was missed in a pause must be made up for, too, before more is tried than went well", () => {
  const tried = [0, 1000].map((pausedMs) => {
    const limit = cut(20, 19);
    limit.pause(pausedMs);
    limit.answer(200, 0);
    return Math.floor(limit.now);
  });
  assert(tried[0]! > 50 && tried[1] === 19, `${tried}`);
});

Deno.test("once refusals were found to be chance, what was missed in a pause needn't be made up for", () => {
  const tried = [0, 1000].map((pausedMs) => {
    const limit = cut(20, 19);
    limit.pause(pausedMs);
    limit.lift();
    limit.answer(30, 0);
    return limit.now;
  });
  assert(tried[0]! > 30 && tried[0] === tried[1], `${tried}`);
});

Deno.test("time in which nothing moved makes up for nothing", () => {
  const limit = cut(100, 50);
  limit.leaveOut(30_000);
  limit.answer(0, 30_000);
  assertAlmostEquals(limit.now, 50);
});
