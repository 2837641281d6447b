/**
 * Ends a child whose parent is gone, even while the child is in a busy loop: it can't see then that
 * its stdin has ended, and a parent that was killed can't end it either. A thread beside the loop can.
 */

/** How often the thread looks, in milliseconds: soon enough for people, and next to free. */
const LOOK_MS = 250;

/**
 * Starts the thread. It needs no permission: it asks for nothing but this process's parent, and may
 * end nothing but this process.
 */
export function endWithParent(parentPid: number): Worker {
  // Code from a file would need leave to read it.
  const code = `(${watch})(${parentPid}, ${LOOK_MS})`;
  return new Worker(`data:text/javascript,${encodeURIComponent(code)}`, {
    type: "module",
    name: "orphan watch",
  });
}

/** Runs in the thread, so it knows nothing of this module. */
function watch(parentPid: number, lookMs: number): void {
  // An orphan is given to another parent, whichever that is.
  const look = () => {
    if (Deno.ppid !== parentPid) Deno.kill(Deno.pid, "SIGKILL");
  };
  look();
  setInterval(look, lookMs);
}
