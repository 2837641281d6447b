/** Signals of callers that stop runs and calls. */

/** What a signal stops. */
interface Stoppable {
  stop(reason: unknown): void;
}

/**
 * Watches signals, each once, however many share it: by a signal of its own that follows it. So no listener
 * of others' can keep the event from it (`stopImmediatePropagation`), and theirs get no more for it.
 */
export class AbortWatch {
  readonly #watched = new Map<AbortSignal, Set<Stoppable>>();
  /** One for each, as long as that is there: Deno never lets go of those that follow it. */
  readonly #own = new WeakMap<AbortSignal, AbortSignal>();

  add(signal: AbortSignal, stoppable: Stoppable): void {
    if (!this.#own.has(signal)) {
      const own = AbortSignal.any([signal]);
      own.addEventListener("abort", () => {
        for (const one of [...this.#watched.get(signal) ?? []]) one.stop(signal.reason);
      });
      this.#own.set(signal, own);
    }
    const all = this.#watched.get(signal) ?? new Set();
    this.#watched.set(signal, all.add(stoppable));
  }

  delete(signal: AbortSignal, stoppable: Stoppable): void {
    const all = this.#watched.get(signal);
    all?.delete(stoppable);
    if (all?.size === 0) this.#watched.delete(signal);
  }
}

/** Those of all executors. */
export const aborts = new AbortWatch();
