/**
 * Tasks of the conformance suite that misbehave, use odd values, or return how their item arrived. They run in
 * every kind of lane, so they import nothing but types.
 */

import type { TaskContext } from "../../lib/lanes/task.ts";

/** A byte array, and what its task does besides returning the first byte. */
export interface BytesItem {
  readonly bytes: Uint8Array;
  readonly does?: "exit" | "fail once" | "spin" | "wait once";
}

/** Returns the first byte, and the length of the array's buffer. */
export function firstByte(
  { bytes, does }: BytesItem,
  { attempt }: TaskContext,
): number[] | Promise<number[]> {
  if (does === "wait once" && attempt === 1) return new Promise(() => {});
  if (does === "exit") Deno.exit(3);
  if (does === "fail once" && attempt === 1) throw new Error("once");
  // This takes long enough for the rest of a batch to be given back.
  if (does === "spin") { for (const end = performance.now() + 25; performance.now() < end;); }
  return [bytes[0]!, bytes.buffer.byteLength];
}

const memory = new WebAssembly.Memory({ initial: 1 });
const scratch = new Uint8Array(16);

/** Returns eight bytes in memory that isn't the result's alone, or a large array. */
export function bytesFrom({ place, n }: { place: "wasm" | "scratch" | "large"; n: number }) {
  if (place === "wasm") return new Uint8Array(memory.buffer, 0, 8).fill(n);
  if (place === "scratch") return scratch.fill(n);
  return new Uint8Array(1 << 16).fill(n);
}

/** Describes how a value arrived: its class and content, at all depths. */
export function describe(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  if (value instanceof Error) {
    const { message, code, cause, errors } = value as Error & { code?: unknown; errors?: unknown };
    return `${name}/${value.name}(${message}|${code}|${describe(cause)}|${describe(errors)})`;
  }
  if (ArrayBuffer.isView(value)) return `${name}(${value.buffer.byteLength})`;
  if (value instanceof Map) return `Map(${[...value].map(describe)})`;
  if (value instanceof Set) return `Set(${[...value].map(describe)})`;
  if (Array.isArray(value)) return `[${value.map(describe)}]`;
  return `{${Object.entries(value).map(([key, child]) => `${key}:${describe(child)}`)}}`;
}

class QuotaError extends Error {
  override name = "QuotaError";
  code = "E_QUOTA";
}

/** Returns a value that holds errors in the place named. */
export async function giveErrors(place: string): Promise<unknown> {
  const error = new QuotaError("no more", { cause: new RangeError("inner") });
  switch (place) {
    case "settled":
      return await Promise.allSettled([
        Promise.reject(error),
        Promise.any([Promise.reject(new TypeError("a"))]),
        1,
      ]);
    case "map":
      return new Map<unknown, unknown>([["key", { error }], [error, 2]]);
    case "set":
      return new Set([error]);
    case "dom":
      return { deep: [new DOMException("stop", "AbortError")] };
    case "ring": {
      const ring: Record<string, unknown> = { error, again: error };
      ring.self = ring;
      return ring;
    }
  }
  return JSON.parse('{ "__proto__": { "polluted": true }, "list": [1] }');
}

/** Returns a value that can't be sent because of the place named. */
export function giveUnsendable(place: string): unknown {
  const url = new URL("https://a.example/");
  switch (place) {
    case "array":
      return [1, url];
    case "deep":
      return { a: { b: [{ url }] } };
    case "map":
      return new Map([["k", url]]);
    case "set":
      return new Set([url]);
    case "field":
      return new (class Job {
        url = url;
      })();
    case "private":
      return new (class Counter {
        name = "n";
        #count = 0;
        get count(): number {
          return this.#count++;
        }
      })();
    case "map of its own":
      return Object.assign(new Map(), { extra: 1 });
    case "buffer of its own":
      return Object.assign(new ArrayBuffer(8), { extra: 1 });
    case "array of its own":
      return new (class Table extends Float64Array {
        rows = 2;
      })(6);
  }
  return place;
}

