/**
 * What a task is: a function of one item, kept in a module of its own.
 *
 * A task is named by its module's URL and its export, never passed as a closure, because a closure
 * can't travel to a thread, a subprocess or another machine. Its module may export how it computes on a
 * GPU, too.
 */

import { attempt } from "./attempt.ts";

/**
 * What a task learns about the item it works on, what it is given besides, and how it is asked to stop. It
 * may be taken apart, as in `({ signal, cancelled })`, but has no properties of its own: `{ ...context }`
 * is empty.
 *
 * @typeParam Resource What the module's `setup` gives.
 * @typeParam Shared What the executor was opened with as `shared`.
 */
export type TaskContext<Resource = unknown, Shared = unknown> =
  & {
    /** Aborted when the task is to stop: its deadline passed, or its run was cancelled. */
    readonly signal: AbortSignal;
    /** The item's place in the input, from 0. */
    readonly index: number;
    /** Which try this is, from 1. */
    readonly attempt: number;
    /**
     * The same as `signal.aborted`, but true also inside a loop that never yields. There it sees a
     * deadline in every model, and a cancelled run on a thread, which shares memory with the caller; a
     * subprocess can't be told while it is busy, and is ended after `graceMs`.
     */
    readonly cancelled: () => boolean;
  }
  & GivenAs<"resource", Resource>
  & GivenAs<"shared", Shared>;

/**
 * What a task is given besides its item: `resource` is what the `setup` of its module gave in this lane,
 * the same for all of its tasks; `shared` is this lane's copy of what the executor was opened with. A
 * task that says nothing of it may be called without it.
 */
export type GivenAs<Name extends string, Value> = unknown extends Value
  ? { readonly [Key in Name]?: Value }
  : { readonly [Key in Name]: Value };

/**
 * What a task module's `setup` is given. It runs once in each lane, before the first of the module's
 * tasks there; what it gives is the tasks' `context.resource`. When the lane closes, the module's
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
  /** What the executor was opened with as `shared`: this lane's copy. */
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

/** A task's name: where its code is. Made by {@linkcode task}. */
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

/** What tells a task from others. */
export function nameOf(task: Pick<Task, "module" | "export">): string {
  return `${task.export} ${task.module}`;
}

/**
 * What a task is called in messages: by its module's file, and by its export unless that is the default;
 * such as `shapes.ts#area`.
 */
