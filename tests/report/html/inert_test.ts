import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { inert, inertText } from "../../../lib/report/html/inert.ts";

// deno-lint-ignore no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

Deno.test("inertText() leaves one well-formed line within its limit", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 900 }), (text) => {
    const line = inertText(text, 80);
    assert(line.length <= 80);
    assert(line.isWellFormed());
    assert(!CONTROLS.test(line));
  }));
});

Deno.test("inertText() turns overrides of the writing direction into blanks", () => {
  assertEquals(inertText("exe.\u202egpj"), "exe. gpj");
});

Deno.test("inertText() says where it cut", () => {
  assertEquals(inertText("a".repeat(1_000_000), 5), "aaaa…");
});

Deno.test("inert() keeps numbers within what can be drawn and leaves NaN to be shown as missing", () => {
  assertEquals(inert([1e308, -Infinity, 0.5, NaN]), [1e15, -1e15, 0.5, NaN]);
});

Deno.test("inert() takes __proto__ for a key like any other", () => {
  const copy = inert(JSON.parse('{"__proto__":{"polluted":true}}'));
  assertEquals(Object.keys(copy), ["__proto__"]);
  assertEquals(({} as Record<string, unknown>).polluted, undefined);
});
