import { assertEquals, assertRejects } from "@std/assert";
import { openItems, withWarmup } from "../../lib/timing/item_source.ts";

function moduleOf(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

async function read(code: string, limit?: number): Promise<unknown[]> {
  const items = await openItems({
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
