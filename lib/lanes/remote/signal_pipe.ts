/** The pipe by which the system's signals reach Deno. */

let isOpen = false;

/**
 * Opens it, once. Deno does so when it first needs it, as at the end of a thread or of the program, and
 * panics if no descriptor is left then.
 */
export function openSignalPipe(): void {
  if (isOpen) return;
  isOpen = true;
  const listener = () => {};
  Deno.addSignalListener("SIGINT", listener);
  Deno.removeSignalListener("SIGINT", listener);
}
