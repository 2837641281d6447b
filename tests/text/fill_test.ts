import { assertEquals, assertThrows } from "@std/assert";
import { fill } from "../../lib/text/fill.ts";

const raw = (_: string, value: unknown) => String(value);

Deno.test("values are put in by their paths, as the caller shows them, and not looked into again", () => {
  const named = (name: string, value: unknown) => `${name}=${value}`;
  assertEquals(fill("{a} of {b.c}", { a: 2, b: { c: "x" } }, named), "a=2 of b.c=x");
  assertEquals(fill("{a}, {b}", { a: "{b} $& $1", b: null }, raw), "{b} $& $1, null");
});

Deno.test("a plural behind a value of 1 becomes a singular, and any other word stays", () => {
  const said = (count: number) => fill("{n} processes, {n} cores of {n} sites", { n: count }, raw);
  assertEquals(said(1), "1 process, 1 core of 1 sites");
  assertEquals(said(2), "2 processes, 2 cores of 2 sites");
  assertEquals(fill("{n} tasks", { n: "1" }, raw), "1 tasks");
  assertEquals(fill("{n} itemsets", { n: 1 }, raw), "1 itemsets");
});

Deno.test("a text whose value is missing isn't said", () => {
  assertThrows(() => fill("{a.b} items", { a: {} }, raw), TypeError, "a.b is missing");
});
