/** The properties that every page must have, whatever its file contains. */

import { assert, assertEquals } from "@std/assert";
import { parseHTML } from "linkedom";

interface Element {
  readonly localName: string;
  readonly textContent: string;
  readonly attributes: Iterable<{ readonly name: string; readonly value: string }>;
  querySelectorAll(selector: string): Iterable<Element>;
}

/** The only elements that a page may have. */
const KNOWN = new Set(
  ("html head meta title style body header p h1 h2 h3 nav ul li a main section dl div dt dd b i em " +
    "span figure details summary table caption thead tbody tr th td code time pre script svg g path " +
    "rect line circle text tspan").split(" "),
);

/** The elements of charts, whose numbers must be numbers. */
const MARKS = new Set(["rect", "line", "circle"]);

/** Control characters other than the line break, and overrides of the writing direction. */
// deno-lint-ignore no-control-regex
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** Fails unless a page is complete and nothing in it runs, formats, loads, or links to another site. */
export function assertInert(page: string): void {
  const { document } = parseHTML(page) as unknown as { document: Element };
  const elements = [...document.querySelectorAll("*")];
  for (const element of elements) {
    assert(KNOWN.has(element.localName), `<${element.localName}> is in the page`);
    const isMark = MARKS.has(element.localName);
    for (const { name, value } of element.attributes) {
      assert(!name.startsWith("on") && name !== "style", `${element.localName} has ${name}`);
      if (name === "href") assert(value.startsWith("#"), `a link leads to ${value}`);
      assert(name !== "src");
      if (!isMark) continue;
      assert(!/NaN|Infinity|undefined/.test(value), `a ${element.localName} has ${value}`);
    }
  }
  assertEquals(elements.filter(({ localName }) => localName === "script").length, 1);
  assertEquals(elements.filter(({ localName }) => localName === "style").length, 1);
  assert(page.isWellFormed());
  assert(!CONTROLS.test(page), "the page holds control characters");
}
