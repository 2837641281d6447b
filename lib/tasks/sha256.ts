/**
 * Task: the SHA-256 of pseudo-random bytes (FIPS 180-4), computed in this thread's own JavaScript.
 * The platform's `crypto.subtle` would hash on threads of its own, and a lane that computes would
 * look like one that waits.
 *
 * @module
 */

import type { TaskContext } from "../lanes/task.ts";
import { stopIfCancelled } from "./stop_if_cancelled.ts";

/** Which bytes to hash. */
export interface Sha256Item {
  /** Chooses the bytes; a whole number from 0 to 2³² − 1. */
  readonly seed: number;
  /** How many, from 0 to {@linkcode SHA256_LIMIT}. */
  readonly bytes: number;
}

/** The most bytes that are hashed: 2³⁶, a few minutes of work. */
export const SHA256_LIMIT = 2 ** 36;

const BLOCK_BYTES = 64;
const CHUNK_BYTES = 64 * 1024;

/** The first 32 bits of the fractional part of a root; the standard's constants come from these. */
function fraction(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
}

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) {
    if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  }
  return primes;
}

const CONSTANTS = Int32Array.from(firstPrimes(64), (prime) => fraction(Math.cbrt(prime)));
const START = Int32Array.from(firstPrimes(8), (prime) => fraction(Math.sqrt(prime)));
const schedule = new Int32Array(64);

/** Takes one block of 64 bytes into the state (FIPS 180-4, section 6.2.2). */
function compress(state: Int32Array, view: DataView, offset: number): void {
  const w = schedule;
  for (let t = 0; t < 16; t++) w[t] = view.getInt32(offset + 4 * t);
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15]!;
    const y = w[t - 2]!;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[t] = (w[t - 16]! + s0 + w[t - 7]! + s1) | 0;
  }
  let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!;
  let e = state[4]!, f = state[5]!, g = state[6]!, h = state[7]!;
  for (let t = 0; t < 64; t++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + CONSTANTS[t]! + w[t]!) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
  state[4]! += e;
  state[5]! += f;
  state[6]! += g;
  state[7]! += h;
}

/** Marsaglia's xorshift32 (Journal of Statistical Software 8(14), 2003), four bytes a step. */
function fill(view: DataView, length: number, generator: number): number {
  let x = generator;
  for (let at = 0; at < length; at += 4) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    view.setInt32(at, x);
  }
  return x;
}

/** Writes the standard's padding behind the message's last bytes; gives the padded length. */
function pad(bytes: Uint8Array, view: DataView, length: number, messageBytes: number): number {
  const padded = Math.ceil((length + 9) / BLOCK_BYTES) * BLOCK_BYTES;
  bytes.fill(0, length, padded);
  bytes[length] = 0x80;
  view.setBigUint64(padded - 8, BigInt(messageBytes) * 8n);
  return padded;
}

function check(name: string, value: number, limit: number): void {
  if (!Number.isInteger(value) || value < 0 || value > limit) {
    throw new RangeError(
      `Cannot hash: ${name} is ${value}, not a whole number from 0 to ${limit}`,
    );
  }
}

/**
 * Hashes the pseudo-random bytes that belong to a seed.
 *
 * @param item The seed and how many bytes.
 * @param context Polled every 64 KiB.
 * @returns The digest, 64 hex digits.
 * @throws {RangeError} If the seed or the number of bytes is out of range.
 * @throws {DOMException} Named `AbortError`, if it was asked to stop.
 *
 * @example
 * ```ts
 * import sha256 from "./sha256.ts";
 *
 * const context = {
 *   signal: new AbortController().signal,
 *   index: 0,
 *   attempt: 1,
 *   cancelled: () => false,
 * };
 * console.log(sha256({ seed: 1, bytes: 0 }, context).slice(0, 8)); // "e3b0c442"
 * ```
 */
export default function sha256(item: Sha256Item, context: TaskContext): string {
  check("seed", item.seed, 2 ** 32 - 1);
  check("bytes", item.bytes, SHA256_LIMIT);
  const bytes = new Uint8Array(CHUNK_BYTES + 2 * BLOCK_BYTES);
  const view = new DataView(bytes.buffer);
  const state = START.slice();
  // xorshift stays at 0 for ever if it begins there; an odd factor keeps seeds apart.
  let generator = Math.imul(item.seed, 0x9e3779b1) ^ 0x5bd1e995 || 1;
  let left = item.bytes;
  let last = false;
  while (!last) {
    stopIfCancelled(context);
    const length = Math.min(left, CHUNK_BYTES);
    generator = fill(view, length, generator);
    left -= length;
    last = length < CHUNK_BYTES;
    const end = last ? pad(bytes, view, length, item.bytes) : length;
    for (let offset = 0; offset < end; offset += BLOCK_BYTES) compress(state, view, offset);
  }
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}
