/**
 * Sees to it that no child outlives this program: kills what is left when the program is told to end
 * or fails. A child also ends by itself when its stdin does, and when its parent is gone.
 *
 * @module
 */

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];
const EXIT_CODES: Partial<Record<Deno.Signal, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** Live children, and whether a signal is to end the program once they are killed. */
const children = new Map<Deno.ChildProcess, boolean>();

const handlers = SIGNALS.map((signal) => ({ signal, handle: () => onSignal(signal) }));

/**
 * Watches over a child until {@linkcode release}.
 *
 * @param child A running child.
 * @param exitOnSignal Whether SIGINT, SIGTERM and SIGHUP end the program after the child is killed;
 * false if the program handles them itself.
 *
 * @example
 * ```ts ignore
 * import { release, watchOver } from "./reaper.ts";
 *
 * const child = new Deno.Command(Deno.execPath(), { args: ["--version"] }).spawn();
 * watchOver(child, true);
 * await child.status;
 * release(child);
 * ```
 */
export function watchOver(child: Deno.ChildProcess, exitOnSignal: boolean): void {
  if (children.size === 0) {
    for (const { signal, handle } of handlers) Deno.addSignalListener(signal, handle);
    // "unload" comes with Deno.exit() and a natural end, the others with an uncaught failure.
    for (const event of ["unload", "error", "unhandledrejection"]) addEventListener(event, killAll);
  }
  children.set(child, exitOnSignal);
}

/**
 * Ends the watch over a child that has ended; with the last one every listener goes.
 *
 * @param child The child; one that isn't watched is fine.
 *
 * @example
 * ```ts ignore
 * import { release, watchOver } from "./reaper.ts";
 *
 * const child = new Deno.Command(Deno.execPath(), { args: ["--version"] }).spawn();
 * watchOver(child, true);
 * await child.status;
 * release(child);
 * ```
 */
export function release(child: Deno.ChildProcess): void {
  if (!children.delete(child) || children.size > 0) return;
  for (const { signal, handle } of handlers) Deno.removeSignalListener(signal, handle);
  for (const event of ["unload", "error", "unhandledrejection"]) {
    removeEventListener(event, killAll);
  }
}

function killAll(event?: Event): void {
  // Somebody who prevents the default goes on living, and needs the lanes.
  if (event?.defaultPrevented) return;
  for (const child of children.keys()) {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  }
}

function onSignal(signal: Deno.Signal): void {
  const exits = [...children.values()].every((exitOnSignal) => exitOnSignal);
  if (!exits) return;
  killAll();
  Deno.exit(EXIT_CODES[signal] ?? 1);
}
