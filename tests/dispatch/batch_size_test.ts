import { assert, assertEquals } from "@std/assert";
import fc from "../properties.ts";
import { BatchSize, TARGET_MS } from "../../lib/dispatch/batch_size.ts";

/** The size after batches of its own size, each item of which took `itemMs` milliseconds. */
function learned(itemMs: number, batches = 8): BatchSize {
  const size = new BatchSize("auto");
  for (let batch = 0; batch < batches; batch++) size.learn(size.current, itemMs * size.current);
  return size;
}

Deno.test("the first batch is one item, and tiny tasks soon travel in large batches", () => {
  const size = new BatchSize("auto");
  const sizes: number[] = [];
  for (let batch = 0; batch < 8; batch++) {
    const count = size.next(undefined, 2);
    sizes.push(count);
    size.learn(count, count * 1e-4);
  }
  assertEquals(sizes[0], 1);
  assert(sizes.at(-1)! > 1000, sizes.join());
  for (const [at, count] of sizes.entries()) {
    if (at > 0) assert(count >= sizes[at - 1]! && count <= 8 * sizes[at - 1]!, sizes.join());
  }
});

Deno.test("however short tasks are, a batch has an end", () => {
  assertEquals(learned(0, 100).current, 8192);
});

Deno.test("long tasks travel alone", () => {
  const size = learned(2 * TARGET_MS);
  assertEquals([size.next(undefined, 2), size.isLong], [1, true]);
});

Deno.test("batches are sent ahead of all but very long tasks, more of them the shorter they are", () => {
  assertEquals(new BatchSize("auto").ahead(false), 0);
  const ahead = (isShared: boolean) =>
    [101, 100, 99, 1, 0.9, 0.2, 1e-4].map((itemMs) => learned(itemMs, 1).ahead(isShared));
  assertEquals(ahead(false), [0, 0, 1, 1, 1, 1, 8]);
  assertEquals(ahead(true), [0, 0, 0, 0, 1, 1, 8]);
  const fixed = (itemMs: number) => {
    const size = new BatchSize(1);
    size.learn(1, itemMs);
    return size.ahead(false);
  };
  assertEquals([fixed(0.2), fixed(0.1), fixed(0)], [3, 5, 8]);
});

Deno.test("a lane says which item it starts only where an item takes long", () => {
  assertEquals(new BatchSize("auto").isLong, false);
  assertEquals([learned(0.9).isLong, learned(1.1).isLong], [false, true]);
});

Deno.test("one slow batch shrinks the next ones", () => {
  const size = learned(1e-3);
  const before = size.next(undefined, 1);
  size.learn(10, 100);
  assert(size.next(undefined, 1) < before / 10);
});

Deno.test("where items run side by side, many go at once from the start, but never too many", () => {
  const limits = { targetMs: 50, firstItems: 64, mostItems: 300 };
  const size = new BatchSize("auto", limits);
  assertEquals([size.next(undefined, 1), size.next(100, 1)], [64, 64]);
  size.learn(64, 1);
  assertEquals([size.current, size.giveBackMs], [300, 200]);
  size.learn(300, 60_000);
  assertEquals(size.current, 1);
  assertEquals(new BatchSize("auto", { ...limits, mostItems: 8 }).current, 8);
  assertEquals([new BatchSize(500, limits), new BatchSize(5, limits)].map((of) => of.current), [
    300,
    5,
  ]);
});

Deno.test("a report of nothing, or of an unknown time, teaches nothing", () => {
  const size = learned(0.1);
  const before = size.current;
  size.learn(0, 1000);
  size.learn(5, NaN);
  assertEquals(size.current, before);
  size.learn(5, -1); // a clock that was set back
  assert(size.current >= before);
});

Deno.test("no batch is so large that a lane starves at the end", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 0, max: 10_000 }),
      fc.integer({ min: 1, max: 64 }),
      (itemMs, remaining, slots) => {
        const size = new BatchSize("auto");
        for (const ms of itemMs) size.learn(size.current, ms * size.current);
        const count = size.next(remaining, slots);
        assert(Number.isInteger(count) && count >= 1);
        assert(count <= Math.max(1, Math.ceil(remaining / (2 * slots))));
        assert(count <= size.current);
      },
    ),
  );
});

Deno.test("a size that the caller wants is kept, whatever the tasks and their items are like", () => {
  const size = new BatchSize(7);
  size.learn(7, 1000);
  assertEquals([size.next(3, 2), size.current], [7, 7]);
  assertEquals([size.giveBackMs, size.mostBytes], [Infinity, Infinity]);
  const auto = new BatchSize("auto");
  assertEquals([auto.giveBackMs, auto.mostBytes], [4 * TARGET_MS, 1 << 20]);
});

Deno.test("however short their tasks are, items that are large travel in small batches, and few wait", () => {
  const MB = 1 << 20;
  for (const weigh of ["weighItems", "weighValues"] as const) {
    const size = learned(1e-4);
    assertEquals([size.current, size.ahead(false)], [8192, 1]);
    size[weigh](2, MB / 2);
    assertEquals([size.current, size.next(undefined, 1), size.ahead(false)], [4, 4, 1]);
    size[weigh](1, 100 * MB);
    assertEquals([size.current, size.ahead(false)], [1, 1]);
    // The size grows back step by step, as it does with times.
    size[weigh](0, 0);
    for (let batch = 0; batch < 40; batch++) size[weigh](1, 0);
    size.learn(1, 1e-4);
    assertEquals(size.current, 8192);
  }
  const both = learned(1e-4);
  both.weighItems(1, MB / 4);
  both.weighValues(1, MB / 4);
  assertEquals(both.current, 2);
  const fixed = new BatchSize(7);
  fixed.learn(7, 0);
  fixed.weighItems(7, 7 * MB);
  assertEquals([fixed.current, fixed.ahead(false)], [7, 1]);
});
