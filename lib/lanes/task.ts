/**
 * Tasks: functions of one item, each kept in a module of its own.
 *
 * A task is named by its module's URL and its export, never passed as a closure, because a closure can't travel
 * to a thread, a subprocess or another machine. The module may also export how to compute the task on a GPU.
 */

import { attempt } from "./attempt.ts";

/**
 * The values that a task gets besides its item: its index and attempt, the lane's resources, and the signal to
 * stop. It may be destructured, as in `({ signal, cancelled })`, but has no properties of its own:
 * `{ ...context }` is empty.
 *
 * @typeParam Resource The type that the module's `setup` returns.
 * @typeParam Shared The type of the executor's option `shared`.
 */
export type TaskContext<Resource = unknown, Shared = unknown> =
  & {
    /** Aborted when the task must stop: its deadline has passed, or its run was cancelled. */
    readonly signal: AbortSignal;
    /** The item's index in the input, from 0. */
    readonly index: number;
    /** Which attempt this is, from 1. */
    readonly attempt: number;
    /**
     * Returns the same as `signal.aborted`, but works inside a loop that never yields, too. There it sees a
     * deadline in every model, and a cancelled run on a thread, which shares memory with the caller; a busy
     * subprocess can't be told, and is ended after `graceMs`.
     */
    readonly cancelled: () => boolean;
  }
  & GivenAs<"resource", Resource>
  & GivenAs<"shared", Shared>;

/**
 * The values that a task gets from its lane: `resource` is what its module's `setup` returned there, the same
 * for all of its tasks; `shared` is the lane's copy of what the executor was opened with. A task whose types
 * don't name one of them may be called without it.
 */
export type GivenAs<Name extends string, Value> = unknown extends Value
  ? { readonly [Key in Name]?: Value }
  : { readonly [Key in Name]: Value };

/**
 * The argument of a task module's `setup`. That function runs once in each lane, before the first of the
 * module's tasks there; its result is the tasks' `context.resource`. When the lane closes, the module's
 * `teardown(resource)` is called, or else the resource's `Symbol.asyncDispose` or `Symbol.dispose`.
 *
 * @typeParam Shared What the executor was opened with as `shared`.
 *
 * @example A table that is made once in each lane
 * ```ts
 * import { sequential, task } from "../mod.ts";
 *
 * // A module of its own, my_task.ts, would be:
 * const code = `
 *   export const setup = ({ shared }) => new Map(shared.map((word, at) => [word, at]));
 *   export default (word, { resource }) => resource.get(word);
 * `;
 * const placeOf = task<{ default: (word: string) => number }>(`data:text/javascript,${code}`);
 * await using executor = sequential({ shared: ["a", "b"] });
 * console.log(await executor.map(placeOf, ["b", "a"]).toArray()); // [1, 0]
 * ```
 */
export interface SetupContext<Shared = unknown> {
  /** This lane's copy of what the executor was opened with as `shared`. */
  readonly shared: Shared;
  /** Aborted if the lane closes before the set-up has ended. */
  readonly signal: AbortSignal;
}

/** A task's function: the default export of its module, or a named one. */
export type TaskFunction<Item = unknown, Result = unknown> = (
  item: Item,
  // deno-lint-ignore no-explicit-any
  context: TaskContext<any, any>,
) => Result | PromiseLike<Result>;

/** The name of a task, which says where its code is. Made by {@linkcode task}. */
export interface Task<Item = never, Result = unknown> {
  /** The module's absolute URL. */
  readonly module: string;
  /** The name of the exported function. */
  readonly export: string;
  /** Carries the item's type; absent at run time. */
  readonly "~item"?: (item: Item) => void;
  /** Carries the result's type; absent at run time. */
  readonly "~result"?: Result;
}

/** A key that is unique to a task. */
export function taskName(task: Pick<Task, "module" | "export">): string {
  return `${task.export} ${task.module}`;
}

/**
 * How messages name a task: by its module's file name, and by its export unless that is the default; for
 * example `shapes.ts#area`.
 */
