/** When slots come back that a law took. What comes of it is told by simulation, in controller_test.ts. */

import { assertEquals } from "@std/assert";
import { Rounds } from "../../lib/adaptive/rounds.ts";

Deno.test("that less gets done with fewer slots brings them back where a round is many tasks", () => {
  for (const [slots, isBack] of [[16, true], [6, false]] as const) {
    const rounds = new Rounds();
    const after = (slots: number, tookMs: number) =>
      rounds.next(slots, Array(16).fill(tookMs), true);
    after(slots, 10);
    const fewer = after(slots, 30);
    assertEquals([after(fewer, 90) === slots, rounds.areWrong], [isBack, isBack]);
  }
});
