/** Which refusals and failures are taken for chance. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Chance, isMore } from "../../lib/adaptive/chance.ts";

const share = (asked: number, refused: number) => ({ asked, refused });

/** Ends `failed` of `count` tasks without a word with few or many slots; returns how many count as refused. */
const fail = (chance: Chance, count: number, failed: number, areFew: boolean, atMs = 0) =>
  chance.judge(count, { failed }, areFew, atMs).refused;

Deno.test("isMore() takes a share for larger only if that is hardly luck, and few tasks show little", () => {
  const is = (some: readonly [number, number], others: readonly [number, number]) =>
    isMore(share(...some), share(...others));
  assertEquals([1, 2].map((all) => is([all, all], [4, 0])), [false, true]);
  assertEquals([3, 4].map((refused) => is([50, refused], [100, 0])), [false, true]);
  assertEquals([70, 71].map((refused) => is([1000, refused], [1000, 50])), [false, true]);
  assert(!is([100, 100], [0, 0]) && !is([0, 0], [100, 0]));
  assertEquals([60, 61].map((refused) => isMore(share(1000, refused), share(1000, 50), 1)), [
    false,
    true,
  ]);
});

/** Ends tasks of less than had got through, of each `every` in turn one that is refused; returns what was found. */
function ask(chance: Chance, every: number, count: number): (string | undefined)[] {
  const found = Array.from({ length: count }, (_, at) => {
    const refused = Number(at % every === 0);
    chance.judge(1, { refused }, false, 0);
    return chance.note(share(1, refused), true);
  });
  return found.filter((cause) => cause !== undefined);
}

Deno.test("refusals are chance once a small share of less than had got through is refused, too", () => {
  const chance = new Chance();
  assertEquals(ask(chance, 20, 80), []);
  assertEquals(ask(chance, 20, 20), ["chance"]);
  assertAlmostEquals(chance.share, 0.04, 0.002);
});

Deno.test("refusals are a limit once as many of less got through as would hardly by chance", () => {
  const chance = new Chance();
  for (let at = 0; at < 100; at++) chance.note(share(1, Number(at % 20 === 0)), false);
  const found = Array.from({ length: 120 }, () => chance.note(share(1, 0), true));
  assertEquals(found.filter((cause) => cause !== undefined), ["limit"]);
  assertEquals(chance.share, 0);
});

Deno.test("refusals aren't chance if a large share is refused, or many in a row, or all for a while", () => {
  assertEquals(ask(new Chance(), 5, 200), []);
  const rows = new Chance();
  rows.judge(1, { refused: 1 }, false, 0);
  for (let at = 0; at < 300; at++) {
    assert(rows.note(share(1, Number(at % 150 < 8)), at > 100) !== "chance");
  }
  const forgetful = new Chance();
  for (let time = 0; time < 6; time++) {
    assertEquals(ask(forgetful, 20, 40), []);
    forgetful.forget();
  }
  assertEquals([share(10, 4), share(20, 5), share(3, 2)].map((one) => forgetful.areMeant(one)), [
    true,
    false,
    false,
  ]);
});

Deno.test("up to a share nothing is too much, nor is what is hardly more than is known to be chance", () => {
  const chance = new Chance();
  const exceeds = (refused: number) => chance.isExceeded(share(100, refused), 0.03);
  assertEquals([3, 4].map(exceeds), [false, true]);
  ask(chance, 20, 100);
  const most = Array.from({ length: 100 }, (_, refused) => refused).filter((n) => !exceeds(n))
    .pop()!;
  assert(most > 12 && most < 25, `${most}`);
  assertAlmostEquals(chance.excess(share(100, 13)), 9, 0.1);
});

Deno.test("what is known of chance follows what happens, until there is none", () => {
  const chance = new Chance();
  ask(chance, 20, 100);
  for (let at = 0; at < 2000; at++) chance.note(share(1, Number(at % 10 === 0)), undefined);
  assertAlmostEquals(chance.share, 0.1, 0.02);
  chance.note(share(6000, 0), undefined);
  for (let at = 0; at < 6000 && chance.share > 0; at++) chance.note(share(1, 0), undefined);
  assertEquals(chance.share, 0);
});

Deno.test("failures with many slots count as refusals if there were hardly any with few", () => {
  const chance = new Chance();
  fail(chance, 5, 0, true);
  assertEquals([1, 2, 3, 4].map(() => fail(chance, 1, 1, false)), [0, 0, 0, 1]);
  // Then a rate may be too fast for few slots, too.
  chance.change();
  assertEquals([fail(chance, 1, 1, true), fail(chance, 1, 1, false)], [1, 1]);
});