export function titleOf({ module, export: name }: Pick<Task, "module" | "export">): string {
  if (module === "function:") return name === "" ? "a function" : name;
  const file = module.startsWith("data:")
    ? "data:…"
    : fileName(/[^/]*$/.exec(module.replace(/[?#].*/, ""))![0]);
  return name === "default" ? file : `${file}#${name}`;
}

/** How much of a `data:` URL messages show, in characters. */
const MOST_CODE = 80;

/** Text that names a module, of which little is shown if its URL is its code: that may be of any length. */
export function inShort(text: string, module: string): string {
  const isLong = module.startsWith("data:") && module.length > MOST_CODE;
  return isLong ? text.replaceAll(module, () => `${module.slice(0, MOST_CODE)}…`) : text;
}

/** The decoded file name, or the encoded one if the decoded one has characters that a terminal may act on. */
function fileName(inUrl: string): string {
  const name = attempt(() => decodeURIComponent(inUrl), inUrl);
  return /\p{C}/u.test(name) ? inUrl : name;
}

/** A task whose items are a job's items in another order; each task still sees its item's index in the job. */
export interface PlacedTask extends Task {
  /** Each item's index in the job, in the order in which the items are taken. */
  readonly places?: readonly number[] | undefined;
}

/**
 * The type of a value after it arrives from another lane. It has no functions, since they can't be sent; an
 * instance of a class becomes an object with its data; a value that can't be sent at all becomes a sentence
 * that says so.
 */
export type Arrived<T> = T extends string | number | bigint | boolean ? T
  : T extends Date | RegExp | Error | ArrayBufferLike | ArrayBufferView | Blob | CryptoKey ? T
  : T extends (...args: never[]) => unknown ? never
  : T extends ReadonlyMap<infer Key, infer Value> ? Map<Arrived<Key>, Arrived<Value>>
  : T extends ReadonlySet<infer Value> ? Set<Arrived<Value>>
  : T extends
    | symbol
    | PromiseLike<unknown>
    | WeakMap<WeakKey, unknown>
    | WeakSet<WeakKey>
    | WeakRef<WeakKey>
    | Generator<unknown>
    | AsyncGenerator<unknown>
    | ReadableStream
    | WritableStream
    | Response
    | Request
    | Headers
    | FormData
    | URL
    | URLSearchParams
    | AbortSignal ? "it can't be sent to another lane"
  // Lists and tuples differ: TypeScript resolves a mapped type at once, and a list may contain its own type.
  : T extends (infer Of)[] ? Of[] extends T ? Arrived<Of>[] : { [Key in keyof T]: Arrived<T[Key]> }
  : T extends readonly (infer Of)[]
    ? readonly Of[] extends T ? readonly Arrived<Of>[] : { [Key in keyof T]: Arrived<T[Key]> }
  : T extends object ? {
      [Key in keyof T as T[Key] extends (...args: never[]) => unknown ? never : Key]: Arrived<
        T[Key]
      >;
    }
  : T;

/** The type that a module's `setup` gives its tasks as `context.resource`. */
export type ResourceOf<Module> = Module extends // deno-lint-ignore no-explicit-any
{ setup: (...args: any[]) => infer Resource } ? Awaited<Resource>
  : undefined;

/**
 * The names of a module's functions that are tasks: they take an item and a context, or less, and are no
 * generators, whose bodies would never run. The context's resource is what the module's `setup` returns.
 */
export type TaskName<Module> = {
  [Key in Exclude<string & keyof Module, "setup" | "teardown">]: Module[Key] extends (
    item: never,
    context: TaskContext<ResourceOf<Module>, never>,
  ) => infer Result ? 0 extends 1 & Result ? Key
    : [Extract<Result, Generator<unknown> | AsyncGenerator<unknown>>] extends [never] ? Key
    : never
    : never;
}[Exclude<string & keyof Module, "setup" | "teardown">];

/** The item type of the task that the module type `Module` exports as `Name`. */
export type ItemOf<Module, Name extends string> = unknown extends Module ? unknown
  : Module extends // deno-lint-ignore no-explicit-any
  { [key in Name]: (item: infer Item, ...rest: any[]) => unknown } ? Item
  : never;

/** The type in which the results of the task that `Module` exports as `Name` arrive. */
export type ResultOf<Module, Name extends string> = unknown extends Module ? unknown
  : Module extends // deno-lint-ignore no-explicit-any
  { [key in Name]: (...args: any[]) => infer Result } ? Arrived<Awaited<Result>>
  : never;

/**
 * Names a task by its module, whose default export it is.
 *
 * @typeParam Module `typeof import("./my_task.ts")`, so that item and result types flow through `map`.
 * @param module The module's absolute URL; `new URL("./my_task.ts", import.meta.url)` makes one.
 * @returns The task's name, for `run`, `map` or `mapSettled`.
 * @throws {TypeError} If `module` isn't an absolute URL.
 *
 * @example
 * ```ts
 * import { task } from "./task.ts";
 *
 * const half = task<{ default: (n: number) => number }>("data:text/javascript,export default (n) => n / 2");
 * console.log(half.export); // "default"
 * ```
 */
export function task<Module>(
  module: unknown extends Module ? string | URL
    : "default" extends TaskName<Module> ? string | URL
    : "default" extends keyof Module
      ? "its default export is no task: a task takes an item and a TaskContext, whose resource is what the module's setup gives"
    : "it has no default export: name the export that is the task",
): Task<ItemOf<Module, "default">, ResultOf<Module, "default">>;
/**
 * Names a task by its module and export.
 *
 * @typeParam Module `typeof import("./my_task.ts")`, so that item and result types flow through `map`.
 * @typeParam Name The exported function's name; it takes an item and, optionally, a `TaskContext`.
 * @param module The module's absolute URL; `new URL("./my_task.ts", import.meta.url)` makes one.
 * @param name The exported function's name.
 * @returns The task's name, for `run`, `map` or `mapSettled`.
 * @throws {TypeError} If `module` isn't an absolute URL.
 *
 * @example
 * ```ts
 * import { task } from "./task.ts";
 *
 * type Sizes = { area: (side: number) => number };
 * const area = task<Sizes, "area">("data:text/javascript,export const area = (s) => s * s", "area");
 * console.log(area.export); // "area"
 * ```
 */
export function task<Module, Name extends TaskName<Module>>(
  module: string | URL,
  name: Name,
): Task<ItemOf<Module, Name>, ResultOf<Module, Name>>;
export function task(module: string | URL, name = "default"): Task {
  const url = URL.parse(String(module));
  if (url === null) {
    throw new TypeError(
      `Cannot name a task: module ${JSON.stringify(String(module))} is not an absolute URL; ` +
        `use new URL("./my_task.ts", import.meta.url)`,
    );
  }
  return { module: url.href, export: name };
}

/**
 * How a task computes on a GPU: the export `kernel` of a module whose task is its default export, or
 * `areaKernel` of one whose task is `area`.
 *
 * An item is cut into pieces, each a fixed number of 32-bit words, which thousands of invocations advance side
 * by side. A GPU can't be interrupted, so a piece is computed in steps, and between dispatches its words lie in
 * memory: cancelling and deadlines take effect there. `open` and the functions it returns run in the lane's
 * thread, and no `setup` is called for them.
 *
 * @typeParam Item The task's item.
 * @typeParam Result The task's result, bit for bit the same as its function returns.
 *
 * @example Squares, an invocation a number
 * ```ts
 * import type { Kernel } from "./task.ts";
 *
 * export default (n: number): number => Math.imul(n, n) >>> 0;
 *
 * export const kernel: Kernel<number, number> = {
 *   words: 2,
 *   wgsl: `
 *     fn advance(at: u32, steps: u32) {
 *       words[at + 1u] *= words[at + 1u];
 *       words[at] = 0u;
 *     }`,
 *   open: (n) => {
 *     let square = 0;
 *     return {
 *       pieces: 1,
 *       write: (_, words, at) => words.set([1, n], at),
 *       read: (_, words, at) => square = words[at + 1]!,
 *       result: () => square,
 *     };
 *   },
 * };
 * console.log(kernel.words); // 2
 * ```
 */
export interface Kernel<Item, Result> {
  /**
   * WGSL with a function `advance(at: u32, steps: u32)`. It advances the piece whose words begin at `words[at]`
   * by `steps` steps, never more than are left, and stores in `words[at]` how many are left then, or 0 once the
   * piece has ended. It may read `table`. Both arrays hold u32 and are declared for it.
   */
  readonly wgsl: string;
  /** How many words each piece has. */
  readonly words: number;
  /**
   * How many loop iterations a step takes at most, all loops together, including the loop over steps; 256
   * unless given. Mesa's llvmpipe ends the loops of an invocation after 65,535, so a dispatch there takes no
   * more steps than that allows.
   */
  readonly turns?: number;
  /** Makes the words that all pieces can read as `table`; none unless given. */
  readonly table?: () => Uint32Array<ArrayBuffer>;
  /** Cuts an item into pieces. It throws what the task throws for an item that the task doesn't accept. */
  readonly open: (item: Item) => KernelItem<Result>;
}

/** An item in pieces. They are written and read in order, but not all are written before the first is read. */
export interface KernelItem<Result> {
  /** How many pieces the item has. */
  readonly pieces: number;
  /** Writes a piece's initial words from `words[at]` on; the first is the number of its steps, at least 1. */
  write(piece: number, words: Uint32Array, at: number): void;
  /** Reads a piece's final words. */
  read(piece: number, words: Uint32Array, at: number): void;
  /** The item's result, once all pieces have been read. */
  result(): Result;
}

/** The name of the export that is a task's kernel. */
export function kernelName(task: string): string {
  return task === "default" ? "kernel" : `${task}Kernel`;
}

export function isKernel(exported: unknown): exported is Kernel<unknown, unknown> {
  const { wgsl, open } = exported as Partial<Kernel<unknown, unknown>> ?? {};
  return typeof wgsl === "string" && typeof open === "function";
}
