/**
 * What an AsyncLocalStorage of a caller holds: a function that had to wait for its slot runs where another
 * one has ended, and is to see its own caller's. Deno keeps it in its core; the module `node:async_hooks`
 * does the same at many times the cost.
 */

import { attempt } from "./attempt.ts";

interface Core {
  getAsyncContext?(): unknown;
  setAsyncContext?(context: unknown): void;
  readonly AsyncVariable?: new () => AsyncVariable;
}

interface AsyncVariable {
  enter(value: unknown): void;
  get(): unknown;
}

const { internal } = Deno as unknown as { readonly internal: symbol };
const core = (Deno as unknown as Record<symbol, { readonly core?: Core }>)[internal]?.core ?? {};
const { getAsyncContext: get = () => undefined, setAsyncContext: set = () => {}, AsyncVariable } =
  core;

export const asyncContext: () => unknown = get;

/** Calls a function of a caller's in its async context, wherever that is done. */
export function inAsyncContext<T>(context: unknown, call: () => T): T {
  const before = enterAsyncContext(context);
  try {
    return call();
  } finally {
    enterAsyncContext(before);
  }
}

const BATCH = Symbol("batch");

/**
 * A context for what a batch's tasks do, in timers too: it bears the batch's id and not the batch, for it is kept
 * as long as they are. In it nobody's storage holds anything.
 */
export function contextOfBatch(id: number): unknown {
  return areCopied ? { __proto__: null, [BATCH]: id } : undefined;
}

/** The id of the batch whose tasks began what goes on here; undefined if that isn't known. */
export function batchOfContext(): number | undefined {
  return (get() as { readonly [BATCH]?: number } | undefined)?.[BATCH];
}

/** Whether contexts are objects that are copied with all they hold when a storage is given something. */
let areCopied = true;
areCopied = attempt(() =>
  inAsyncContext(contextOfBatch(1), () => {
    const variable = new AsyncVariable!();
    variable.enter(2);
    return batchOfContext() === 1 && variable.get() === 2;
  }), false);

/** Makes one the caller's; gives the one before, to be made so again. */
export function enterAsyncContext(context: unknown): unknown {
  const before = get();
  if (context !== before) set(context);
  return before;
}
