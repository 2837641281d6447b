import * as Plot from "@observablehq/plot";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { plotToSvg, timeTicks } from "../../../lib/report/html/plot.ts";

const NAME = { title: "Gain", description: "limited gains 4.9" };

Deno.test("plotToSvg() draws a chart as one element without styles of its own", () => {
  const svg = plotToSvg({
    width: 100,
    height: 30,
    margin: 0,
    x: { domain: [0, 3], axis: null },
    y: { axis: null },
    marks: [
      Plot.barX([{ at: 1 }], {
        y: () => "limited",
        x1: 0,
        x2: "at",
        title: () => "4.9×",
        className: "gain",
      }),
    ],
  }, NAME);
  assertEquals(
    svg,
    '<svg role="img" aria-label="Gain" aria-description="limited gains 4.9" ' +
      'viewBox="0 0 100 30" height="30" width="100" text-anchor="middle" class="plot">' +
      '<g data-part="bar" class="gain">' +
      '<rect height="24" y="3" width="33.33" x="0"><title>4.9×</title></rect></g></svg>',
  );
});

Deno.test("plotToSvg() escapes labels and names", () => {
  const hostile = '"><script>alert(1)</script>';
  const svg = plotToSvg({
    marks: [Plot.text([hostile], { frameAnchor: "middle", title: (text: string) => text })],
  }, { title: hostile, description: hostile });
  assertEquals(svg.includes("<script"), false);
  assertStringIncludes(svg, "&lt;script&gt;");
});

Deno.test("timeTicks() are round and end with the axis", () => {
  assertEquals(timeTicks(9910, 8), [0, 2000, 4000, 6000, 8000]);
  assertEquals(timeTicks(66.2, 8), [0, 10, 20, 30, 40, 50, 60]);
});

Deno.test("timeTicks() are never too many, never beyond the axis, and more than the zero", () => {
  const ends = fc.double({ min: 1e-3, max: 1e15, noNaN: true });
  fc.assert(fc.property(ends, fc.integer({ min: 2, max: 12 }), (endMs, most) => {
    const ticks = timeTicks(endMs, most);
    assert(ticks.length >= 2 && ticks.length <= most + 1);
    assert(ticks.every((tick) => tick <= endMs * (1 + 1e-6)));
  }));
});

Deno.test("timeTicks() of an axis without length are the zero alone", () => {
  assertEquals(timeTicks(0, 8), [0]);
});
