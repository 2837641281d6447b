/**
 * Task: the exact sum of i·i for all whole numbers i below n, with each term really computed, as Python's
 * `sum(i * i for i in range(n))` does. It is CPU work and nothing else.
 *
 * JavaScript's numbers are exact only up to 2⁵³, which the sum exceeds at n ≈ 300,000. So the numbers are taken
 * in blocks of 1,024. In the block that begins at `base`, i = base + x and i² − base² = x·(2·base + x), which
 * is so small that a whole block of such terms adds up exactly in doubles. The blocks' sums are kept in two
 * halves of 32 bits, and put together as one BigInt at the end.
 */

import type { Kernel, TaskContext } from "../lanes/task.ts";
import { stopIfCancelled } from "./stop_if_cancelled.ts";

const BLOCK = 1024;
const HALF = 2 ** 32;
/** Blocks between two checks of the cancel flag: they take a fraction of a millisecond. */
const BLOCKS_BETWEEN_LOOKS = 512;

/**
 * The greatest n: 2³³. A block's sum is below BLOCK² · n = 2²⁰ · 2³³ = 2⁵³, the limit of exact doubles; a block
 * number's square is below 2⁴⁶.
 */
export const SUM_SQUARES_LIMIT = 2 ** 33;

/** 0, 1, 2, … as doubles: reading them is faster than converting a counter, in every isolate. */
const OFFSETS = Float64Array.from({ length: BLOCK }, (_, x) => x);

// This function is small and called often. One that holds the whole loop would be compiled while it runs, and
// how well differs by a factor of three between the main isolate, a worker and a subprocess.
function blockSum(twiceBase: number, length: number): number {
  let even = 0;
  let odd = 0;
  const pairs = length - (length % 2);
  for (let index = 0; index < pairs; index += 2) {
    const x = OFFSETS[index]!;
    const y = OFFSETS[index + 1]!;
    even += x * (twiceBase + x);
    odd += y * (twiceBase + y);
  }
  if (pairs < length) {
    const x = OFFSETS[pairs]!;
    even += x * (twiceBase + x);
  }
  return even + odd;
}

function checked(item: number | bigint): number {
  if (typeof item !== "number" && typeof item !== "bigint") {
    throw new TypeError(`Cannot sum squares: n is a ${typeof item}; give a whole number`);
  }
  const n = item >= 0 && item <= SUM_SQUARES_LIMIT ? Number(item) : NaN;
  if (!Number.isInteger(n)) {
    throw new RangeError(
      `Cannot sum squares exactly: n is ${item}, not a whole number from 0 to ${SUM_SQUARES_LIMIT}`,
    );
  }
  return n;
}

/** The exact sum of i·i for all whole numbers i from 0 to n − 1. */
export default function sumSquares(item: number | bigint, context: TaskContext): bigint {
  const n = checked(item);
  const blocks = Math.floor(n / BLOCK);
  let termsLow = 0;
  let termsHigh = 0;
  let squaresLow = 0;
  let squaresHigh = 0;
  let looksIn = 0;
  for (let block = 0; block < blocks; block++) {
    if (looksIn-- === 0) {
      stopIfCancelled(context);
      looksIn = BLOCKS_BETWEEN_LOOKS;
    }
    const terms = blockSum(2 * block * BLOCK, BLOCK);
    const termsCarry = Math.floor(terms / HALF);
    termsHigh += termsCarry;
    termsLow += terms - termsCarry * HALF;
    const square = block * block;
    const squareCarry = Math.floor(square / HALF);
    squaresHigh += squareCarry;
    squaresLow += square - squareCarry * HALF;
  }
  const terms = BigInt(termsHigh) * BigInt(HALF) + BigInt(termsLow);
  const squares = BigInt(squaresHigh) * BigInt(HALF) + BigInt(squaresLow);
  // Each of a full block's BLOCK terms lacks base² = BLOCK² · block².
  const whole = terms + squares * BigInt(BLOCK) ** 3n;
  const base = blocks * BLOCK;
  const rest = n - base;
  return whole + BigInt(blockSum(2 * base, rest)) + BigInt(rest) * BigInt(base) ** 2n;
}

