/** What a task's module exports to be computed on a GPU too. */

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
 * import type { Kernel } from "./kernel.ts";
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
