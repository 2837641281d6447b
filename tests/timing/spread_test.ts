import { assert, assertEquals } from "@std/assert";
import { spreadItems, spreadOrder } from "../../lib/timing/spread.ts";
import { openItems } from "../../lib/timing/item_source.ts";

Deno.test("spreadOrder() has every place once", () => {
  for (const count of [0, 1, 2, 3, 7, 8, 100, 1000]) {
    assertEquals(
      spreadOrder(count).toSorted((a, b) => a - b),
      Array.from({ length: count }, (_, place) => place),
    );
  }
});

Deno.test("spreadOrder() begins with a fair share", () => {
  for (const few of [8, 16, 50]) {
    const first = spreadOrder(1000).slice(0, few);
    const mean = first.reduce((sum, place) => sum + place, 0) / few;
    assert(Math.abs(mean / 500 - 1) < 0.15, `${few}: ${mean}`);
  }
});

Deno.test("spreadItems() leaves what has no places as it is", () => {
  const items = new Set([1, 2, 3]);
  assertEquals(spreadItems(items), items);
  assertEquals(spreadItems([1, 2, 3, 4, 5], 3), [1, 3, 2]);
});

Deno.test("openItems() spreads the items of a list first, and takes as many as are wanted then", async () => {
  const module = "data:text/javascript,export const items = [0, 1, 2, 3, 4, 5, 6, 7]";
  const source = { kind: "module", module, export: "items", spread: true } as const;
  assertEquals(await openItems({ ...source, limit: 3 }), [0, 4, 2]);
  assertEquals(await openItems({ ...source, first: 4, limit: 3 }), [0, 2, 1]);
});

Deno.test("spreadItems() makes no more of a long list than is wanted", () => {
  const long = { length: 3_000_000 };
  const items = Array.from(long, (_, place) => place);
  assertEquals(spreadItems(items, Infinity, 3), [0, 2 ** 21, 2 ** 20]);
  assertEquals(spreadItems(items).length, 65_536);
});
