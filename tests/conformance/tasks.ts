/** Tasks of the conformance suite. They run in every kind of lane, so they import nothing. */

import type { Kernel, TaskContext } from "../../lib/lanes/task.ts";

/** The item of a task that waits at a gate: the gates' address, and the name under which it arrives. */
export interface GatedItem {
  readonly url: string;
  readonly key: string;
}

/** Returns the item, doubled. */
export function double(n: number): number {
  return 2 * n;
}

/** Returns the item. */
export function echo(value: unknown): unknown {
  return value;
}

/** Waits at a gate until it is let through or asked to stop. */
export async function gated({ url, key }: GatedItem, context: TaskContext): Promise<string> {
  const response = await fetch(`${url}/${key}`, { signal: context.signal });
  return await response.text();
}

/** Waits at a gate, and ignores requests to stop. */
export async function deaf({ url, key }: GatedItem): Promise<string> {
  return await (await fetch(`${url}/${key}`)).text();
}

/** Waits for `ms` milliseconds, unless asked to stop. */
export function nap(ms: number, { signal }: TaskContext): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(ms), ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** Computes without yielding until it sees that it should stop. */
export function spinUntilStopped(stops: boolean, context: TaskContext): string {
  while (stops && !context.cancelled()) { /* burn */ }
  if (stops) throw new Error("saw that it was to stop");
  return "quick";
}

/** Computes for ever, and never checks whether it should stop. */
export function spinForEver(spins: boolean): string {
  while (spins) { /* burn */ }
  return "quick";
}

/** Returns the item, and keeps its lane busy afterwards: for ever, or until the shared flag is set. */
export function leaveBusy(how: "idle" | "busy" | Int32Array): typeof how {
  const goesOn = () => how === "busy" || (how !== "idle" && Atomics.load(how, 0) === 0);
  setTimeout(() => {
    while (goesOn()) { /* burn */ }
  });
  return how;
}

/** Throws if the item is odd. */
export function failOdd(n: number): number {
  if (n % 2 === 1) throw new RangeError(`${n} is odd`);
  return n;
}

/** Fails until the attempt whose number is the item. */
export function succeedAt(attempt: number, context: TaskContext): number {
  if (context.attempt < attempt) throw new Error(`attempt ${context.attempt} failed`);
  return context.attempt;
}

/** The same as `succeedAt`, after a millisecond. */
export async function napThenSucceedAt(attempt: number, context: TaskContext): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return succeedAt(attempt, context);
}

/** Always fails, with an error that isn't retryable. */
export function failForGood(): never {
  throw Object.assign(new Error("for good"), { retryable: false });
}

/** Ends its lane in the way named, or returns. */
export function die(how: string): string | Promise<string> {
  switch (how) {
    case "exit":
      Deno.exit(7);
      break;
    case "close":
      self.close();
      return new Promise(() => {});
    case "throw late":
      setTimeout(() => {
        throw new TypeError("too late");
      });
      return new Promise(() => {});
    case "reject unheard":
      Promise.reject(new TypeError("nobody listens"));
      return new Promise(() => {});
    case "hang":
      return new Promise(() => {});
  }
  return how;
}

/** Throws the kind of error named. */
export function throwKind(kind: string): never {
  switch (kind) {
    case "custom": {
      class QuotaError extends Error {
        override name = "QuotaError";
        code = "E_QUOTA";
        left = 3n;
      }
      throw new QuotaError("no more", { cause: new TypeError("inner", { cause: "the wind" }) });
    }
    case "aggregate":
      throw new AggregateError([new RangeError("one"), "two", undefined], "several");
    case "suppressed":
      throw new SuppressedError(new RangeError("late"), "first", "both");
    case "invalid":
      throw Object.assign(new TypeError("two faults"), { errors: [{ path: "/a" }] });
    case "undefined":
      throw undefined;
    case "null":
      throw null;
    case "string":
      throw "a word";
    case "object":
      throw { status: 404 };
    case "function":
      throw () => 1;
  }
  throw new Error(kind);
}

/** Returns a value that can't be sent, or one that can. */
export function give(kind: string): unknown {
  switch (kind) {
    case "function":
      return { page: { render() {} } };
    case "symbol":
      return [1, Symbol("mark")];
    case "response":
      return new Response("body");
    case "headers":
      return { head: new Headers({ a: "b" }) };
    case "cyclic": {
      const ring: { self?: unknown } = {};
      ring.self = ring;
      return ring;
    }
  }
  return kind;
}

/** Returns a byte array of this length whose last byte is 7. */
export function bytes({ length }: { length: number }): Uint8Array {
  const made = new Uint8Array(length);
  made[length - 1] = 7;
  return made;
}

/** Returns the first and last byte, and the length. */
export function edges(data: Uint8Array): number[] {
  return [data[0]!, data.at(-1)!, data.length];
}

/** Returns fields of its context. */
export function aboutMe(_item: unknown, { index, attempt, signal }: TaskContext) {
  return { index, attempt, aborted: signal.aborted };
}

/** Returns its process's id. */
export function pid(): number {
  return Deno.pid;
}

/** Reports its process's id to a gate, and then waits, computes, or returns. */
export async function announce(
  { url, then }: { readonly url: string; readonly then: "wait" | "spin" | "end" },
): Promise<number> {
  await (await fetch(`${url}/${Deno.pid}`)).text();
  if (then === "wait") await new Promise((resolve) => setTimeout(resolve, 3_600_000));
  while (then === "spin") { /* burn */ }
  return Deno.pid;
}

/** Writes `length` bytes to stderr. */
export function shout(length: number): number {
  const line = new TextEncoder().encode("x".repeat(1023) + "\n");
  for (let at = 0; at < length; at += line.length) Deno.stderr.writeSync(line);
  return length;
}

