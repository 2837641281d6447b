/**
 * Chance that is the same in every run: drawn from a seed and a name, never from a sequence, because
 * requests come in a different order each time.
 *
 * @module
 */

/**
 * Draws a number for a name.
 *
 * @param seed Chooses the draw; any whole number.
 * @param name What it is drawn for.
 * @returns A number from 0 up to but without 1, the same for the same seed and name: FNV-1a (Fowler,
 * Noll, Vo) of both, mixed by the finalizer of MurmurHash3 (Appleby).
 *
 * @example
 * ```ts
 * import { chance } from "./chance.ts";
 *
 * console.log(chance(1, "/page/1") === chance(1, "/page/1")); // true
 * ```
 */
export function chance(seed: number, name: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(`${seed} ${name}`)) {
    h = Math.imul(h ^ byte, 0x01000193);
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}
