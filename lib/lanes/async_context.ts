/**
 * What an AsyncLocalStorage of a caller holds: a function that had to wait for its slot runs where another
 * one has ended, and is to see its own caller's. Deno keeps it in its core; the module `node:async_hooks`
 * does the same at many times the cost.
 */

interface Core {
  getAsyncContext?(): unknown;
  setAsyncContext?(context: unknown): void;
}

const { internal } = Deno as unknown as { readonly internal: symbol };
const core = (Deno as unknown as Record<symbol, { readonly core?: Core }>)[internal]?.core ?? {};
const { getAsyncContext: get = () => undefined, setAsyncContext: set = () => {} } = core;

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

/** Makes one the caller's; gives the one before, to be made so again. */
export function enterAsyncContext(context: unknown): unknown {
  const before = get();
  if (context !== before) set(context);
  return before;
}
