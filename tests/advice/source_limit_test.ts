import { assertEquals } from "@std/assert";
import { sourceLimit } from "../../lib/advice/findings_of.ts";

Deno.test("a source is the limit where it alone takes most of the time that a model does", () => {
  const slow = { sourceMs: 30, wallMs: 5 };
  assertEquals(sourceLimit(slow, 1), 30 / 35);
  assertEquals(sourceLimit(slow, 1.17), 1);
  assertEquals(sourceLimit({ sourceMs: 5, wallMs: 30 }, 1), undefined);
  assertEquals(sourceLimit({ sourceMs: 5, wallMs: 30 }, 6), 30 / 35);
});

Deno.test("a source that is quick in itself limits nothing", () => {
  assertEquals(sourceLimit({ sourceMs: 0.05, wallMs: 0.001 }, 1), undefined);
});
