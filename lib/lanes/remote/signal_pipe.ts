/** The pipe through which Deno receives the system's signals. */

let isOpen = false;

/**
 * Opens the pipe, once. Otherwise Deno opens it when first needed, for example at the end of a thread or of the
 * program, and panics if no file descriptor is left then.
 */
export function openSignalPipe(): void {
  if (isOpen) return;
  isOpen = true;
  const listener = () => {};
  Deno.addSignalListener("SIGINT", listener);
  Deno.removeSignalListener("SIGINT", listener);
}
