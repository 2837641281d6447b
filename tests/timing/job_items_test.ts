import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  ItemPuller,
  openItems,
  prepare,
  spreadItems,
  spreadOrder,
  withWarmup,
} from "../../lib/timing/job_items.ts";

Deno.test("what prepare gives is disposed if it can be, once the job is over", async () => {
  const log: string[] = [];
  const cases: [unknown, boolean][] = [
    [{ [Symbol.asyncDispose]: async () => void log.push(await "later") }, true],
    [{ [Symbol.dispose]: () => void log.push("now") }, true],
    [{}, false],
    [undefined, false],
    [null, false],
    [7, false],
  ];
  for (const [value, disposable] of cases) {
    await using prepared = await prepare(() => Promise.resolve(value));
    assertEquals(prepared.isDisposable, disposable);
  }
  assertEquals(log, ["later", "now"]);
  await using none = await prepare(undefined);
  assertEquals(none.isDisposable, false);
});

function moduleOf(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

async function read(code: string, limit?: number): Promise<unknown[]> {
  const { items } = await openItems({
    kind: "module",
    module: moduleOf(code),
    export: "items",
    ...(limit !== undefined && { limit }),
  });
  return await Array.fromAsync(items);
}

Deno.test("openItems() takes a list, a generator, a stream, and a promise of one", async () => {
  assertEquals(await read("export const items = [1, 2]"), [1, 2]);
  assertEquals(await read("export const items = new Set([1, 2])"), [1, 2]);
  assertEquals(await read("export function* items() { yield 1; yield 2; }"), [1, 2]);
  assertEquals(await read("export async function* items() { yield 1; yield 2; }"), [1, 2]);
  assertEquals(await read("export const items = async () => [1, 2]"), [1, 2]);
});

Deno.test("openItems() takes no more than the limit, from an endless source too", async () => {
  const endless = "export function* items() { for (let n = 0;; n++) yield n; }";
  assertEquals(await read(endless, 3), [0, 1, 2]);
  assertEquals(await read(endless, 0), []);
  assertEquals(await read("export const items = [1, 2]", 9), [1, 2]);
});

Deno.test("openItems() refuses what can't be iterated, and names the export", async () => {
  await assertRejects(
    () => read("export const items = 5"),
    TypeError,
    'its export "items" is number',
  );
  await assertRejects(() => read("export const other = 5"), TypeError, "undefined");
});

Deno.test("withWarmup() gives every item back, though the source is read once", async () => {
  async function* once() {
    yield* [1, 2, 3];
  }
  const { warmup, all } = await withWarmup(once(), 2);
  assertEquals(warmup, [1, 2]);
  assertEquals(await Array.fromAsync(all), [1, 2, 3]);
});

Deno.test("withWarmup() warms up with what there is", async () => {
  const { warmup, all } = await withWarmup(new Set([1]), 5);
  assertEquals([warmup, await Array.fromAsync(all)], [[1], [1]]);
  assertEquals((await withWarmup([1, 2, 3], 2)).all, [1, 2, 3]);
});

Deno.test("withWarmup() closes a source that isn't read to its end", async () => {
  let closed = false;
  function* source() {
    try {
      yield 1;
      yield 2;
      yield 3;
    } finally {
      closed = true;
    }
  }
  const { all } = await withWarmup(source(), 1);
  for await (const _ of all) break;
  assertEquals(closed, true);
});

Deno.test("spreadOrder() has every place once", () => {
  for (const count of [0, 1, 2, 3, 7, 8, 100, 1000]) {
    assertEquals(
      spreadOrder(count).toSorted((a, b) => a - b),
      Array.from({ length: count }, (_, place) => place),
    );
  }
});

Deno.test("spreadOrder() begins with the first item", () => {
  for (const count of [1, 2, 3, 7, 100]) assertEquals(spreadOrder(count)[0], 0);
});

Deno.test("spreadOrder() begins with a fair share", () => {
  for (const few of [8, 16, 50]) {
    const first = spreadOrder(1000).slice(0, few);
    const mean = first.reduce((sum, place) => sum + place, 0) / few;
    assert(Math.abs(mean / 500 - 1) < 0.15, `${few}: ${mean}`);
  }
});

Deno.test("spreadOrder() passes over none of the items that come again every so many places", () => {
  let [missed, all] = [0, 0];
  for (const count of [60, 100, 128, 200, 256]) {
    for (let period = 2; period <= 16; period++) {
      const first = new Set(spreadOrder(count).slice(0, 3 * period).map((place) => place % period));
      missed += period - first.size;
      all += period;
    }
  }
  // A random order would miss a twentieth; steps of two would miss nearly all of some periods.
  assert(missed / all < 0.07, `${missed} of ${all}`);
  const tenths = spreadOrder(100).slice(0, 50).filter((place) => place % 10 === 9).length;
  assert(tenths >= 3 && tenths <= 7, `${tenths}`);
});

Deno.test("spreadItems() leaves what has no places as it is", () => {
  const items = new Set([1, 2, 3]);
  assertEquals(spreadItems(items, {}), { items });
  const places = spreadOrder(3);
  const spread = { items: places.map((place) => place + 1), places };
  assertEquals(spreadItems([1, 2, 3, 4, 5], { first: 3 }), spread);
});

Deno.test("openItems() spreads the items of a list first, and takes as many as are wanted then", async () => {
  const module = "data:text/javascript,export const items = [0, 1, 2, 3, 4, 5, 6, 7]";
  const source = { kind: "module", module, export: "items", order: "spread" } as const;
  const three = (places: number[]) => ({ items: places.slice(0, 3), places: places.slice(0, 3) });
  assertEquals(await openItems({ ...source, limit: 3 }), three(spreadOrder(8)));
  assertEquals(await openItems({ ...source, first: 4, limit: 3 }), three(spreadOrder(4)));
});

Deno.test("openItems() takes the first items from last to first, of any source, and closes it", async () => {
  Object.assign(globalThis, { closedItems: 0 });
  const module = moduleOf(`
    export const list = [0, 1, 2, 3];
    export async function* stream() {
      try { for (let n = 0;; n++) yield n; } finally { globalThis.closedItems++; }
    }`);
  for (const name of ["list", "stream"]) {
    const source = { kind: "module", module, export: name, limit: 3, order: "backwards" } as const;
    assertEquals(await openItems(source), { items: [2, 1, 0], places: [2, 1, 0] });
  }
  const whole = { kind: "module", module, export: "list", limit: 9, order: "backwards" } as const;
  assertEquals((await openItems(whole)).places, [3, 2, 1, 0]);
  assertEquals(Reflect.get(globalThis, "closedItems"), 1);
});

Deno.test("spreadItems() makes no more of a long list than is wanted", () => {
  const long = { length: 3_000_000 };
  const items = Array.from(long, (_, place) => place);
  const of = (limit?: number) => spreadItems(items, { limit }).items as number[];
  assertEquals(of(3), spreadOrder(long.length, 3));
  assertEquals(of().length, 65_536);
});

/** Numbers from 0 on, with a record of whether their source was closed. */
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