/** A class whose constructor doesn't take a buffer, as that of its base class does. */
class Matrix extends Float64Array {
  constructor(rows: number, columns: number) {
    super(rows * columns);
  }
}

/** Returns numbers in a view of such a class, over its whole buffer or a part of it. */
export function giveMatrix(kind: "whole" | "part"): Float64Array {
  const matrix = new Matrix(2, 3).fill(7);
  if (kind === "whole") return matrix;
  const part = new Float64Array(matrix.buffer, 8, 2);
  return Object.setPrototypeOf(part, Matrix.prototype);
}

/** Returns, or fails to return, a value that only some ways of copying can copy. */
export function giveOdd(kind: string): unknown {
  switch (kind) {
    case "proxy":
      return new Proxy({ x: 1 }, {});
    case "arguments":
      return (function (..._: number[]) {
        return arguments;
      })(1, 2);
    case "getter":
      return {
        get x() {
          return 1;
        },
      };
    case "error":
      return { error: new RangeError("beside it") };
    case "function":
      return () => 1;
  }
  return kind;
}

/** Adds a method to all objects and arrays of its lane, as old packages do. */
export function giveAllAMethod(value: unknown): unknown {
  Object.assign(Object.prototype, { each() {} });
  Object.assign(Array.prototype, { last() {} });
  return value;
}

/** Adds one to the first element of shared memory, and returns the memory's class. */
export function addOne(memory: SharedArrayBuffer | { view: Int32Array }): string {
  const view = "view" in memory ? memory.view : new Int32Array(memory);
  Atomics.add(view, 0, 1);
  return view.buffer.constructor.name;
}

/** Returns a view of the first four bytes of a large buffer. */
export function giveView(n: number): Uint8Array {
  return new Uint8Array(1 << 20).fill(n).subarray(0, 4);
}

/** Waits until its signal aborts, and reports the reason; first reports that it waits. */
export async function reasonOf(url: string, { signal }: TaskContext): Promise<string> {
  await (await fetch(url)).text();
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  const { name, message, code } = signal.reason;
  await (await fetch(`${url} saw ${name} ${message} ${code}`)).text();
  return name;
}

/** Reports its start to the gates, then does what the item says. */
export async function startAnd(
  { url, does }: { readonly url: string; readonly does: string },
  { signal }: TaskContext,
): Promise<string> {
  await (await fetch(url)).text();
  switch (does) {
    case "exit":
      Deno.exit(5);
      break;
    case "fail":
      throw new TypeError("as told");
    case "wait":
      await (await fetch(`${url} waits`)).text();
      break;
    case "deaf":
      await (await fetch(`${url} is deaf`)).text();
      break;
    case "polite":
      await (await fetch(`${url} waits`, { signal })).text();
  }
  return does;
}

/** Ends its lane if the item says so. */
export function exitAt(exits: boolean): number {
  if (exits) Deno.exit(5);
  return performance.now();
}

/** Interferes with its lane in the way named, as a careless module might. */
export function meddle(how: string): string | Promise<string> {
  const scope = globalThis as unknown as Record<string, unknown>;
  switch (how) {
    case "post":
      (scope.postMessage as ((message: unknown) => void) | undefined)?.(null);
      (scope.postMessage as ((message: unknown) => void) | undefined)?.([18, [1], "forged"]);
      break;
    case "replace":
      scope.postMessage = () => {
        throw new Error("not here");
      };
      scope.onmessage = () => {
        throw new Error("not mine");
      };
      break;
    case "fake time":
      performance.now = () => 0;
      Date.now = () => 0;
      break;
    case "handle":
      addEventListener("unhandledrejection", (event) => event.preventDefault());
      scope.onerror = () => true;
      addEventListener("error", (event) => event.preventDefault());
      break;
    case "stray":
      Promise.reject(new Error("nobody waits for this"));
      setTimeout(() => {
        throw new Error("late");
      });
      return new Promise((resolve) => setTimeout(() => resolve(how), 30));
  }
  return how;
}

