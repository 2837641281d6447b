/**
 * Task: one row of a picture of the Mandelbrot set. Work for a CPU, and uneven work: rows through the
 * set's body take many times longer than those above it, so lanes must be dealt rows as they come free.
 *
 * @module
 */

import type { TaskContext } from "../lanes/task.ts";
import { stopIfCancelled } from "./stop_if_cancelled.ts";

/** One row of the picture. */
export interface MandelbrotRow {
  /** The row, from 0 at the top. */
  readonly row: number;
  /** The picture's width in pixels. */
  readonly width: number;
  /** The picture's height in pixels. */
  readonly height: number;
  /** Steps after which a point counts as inside the set; default {@linkcode MANDELBROT_STEPS}. */
  readonly maxSteps?: number;
}

/** Steps after which a point counts as inside the set, unless told. */
export const MANDELBROT_STEPS = 1_000;

/** The longest side of a picture, in pixels. */
export const MANDELBROT_LIMIT = 65_535;

/** The picture's middle and width in the complex plane. */
const MIDDLE = -0.65;
const SPAN = 3.1;

const PIXELS_BETWEEN_LOOKS = 64;

/** Steps until the point escapes; 0 if it doesn't within `maxSteps`. */
function escapeSteps(re: number, im: number, maxSteps: number): number {
  let x = 0;
  let y = 0;
  let xx = 0;
  let yy = 0;
  for (let step = 1; step <= maxSteps; step++) {
    y = 2 * x * y + im;
    x = xx - yy + re;
    xx = x * x;
    yy = y * y;
    if (xx + yy > 4) return step;
  }
  return 0;
}

function check(name: string, value: number, least: number, greatest: number): void {
  if (!Number.isInteger(value) || value < least || value > greatest) {
    throw new RangeError(
      `Cannot draw: ${name} is ${value}, not a whole number from ${least} to ${greatest}`,
    );
  }
}

/**
 * Computes one row.
 *
 * @param item Which row, of which picture.
 * @param context Polled between pixels.
 * @returns A byte a pixel: 0 inside the set, otherwise 1 + (steps until it escaped, modulo 255).
 * @throws {RangeError} If a size or the row is out of range.
 * @throws {DOMException} Named `AbortError`, if it was asked to stop.
 *
 * @example
 * ```ts
 * import mandelbrot from "./mandelbrot.ts";
 *
 * const context = {
 *   signal: new AbortController().signal,
 *   index: 0,
 *   attempt: 1,
 *   cancelled: () => false,
 * };
 * console.log(mandelbrot({ row: 0, width: 8, height: 6 }, context).length); // 8
 * ```
 */
export default function mandelbrot(item: MandelbrotRow, context: TaskContext): Uint8Array {
  const { row, width, height, maxSteps = MANDELBROT_STEPS } = item;
  check("width", width, 1, MANDELBROT_LIMIT);
  check("height", height, 1, MANDELBROT_LIMIT);
  check("row", row, 0, height - 1);
  check("maxSteps", maxSteps, 1, 2 ** 31 - 1);
  const pixel = SPAN / width;
  const im = (height / 2 - row - 0.5) * pixel;
  const bytes = new Uint8Array(width);
  for (let column = 0; column < width; column++) {
    if (column % PIXELS_BETWEEN_LOOKS === 0) stopIfCancelled(context);
    const re = MIDDLE + (column + 0.5 - width / 2) * pixel;
    const steps = escapeSteps(re, im, maxSteps);
    bytes[column] = steps === 0 ? 0 : 1 + steps % 255;
  }
  return bytes;
}
