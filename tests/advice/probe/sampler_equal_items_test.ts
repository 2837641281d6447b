import { assertEquals } from "@std/assert";
import { equalItems, hasEqualItems } from "../../../lib/advice/probe/sampler.ts";

Deno.test("equal items are counted in the list, and in the order in which the sample took them", () => {
  // The sample takes c, a, b, a, c, b: its fourth item is the first that ran before.
  const list = ["a", "a", "b", "b", "c", "c"];
  const places = [4, 0, 2, 1, 5, 3];
  assertEquals(equalItems(list, places, [1, 1, 2, 2]), { distinct: 3, again: [0, 0, 1, 2] });
  assertEquals(equalItems(list, places, [2]), { distinct: 3, again: [0] });
  assertEquals(equalItems(["a", "b"], [], [2]), undefined);
});

Deno.test("objects are equal by what they hold, and those of which JSON tells little are like no other", () => {
  const again = (...list: unknown[]) => equalItems(list, [], [list.length])?.again;
  assertEquals(again({ id: 1 }, { id: 1 }, { id: 2 }), [1]);
  assertEquals(again([1, 2], [1, 2]), [1]);
  assertEquals(again(new Map([[1, 2]]), new Map([[1, 2]])), undefined);
  assertEquals(again({ n: 1n }, { n: 1n }), undefined);
  assertEquals(again(1, "1", true, null, undefined), undefined);
  assertEquals(again("x".repeat(2000), "x".repeat(2000)), [1]);
  assertEquals(again({ text: "x".repeat(2000) }, { text: "x".repeat(2000) }), undefined);
  // Byte arrays and large structures aren't compared as text, which would take longer than the tasks.
  assertEquals(again({ of: new Uint8Array(4) }, { of: new Uint8Array(4) }), undefined);
  let read = 0;
  const parts = Array.from({ length: 5000 }, () => ({ toJSON: () => read++ }));
  assertEquals([again(parts, [...parts]), read < 4000], [undefined, true]);
});

Deno.test("equalItems() doesn't look through a list that is too long for that", () => {
  const list = Array<number>(100_001).fill(1);
  assertEquals([equalItems(list, [], [1]), hasEqualItems(list)], [undefined, false]);
  assertEquals(equalItems(list.slice(1), [], [1])?.distinct, 1);
});
