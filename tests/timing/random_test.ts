import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../properties.ts";
import { randomBelow, schedule, seededRandom, shuffled } from "../../lib/timing/random.ts";

Deno.test("seededRandom() repeats itself for a seed, and differs for the next one", () => {
  const take = (seed: number) => Array.from({ length: 5 }, seededRandom(seed));
  assertEquals(take(42), take(42));
  assert(take(42).every((value, place) => value !== take(43)[place]));
});

Deno.test("seededRandom() gives the numbers that an earlier version gave, so that --seed repeats its order", () => {
  const first = (seed: number) => {
    const random = seededRandom(seed);
    return [random(), random(), random()].map((value) => value * 2 ** 32);
  };
  assertEquals(first(0), [3300212312, 1743954244, 207519241]);
  assertEquals(first(-1), [2378084626, 2430036845, 2939583250]);
  assertEquals(first(2 ** 40 + 7), [251473621, 3987187133, 2462513609]);
});

Deno.test("seededRandom() takes any safe integer and stays within 0 and 1", () => {
  fc.assert(fc.property(fc.maxSafeInteger(), (seed) => {
    const random = seededRandom(seed);
    for (let draw = 0; draw < 20; draw++) {
      const value = random();
      if (!(value >= 0 && value < 1)) return false;
    }
    return true;
  }));
  assertThrows(() => seededRandom(0.5), RangeError, "0.5");
});

Deno.test("seededRandom() tells seeds apart that differ in their high bits alone", () => {
  assert(seededRandom(1)() !== seededRandom(1 + 2 ** 40)());
});

Deno.test("randomBelow() draws each number about equally often", () => {
  const random = seededRandom(1);
  const counts = [0, 0, 0, 0, 0, 0];
  for (let draw = 0; draw < 60_000; draw++) counts[randomBelow(random, 6)]!++;
  // Chi-square with 5 degrees of freedom: by chance 0.1 % of seeds exceed 20.5.
  assert(counts.reduce((sum, count) => sum + (count - 1e4) ** 2 / 1e4, 0) < 20.5, counts.join());
});

Deno.test("shuffled() gives every order of three about equally often", () => {
  const random = seededRandom(5);
  const counts = new Map<string, number>();
  for (let draw = 0; draw < 6000; draw++) {
    const order = shuffled(["a", "b", "c"], random).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assertEquals(counts.size, 6);
  const chi = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  assert(chi < 20.5, `chi-square ${chi}`);
});

Deno.test("shuffled() keeps every value and leaves its input as it was", () => {
  fc.assert(fc.property(fc.array(fc.integer()), fc.integer(), (values, seed) => {
    const before = [...values];
    const after = shuffled(values, seededRandom(seed));
    assertEquals(values, before);
    assertEquals(after.toSorted((a, b) => a - b), before.toSorted((a, b) => a - b));
  }));
});

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
