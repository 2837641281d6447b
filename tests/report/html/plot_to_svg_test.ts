import { assertEquals, assertStringIncludes } from "@std/assert";
import * as Plot from "@observablehq/plot";
import { plotToSvg } from "../../../lib/report/html/plot_to_svg.ts";

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
      '<g class="gain" aria-label="bar">' +
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
