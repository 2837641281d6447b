/**
 * Round times for a time axis.
 *
 * @module
 */

/**
 * Ticks at 1, 2, 2.5 or 5 times a power of ten, from 0.
 *
 * @param endMs Where the axis ends, in milliseconds.
 * @returns The ticks' times in milliseconds.
 */
export function timeTicks(endMs: number, most: number): number[] {
  const power = 10 ** Math.floor(Math.log10(endMs / most));
  const step = [1, 2, 2.5, 5, 10].find((n) => endMs / (n * power) <= most)! * power;
  if (!(step > 0) || !Number.isFinite(step)) return [0];
  // Multiplied rather than added up, so that 0.1 + 0.2 stays 0.3 to within the last digit.
  return Array.from({ length: Math.floor(endMs / step * (1 + 1e-9)) + 1 }, (_, i) => i * step);
}
