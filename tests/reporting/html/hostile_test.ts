import { assert, assertEquals, assertLess } from "@std/assert";
import fc from "fast-check";
import { parseHTML } from "linkedom";
import { renderDocument } from "../../../lib/reporting/html/document.ts";
import { renderPage } from "../../../lib/reporting/html/page.ts";
import { chance, resultOf, simulate } from "./fixture.ts";
import { HOSTILE_STRINGS, poison } from "./hostile.ts";

interface Element {
  readonly localName: string;
  readonly textContent: string;
  readonly attributes: Iterable<{ readonly name: string; readonly value: string }>;
  querySelectorAll(selector: string): Iterable<Element>;
}

/** The elements that the page is made of, and no other. */
const KNOWN = new Set(
  ("html head meta title style body header p h1 h2 h3 nav ul li a main section dl div dt dd b i em " +
    "span figure details summary table caption thead tbody tr th td code time script svg g path " +
    "rect line circle text tspan").split(" "),
);

/** Control characters beside the line break, and overrides of the writing direction. */
// deno-lint-ignore no-control-regex
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

function assertInert(page: string): void {
  const { document } = parseHTML(page) as unknown as { document: Element };
  const elements = [...document.querySelectorAll("*")];
  for (const element of elements) {
    assert(KNOWN.has(element.localName), `<${element.localName}> is in the page`);
    for (const { name, value } of element.attributes) {
      assert(!name.startsWith("on") && name !== "style", `${element.localName} has ${name}`);
      if (name === "href") assert(value.startsWith("#"), `a link leads to ${value}`);
      assert(name !== "src");
    }
  }
  assertEquals(elements.filter(({ localName }) => localName === "script").length, 1);
  assertEquals(elements.filter(({ localName }) => localName === "style").length, 1);
  assert(page.isWellFormed());
  assert(!CONTROLS.test(page), "the page holds control characters");
  for (const wrong of ["NaN", "Infinity", "undefined"]) {
    for (const svg of elements.filter(({ localName }) => localName === "rect")) {
      for (const { value } of svg.attributes) assert(!value.includes(wrong), `a bar has ${value}`);
    }
  }
}

Deno.test("a page stays inert and complete whatever strings and numbers its file holds", () => {
  const result = resultOf(
    simulate({ name: "small", kind: "io", tasks: 6, takesMs: 50, rounds: 2 }),
  );
  fc.assert(
    fc.property(fc.integer(), fc.double({ min: 0, max: 1, noNaN: true }), (seed, share) => {
      const random = chance(seed);
      const pick = (count: number) => random() < share ? Math.floor(random() * count) : -1;
      const page = renderPage(poison(result, pick));
      assertInert(page);
      assertLess(page.length, 1_000_000);
    }),
    { numRuns: 40 },
  );
});

for (const [i, text] of HOSTILE_STRINGS.entries()) {
  Deno.test(`a page whose every text is hostile string ${i} stays inert`, () => {
    const result = resultOf(simulate({ name: "x", kind: "cpu", tasks: 3, takesMs: 50, rounds: 2 }));
    const replaced = JSON.parse(
      JSON.stringify(result),
      (_, value) => typeof value === "string" ? text : value,
    );
    assertInert(renderPage(replaced));
    assertInert(renderDocument(text, [{ id: "a", title: text, html: "" }]));
  });
}

Deno.test("columns of different lengths are drawn as far as they go together", () => {
  const result = resultOf(simulate({ name: "cut", kind: "io", tasks: 30, takesMs: 50, rounds: 2 }));
  for (const { timeline } of result.comparisons[0]!.models) {
    timeline!.endedMs.length = 7;
    timeline!.lane.length = 12;
  }
  assertInert(renderPage(result));
});
