/**
 * A child's streams. This module runs before any task's module, because tasks may print and read too.
 *
 * For a task and the programs it starts, stdin is at its end and stdout goes to stderr. If the child may start
 * programs, which inherit the real stdin and stdout, frames have descriptors of their own. Otherwise frames go
 * through stdin and stdout until they are many and large, because other descriptors need `node:fs`, which takes
 * some 12 ms to load; then only code that uses descriptors 0 and 1 by number can disturb them.
 */

import { internals } from "../platform.ts";

interface FrameStream {
  /** Reads at least one byte; null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Does the same synchronously. */
  readSync(into: Uint8Array): number | null;
  writeSync(bytes: Uint8Array): number;
}

/** The first of the two descriptors for frames; undefined for stdin and stdout. */
const descriptor = Deno.args[1] === undefined ? undefined : Number(Deno.args[1]);

export const frames: FrameStream = descriptor === undefined
  ? {
    read: Deno.stdin.read.bind(Deno.stdin),
    readSync: Deno.stdin.readSync.bind(Deno.stdin),
    writeSync: Deno.stdout.writeSync.bind(Deno.stdout),
  }
  : await openDescriptors(descriptor, descriptor + 1);

/** `node:fs` reads or writes no more bytes at a time. */
const MOST_BYTES = 1 << 30;

export async function openDescriptors(from: number, to: number): Promise<FrameStream> {
  const { read, readSync, writeSync } = await import("node:fs");
  return {
    read: (into) =>
      new Promise((resolve, reject) => {
        read(from, into, 0, Math.min(into.length, MOST_BYTES), null, (error, count) => {
          if (error) reject(error);
          else resolve(count === 0 ? null : count);
        });
      }),
    readSync: (into) => readSync(from, into.subarray(0, MOST_BYTES)) || null,
    writeSync: (bytes) => writeSync(to, bytes.subarray(0, MOST_BYTES)),
  };
}

/** Deno's console class, whose single print function decides where all output goes. */
interface Internals {
  readonly Console?: new (print: (text: string, level: number) => void) => Console;
}

const { Console } = internals<Internals>();
if (Console !== undefined) {
  Object.assign(console, new Console((text) => print(new TextEncoder().encode(text))));
} else {
  for (const name of ["log", "info", "debug"] as const) console[name] = console.error;
}

function print(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
}

// Frames may go through stdout and stdin.
Object.assign(Deno.stdout, {
  close: () => {},
  write: (bytes: Uint8Array) => Deno.stderr.write(bytes),
  writeSync: (bytes: Uint8Array) => Deno.stderr.writeSync(bytes),
});
Object.defineProperty(Deno.stdout, "writable", { get: () => Deno.stderr.writable });

Object.assign(Deno.stdin, {
  close: () => {},
  read: () => Promise.resolve(null),
  readSync: () => null,
});
Object.defineProperty(Deno.stdin, "readable", {
  get: () => new ReadableStream({ start: (controller) => controller.close() }),
});
Object.assign(globalThis, { prompt: () => null, confirm: () => false, alert: () => {} });
