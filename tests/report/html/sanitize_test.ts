import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { sanitized, sanitizedText } from "../../../lib/report/html/markup.ts";

// deno-lint-ignore no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

Deno.test("sanitizedText() leaves one well-formed line within its limit", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 900 }), (text) => {
    const line = sanitizedText(text, 80);
    assert(line.length <= 80);
    assert(line.isWellFormed());
    assert(!CONTROLS.test(line));
  }));
});

Deno.test("sanitizedText() turns overrides of the writing direction into blanks", () => {
  assertEquals(sanitizedText("exe.\u202egpj"), "exe. gpj");
});

Deno.test("sanitizedText() says where it cut", () => {
  assertEquals(sanitizedText("a".repeat(1_000_000), 5), "aaaa…");
});

Deno.test("sanitized() keeps numbers within what can be drawn and leaves NaN to be shown as missing", () => {
  assertEquals(sanitized([1e308, -Infinity, 0.5, NaN]), [1e15, -1e15, 0.5, NaN]);
});

Deno.test("sanitized() takes __proto__ for a key like any other", () => {
  const copy = sanitized(JSON.parse('{"__proto__":{"polluted":true}}'));
  assertEquals(Object.keys(copy), ["__proto__"]);
  assertEquals(({} as Record<string, unknown>).polluted, undefined);
});
