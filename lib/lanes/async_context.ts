/**
 * The async context, which holds the values of AsyncLocalStorage. A function that had to wait for its slot is
 * run by the code whose task has ended, and must still see its own caller's values. Deno keeps the context in
 * its core; the module `node:async_hooks` does the same at many times the cost.
 */

import { attempt } from "./attempt.ts";
import { internals } from "./platform.ts";

interface Core {
  getAsyncContext(): unknown;
  setAsyncContext(context: unknown): void;
  readonly AsyncVariable: new () => AsyncVariable;
}

interface AsyncVariable {
  enter(value: unknown): void;
  get(): unknown;
}

const { getAsyncContext: get = () => undefined, setAsyncContext: set = () => {}, AsyncVariable } =
  internals<{ readonly core: Partial<Core> }>().core ?? {};

export const asyncContext: () => unknown = get;

/** Calls a function in a given async context. */
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
 * A context for a batch's tasks, including their timers. It holds the batch's id and not the batch, which would
 * be kept alive as long as the timers. In it every AsyncLocalStorage is empty.
 */
export function contextOfBatch(id: number): unknown {
  return areCopied ? { [BATCH]: id } : undefined;
}

/** The id of the batch whose task started the current code; undefined if that isn't known. */
export function batchOfContext(): number | undefined {
  return (get() as { readonly [BATCH]?: number } | undefined)?.[BATCH];
}

/** Whether Deno copies a context with all its properties when a storage is set, which contextOfBatch needs. */
let areCopied = true;
areCopied = attempt(() =>
  inAsyncContext(contextOfBatch(1), () => {
    const variable = new AsyncVariable!();
    variable.enter(2);
    return batchOfContext() === 1 && variable.get() === 2;
  }), false);

/** Makes a context the current one; returns the previous one, to be restored. */
export function enterAsyncContext(context: unknown): unknown {
  const before = get();
  if (context !== before) set(context);
  return before;
}