/** Numbers in a block on a GPU, few enough that eight products of one add up in 32 bits. */
const GPU_BLOCK = 128;
const PRODUCTS = 8;
const PIECE_BLOCKS = 64;

/**
 * The same on a GPU, which has no numbers of more than 32 bits: with 2·base = high·2²² + low, a block's terms
 * are x·(low + x) and x·high·2²². Each piece keeps three 64-bit sums: of the first terms, of the second, and of
 * the squares of the numbers of whole blocks, each of whose terms lacks base².
 */
export const kernel: Kernel<number | bigint, bigint> = {
  words: 9,
  turns: 64,
  wgsl: `
fn add(sum: ptr<function, vec2u>, value: u32) {
  (*sum).x += value;
  (*sum).y += u32((*sum).x < value);
}

fn advance(at: u32, steps: u32) {
  var left = words[at];
  var block = words[at + 1u];
  let last = words[at + 2u];
  var terms = vec2u(words[at + 3u], words[at + 4u]);
  var highs = vec2u(words[at + 5u], words[at + 6u]);
  var squares = vec2u(words[at + 7u], words[at + 8u]);
  let stop = left - steps;
  while (left > stop) {
    let length = select(${GPU_BLOCK}u, last, left == 1u);
    let low = (block & 0x3fffu) << 8u;
    var x = vec4u(0u, 1u, 2u, 3u);
    var xs = vec4u(0u);
    while (x.x + ${4 * PRODUCTS - 1}u < length) {
      var sum = vec4u(0u);
      ${"sum += x * (x + low); xs += x; x += 4u;\n      ".repeat(PRODUCTS)}
      add(&terms, sum.x);
      add(&terms, sum.y);
      add(&terms, sum.z);
      add(&terms, sum.w);
    }
    for (; x.x < length; x.x += 1u) {
      add(&terms, x.x * (x.x + low));
      xs.x += x.x;
    }
    add(&highs, (xs.x + xs.y + xs.z + xs.w) * (block >> 14u));
    if (length == ${GPU_BLOCK}u) {
      let lower = block & 0xffffu;
      let upper = block >> 16u;
      let middle = 2u * upper * lower;
      add(&squares, lower * lower);
      add(&squares, middle << 16u);
      squares.y += (middle >> 16u) + upper * upper;
    }
    block += 1u;
    left -= 1u;
  }
  words[at] = left;
  words[at + 1u] = block;
  words[at + 3u] = terms.x;
  words[at + 4u] = terms.y;
  words[at + 5u] = highs.x;
  words[at + 6u] = highs.y;
  words[at + 7u] = squares.x;
  words[at + 8u] = squares.y;
}`,
  open(item) {
    const n = checked(item);
    const blocks = Math.ceil(n / GPU_BLOCK);
    const pieces = Math.ceil(blocks / PIECE_BLOCKS);
    // Lower and upper halves, which stay exact in doubles because there are at most 2²⁰ pieces.
    const halves = new Float64Array(6);
    return {
      pieces,
      write(piece, words, at) {
        const first = piece * PIECE_BLOCKS;
        const end = Math.min(blocks, first + PIECE_BLOCKS);
        words[at] = end - first;
        words[at + 1] = first;
        words[at + 2] = Math.min(n, end * GPU_BLOCK) - (end - 1) * GPU_BLOCK;
      },
      read(_, words, at) {
        for (let half = 0; half < halves.length; half++) halves[half]! += words[at + 3 + half]!;
      },
      result() {
        const [terms, highs, squares] = [0, 2, 4].map((low) =>
          BigInt(halves[low]!) + (BigInt(halves[low + 1]!) << 32n)
        );
        const rest = n % GPU_BLOCK;
        return terms! + (highs! << 22n) + squares! * BigInt(GPU_BLOCK) ** 3n +
          BigInt(rest) * BigInt(n - rest) ** 2n;
      },
    };
  },
};
