import { assert, assertEquals } from "@std/assert";
import { MODELS } from "../../../lib/models.ts";
import { SCHEMES } from "../../../lib/report/html/page.ts";
import { modelColour } from "../../../lib/report/html/svg.ts";

/** The relative luminance by WCAG 2.2. */
function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const channel = parseInt(colour.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((a, b) => a - b);
  return (high! + 0.05) / (low! + 0.05);
}

for (const [name, scheme] of Object.entries(SCHEMES)) {
  Deno.test(`every colour of the ${name} scheme can be read as text`, () => {
    const { paper, panel: _, line: __, warn, ...texts } = scheme;
    for (const [colour, value] of Object.entries(texts)) {
      const ratio = contrast(value, paper);
      assert(ratio >= 4.5, `${colour} has a contrast of ${ratio.toFixed(2)} on the page`);
    }
    assert(contrast(scheme.ink, warn) >= 4.5, "warnings can't be read");
  });
}

Deno.test("every model of this machine has a colour of its own", () => {
  assertEquals(new Set(MODELS.map(modelColour)).size, MODELS.length);
  assertEquals(MODELS.map(modelColour).includes("var(--other)"), false);
});

Deno.test("a model's name from outside never becomes CSS", () => {
  assertEquals(modelColour("x);}body{background:url(//a)"), "var(--other)");
});
