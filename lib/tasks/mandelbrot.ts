/**
 * Task: one row of a picture of the Mandelbrot set. It is CPU work, and uneven: rows through the set's body
 * take many times longer than those above it, so each lane must get its next row when it is free.
 *
 * It computes in fixed point, in whole multiples of 2⁻²⁴. GPUs have no doubles, but give the same pictures in
 * fixed point, bit for bit. In doubles, products of such numbers are exact until a point escapes.
 */

import type { Kernel, TaskContext } from "../lanes/task.ts";
import { checkWhole, stopIfCancelled } from "./stop_if_cancelled.ts";

export interface MandelbrotRow {
  /** The row, from 0 at the top. */
  readonly row: number;
  readonly width: number;
  readonly height: number;
  /** Steps after which a point counts as inside the set; default {@linkcode MANDELBROT_STEPS}. */
  readonly maxSteps?: number;
}

/** Steps after which a point counts as inside the set, unless given. */
const MANDELBROT_STEPS = 1_000;

/** The longest side of a picture, in pixels. */
export const MANDELBROT_LIMIT = 65_535;

/** The picture's middle and width in the complex plane. */
const MIDDLE = -0.65;
const SPAN = 3.1;

const PIXELS_BETWEEN_LOOKS = 64;

/** 1 in fixed point. */
const ONE = 2 ** 24;
/** Coordinates are cut to this distance from 0; points that far out escape at once. */
const FAR = 4;
/** A point has escaped if the square of its distance from 0 is above this, in fixed point. */
const ESCAPED = 4 * ONE;

function fixed(value: number): number {
  return Math.round(Math.min(Math.max(value, -FAR), FAR) * ONE);
}

/** The number of steps until the point escapes; 0 if it doesn't escape within `maxSteps`. */
function escapeSteps(re: number, im: number, maxSteps: number): number {
  let x = 0;
  let y = 0;
  let xx = 0;
  let yy = 0;
  for (let step = 1; step <= maxSteps; step++) {
    // Rounded towards 0, so that both halves of the picture are equal.
    y = Math.trunc(x * y * (2 / ONE)) + im;
    x = xx - yy + re;
    xx = Math.floor(x * x * (1 / ONE));
    yy = Math.floor(y * y * (1 / ONE));
    if (xx + yy > ESCAPED) return step;
  }
  return 0;
}

/** The coordinates of a row's points: their imaginary part, and the real part by column. */
function pointsOf({ row, width, height }: MandelbrotRow) {
  const pixel = SPAN / width;
  return {
    im: fixed((height / 2 - row - 0.5) * pixel),
    re: (column: number) => fixed(MIDDLE + (column + 0.5 - width / 2) * pixel),
  };
}

function colourOf(steps: number): number {
  return steps === 0 ? 0 : 1 + steps % 255;
}

function checkRow({ row, width, height, maxSteps = MANDELBROT_STEPS }: MandelbrotRow): number {
  checkWhole("draw", "width", width, MANDELBROT_LIMIT, 1);
  checkWhole("draw", "height", height, MANDELBROT_LIMIT, 1);
  checkWhole("draw", "row", row, height - 1);
  checkWhole("draw", "maxSteps", maxSteps, 2 ** 31 - 1, 1);
  return maxSteps;
}

export default function mandelbrot(item: MandelbrotRow, context: TaskContext): Uint8Array {
  const maxSteps = checkRow(item);
  const { im, re } = pointsOf(item);
  const bytes = new Uint8Array(item.width);
  for (let column = 0; column < item.width; column++) {
    if (column % PIXELS_BETWEEN_LOOKS === 0) stopIfCancelled(context);
    bytes[column] = colourOf(escapeSteps(re(column), im, maxSteps));
  }
  return bytes;
}

/** The same on a GPU. Factors are split after 13 bits, so that the products of their parts fit into 32 bits. */
export const kernel: Kernel<MandelbrotRow, Uint8Array> = {
  words: 6,
  turns: 1,
  wgsl: `
fn square(value: i32) -> i32 {
  let high = value >> 13u;
  let low = value & 8191;
  return ((high * high) << 2u) + ((2 * high * low + ((low * low) >> 13u)) >> 11u);
}

fn advance(at: u32, steps: u32) {
  var left = words[at];
  let re = bitcast<i32>(words[at + 2u]);
  let im = bitcast<i32>(words[at + 3u]);
  var x = bitcast<i32>(words[at + 4u]);
  var y = bitcast<i32>(words[at + 5u]);
  var xx = square(x);
  var yy = square(y);
  let stop = left - steps;
  while (left > stop) {
    let xHigh = abs(x) >> 13u;
    let xLow = abs(x) & 8191;
    let yHigh = abs(y) >> 13u;
    let yLow = abs(y) & 8191;
    let middle = xHigh * yLow + xLow * yHigh + ((xLow * yLow) >> 13u);
    let product = ((xHigh * yHigh) << 3u) + (middle >> 10u);
    y = im + select(product, -product, (x ^ y) < 0);
    x = xx - yy + re;
    xx = square(x);
    yy = square(y);
    if (xx + yy > ${ESCAPED}) {
      words[at + 1u] = left;
      words[at] = 0u;
      return;
    }
    left -= 1u;
  }
  words[at] = left;
  words[at + 4u] = bitcast<u32>(x);
  words[at + 5u] = bitcast<u32>(y);
}`,
  open(item) {
    const maxSteps = checkRow(item);
    const { im, re } = pointsOf(item);
    const bytes = new Uint8Array(item.width);
    return {
      pieces: item.width,
      write(column, words, at) {
        words[at] = maxSteps;
        words[at + 2] = re(column);
        words[at + 3] = im;
      },
      read(column, words, at) {
        // The number of steps left, including the one at which the point escaped.
        const left = words[at + 1]!;
        bytes[column] = colourOf(left === 0 ? 0 : maxSteps - left + 1);
      },
      result: () => bytes,
    };
  },
};
