/**
 * Lanes: runs the same task under every concurrency model there is.
 *
 * Slots are concurrency, lanes are parallelism.
 *
 * @example Downloads with five slots
 * ```ts
 * import { limited, task } from "./mod.ts";
 *
 * const shout = task<{ default: (s: string) => string }>(
 *   "data:text/javascript,export default (s) => s.toUpperCase()",
 * );
 * await using executor = limited({ slots: 5 });
 * for await (const word of executor.map(shout, ["lanes", "slots"])) console.log(word);
 * ```
 *
 * @module
 */

// The models of this event loop, and what all models have in common.
export * from "./loop.ts";
// All models.
export * from "./open.ts";
export type { Decision, Why } from "./adaptive/controller.ts";
export type { Figures, Shape } from "./adaptive/watch.ts";
export type { AutoExecutor, Recommended } from "./executor.ts";
