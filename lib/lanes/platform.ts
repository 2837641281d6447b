/** What the platform gives, whatever a program or a task puts in its place once this library is loaded. */

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
