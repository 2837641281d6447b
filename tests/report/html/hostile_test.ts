import { assertLess } from "@std/assert";
import fc from "fast-check";
import { renderDocument } from "../../../lib/report/html/document.ts";
import { renderPage } from "../../../lib/report/html/page.ts";
import { assertInert } from "./assert_inert.ts";
import { chance, resultOf, simulate } from "./fixture.ts";
import { HOSTILE_STRINGS, poison } from "./hostile.ts";

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
