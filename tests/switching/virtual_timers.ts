import type { TickerTimers } from "../../lib/switching/who_lets_go.ts";

/** Timers on a clock that a test advances; a callback runs when the clock passes its time. */
export class VirtualTimers implements TickerTimers {
  #nowMs = 0;
  #pending = new Map<() => void, number>();

  readonly now = (): number => this.#nowMs;

  readonly after = (ms: number, callback: () => void): () => void => {
    this.#pending.set(callback, this.#nowMs + ms);
    return () => this.#pending.delete(callback);
  };

  /** How many timers are set. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Lets time pass with the event loop free: each timer runs at its time. */
  pass(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const [next] = [...this.#pending].filter(([, atMs]) => atMs <= endMs)
        .sort(([, a], [, b]) => a - b);
      if (next === undefined) break;
      const [callback, atMs] = next;
      this.#nowMs = Math.max(this.#nowMs, atMs);
      this.#pending.delete(callback);
      callback();
    }
    this.#nowMs = endMs;
  }

  /** Lets time pass with the event loop blocked: timers that were due run afterwards. */
  hold(ms: number): void {
    this.#nowMs += ms;
    this.pass(0);
  }
}