/** Allocates until no memory is left. */
export function hoard(hoards: boolean): string {
  const kept: number[][] = [];
  while (hoards) kept.push(new Array(10_000).fill(Math.random()));
  return `kept ${kept.length}`;
}

/** Writes directly to the process's stdout, or leaves it alone. */
export async function babble(text: string): Promise<string> {
  if (text === "") return "quiet";
  const { writeSync } = await import("node:fs");
  writeSync(1, text);
  await new Promise((resolve) => setTimeout(resolve, 3_600_000));
  return text;
}

/** Prints in many ways, as people do while they look for a mistake. */
export async function chat(n: number): Promise<number> {
  console.log(`item ${n}`);
  console.info("info");
  console.table([{ n }]);
  console.dir({ n });
  console.group("items");
  console.count();
  console.groupEnd();
  console.time("item");
  console.timeEnd("item");
  Deno.stdout.writeSync(new TextEncoder().encode("raw\n"));
  const writer = Deno.stdout.writable.getWriter();
  await writer.write(new TextEncoder().encode("streamed\n"));
  writer.releaseLock();
  return n;
}

/** Closes the process's stdin, or leaves it alone. */
export async function deafen(closes: boolean): Promise<string> {
  if (!closes) return "open";
  const { closeSync } = await import("node:fs");
  closeSync(0);
  await new Promise((resolve) => setTimeout(resolve, 3_600_000));
  return "closed";
}

/** Throws an error that is hard to send, or returns the item. */
export function throwHostile(kind: string): string {
  const refuse = () => {
    throw new Error("no");
  };
  const traps = { get: refuse, has: refuse, ownKeys: refuse, getPrototypeOf: refuse };
  switch (kind) {
    case "getters": {
      const error = new Error("kept");
      for (const key of ["cause", "errors", "code", "retryable", "retryAfterMs"]) {
        Object.defineProperty(error, key, { get: refuse, enumerable: true });
      }
      throw error;
    }
    case "cyclic cause": {
      const error = new Error("round");
      error.cause = error;
      throw error;
    }
    case "names a flag":
      // The message of a DOMException can't be assigned.
      throw new DOMException("run again with the --allow-net flag", "NotAllowedError");
    case "cyclic errors": {
      const error = new AggregateError([], "round");
      for (let at = 0; at < 20; at++) error.errors.push(error);
      throw error;
    }
    case "frozen":
      throw Object.freeze(new RangeError("cold"));
    case "proxy of an error":
      throw new Proxy(new Error("x"), traps);
    case "proxy of an object":
      throw new Proxy({}, traps);
    case "then throws":
      return Object.defineProperty({}, "then", { get: refuse }) as unknown as string;
    case "proxy to be waited for":
      return new Proxy({}, { get: refuse }) as unknown as string;
  }
  return kind;
}

/** Throws an error of a class that exists in every lane. */
export function throwClass(kind: string): never {
  switch (kind) {
    case "dom":
      throw new DOMException("stop", "AbortError");
    case "deno":
      throw new Deno.errors.NotFound("gone");
  }
  throw new TypeError(kind);
}

/** Fails, and asks for a pause of `retryAfterMs` milliseconds. */
export function askToWait(retryAfterMs: number): never {
  throw Object.assign(new Error("later"), { retryAfterMs });
}

/** Returns two numbers in a typed array that is an object's property. */
export function measure(n: number): { text: string; floats: Float64Array } {
  return { text: "of odd length", floats: Float64Array.of(n, 2 * n) };
}

/** Returns a value whose content is all in private fields. */
export function givePrivate(kind: string): unknown {
  class Secret {
    #n = 1;
    get n(): number {
      return this.#n;
    }
  }
  return kind === "URL" ? new URL("http://a.b") : kind === "Secret" ? new Secret() : kind;
}

/** A kernel with one piece per item, whose result is made of the one number that `advance` changes. */
function kernelOf<Item, Result>(
  advance: string,
  write: (item: Item) => [steps: number, value: number],
  result: (value: number) => Result,
): Kernel<Item, Result> {
  return {
    words: 2,
    wgsl: `fn advance(at: u32, steps: u32) { ${advance} }`,
    open: (item) => {
      const begins = write(item);
      let value = 0;
      return {
        pieces: 1,
        write: (_, words, at) => words.set(begins, at),
        read: (_, words, at) => value = words[at + 1]!,
        result: () => result(value),
      };
    },
  };
}

export const doubleKernel: Kernel<number, number> = kernelOf(
  "words[at + 1u] *= 2u; words[at] = 0u;",
  (n) => [1, n],
  (value) => value,
);

export const failOddKernel: Kernel<number, number> = kernelOf(
  "words[at] = 0u;",
  (n) => [1, failOdd(n)],
  (value) => value,
);

export const throwKindKernel: Kernel<string, never> = kernelOf("", throwKind, throwKind as never);

export const dieKernel: Kernel<string, unknown> = {
  words: 1,
  wgsl: "fn advance(at: u32, steps: u32) { words[at] = 0u; }",
  open: (how) => {
    const result = die(how);
    return {
      pieces: 1,
      write: (_, words, at) => void (words[at] = 1),
      read() {},
      result: () => result,
    };
  },
};

export const spinUntilStoppedKernel: Kernel<boolean, string> = kernelOf(
  `let stop = words[at] - steps;
  while (words[at] > stop) {
    for (var i = 0u; i < 200u; i++) { words[at + 1u] = words[at + 1u] * 1664525u + 1u; }
    words[at] -= 1u;
  }`,
  (stops) => [stops ? 2 ** 32 - 1 : 1, 0],
  () => "quick",
);
