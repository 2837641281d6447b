import { assert, assertEquals } from "@std/assert";
import type { Outcome } from "../../lib/dispatch/output.ts";
import { MOST_REFUSALS, RefusedItems } from "../../lib/running/refused_items.ts";

const refused = (index: number, more: Partial<Parameters<RefusedItems["add"]>[0]> = {}) => ({
  index,
  key: "a",
  host: "a",
  status: 429,
  ...more,
});

function ended(refusals: RefusedItems, index: number, key = "a", startedAtMs = Infinity): void {
  const outcome = { index, status: "fulfilled", startedAtMs } as Outcome<unknown>;
  refusals.ended(outcome, () => key);
}

Deno.test("a server that doesn't say is left alone for 1 s, then for twice as long each time, up to 1 min", () => {
  const refusals = new RefusedItems(false, () => 0);
  let nowMs = 0;
  const waits = Array.from({ length: 8 }, (_, index) => {
    const { afterMs, pauseMs = 0 } = refusals.add(refused(index), nowMs)!;
    assertEquals([afterMs > pauseMs, refusals.pauses(nowMs)[0]?.asked], [true, false]);
    nowMs += pauseMs;
    return pauseMs / 1000;
  });
  assertEquals(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
});

Deno.test("what was refused together counts as once, and an answer begins anew", () => {
  const refusals = new RefusedItems(false, () => 0);
  assertEquals([0, 1, 2].map((n) => refusals.add(refused(n), n)?.pauseMs), [1000, 1000, 1000]);
  ended(refusals, 9, "a", 0); // the answered request had started before
  assertEquals(refusals.add(refused(3), 1002)?.pauseMs, 2000);
  ended(refusals, 9, "a", 3003);
  assertEquals(refusals.add(refused(1), 3100)?.pauseMs, 1000);
});

Deno.test("a wait that the server asks for is never shortened, and those of others aren't its", () => {
  const refusals = new RefusedItems(false, () => 1);
  assertEquals(refusals.add(refused(0, { retryAfterMs: 8000 }), 0)?.pauseMs, 10_000);
  assertEquals(refusals.add(refused(1, { key: "b", host: "b" }), 0)?.pauseMs, 1250);
  assertEquals(refusals.pauses(500), [
    { status: 429, host: "a", asked: true, ms: 9500 },
    { status: 429, host: "b", asked: false, ms: 750 },
  ]);
  assertEquals(refusals.pauses(2000).length, 1);
});

/** Tries a server's items in rounds, refused ones first, until none is left or 1000 rounds have passed. */
function play(answers: (index: number, round: number) => boolean, count: number, room: number) {
  const refusals = new RefusedItems(false, () => 0);
  const failed: number[] = [];
  const fresh = [...Array(count).keys()];
  const again = new Map<number, number>();
  let nowMs = 0;
  let round = 0;
  for (; fresh.length + again.size > 0 && round < 1000; round++) {
    // Items that come back go before new ones.
    const due = [...again.keys()].filter((index) => again.get(index)! <= nowMs).slice(0, room);
    for (const index of due) again.delete(index);
    for (const index of [...due, ...fresh.splice(0, room - due.length)]) {
      const refusal = refused(index, { retryAfterMs: 1000 });
      const isAnswered = answers(index, round);
      const next = isAnswered ? undefined : refusals.add(refusal, nowMs);
      if (isAnswered) ended(refusals, index);
      else if (next !== undefined) again.set(index, nowMs + next.afterMs);
      else {
        failed.push(index);
        refusals.ended({ index, status: "rejected" } as Outcome<unknown>, () => "a");
      }
    }
    nowMs += 10 + (refusals.pauses(nowMs)[0]?.ms ?? 0);
    if (fresh.length === 0) nowMs = Math.max(nowMs, Math.min(...again.values()));
  }
  return { failed, rounds: round, left: refusals.pauses(Infinity).length };
}

Deno.test("an item that is refused again and again while others are answered fails soon", () => {
  const { failed, rounds, left } = play((index) => index % 100 !== 5, 1000, 50);
  assertEquals(failed, Array.from({ length: 10 }, (_, n) => 100 * n + 5));
  assert(rounds < 30, `${rounds} rounds`);
  assertEquals(left, 0);
});

Deno.test("where a server lets through but some at a time, no item fails", () => {
  for (const share of [0.02, 0.1, 0.3, 0.6]) {
    const perRound = Math.ceil(40 * (1 - share));
    let at = 0;
    let seen = -1;
    // The last items of each round are refused, whichever they are.
    const { failed } = play(
      (_, round) => {
        if (round !== seen) [seen, at] = [round, 0];
        return ++at <= perRound;
      },
      2000,
      40,
    );
    assertEquals(failed, [], `a share of ${share}`);
  }
});

Deno.test("an item that nobody can be held against ends after so many refusals", () => {
  assertEquals(play(() => false, 1, 1), { failed: [0], rounds: MOST_REFUSALS, left: 0 });
});

Deno.test("one item that is refused again and again doesn't make the pauses of others longer", () => {
  const refusals = new RefusedItems(false, () => 0);
  let nowMs = 0;
  for (let tries = 0; tries < 4; tries++) {
    const { afterMs, pauseMs } = refusals.add(refused(0), nowMs)!;
    assertEquals([pauseMs, afterMs], [1000, Math.max(2000, 1000 * 2 ** tries)]);
    nowMs += afterMs;
  }
});
