import { markup, sanitized, sanitizedText, unbroken } from "../../../lib/report/html/markup.ts";
import { assert, assertEquals } from "@std/assert";
import fc, { anyText } from "../../properties.ts";
import { parseHTML } from "linkedom";

interface Parsed {
  querySelector(selector: string): { textContent: string; getAttribute(name: string): string };
}

Deno.test("whatever is put into a template comes out of a parser as the same text", () => {
  fc.assert(fc.property(fc.string({ maxLength: 60 }), (text) => {
    const page = markup`
      <html>
        <body>
          <p title="${text}">${text}</p>
        </body>
      </html>
    `.text;
    const document = (parseHTML(page) as unknown as { document: Parsed }).document;
    assertEquals(document.querySelector("p").textContent, text);
    assertEquals(document.querySelector("p").getAttribute("title"), text);
  }));
});

Deno.test("a template keeps markup, joins arrays, and leaves nothing for what is missing", () => {
  const items = ["<", 2].map((item) => markup`<li>${item}</li>`);
  assertEquals(
    markup`<ul>${items}${null}${false}${undefined}</ul>`.text,
    "<ul><li>&lt;</li><li>2</li></ul>",
  );
});

Deno.test("a figure stays on one line with its unit, and nothing else does", () => {
  assertEquals(unbroken("3 ms, 4 MB of 5 tasks"), "3\u00a0ms, 4\u00a0MB of 5 tasks");
  assertEquals(unbroken("2 nsec 2 ns"), "2 nsec 2\u00a0ns");
});

// deno-lint-ignore no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

Deno.test("sanitizedText() leaves one well-formed line within its limit", () => {
  fc.assert(fc.property(anyText(900), (text) => {
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
