import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { digestIn, digestOf, digestText } from "../../lib/running/known_items.ts";

Deno.test("equal items have equal digests, others others, and a digest survives being written", () => {
  const values = [1, "1", 1n, true, null, undefined, [], [1], {}, { a: 1 }, { a: "1" }, -0, 0, NaN];
  const digests = values.map((value) => digestOf(value));
  assertEquals(new Set(digests).size, values.length);
  assertEquals(digestOf({ a: 1, b: [2] }), digestOf({ b: [2], a: 1 }));
  fc.assert(fc.property(fc.anything(), (value) => {
    const digest = digestOf(value);
    assertEquals(Number.isSafeInteger(digest) && digest >= 0, true);
    assertEquals(digestIn(digestText(digest)), digest);
  }));
});

Deno.test("digests of many items that are much alike differ", () => {
  const digests = new Set<number>();
  for (let n = 0; n < 200_000; n++) digests.add(digestOf(`https://example.org/${n}`));
  assertEquals(digests.size, 200_000);
});
