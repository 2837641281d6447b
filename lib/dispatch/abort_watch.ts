/** Stops calls when their signal is aborted. */

/** What a signal stops. */
export interface Stoppable {
  stop(reason: unknown): void;
}

interface Watched {
  readonly stoppable: Set<Stoppable>;
  readonly listener: () => void;
}

/** Watches signals with one listener each, however many calls share it: adding one looks at all others. */
export class AbortWatch {
  readonly #watched = new Map<AbortSignal, Watched>();

  add(signal: AbortSignal, stoppable: Stoppable): void {
    let watched = this.#watched.get(signal);
    if (watched === undefined) {
      const all = new Set<Stoppable>();
      const listener = () => {
        for (const one of [...all]) one.stop(signal.reason);
      };
      watched = { stoppable: all, listener };
      this.#watched.set(signal, watched);
      signal.addEventListener("abort", listener, { once: true });
    }
    watched.stoppable.add(stoppable);
  }

  delete(signal: AbortSignal, stoppable: Stoppable): void {
    const watched = this.#watched.get(signal);
    if (watched === undefined) return;
    watched.stoppable.delete(stoppable);
    if (watched.stoppable.size > 0) return;
    this.#watched.delete(signal);
    signal.removeEventListener("abort", watched.listener);
  }
}
