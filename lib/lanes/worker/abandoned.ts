/**
 * What is done about a thread that nothing can stop (denoland/deno#35657): a worker in a busy loop
 * outlives `terminate()`, keeps its core busy, and Deno waits for it for ever.
 *
 * @module
 */

let warned = false;

/**
 * Lets go of a terminated worker whose thread goes on: tells the person, once, and makes sure that
 * the program ends when it has nothing else to do, with its own exit code.
 */
export function abandonWorker(worker: Worker): void {
  const released = keepAlive(worker, false);
  if (warned) return;
  warned = true;
  console.error(
    "warning: a task in a worker thread ignored that it was to stop; its thread keeps a core busy " +
      "until the program ends. Poll context.cancelled() in its loop, or run it under processes()." +
      (released ? "" : " End the program with Deno.exit(), or it never will."),
  );
  globalThis.addEventListener("beforeunload", (event) => {
    if (!event.defaultPrevented) Deno.exit(Deno.exitCode);
  });
}

/**
 * Says whether a worker keeps this event loop alive. Web Workers have no `unref()`; Deno keeps the
 * one that `node:worker_threads` calls under an unnamed symbol. It counts, so call it in turns.
 */
export function keepAlive(worker: Worker, alive: boolean): boolean {
  const methods = worker as unknown as Record<symbol, ((ref: boolean) => void) | undefined>;
  const symbol = Object.getOwnPropertySymbols(Worker.prototype).find((s) => !s.description);
  if (symbol === undefined || typeof methods[symbol] !== "function") return false;
  methods[symbol](alive);
  return true;
}
