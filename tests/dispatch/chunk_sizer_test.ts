import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ChunkSizer, TARGET_MS } from "../../lib/dispatch/chunk_sizer.ts";

Deno.test("the first chunk is one item, and tiny tasks soon travel in large chunks", () => {
  const sizer = new ChunkSizer("auto");
  const sizes: number[] = [];
  for (let chunk = 0; chunk < 8; chunk++) {
    const size = sizer.next(undefined, 2);
    sizes.push(size);
    sizer.learn(size, size * 1e-4);
  }
  assertEquals(sizes[0], 1);
  assert(sizes.at(-1)! > 1000, sizes.join());
  for (const [at, size] of sizes.entries()) if (at > 0) assert(size >= sizes[at - 1]!);
});

Deno.test("long tasks travel alone", () => {
  const sizer = new ChunkSizer("auto");
  for (let chunk = 0; chunk < 5; chunk++) sizer.learn(1, 2 * TARGET_MS);
  assertEquals(sizer.next(undefined, 2), 1);
  assertEquals(sizer.ahead, 0);
});

Deno.test("one slow chunk shrinks the next ones", () => {
  const sizer = new ChunkSizer("auto");
  for (let chunk = 0; chunk < 8; chunk++) sizer.learn(sizer.next(undefined, 1), 1e-3);
  const before = sizer.next(undefined, 1);
  sizer.learn(10, 100);
  assert(sizer.next(undefined, 1) < before / 10);
});

Deno.test("no chunk is so large that a lane starves at the end", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1, max: 64 }),
      (itemMs, remaining, slots) => {
        const sizer = new ChunkSizer("auto");
        for (const ms of itemMs) sizer.learn(sizer.current, ms * sizer.current);
        const size = sizer.next(remaining, slots);
        assert(Number.isInteger(size) && size >= 1);
        assert(size <= Math.max(1, Math.ceil(remaining / (2 * slots))));
      },
    ),
  );
});

Deno.test("a chunk size that the caller wants is kept", () => {
  const sizer = new ChunkSizer(7);
  sizer.learn(7, 1000);
  assertEquals([sizer.next(3, 2), sizer.current, sizer.giveBackMs], [7, 7, Infinity]);
  assertEquals(sizer.fit(Array(7).fill("x".repeat(1 << 20))), 7);
});

Deno.test("large items travel in fewer to a chunk, but at least one", () => {
  const sizer = new ChunkSizer("auto");
  assertEquals(sizer.fit(Array(5).fill(new Uint8Array(2 << 20))), 1);
  assertEquals(sizer.fit(Array(5).fill({ data: new Uint8Array(400_000) })), 2);
  assertEquals(sizer.fit(Array(5).fill("small")), 5);
  assertEquals(sizer.fit(Array(5).fill(1)), 5);
  assertEquals(sizer.fit([]), 0);
});