Deno.test("failures with few slots don't count as refusals while no more fail with many", () => {
  const chance = new Chance();
  assertEquals([1, 2, 3].map(() => fail(chance, 1, 1, true)), [0, 0, 0]);
  assertEquals([1, 2, 3, 4].map(() => fail(chance, 1, 1, false)), [0, 0, 0, 0]);
});

Deno.test("of tasks that fail or are late now and then, whatever the slots, none counts as refused", () => {
  for (const kind of ["failed", "lost"] as const) {
    const chance = new Chance();
    const judge = (isBad: boolean, areFew: boolean) => {
      const ends = { failed: Number(isBad), refused: 0, lost: 0 };
      if (kind === "lost") [ends.refused, ends.lost, ends.failed] = [ends.failed, ends.failed, 0];
      return chance.judge(1, ends, areFew, 0).refused;
    };
    for (let at = 0; at < 5; at++) judge(false, true);
    for (let at = 0; at < 500; at++) assertEquals(judge(at % 10 === 0, false), 0);
  }
});

Deno.test("once as many tasks fail of clearly less, or waiting for them was in vain, that is known to be chance", () => {
  for (const isAsked of [true, false]) {
    const chance = new Chance();
    fail(chance, 5, 0, true);
    assertEquals(fail(chance, 9, 9, false), 9);
    let cause;
    for (let at = 0; at < 60 && cause === undefined && isAsked; at++) {
      const refused = fail(chance, 1, at % 2, true)!;
      cause = chance.note(share(1, refused), true);
    }
    if (!isAsked) chance.giveUp();
    assertEquals(cause, isAsked ? "chance" : undefined);
    assertEquals([fail(chance, 1, 1, true), fail(chance, 20, 10, false)], [0, 0]);
  }
});

Deno.test("tasks that are lost count as refused while nothing is answered that started later, if a server has answered", () => {
  const lost = (chance: Chance, startedAtMs: number) =>
    chance.judge(1, { refused: 1, lost: 1 }, true, startedAtMs).refused;
  for (const isAnswered of [false, true]) {
    const chance = new Chance();
    if (isAnswered) chance.judge(1, {}, true, 10);
    // Tasks that had started before are only slow.
    assertEquals([1, 2, 3, 4, 5].map(() => lost(chance, 5)), Array(5).fill(0));
    const found = [1, 2, 3, 4, 5].map(() => lost(chance, 20));
    assertEquals(found, isAnswered ? [0, 0, 0, 1, 1] : Array(5).fill(0));
    // Then others may be refused, too, though some are answered.
    chance.judge(1, {}, true, 30);
    assertEquals(lost(chance, 40), Number(isAnswered));
  }
});

Deno.test("retries that end badly more often than first attempts say nothing, unless nothing gets through", () => {
  for (const kind of ["refused", "failed"] as const) {
    const chance = new Chance();
    const retry = (isShut = false) => {
      chance.judge(1, {}, false, 10);
      return chance.judge(1, { [kind]: 1, isAgain: true }, false, 20, isShut).refused;
    };
    chance.judge(100, {}, true, 0);
    if (kind === "failed") assertEquals(fail(chance, 4, 4, false), 4);
    assertEquals(Array.from({ length: 6 }, () => retry()), [1, 1, 1, 0, 0, 0]);
    assertEquals([retry(true), retry()], [1, 0]);
    // First attempts that are refused as often show a limit.
    chance.judge(1000, { [kind]: 1000 }, false, 20);
    assertEquals(retry(), 1);
  }
});

Deno.test("of retries that end badly in a row only one shows that they do so more often", () => {
  const chance = new Chance();
  chance.judge(20, {}, true, 0);
  const retry = () => chance.judge(1, { refused: 1, isAgain: true }, false, 20).refused;
  assertEquals(Array.from({ length: 20 }, retry), Array(20).fill(1));
});

Deno.test("retries that fail with few slots show that tasks fail anyway", () => {
  const chance = new Chance();
  fail(chance, 100, 0, true);
  for (let time = 0; time < 100; time++) chance.judge(1, { failed: 1, isAgain: true }, true, 0);
  assertEquals(fail(chance, 100, 50, false), 0);
});

Deno.test("refusals, here or by servers that have a pace of their own, don't count as having gone well or not", () => {
  for (const other of ["refused", "elsewhere"] as const) {
    const chance = new Chance();
    chance.judge(100, { [other]: 99, failed: 1 }, true, 0);
    assertEquals(fail(chance, 10, 10, false), 0);
    chance.judge(100, {}, true, 0);
    assertEquals(fail(chance, 10, 10, false), 10);
  }
});
