/** Task: counts the primes below n, by the sieve of Eratosthenes in segments. */

import type { Kernel, TaskContext } from "../lanes/task.ts";
import { checkWhole, stopIfCancelled } from "./stop_if_cancelled.ts";

/** The greatest n: 2⁴⁰; small primes are needed up to its square root, 2²⁰. */
export const PRIMES_LIMIT = 2 ** 40;

/** Odd numbers in a segment, one byte each. */
const SEGMENT = 32 * 1024;

function crossOut(segment: Uint8Array, from: number, step: number): number {
  let index = from;
  for (; index < SEGMENT; index += step) segment[index] = 1;
  return index - SEGMENT;
}

function countZeros(segment: Uint8Array, length: number): number {
  let zeros = 0;
  for (let index = 0; index < length; index++) zeros += 1 - segment[index]!;
  return zeros;
}

function oddPrimesUpTo(limit: number): number[] {
  const composite = new Uint8Array(limit + 1);
  const primes: number[] = [];
  for (let n = 3; n <= limit; n += 2) {
    if (composite[n] === 1) continue;
    primes.push(n);
    for (let multiple = n * n; multiple <= limit; multiple += 2 * n) composite[multiple] = 1;
  }
  return primes;
}

function check(item: number): void {
  checkWhole("count primes", "n", item, PRIMES_LIMIT);
}

export default function primes(item: number, context: TaskContext): number {
  check(item);
  if (item <= 2) return 0;
  const small = oddPrimesUpTo(Math.floor(Math.sqrt(item)));
  // The place where each small prime's next multiple is, from the segment's start; its square is the first.
  const next = Float64Array.from(small, (prime) => (prime * prime - 1) / 2);
  const segment = new Uint8Array(SEGMENT);
  // Place k stands for the odd number 2k + 1; place 0, the number 1, is counted instead of the prime 2.
  const places = Math.floor(item / 2);
  let count = 0;
  for (let start = 0; start < places; start += SEGMENT) {
    stopIfCancelled(context);
    segment.fill(0);
    for (let index = 0; index < small.length; index++) {
      const from = next[index]!;
      if (from < SEGMENT) next[index] = crossOut(segment, from, small[index]!);
      else next[index] = from - SEGMENT;
    }
    count += countZeros(segment, Math.min(SEGMENT, places - start));
  }
  return count;
}

/** Odd numbers in a segment on a GPU, 2¹³, one bit each. */
const SEGMENT_BITS = 13;
const GPU_SEGMENT = 2 ** SEGMENT_BITS;
/** A piece's words before its bits: steps left, the count, the segment, primes to use, its length. */
const HEAD_WORDS = 5;

/** On a GPU, each step crosses out the multiples of one prime, and the last one counts the rest. */
export const kernel: Kernel<number, number> = {
  words: HEAD_WORDS + GPU_SEGMENT / 32,
  // The multiples of 3 in a segment, the most of any prime, and some turns to find the first one.
  turns: Math.ceil(GPU_SEGMENT / 3) + 32,
  table: () => Uint32Array.from(oddPrimesUpTo(Math.sqrt(PRIMES_LIMIT))),
  wgsl: `
const SEGMENT = ${GPU_SEGMENT}u;

// The rest of a number below 2²⁴: dividing floats is several times as fast, and off by one at most.
fn rest(number: u32, prime: u32) -> u32 {
  let left = i32(number) - i32(u32(f32(number) / f32(prime)) * prime);
  return u32(left + select(select(0, -i32(prime), left >= i32(prime)), i32(prime), left < 0));
}

// How far into a segment the first odd multiple of a prime lies that isn't the prime itself.
fn firstMultiple(segment: u32, prime: u32) -> u32 {
  let half = prime / 2u;
  let room = countLeadingZeros(prime) - 8u;
  var behind = rest(segment >> 12u, prime);
  for (var bits = ${12 + SEGMENT_BITS}u; bits > 0u;) {
    let taken = min(room, select(bits, bits - ${SEGMENT_BITS}u, bits > ${SEGMENT_BITS}u));
    let following = select(0u, segment >> (bits - ${SEGMENT_BITS}u - taken), bits > ${SEGMENT_BITS}u);
    behind = rest((behind << taken) + (following & ((1u << taken) - 1u)), prime);
    bits -= taken;
  }
  let first = select(half + prime - behind, half - behind, half >= behind);
  return first + select(0u, prime, segment * SEGMENT + first == half && segment <= half / SEGMENT);
}

fn advance(at: u32, steps: u32) {
  var left = words[at];
  let segment = words[at + 2u];
  let primes = words[at + 3u];
  let bits = at + ${HEAD_WORDS}u;
  let stop = left - steps;
  while (left > max(stop, 1u)) {
    let prime = table[primes + 1u - left];
    for (var place = firstMultiple(segment, prime); place < SEGMENT; place += prime) {
      words[bits + (place >> 5u)] |= 1u << (place & 31u);
    }
    left -= 1u;
  }
  if (left > stop) {
    let length = words[at + 4u];
    var count = 0u;
    for (var place = 0u; place < length; place += 32u) {
      let beyond = select(0u, 0xffffffffu << (length & 31u), place + 32u > length);
      count += countOneBits(~(words[bits + (place >> 5u)] | beyond));
    }
    words[at + 1u] = count;
    left = 0u;
  }
  words[at] = left;
}`,
  open(item) {
    check(item);
    const places = item <= 2 ? 0 : Math.floor(item / 2);
    const small = oddPrimesUpTo(Math.floor(Math.sqrt(item)));
    let primes = 0;
    let count = 0;
    return {
      pieces: Math.ceil(places / GPU_SEGMENT),
      write(segment, words, at) {
        const length = Math.min(GPU_SEGMENT, places - segment * GPU_SEGMENT);
        const end = 2 * (segment * GPU_SEGMENT + length);
        while (primes < small.length && small[primes]! ** 2 < end) primes++;
        words.set([primes + 1, 0, segment, primes, length], at);
      },
      read: (_, words, at) => count += words[at + 1]!,
      result: () => count,
    };
  },
};
