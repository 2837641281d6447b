import { assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { quoted, UsageError } from "../../lib/options.ts";

Deno.test("UsageError says option, value, problem and remedy in one line", () => {
  const error = new UsageError("--slots", "a\nb", "not a number", "give one such as 5");
  assertEquals(error.message, '--slots "a\\nb": not a number; give one such as 5');
  assertEquals([error.name, error.value], ["UsageError", "a\nb"]);
});

Deno.test("quoted() stays on one line and steers no terminal, whatever it holds", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    // deno-lint-ignore no-control-regex
    assertEquals(/[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/.test(quoted(text)), false);
  }));
  assertEquals(quoted("\x1b[31m\x9b"), '"\\u001b[31m\\u009b"');
});

Deno.test("quoted() cuts what is long, but never through a character", () => {
  assertEquals(quoted("x".repeat(80)).includes("…"), false);
  assertMatch(quoted("x".repeat(81)), /^"x{80}…"$/);
  assertMatch(quoted("😀".repeat(100)), /^"(😀){80}…"$/u);
});
