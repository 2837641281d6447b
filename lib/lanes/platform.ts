/** What the platform gives, whatever a program or a task puts in its place once this library is loaded. */

import { attempt } from "./attempt.ts";

const NAMES = ["AbortController", "AbortSignal", "navigator", "process"] as const;

/**
 * Parts of what Deno is made of, where there is no other way, or only one that takes many times as long. They
 * are not documented, so only what can't be done without them may rely on them.
 */
export function internals<Parts extends object>(): Partial<Parts> {
  const { internal } = Deno as unknown as { readonly internal: symbol };
  return (Deno as unknown as Record<symbol, Parts | undefined>)[internal] ?? {};
}

/** Deno loads some of them when they are first read, which takes milliseconds: here none is read. */
export const platform: Pick<typeof globalThis, typeof NAMES[number]> = Object.defineProperties(
  {} as typeof platform,
  Object.fromEntries(
    NAMES.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)!]),
  ),
);

/**
 * The async context holds the values of AsyncLocalStorage. A function that had to wait for its slot is run by
 * the code whose task has ended, and must still see its own caller's values. Deno keeps the context in its
 * core; the module `node:async_hooks` does the same at many times the cost.
 */
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

let isPipeOpen = false;

/**
 * Opens, once, the pipe through which Deno receives the system's signals. Otherwise Deno opens it when first
 * needed, for example at the end of a thread or of the program, and panics if no file descriptor is left then.
 */
export function openSignalPipe(): void {
  if (isPipeOpen) return;
  isPipeOpen = true;
  const listener = () => {};
  Deno.addSignalListener("SIGINT", listener);
  Deno.removeSignalListener("SIGINT", listener);
}
