import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseHTML } from "linkedom";
import { markup, unbroken } from "../../../lib/report/html/markup.ts";

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
