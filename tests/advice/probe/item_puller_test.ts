import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ItemPuller } from "../../../lib/advice/probe/item_puller.ts";

/** Numbers from 0 on, and whether their source was closed. */
function numbers(count: number) {
  const seen = { closed: false };
  return {
    seen,
    *[Symbol.iterator]() {
      try {
        for (let n = 0; n < count; n++) yield n;
      } finally {
        seen.closed = true;
      }
    },
  };
}

Deno.test("ItemPuller takes no more than are wanted, and tells how many it took", async () => {
  const source = numbers(5);
  const puller = new ItemPuller(source);
  assertEquals(await puller.pull(0), []);
  assertEquals([await puller.pull(2), puller.pulled], [[0, 1], 2]);
  assertEquals([await puller.pull(9), puller.pulled], [[2, 3, 4], 5]);
  assertEquals(await puller.pull(1), []);
});

Deno.test("ItemPuller knows how many there are of a list and of a set, and of nothing else", () => {
  const totalOf = (items: Iterable<unknown>) => new ItemPuller(items).total;
  assertEquals([[4, 5], new Set([4]), [], numbers(3)].map(totalOf), [2, 1, 0, undefined]);
  assertEquals(totalOf({ ...numbers(3), size: "large" } as Iterable<unknown>), undefined);
});

Deno.test("ItemPuller knows whether a source has ended, and that one which hangs may not have", async () => {
  const puller = new ItemPuller(numbers(2));
  await puller.pull(1);
  assertEquals(await puller.ended(), false);
  assertEquals(await puller.ended(), true);
  const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
  assertEquals(await new ItemPuller(never).ended(), false);
  const broken = {
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("broken")) }),
  };
  assertEquals(await new ItemPuller(broken).ended(), false);
  await assertRejects(() => new ItemPuller(broken).pull(1), Error, "broken");
});

Deno.test("ItemPuller closes a source that has more, and none that has ended", async () => {
  const source = numbers(5);
  const puller = new ItemPuller(source);
  await puller.pull(1);
  await puller.close();
  assertEquals(source.seen.closed, true);
  let closed = 0;
  const ended = new ItemPuller({
    [Symbol.iterator]: () => ({
      next: () => ({ done: true, value: undefined }),
      return: () => ({ done: true, value: closed++ }),
    }),
  });
  await ended.pull(1);
  await ended.close();
  assertEquals(closed, 0);
});

Deno.test("ItemPuller refuses what can't be iterated", () => {
  const what = 'the export "items" gave 7, which can\'t be iterated';
  assertThrows(() => new ItemPuller(7 as unknown as []), TypeError, what);
  assertThrows(() => new ItemPuller(undefined as unknown as []), TypeError, "undefined");
});
