import { assertEquals } from "@std/assert";
import fc from "../properties.ts";
import { UnmatchedItems } from "../../lib/running/unmatched_items.ts";

Deno.test("items of a digest are taken in the order in which they were added, each once", () => {
  // Those that differ in high bits alone begin at one place of the table.
  const digest = fc.tuple(fc.nat(3), fc.nat(2)).map(([low, high]) => low + high * 2 ** 32);
  fc.assert(fc.property(fc.array(digest), fc.array(digest), (added, wanted) => {
    const items = new UnmatchedItems(added.length);
    const model = new Map<number, number[]>();
    added.forEach((digest, index) => {
      items.add(index, digest);
      model.getOrInsert(digest, []).push(index);
    });
    let left = added.length;
    for (const digest of wanted) {
      const index = model.get(digest)?.shift();
      assertEquals([items.has(digest), items.take(digest)], [model.has(digest), index]);
      if (index !== undefined) left--;
      assertEquals(items.size, left);
    }
  }));
});

Deno.test("a million items of one digest are added and taken as fast as others", () => {
  const many = 1_000_000;
  const items = new UnmatchedItems(many);
  for (let index = 0; index < many; index++) items.add(index, 7);
  for (let index = 0; index < many; index++) if (items.take(7) !== index) throw new Error("wrong");
  assertEquals([items.take(7), items.has(7), items.has(8), items.size], [
    undefined,
    true,
    false,
    0,
  ]);
});
