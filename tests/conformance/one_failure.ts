/**
 * Lets a test that fails tell its own error. A call that it left behind rejects when its executor is closed, and
 * a rejection that nobody handles would end the whole file's tests, with that error instead of the cause.
 */
export function oneFailure(fn: () => void | Promise<void>): () => Promise<void> {
  return async () => {
    const rejected: unknown[] = [];
    const hold = (event: PromiseRejectionEvent) => {
      if (event.reason?.message !== "The executor was closed") return;
      event.preventDefault();
      rejected.push(event.reason);
    };
    addEventListener("unhandledrejection", hold);
    try {
      await fn();
    } catch (error) {
      // Deno tells of a rejection after the timers of a turn.
      await new Promise((resolve) => setTimeout(resolve));
      await new Promise(setImmediate);
      throw error;
    } finally {
      removeEventListener("unhandledrejection", hold);
    }
    if (rejected.length > 0) throw rejected[0];
  };
}
