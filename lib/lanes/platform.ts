/** What the platform gives, whatever a program or a task puts in its place once this library is loaded. */

const NAMES = ["AbortController", "AbortSignal", "navigator", "process"] as const;

/** Deno loads some of them when they are first read, which takes milliseconds: here none is read. */
export const platform: Pick<typeof globalThis, typeof NAMES[number]> = Object.defineProperties(
  {} as typeof platform,
  Object.fromEntries(
    NAMES.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)!]),
  ),
);
