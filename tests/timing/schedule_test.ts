import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { schedule } from "../../lib/timing/schedule.ts";

const MODELS = ["a", "b", "c", "d"];

Deno.test("schedule() runs every model once a round", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 9 }), fc.integer(), (rounds, seed) => {
    const order = schedule(MODELS, rounds, seed);
    assertEquals(order.length, rounds);
    for (const round of order) assertEquals(round.toSorted(), MODELS);
  }));
});

Deno.test("schedule() shuffles by the seed", () => {
  assertEquals(schedule(MODELS, 6, 1), schedule(MODELS, 6, 1));
  const orders = new Set(
    Array.from({ length: 200 }, (_, seed) => schedule(MODELS, 1, seed).join()),
  );
  assertEquals(orders.size, 24);
  const [first, , third] = schedule(MODELS, 3, 1);
  assert(first!.join() !== third!.join());
});

Deno.test("schedule() runs each second round backwards, so that each pair of models swaps", () => {
  const [first, second, third, fourth] = schedule(MODELS, 4, 9);
  assertEquals(second, first!.toReversed());
  assertEquals(fourth, third!.toReversed());
});
