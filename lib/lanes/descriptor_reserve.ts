/**
 * Takes the file descriptors that Deno will need later, while there are some.
 *
 * @module
 */

let taken = false;

/**
 * Has Deno open the pipe through which signals come. It opens it when it first needs it, which with
 * worker threads is also at their end, and panics if tasks have used up all descriptors by then.
 * Nothing is left listening.
 *
 * @example
 * ```ts
 * import { reserveSignalPipe } from "./descriptor_reserve.ts";
 *
 * reserveSignalPipe();
 * ```
 */
export function reserveSignalPipe(): void {
  if (taken) return;
  taken = true;
  const listener = () => {};
  Deno.addSignalListener("SIGINT", listener);
  Deno.removeSignalListener("SIGINT", listener);
}
