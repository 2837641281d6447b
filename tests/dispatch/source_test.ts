import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Items } from "../../lib/dispatch/options.ts";
import { Source } from "../../lib/dispatch/source.ts";

const never = () => {
  throw new Error("nothing arrives later here");
};

Deno.test("a source knows the length of arrays, sets and maps, and of nothing else", () => {
  assertEquals(new Source([1, 2]).total, 2);
  assertEquals(new Source(new Set([1])).total, 1);
  assertEquals(new Source([1, 2].values()).total, undefined);
  assertEquals(new Source("abc").pull(2, never), ["a", "b"]);
});

Deno.test("a source pulls no more than it is asked for, and notes the end", () => {
  for (const items of [[1, 2, 3], new Set([1, 2, 3]), [1, 2, 3].values()]) {
    const source = new Source(items);
    assertEquals([source.pull(0, never), source.pulled], [[], 0]);
    assertEquals([source.pull(2, never), source.pulled, source.done], [[1, 2], 2, false]);
    assertEquals([source.pull(5, never), source.pulled, source.done], [[3], 3, true]);
    assertEquals(source.pull(5, never), []);
  }
});

Deno.test("a source asks an async input for one item at a time, and tells when it came", async () => {
  const asked: number[] = [];
  const items: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        asked.push(asked.length);
        return Promise.resolve({ value: asked.length, done: asked.length > 2 });
      },
    }),
  };
  const source = new Source(items);
  const arrival = () => new Promise<void>((resolve) => source.pull(1, () => resolve()));
  await arrival();
  assertEquals([asked.length, source.pulled], [1, 0]);
  assertEquals(source.pull(1, never), [1]);
  await arrival();
  assertEquals(source.pull(1, never), [2]);
  await arrival();
  assert(source.done);
});

Deno.test("a source closes its input, once, unless it has ended", async () => {
  let closed = 0;
  const items = {
    [Symbol.iterator]: () => ({
      next: () => ({ value: 1, done: false }),
      return: () => {
        closed++;
        return { value: undefined, done: true };
      },
    }),
  };
  const source = new Source(items as Items<number>);
  source.pull(1, never);
  await source.close();
  await source.close();
  assertEquals([closed, source.done], [1, true]);
});

Deno.test("a size that is no count is not believed", () => {
  for (const size of [NaN, -1, 1.5, "3", Infinity]) {
    const items = { size, [Symbol.iterator]: () => [1, 2].values() };
    assertEquals(new Source(items).total, undefined);
  }
});

const later = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("an async input may answer as a loop would put up with, and else fails", async () => {
  const inputs: [() => unknown, string][] = [
    [() => ({ value: 1, done: false }), "1"],
    [() => Promise.resolve({ value: 1 }), "1"],
    [() => undefined, "TypeError"],
    [() => Promise.resolve(3), "undefined"],
    [() => {
      throw new RangeError("no");
    }, "RangeError"],
    [() => Promise.reject(new RangeError("no")), "RangeError"],
  ];
  for (const [next, wanted] of inputs) {
    const source = new Source({ [Symbol.asyncIterator]: () => ({ next }) } as Items<unknown>);
    let came = "";
    source.pull(1, (error, failed) => {
      came = failed ? (error as Error).name : String(source.pull(1, () => {})[0]);
    });
    await later();
    assertEquals(came, wanted);
    await source.close();
  }
});

Deno.test("an input whose clean-up throws or answers anything does no harm", async () => {
  const throws = () => {
    throw new Error("in return()");
  };
  for (const clean of [throws, () => 5, () => Promise.reject(new Error("late")), undefined]) {
    for (const which of [Symbol.iterator, Symbol.asyncIterator]) {
      const next = () => ({ value: 1, done: false });
      const source = new Source(
        { [which]: () => ({ next, return: clean }) } as unknown as Items<number>,
      );
      source.pull(1, () => {});
      await later();
      await source.close();
      assert(source.done);
    }
  }
});

Deno.test("a generator that has its own source closed is closed once it no longer runs", () => {
  let closed = 0;
  function* items(): Generator<number> {
    try {
      yield 1;
      void source.close();
      assertEquals(closed, 0);
      yield 2;
      yield 3;
    } finally {
      closed++;
    }
  }
  const source = new Source(items());
  assertEquals(source.pull(9, never), [1, 2]);
  assertEquals([closed, source.done, source.pulled, source.pull(9, never)], [1, true, 2, []]);
});

Deno.test("an iterator that has its own source closed is closed once", () => {
  let closed = 0;
  const next = () => {
    void source.close();
    return { value: 1, done: false };
  };
  const clean = () => {
    closed++;
    return { value: undefined, done: true };
  };
  const source: Source = new Source({ [Symbol.iterator]: () => ({ next, return: clean }) });
  assertEquals([source.pull(9, never), closed], [[1], 1]);
});

Deno.test("what can't be iterated is refused at once", () => {
  for (const items of [undefined, null, 3, {}]) {
    assertThrows(() => new Source(items as never), TypeError, "items must be iterable");
  }
});
