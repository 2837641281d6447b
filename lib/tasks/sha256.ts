/**
 * Task: the SHA-256 of pseudo-random bytes (FIPS 180-4), computed in JavaScript on this thread. The platform's
 * `crypto.subtle` would hash on threads of its own, so a lane that computes would look like one that waits.
 */

import type { Kernel, TaskContext } from "../lanes/task.ts";
import { checkWhole, stopIfCancelled } from "./stop_if_cancelled.ts";

export interface Sha256Item {
  /** Determines the bytes; a whole number from 0 to 2³² − 1. */
  readonly seed: number;
  readonly bytes: number;
}

/** The most bytes of an item: 2³⁶, a few minutes of work. */
export const SHA256_LIMIT = 2 ** 36;

const BLOCK_BYTES = 64;
const CHUNK_BYTES = 64 * 1024;

/** The first 32 bits of a root's fractional part, from which the standard makes its constants. */
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

/** Adds one block of 64 bytes to the state (FIPS 180-4, section 6.2.2). */
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

/** Fills bytes by Marsaglia's xorshift32 (Journal of Statistical Software 8(14), 2003), four for each step. */
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

/** Writes the standard's padding after the message's last bytes; returns the padded length. */
function pad(bytes: Uint8Array, view: DataView, length: number, messageBytes: number): number {
  const padded = Math.ceil((length + 9) / BLOCK_BYTES) * BLOCK_BYTES;
  bytes.fill(0, length, padded);
  bytes[length] = 0x80;
  view.setBigUint64(padded - 8, BigInt(messageBytes) * 8n);
  return padded;
}

/** The generator's first state for a seed: different for each seed, and never 0, where it would stay 0. */
function generatorOf(seed: number): number {
  return Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995 || 1;
}

function hex(state: ArrayLike<number>): string {
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

function checkItem({ seed, bytes }: Sha256Item): void {
  checkWhole("hash", "seed", seed, 2 ** 32 - 1);
  checkWhole("hash", "bytes", bytes, SHA256_LIMIT);
}

export default function sha256(item: Sha256Item, context: TaskContext): string {
  checkItem(item);
  const bytes = new Uint8Array(CHUNK_BYTES + 2 * BLOCK_BYTES);
  const view = new DataView(bytes.buffer);
  const state = START.slice();
  let generator = generatorOf(item.seed);
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
  return hex(state);
}

const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];
const SIXTEEN = [...EIGHT, 8, 9, 10, 11, 12, 13, 14, 15];
/** A piece's words: steps left, whole blocks left, bytes after them, the message's bits, the generator. */
const HEAD_WORDS = 6;

/** Code of round t. Instead of moving the variables a to h by one place in each round, it renames them. */
function gpuRound(t: number): string {
  const [a, b, c, d, e, f, g, h] = EIGHT.map((place) => "abcdefgh"[(place - t + 16) % 8]);
  return `
      sum = ${h} + rotated(${e}, vec3u(6u, 11u, 25u)) + ((${e} & ${f}) ^ (~${e} & ${g}))
        + table[16u * turn + ${t}u] + w${t};
      ${d} += sum;
      ${h} = sum + rotated(${a}, vec3u(2u, 13u, 22u)) + ((${a} & ${b}) ^ (${a} & ${c}) ^ (${b} & ${c}));`;
}

/** Code that replaces a word of the schedule by the one sixteen places later. */
function gpuSchedule(t: number): string {
  const [x, y] = [`w${(t + 1) % 16}`, `w${(t + 14) % 16}`];
  return `
      w${t} += w${(t + 9) % 16}
        + (turned(${x}, 7u) ^ turned(${x}, 18u) ^ (${x} >> 3u))
        + (turned(${y}, 17u) ^ turned(${y}, 19u) ^ (${y} >> 10u));`;
}

/**
 * The same on a GPU. A message is one chain of blocks, so an item is one piece, and only many items at once
 * keep a card busy.
 */
export const kernel: Kernel<Sha256Item, string> = {
  words: HEAD_WORDS + 8,
  turns: 5,
  table: () => new Uint32Array(CONSTANTS),
  wgsl: `
fn turned(x: u32, by: u32) -> u32 {
  return (x >> by) | (x << (32u - by));
}

fn rotated(x: u32, by: vec3u) -> u32 {
  return turned(x, by.x) ^ turned(x, by.y) ^ turned(x, by.z);
}

fn following(x: u32) -> u32 {
  var next = x ^ (x << 13u);
  next ^= next >> 17u;
  return next ^ (next << 5u);
}

// The word at a place of the block in which the message ends, after so many of its bytes.
fn padded(word: u32, place: u32, bytes: u32) -> u32 {
  if (place + 4u <= bytes) { return word; }
  if (place > bytes) { return 0u; }
  let shift = 8u * (bytes - place);
  return (word & ~(0xffffffffu >> shift)) | (0x80000000u >> shift);
}

const ENDED = 0xffffffffu;

fn advance(at: u32, steps: u32) {
  var left = words[at];
  var blocks = words[at + 1u];
  var bytes = words[at + 2u];
  var generator = words[at + 5u];
  ${EIGHT.map((k) => `var h${k} = words[at + ${HEAD_WORDS + k}u];`).join("\n  ")}
  let stop = left - steps;
  while (left > stop) {
    ${SIXTEEN.map((k) => `var w${k} = 0u;`).join(" ")}
    if (blocks > 0u) {
      blocks -= 1u;
      ${SIXTEEN.map((k) => `generator = following(generator); w${k} = generator;`).join("\n      ")}
    } else if (bytes != ENDED) {
      ${
    SIXTEEN.map((k) =>
      `generator = following(generator); w${k} = padded(generator, ${4 * k}u, bytes);`
    ).join("\n      ")
  }
      bytes = ENDED;
    }
    if (left == 1u) {
      w14 = words[at + 3u];
      w15 = words[at + 4u];
    }
    var sum = 0u;
    ${EIGHT.map((k) => `var ${"abcdefgh"[k]} = h${k};`).join(" ")}
    for (var turn = 0u; turn < 4u; turn++) {
      if (turn > 0u) {${SIXTEEN.map(gpuSchedule).join("")}
      }${SIXTEEN.map(gpuRound).join("")}
    }
    ${EIGHT.map((k) => `h${k} += ${"abcdefgh"[k]};`).join(" ")}
    left -= 1u;
  }
  words[at] = left;
  words[at + 1u] = blocks;
  words[at + 2u] = bytes;
  words[at + 5u] = generator;
  ${EIGHT.map((k) => `words[at + ${HEAD_WORDS + k}u] = h${k};`).join("\n  ")}
}`,
  open(item) {
    checkItem(item);
    let digest = "";
    return {
      pieces: 1,
      write(_, words, at) {
        const { seed, bytes } = item;
        const bits = 8 * bytes;
        words.set([
          Math.floor((bytes + 8) / BLOCK_BYTES) + 1,
          Math.floor(bytes / BLOCK_BYTES),
          bytes % BLOCK_BYTES,
          Math.floor(bits / 2 ** 32),
          bits % 2 ** 32,
          generatorOf(seed),
          ...START,
        ], at);
      },
      read(_, words, at) {
        digest = hex(words.subarray(at + HEAD_WORDS, at + HEAD_WORDS + 8));
      },
      result: () => digest,
    };
  },
};
