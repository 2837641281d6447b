import { assert, assertEquals } from "@std/assert";
import fc from "../properties.ts";
import stringWidth from "fast-string-width";
import { fit, pad, plain, sideBySide, wrap } from "../../lib/text/plain.ts";

// deno-lint-ignore no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

Deno.test("plain() drops escape sequences whole", () => {
  assertEquals(plain("\x1b[31mred\x1b[0m"), "red");
  assertEquals(plain("a\x1b]0;title\x07b"), "ab");
  assertEquals(plain("a\x1b]8;;https://x.y\x1b\\link\x1b]8;;\x1b\\"), "alink");
});

Deno.test("plain() drops nothing that a terminal would show", () => {
  assertEquals(plain("\x1b[31mred\x07 alert\x1b[0m"), "red  alert");
  assertEquals(plain("\x1b(Bword\x07"), "word");
  assertEquals(plain("\x1b]0;this has no end"), "0;this has no end");
  assertEquals(plain("a\x1b[38;5;245mb\x9b2Jc\x1bMd\x1bP1$r0m\x1b\\e\x9d8;;\x9cf"), "abcdef");
  // A command is cut off by the next one, however either is written; else many would take quadratic time.
  for (const begin of ["\x1b]", "\x9d"]) {
    assertEquals(plain(`${begin}0;kept${begin}0;title\x07`), "0;kept");
  }
});

Deno.test("plain() makes one line of many", () => {
  assertEquals(plain("one\r\n\ttwo\u2028three"), "one two three");
});

Deno.test("plain() leaves no control character, whatever the text", () => {
  const text = fc.string({
    unit: fc.integer({ min: 0, max: 0x2100 }).map((c) => String.fromCharCode(c)),
  });
  fc.assert(fc.property(text, (value) => assert(!CONTROLS.test(plain(value)))));
});

Deno.test("fit() never exceeds its columns, wide characters counted", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "日", "👩‍👩‍👧", "é", " ") });
  fc.assert(fc.property(text, fc.nat(20), (value, columns) => {
    assert(stringWidth(fit(value, columns)) <= columns);
  }));
  assertEquals(fit("日本語", 5), "日本…");
  assertEquals(fit("日本語", 6), "日本語");
  assertEquals([fit("two", 1), fit("two", 0)], ["…", ""]);
});

Deno.test("pad() counts wide characters twice", () => {
  assertEquals(pad("日本", 6), "日本  ");
  assertEquals(pad("too long", 3), "too long");
});

Deno.test("wrap() keeps every word and the width", () => {
  const text = fc.array(fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 9 }));
  fc.assert(fc.property(text, fc.integer({ min: 12, max: 40 }), (words, columns) => {
    const wrapped = wrap(words.join(" "), columns, "  ");
    assertEquals(wrapped.split(/\s+/).filter((word) => word !== ""), words);
    for (const line of wrapped.split("\n")) assert(line.length <= columns, line);
  }));
});

Deno.test("wrap() begins no line for a word that has room in none", () => {
  assertEquals(wrap("everlasting", 4), "everlasting");
  assertEquals(wrap("an everlasting day", 4, " "), "an\n everlasting\n day");
});

Deno.test("sideBySide() begins a line where the next entry has no room", () => {
  assertEquals(sideBySide(["one", "two", "漢字", "x"], 8, "  "), ["one  two", "漢字  x"]);
  assertEquals(sideBySide(["far too long", "x"], 4, " "), ["far too long", "x"]);
  assertEquals(sideBySide([], 10, " "), []);
});