/** Reads from stdin in the way named. */
export async function readStdin(how: string): Promise<string> {
  switch (how) {
    case "readSync":
      return String(Deno.stdin.readSync(new Uint8Array(8)));
    case "read":
      return String(await Deno.stdin.read(new Uint8Array(8)));
    case "readable":
      return String((await Array.fromAsync(Deno.stdin.readable)).length);
    case "prompt":
      return String(prompt("name?"));
    case "confirm":
      return String(confirm("sure?"));
    case "close":
      for (const stream of [Deno.stdin, Deno.stdout]) stream.close();
      return "closed";
  }
  const program = how === "cat" ? ["cat"] : ["sh", "-c", "echo hello"];
  const [name, ...args] = program;
  const { code } = await new Deno.Command(name!, { args }).spawn().status;
  return `${how} ${code}`;
}

/** Returns the file's text, or the error's name if it may not be read. */
export function mayRead(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    return (error as Error).name;
  }
}

/** On its first attempt, fails and asks for a pause of `retryAfterMs` milliseconds. */
export function askFor(retryAfterMs: number, { attempt }: TaskContext): number {
  if (attempt > 1) return attempt;
  throw Object.assign(new Error("busy"), { status: 429, retryAfterMs });
}

/** Waits at a gate; its first attempt throws a 429 if the server is busy. */
export async function askServer(
  { url, key, busySeconds }: {
    readonly url: string;
    readonly key: string;
    readonly busySeconds: number;
  },
  { attempt, signal }: TaskContext,
): Promise<string> {
  if (busySeconds === 0 || attempt > 1) {
    return await (await fetch(`${url}/${key}`, { signal })).text();
  }
  const headers = { "retry-after": String(busySeconds) };
  throw Object.assign(new Error("busy"), { response: new Response("", { status: 429, headers }) });
}

/** Returns how many times this module was loaded in its lane's process or thread. */
export function loads(): number {
  const scope = globalThis as { conformanceLoads?: number };
  return scope.conformanceLoads ?? 0;
}

const scope = globalThis as { conformanceLoads?: number };
scope.conformanceLoads = (scope.conformanceLoads ?? 0) + 1;

/** Returns or throws an error that has more than text in it. */
export function giveRichError(how: string): unknown {
  const cause = { status: 500, url: new URL("http://host/"), list: [1, new Response("")] };
  const error = Object.assign(new Error("rich", { cause }), {
    issues: [{ path: ["a", 1] }],
    response: new Response(""),
  });
  if (how === "throw") throw error;
  return error;
}

const same = new ArrayBuffer(64);

/** Writes to the same buffer for every item, and returns it or a view of it. */
export function sameBuffer(
  { kind, n }: { kind: "array" | "buffer" | "view"; n: number },
): ArrayBuffer | Uint8Array<ArrayBuffer> | DataView<ArrayBuffer> {
  new Uint8Array(same)[0] = n;
  return kind === "buffer" ? same : kind === "array" ? new Uint8Array(same) : new DataView(same);
}

/** Returns many errors with causes, or one with a long chain of causes. */
export function giveManyErrors(how: string): unknown {
  const made = (n: number) => new TypeError(`e${n}`, { cause: new Error(`c${n}`) });
  if (how === "many") return Array.from({ length: 2000 }, (_, n) => made(n));
  let error = new Error("root");
  for (let depth = 1; depth < 20; depth++) error = new Error(`${depth}`, { cause: error });
  return error;
}

/** Returns lists nested to the given depth. */
export function giveDeep(depth: number): unknown {
  let value: unknown[] = [];
  for (let at = 0; at < depth; at++) value = [value];
  return value;
}

/** Throws a server's response, or an error that holds one. */
export function throwAnswer(how: string): never {
  const answer = new Response("busy", { status: 429, headers: { "x-left": "0" } });
  if (how === "alone") throw answer;
  if (how === "cause") throw new Error("busy", { cause: answer });
  const headers = new Headers({ "retry-after": "7" });
  throw Object.assign(new Error("busy"), { response: answer, headers });
}
