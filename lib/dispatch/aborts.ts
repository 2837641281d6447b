/** Stops runs and calls on their callers' signals. */

import { platform } from "../lanes/platform.ts";

/** Whether it is a signal of the platform's, or of the class that a program has put in its place. */
export function isSignal(value: unknown): value is AbortSignal {
  return value instanceof platform.AbortSignal || value instanceof AbortSignal;
}

interface Stoppable {
  stop(reason: unknown): void;
}

/**
 * Watches each signal once, however many runs share it, through a signal of its own that follows the caller's.
 * The caller's signal thus gets no listener from here, and no other listener can suppress the event
 * (`stopImmediatePropagation`).
 */
export class AbortWatch {
  /** The runs and calls that each following signal stops. */
  readonly #watched = new Map<AbortSignal, Set<Stoppable>>();
  /** The following signal of each caller's signal, reused because Deno never frees one that follows another. */
  readonly #own = new WeakMap<AbortSignal, AbortSignal>();
  readonly #onAbort = ({ target }: Event) => {
    const own = target as AbortSignal;
    for (const one of [...this.#watched.get(own) ?? []]) one.stop(own.reason);
  };

  add(signal: AbortSignal, stoppable: Stoppable): void {
    const of = signal instanceof platform.AbortSignal ? platform.AbortSignal : AbortSignal;
    const own = this.#own.getOrInsertComputed(signal, () => of.any([signal]));
    const all = this.#watched.getOrInsertComputed(own, () => new Set());
    if (all.size === 0) own.addEventListener("abort", this.#onAbort);
    all.add(stoppable);
  }

  delete(signal: AbortSignal, stoppable: Stoppable): void {
    const own = this.#own.get(signal);
    const all = own && this.#watched.get(own);
    all?.delete(stoppable);
    if (all?.size !== 0) return;
    // While it has a listener, the timer of an AbortSignal.timeout() keeps the program alive.
    own!.removeEventListener("abort", this.#onAbort);
    this.#watched.delete(own!);
  }
}

/** The signals of all executors. */
export const aborts: AbortWatch = new AbortWatch();
