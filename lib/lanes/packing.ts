/**
 * Packs many numbers into one buffer. Cloning an array costs 20–30 ns an element on each side;
 * filling a Float64Array, which then moves as a whole, costs 1 ns.
 *
 * @module
 */

/** Values ready to be sent: nothing but a count, one buffer of numbers, or as they are. */
export type Packed =
  | { readonly kind: "undefined" }
  | { readonly kind: "numbers"; readonly numbers: Float64Array<ArrayBuffer> }
  | { readonly kind: "values"; readonly values: readonly unknown[] };

/** Below this many values a buffer of their own costs more than it saves. */
const MIN_NUMBERS = 8;

/**
 * Packs values that travel together.
 *
 * @param values As many as there are; numbers keep −0, NaN and infinities.
 * @returns The cheapest form that loses nothing.
 *
 * @example
 * ```ts
 * import { pack, unpack } from "./packing.ts";
 *
 * const values = [1, -0, NaN, 4, 5, 6, 7, 8];
 * const packed = pack(values);
 * console.log(packed.kind, unpack(packed)?.length); // "numbers" 8
 * ```
 */
export function pack(values: ArrayLike<unknown>): Packed {
  const count = values.length;
  const first = values[0];
  if (typeof first === "number" && count >= MIN_NUMBERS) {
    const numbers = new Float64Array(count);
    let at = 0;
    for (; at < count; at++) {
      const value = values[at];
      if (typeof value !== "number") break;
      numbers[at] = value;
    }
    if (at === count) return { kind: "numbers", numbers };
  } else if (first === undefined && everyUndefined(values)) {
    return { kind: "undefined" };
  }
  return { kind: "values", values: Array.isArray(values) ? values : Array.from(values) };
}

function everyUndefined(values: ArrayLike<unknown>): boolean {
  for (let at = 0; at < values.length; at++) if (values[at] !== undefined) return false;
  return true;
}

/**
 * Unpacks what {@linkcode pack} made.
 *
 * @param packed The packed values.
 * @returns The values; undefined if all of them are undefined.
 *
 * @example
 * ```ts
 * import { pack, unpack } from "./packing.ts";
 *
 * console.log(unpack(pack(["a", "b"]))); // ["a", "b"]
 * ```
 */
export function unpack(packed: Packed): ArrayLike<unknown> | undefined {
  if (packed.kind === "undefined") return undefined;
  return packed.kind === "numbers" ? packed.numbers : packed.values;
}
