import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { chance } from "../../lib/site/chance.ts";

Deno.test("chance() is from 0 up to but without 1, and the same each time", () => {
  fc.assert(fc.property(fc.integer(), fc.string(), (seed, name) => {
    const drawn = chance(seed, name);
    assertEquals(drawn >= 0 && drawn < 1, true);
    assertEquals(chance(seed, name), drawn);
  }));
});

Deno.test("chance() is spread evenly over addresses that differ in one digit", () => {
  const tenths = Array<number>(10).fill(0);
  for (let copy = 0; copy < 10_000; copy++) {
    tenths[Math.floor(10 * chance(7, `/page/1?copy=${copy}`))]!++;
  }
  // Binomial: 1,000 expected, standard deviation 30. These draws are fixed, so this can't flicker.
  assertEquals(tenths.every((count) => Math.abs(count - 1_000) < 150), true, tenths.join());
});
