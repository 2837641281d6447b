import { assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { page } from "../../lib/site/pages.ts";

Deno.test("page() has exactly the length asked for, and the same text each time", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 1e9 }), fc.nat(20_000), (number, bytes) => {
    const made = page(number, bytes);
    assertEquals(made.length, bytes);
    assertEquals(page(number, bytes), made);
    assertEquals(made.every((byte) => byte === 10 || (byte >= 32 && byte < 127)), true);
  }));
});

Deno.test("page() is whole HTML that says which page it is", () => {
  const text = new TextDecoder().decode(page(2, 10_000));
  assertEquals(text.startsWith("<!DOCTYPE html>\n"), true);
  assertEquals(text.endsWith("</html>\n"), true);
  assertEquals(text.includes("<h1>Page 2</h1>"), true);
});

Deno.test("page() differs between the article's two pages, of any length worth the name", () => {
  for (const bytes of [100, 1_000, 10_000]) assertNotEquals(page(1, bytes), page(2, bytes));
});
