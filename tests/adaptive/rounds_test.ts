/** When slots come back that a law took away. Simulations in controller_test.ts test the effect. */

import { assertEquals } from "@std/assert";
import { Rounds } from "../../lib/adaptive/rounds.ts";

Deno.test("if all tasks take longer for good, slots grow again from one, which shows what a task takes alone", () => {
  const rounds = new Rounds();
  const counts: number[] = [];
  for (let slots = 5, round = 0; round < 40; round++) {
    slots = Math.max(1, rounds.next(slots, Array(8).fill(round < 10 ? 20 : 60), true));
    counts.push(slots);
    if (round < 10) slots = 5;
  }
  assertEquals([counts.slice(10).some((slots) => slots < 2), counts.at(-1)! > 5], [true, true]);
});

Deno.test("slots come back if less gets done with fewer of them, where a round is many tasks", () => {
  for (const [slots, isBack] of [[16, true], [6, false]] as const) {
    const rounds = new Rounds();
    const after = (slots: number, tookMs: number) =>
      rounds.next(slots, Array(16).fill(tookMs), true);
    after(slots, 10);
    const fewer = after(slots, 30);
    assertEquals([after(fewer, 90) === slots, rounds.areWrong], [isBack, isBack]);
  }
});
