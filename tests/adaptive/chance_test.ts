/** What is taken to be refused by chance. */

import { assert, assertEquals } from "@std/assert";
import { type Asked, Chance } from "../../lib/adaptive/chance.ts";

const asked = (asked: number, refused: number, lost = 0): Asked => ({ asked, refused, lost });

Deno.test("what is refused as often of half as much, or less, is refused by chance", () => {
  const chance = new Chance();
  for (const load of [32, 24, 16, 8, 4]) {
    assertEquals(chance.find(load, asked(20, 1)), undefined, `${load}`);
  }
  const found = chance.find(0.5, asked(20, 1))!;
  assertEquals([found.asked, found.refused], [80, 4]);
  chance.accept(found, true);
  assertEquals(chance.share, 0.05);
});

Deno.test("so is what is refused as often at a slower and slower pace, if not at once", () => {
  const chance = new Chance();
  const found = [[50, 2], [50, 2], [50, 2], [50, 2]].map(([all, refused]) =>
    chance.find(0, asked(all!, refused!)) !== undefined
  );
  assertEquals(found, [false, false, false, true]);
});

Deno.test("until chance is known a small share is no limit, and then one twice as large, generously", () => {
  const chance = new Chance();
  assert(!chance.isExceeded(asked(100, 3), 0.03) && chance.isExceeded(asked(100, 4), 0.03));
  chance.accept(asked(80, 4), true);
  assert(!chance.isExceeded(asked(100, 25), 0.03) && chance.isExceeded(asked(100, 30), 0.03));
});

Deno.test("who says so refuses for another reason than what was lost by chance", () => {
  const chance = new Chance();
  chance.accept(asked(80, 4, 4), true);
  assert(!chance.isExceeded(asked(20, 2, 2), 0.03));
  assert(chance.isExceeded(asked(40, 4, 2), 0.03));
});

Deno.test("so large a share of half as much, or of as much, is refused for a limit", () => {
  for (const [refused, isChance] of [[4, true], [8, false]] as const) {
    const chance = new Chance();
    chance.find(32, asked(40, 4));
    assertEquals(chance.find(8, asked(40, refused)) !== undefined, isChance);
  }
  const chance = new Chance();
  chance.find(32, asked(40, 4));
  chance.find(28, asked(40, 20));
  assertEquals(chance.find(8, asked(40, 4)), undefined);
});

Deno.test("of what fails, and isn't said to be refused, no more may be refused", () => {
  const chance = new Chance();
  chance.accept(asked(10, 10), false);
  assertEquals(chance.share, 1);
  assert(chance.isExceeded(asked(100, 4), 0.03));
});
