/**
 * What an AsyncLocalStorage of the caller holds: a function that had to wait for its slot runs where
 * another one has ended, and is to see its own caller's. Deno keeps it in its core; the module
 * node:async_hooks does the same at many times the cost.
 */

interface Core {
  getAsyncContext?(): unknown;
  setAsyncContext?(context: unknown): void;
}

const { internal } = Deno as unknown as { readonly internal: symbol };
const core = (Deno as unknown as Record<symbol, { readonly core?: Core }>)[internal]?.core ?? {};
const { getAsyncContext: get = () => undefined, setAsyncContext: set = () => {} } = core;

/** The caller's. */
export const asyncContext: () => unknown = get;

/** Makes one the caller's; gives the one before, to be made so again. */
export function enterAsyncContext(context: unknown): unknown {
  const before = get();
  if (context !== before) set(context);
  return before;
}
