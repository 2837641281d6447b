import { assertEquals, assertThrows } from "@std/assert";
import mandelbrot, { MANDELBROT_LIMIT } from "../../lib/tasks/mandelbrot.ts";
import { contextOf } from "./context.ts";

function draw(width: number, height: number): Uint8Array[] {
  return Array.from(
    { length: height },
    (_, row) => mandelbrot({ row, width, height }, contextOf()),
  );
}

Deno.test("mandelbrot() draws the set: its body inside, the corners outside", () => {
  const rows = draw(60, 40);
  const middle = rows[20]!;
  assertEquals(rows.map((row) => row.length), Array(40).fill(60));
  // The points −1 and −0.2 are in the set, 0.5 and all corners are not.
  const column = (re: number) => Math.round((re + 0.65) / 3.1 * 60 + 30 - 0.5);
  assertEquals([middle[column(-1)], middle[column(-0.2)]], [0, 0]);
  assertEquals(middle[column(0.5)]! > 1, true);
  for (const corner of [rows[0]![0], rows[0]![59], rows[39]![0], rows[39]![59]]) {
    assertEquals(corner! > 0 && corner! < 8, true);
  }
});

Deno.test("mandelbrot() draws both halves alike, because the set is symmetric", () => {
  const rows = draw(48, 32);
  assertEquals(rows, rows.toReversed());
});

Deno.test("mandelbrot() counts the steps until a point escapes", () => {
  // The only pixel is at −0.65 + 0i, in the set; one step is too few to find most points that escape.
  assertEquals(mandelbrot({ row: 0, width: 1, height: 1 }, contextOf()), Uint8Array.of(0));
  const impatient = mandelbrot({ row: 0, width: 9, height: 9, maxSteps: 1 }, contextOf());
  // z = c at the first step, so only |c| > 2 escapes: −2.03 + 1.38i and −1.68 + 1.38i.
  const outside = [...impatient].map((steps) => steps > 0);
  assertEquals(outside, [true, true, ...Array(7).fill(false)]);
});

/** The steps until a point escapes, counted with floating-point numbers; 0 if it doesn't. */
function stepsOf(re: number, im: number, maxSteps: number): number {
  for (let [x, y, step] = [0, 0, 1]; step <= maxSteps; step++) {
    [x, y] = [x * x - y * y + re, 2 * x * y + im];
    if (x * x + y * y > 4) return step;
  }
  return 0;
}

Deno.test("mandelbrot() gives almost all points the colour of their steps in floating-point numbers", () => {
  const [width, height, maxSteps] = [60, 40, 50];
  let others = 0;
  for (let row = 0; row < height; row++) {
    const bytes = mandelbrot({ row, width, height, maxSteps }, contextOf());
    for (const [column, byte] of bytes.entries()) {
      const re = -0.65 + (column + 0.5 - width / 2) * 3.1 / width;
      const im = (height / 2 - row - 0.5) * 3.1 / width;
      const steps = stepsOf(re, im, maxSteps);
      others += Number(byte !== (steps === 0 ? 0 : 1 + steps));
    }
  }
  // Rounding decides only for points next to the set.
  assertEquals(others <= 12, true, `${others} of ${width * height} points differ`);
});

Deno.test("mandelbrot() refuses sizes and rows that make no picture", () => {
  const good = { row: 0, width: 8, height: 8 };
  for (
    const bad of [
      { row: 8 },
      { row: -1 },
      { row: 0.5 },
      { width: 0 },
      { width: MANDELBROT_LIMIT + 1 },
      { height: NaN },
      { height: MANDELBROT_LIMIT + 1 },
      { maxSteps: 0 },
    ]
  ) {
    assertThrows(() => mandelbrot({ ...good, ...bad }, contextOf()), RangeError);
  }
});

Deno.test("mandelbrot() stops within a row when it is asked to", () => {
  const context = contextOf({ cancelAfter: 1 });
  assertThrows(() => mandelbrot({ row: 0, width: 1_000, height: 1 }, context), DOMException);
  assertEquals(context.looks, 2);
});
