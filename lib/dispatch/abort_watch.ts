/** Signals that stop something. */

/** What a signal stops. */
interface Stoppable {
  stop(reason: unknown): void;
}

/** Watches signals with one listener each, however many calls share it: adding one looks at all others. */
export class AbortWatch {
  readonly #watched = new Map<AbortSignal, Set<Stoppable>>();
  readonly #onAbort = ({ target }: Event) => {
    const signal = target as AbortSignal;
    for (const one of [...this.#watched.get(signal) ?? []]) one.stop(signal.reason);
  };

  add(signal: AbortSignal, stoppable: Stoppable): void {
    const all = this.#watched.get(signal) ?? new Set();
    if (all.size === 0) signal.addEventListener("abort", this.#onAbort, { once: true });
    this.#watched.set(signal, all.add(stoppable));
  }

  delete(signal: AbortSignal, stoppable: Stoppable): void {
    const all = this.#watched.get(signal);
    all?.delete(stoppable);
    if (all?.size !== 0) return;
    this.#watched.delete(signal);
    signal.removeEventListener("abort", this.#onAbort);
  }
}