export function titleOf({ module, export: name }: Pick<Task, "module" | "export">): string {
  if (module === "function:") return name === "" ? "a function" : name;
  const file = module.startsWith("data:")
    ? "data:…"
    : fileName(/[^/]*$/.exec(module.replace(/[?#].*/, ""))![0]);
  return name === "default" ? file : `${file}#${name}`;
}

/** As its folder shows it, unless a terminal would take something in it for more than text. */
function fileName(inUrl: string): string {
  const name = attempt(() => decodeURIComponent(inUrl), inUrl);
  return /\p{C}/u.test(name) ? inUrl : name;
}

/** A task whose items are a job's, taken in another order: its tasks find their places in the job. */
export interface PlacedTask extends Task {
  /** The place in the job of each item, by the order in which they are taken. */
  readonly places?: readonly number[] | undefined;
}

/**
 * A value as it arrives from another lane: without its functions, so that what can't be called there
 * can't be called. A class's instance becomes an object with its data; in the place of what can't be sent
 * at all stands a sentence that says so.
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
  // Lists apart from tuples: what TypeScript maps it looks into at once, and a list may hold its own type.
  : T extends (infer Of)[] ? Of[] extends T ? Arrived<Of>[] : { [Key in keyof T]: Arrived<T[Key]> }
  : T extends readonly (infer Of)[]
    ? readonly Of[] extends T ? readonly Arrived<Of>[] : { [Key in keyof T]: Arrived<T[Key]> }
  : T extends object ? {
      [Key in keyof T as T[Key] extends (...args: never[]) => unknown ? never : Key]: Arrived<
        T[Key]
      >;
    }
  : T;

/** What the `setup` of a module gives, and its tasks find as `context.resource`. */
export type ResourceOf<Module> = Module extends // deno-lint-ignore no-explicit-any
{ setup: (...args: any[]) => infer Resource } ? Awaited<Resource>
  : undefined;

/**
 * The names of the functions of a module that are tasks: they take an item and a context, or less, and
 * are no generators, whose bodies nobody would run. The context's resource is what the module's `setup`
 * gives.
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

/** The item's type of the task exported as `Name` by the module type `Module`. */
export type ItemOf<Module, Name extends string> = unknown extends Module ? unknown
  : Module extends // deno-lint-ignore no-explicit-any
  { [key in Name]: (item: infer Item, ...rest: any[]) => unknown } ? Item
  : never;

/** The result's type of the task exported as `Name` by the module type `Module`, as it arrives. */
export type ResultOf<Module, Name extends string> = unknown extends Module ? unknown
  : Module extends // deno-lint-ignore no-explicit-any
  { [key in Name]: (...args: any[]) => infer Result } ? Arrived<Awaited<Result>>
  : never;

/**
 * Names a task by its module: the module's default export.
 *
 * @typeParam Module `typeof import("./my_task.ts")`, so that item and result types flow through `map`.
 * @param module The module's absolute URL; `new URL("./my_task.ts", import.meta.url)` makes one.
 * @returns The task's name, to be given to `map` or `mapSettled`.
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
 * @typeParam Name The exported function's name; it takes an item and, if it likes, a `TaskContext`.
 * @param module The module's absolute URL; `new URL("./my_task.ts", import.meta.url)` makes one.
 * @param name The exported function's name.
 * @returns The task's name, to be given to `map` or `mapSettled`.
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
 * An item becomes pieces: so many words of 32 bits each, which thousands of invocations advance side by
 * side. A GPU can't be interrupted, so a piece takes steps, and between some of them its words lie in
 * memory: cancelling and deadlines come through there. `open` and what it gives run in the lane's
 * thread, and no `setup` is called for them.
 *
 * @typeParam Item What the task works on.
 * @typeParam Result What it gives: the same as its function gives, bit by bit.
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
   * WGSL with a function `advance(at: u32, steps: u32)`, which takes the piece whose words begin at
   * `words[at]` so many of its steps further, never more than are left, and leaves in `words[at]` how
   * many are left then, or 0 once it has ended. It may read `table`. Both are arrays of u32 and declared
   * for it.
   */
  readonly wgsl: string;
  /** How many words each piece has. */
  readonly words: number;
  /**
   * How many turns of loops a step takes at most, all loops together, the one over steps too; 256 unless
   * given. Mesa's llvmpipe ends the loops of an invocation after 65,535: no dispatch there takes more steps
   * than that allows.
   */
  readonly turns?: number;
  /** Makes the words that all pieces may read as `table`; none unless given. */
  readonly table?: () => Uint32Array<ArrayBuffer>;
  /** Cuts an item into pieces. It throws what the task throws for an item that it doesn't take. */
  readonly open: (item: Item) => KernelItem<Result>;
}

/** An item as pieces. They are written and read in their order, but not all written at once. */
export interface KernelItem<Result> {
  /** How many there are. */
  readonly pieces: number;
  /** Writes a piece as it begins, from `words[at]` on: first how many steps it takes, from 1. */
  write(piece: number, words: Uint32Array, at: number): void;
  /** Takes note of a piece as it ended. */
  read(piece: number, words: Uint32Array, at: number): void;
  /** The item's result, once all pieces were read. */
  result(): Result;
}

/** The export of a task's module that is its kernel. */
export function kernelName(task: string): string {
  return task === "default" ? "kernel" : `${task}Kernel`;
}

/** Whether what a module exports is a kernel. */
export function isKernel(exported: unknown): exported is Kernel<unknown, unknown> {
  const { wgsl, open } = exported as Partial<Kernel<unknown, unknown>> ?? {};
  return typeof wgsl === "string" && typeof open === "function";
}
