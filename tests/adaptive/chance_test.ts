/** Which refusals and failures are taken for chance. */

import { assert, assertEquals } from "@std/assert";
import { type Asked, Chance, isMore } from "../../lib/adaptive/chance.ts";

const asked = (asked: number, refused: number, lost = 0, unsaid = 0): Asked => ({
  asked,
  refused,
  lost,
  unsaid,
});

/** Whether refusals of a server that has answered are chance, with `load` in flight, or 0 at a pace. */
const explains = (chance: Chance, load: number, epoch: Asked) =>
  chance.explains(epoch, load, 0, true);

/** A Chance that has taken these epochs for chance. */
function known(...epochs: Asked[]): Chance {
  const chance = new Chance();
  assertEquals(epochs.map((epoch) => explains(chance, 0, epoch)).at(-1), true);
  return chance;
}

Deno.test("isMore() takes a share for larger only if that is hardly luck, and few tasks show little", () => {
  const is = (some: readonly [number, number], others: readonly [number, number]) =>
    isMore(asked(...some), asked(...others));
  assertEquals([1, 2].map((all) => is([all, all], [4, 0])), [false, true]);
  assertEquals([3, 4].map((refused) => is([50, refused], [100, 0])), [false, true]);
  assertEquals([70, 71].map((refused) => is([1000, refused], [1000, 50])), [false, true]);
  assert(!is([100, 100], [0, 0]) && !is([0, 0], [100, 0]));
  assertEquals([60, 61].map((refused) => isMore(asked(1000, refused), asked(1000, 50), 1)), [
    false,
    true,
  ]);
});

Deno.test("refusals are chance once the same share was refused though the load was halved four times", () => {
  const chance = new Chance();
  const found = [32, 24, 16, 8, 4, 0.5].map((load) => explains(chance, load, asked(20, 1)));
  assertEquals([found, chance.share], [[false, false, false, false, false, true], 0.05]);
});

Deno.test("refusals are chance once the same share was refused at a pace that was slowed down again and again", () => {
  const chance = new Chance();
  const found = [0, 0, 0, 0].map((load) => explains(chance, load, asked(50, 2)));
  assertEquals([found, chance.share], [[false, false, false, true], 0.04]);
});

Deno.test("a large share is chance if all of it was lost or failed, but not if the server says that it refuses", () => {
  for (const [lost, unsaid] of [[4, 0], [4, 4], [3, 0], [0, 0]] as const) {
    const chance = new Chance();
    const found = [8, 0, 0, 0, 0].map((load) => explains(chance, load, asked(10, 4, lost, unsaid)));
    assertEquals(found.at(-1), lost === 4);
  }
});

Deno.test("if all fails after four pauses that is chance, unless the server says that it refuses, or has answered and may return", () => {
  for (
    const [lost, unsaid, hasAnswered, isFound] of [
      [5, 5, true, true],
      [5, 0, false, true],
      [5, 0, true, false],
      [5, 4, true, false],
      [4, 0, false, false],
    ] as const
  ) {
    const chance = new Chance();
    const found = [3, 4].map((pauses) =>
      chance.explains(asked(5, 5, lost, unsaid), 1, pauses, hasAnswered)
    );
    assertEquals(found, [false, isFound]);
  }
});

Deno.test("a share up to the limit isn't too much, nor is one that is hardly more than twice what is known to be chance", () => {
  const unknown = new Chance();
  const exceeds = (chance: Chance) => (refused: number) =>
    chance.isExceeded(asked(100, refused), 0.03);
  assertEquals([3, 4].map(exceeds(unknown)), [false, true]);
  const chance = known(...Array(4).fill(asked(20, 1)));
  assertEquals([20, 21].map(exceeds(chance)), [false, true]);
});

Deno.test("losses that are chance count as failures, unless they become much more; stated refusals count as refused", () => {
  const chance = known(...Array(4).fill(asked(20, 1, 1)));
  assertEquals(chance.share, 0.05);
  const judge = (refused: number, lost: number) => chance.judge(10, { refused, lost }, 50);
  const { refused, lost, failed } = judge(2, 1);
  assertEquals([refused, lost, failed], [1, 0, 1]);
  assertEquals(judge(10, 10).refused, 10);
  assert(chance.isExceeded(asked(100, 4), 0.03));
});

Deno.test("refusals aren't chance if a much larger share was refused meanwhile, of half the load or of as much", () => {
  for (const [refused, isChance] of [[4, true], [8, false]] as const) {
    const chance = new Chance();
    explains(chance, 32, asked(40, 4));
    assertEquals(explains(chance, 8, asked(40, refused)), isChance);
  }
  const chance = new Chance();
  explains(chance, 32, asked(40, 4));
  explains(chance, 28, asked(40, 20));
  assertEquals(explains(chance, 8, asked(40, 4)), false);
});

Deno.test("failures with many slots count as refusals if there were hardly any with few, but not once they are chance", () => {
  const chance = new Chance();
  const fails = (slots: number) => chance.judge(1, { failed: 1 }, slots).refused === 1;
  chance.judge(4, {}, 4);
  assertEquals([1, 2, 3, 4].map(() => fails(16)), [false, false, false, true]);
  assert(fails(1));
  chance.explains(asked(5, 5, 5, 5), 1, 4, true);
  assertEquals([chance.share, fails(16)], [1, false]);
  // The server answers again.
  chance.judge(4, {}, 4);
  chance.change();
  assertEquals([1, 2, 3, 4].map(() => fails(16)), [false, false, false, true]);
  assertEquals(chance.share, 0);
});

Deno.test("retries that fail with few slots show that tasks fail anyway; with many slots they aren't taken for refusals", () => {
  const chance = new Chance();
  chance.judge(100, {}, 4);
  for (let time = 0; time < 100; time++) {
    assertEquals(chance.judge(1, { again: 1 }, 50), { again: 1 });
  }
  assertEquals(chance.failsAnyway, false);
  for (let time = 0; time < 2; time++) chance.judge(1, { again: 1 }, 1);
  assertEquals(chance.failsAnyway, true);
});

Deno.test("refusals by servers that have a pace of their own show nothing", () => {
  const chance = new Chance();
  for (let time = 0; time < 9; time++) chance.judge(1, { elsewhere: 1 }, 1);
  assertEquals(chance.failsAnyway, false);
});

Deno.test("tasks that were refused with few slots, here or elsewhere, don't count as having gone well with few", () => {
  for (const other of ["refused", "elsewhere"] as const) {
    const chance = new Chance();
    chance.judge(100, { [other]: 99, failed: 1 }, 4);
    assertEquals(chance.judge(10, { failed: 10 }, 50), { failed: 10 });
    chance.judge(100, {}, 4);
    assertEquals(chance.judge(10, { failed: 10 }, 50).refused, 10);
  }
});
