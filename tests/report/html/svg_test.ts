import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "../../properties.ts";
import {
  group,
  linearTicks,
  rect,
  scale,
  svg,
  text,
  ticksOf,
} from "../../../lib/report/html/svg.ts";

const NAME = { title: "Gain", description: "limited gains 4.9" };

Deno.test("svg() draws a chart as one element without styles of its own", () => {
  const bar = rect(0, 3, 100 / 3, 27, { fill: "red", fillOpacity: 0.5, title: "4.9×" });
  assertEquals(
    svg(100, 30, NAME, group("gain", bar)).text,
    '<svg role="img" aria-label="Gain" aria-description="limited gains 4.9" ' +
      'viewBox="0 0 100 30" width="100" height="30" class="plot">' +
      '<g class="gain"><rect x="0" y="3" width="33.33" height="24" fill="red" fill-opacity="0.5">' +
      "<title>4.9×</title></rect></g></svg>",
  );
});

Deno.test("svg() escapes labels, words and titles", () => {
  const hostile = '"><script>alert(1)</script>';
  const chart = svg(9, 9, { title: hostile, description: hostile }, [
    text(hostile, 1, 1, { title: hostile, fill: hostile }),
  ]);
  assertEquals(chart.text.includes("<script"), false);
  assertStringIncludes(chart.text, "&lt;script&gt;");
});

Deno.test("a mark whose place is no number isn't drawn", () => {
  for (const wrong of [NaN, Infinity]) {
    assertEquals(rect(0, wrong, 1, 1, {}).text + text("x", wrong, 1).text, "");
  }
});

Deno.test("a scale leads to its places and back", () => {
  const linear = scale([2, 4], [10, 30]), log = scale([1, 100], [0, 20], true);
  assertEquals([linear(2), linear(3), linear(4), linear.invert(20)], [10, 20, 30, 3]);
  assertEquals([log(1), log(10), log(100)], [0, 10, 20]);
  assertEquals(Math.round(log.invert(10)), 10);
});

Deno.test("ticks of a logarithmic axis are 1, 2 and 5 times powers of ten, or powers alone", () => {
  const ticks = (low: number, high: number) => ticksOf(scale([low, high], [0, 1], true), 5);
  assertEquals(ticks(1, 20), [1, 2, 5, 10, 20]);
  assertEquals(ticks(0.5, 2000), [1, 10, 100, 1000]);
});

Deno.test("linearTicks() are round and end with the axis", () => {
  assertEquals(linearTicks(9910, 8), [0, 2000, 4000, 6000, 8000]);
  assertEquals(linearTicks(66.2, 8), [0, 10, 20, 30, 40, 50, 60]);
});

Deno.test("linearTicks() are never too many, never beyond the axis, and more than the zero", () => {
  const ends = fc.double({ min: 1e-3, max: 1e15, noNaN: true });
  fc.assert(fc.property(ends, fc.integer({ min: 2, max: 12 }), (endMs, most) => {
    const ticks = linearTicks(endMs, most);
    assert(ticks.length >= 2 && ticks.length <= most + 1);
    assert(ticks.every((tick) => tick <= endMs * (1 + 1e-6)));
  }));
});

Deno.test("linearTicks() of an axis far from 0 are as few, and within it", () => {
  assertEquals(ticksOf(scale([950, 1010], [0, 1]), 3), [960, 980, 1000]);
  const lows = fc.double({ min: 1, max: 1e9, noNaN: true });
  const [lengths, mosts] = [fc.integer({ min: 1, max: 99 }), fc.integer({ min: 2, max: 12 })];
  fc.assert(fc.property(lows, lengths, mosts, (low, length, most) => {
    const ticks = ticksOf(scale([low, low + length], [0, 1]), most);
    assert(ticks.length <= most + 1);
    assert(ticks.every((tick) => tick > low - 1e-3 && tick < low + length + 1e-3));
  }));
});

Deno.test("linearTicks() of an axis without length are the zero alone", () => {
  assertEquals(linearTicks(0, 8), [0]);
});
