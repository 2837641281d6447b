/** Virtual time in place of timers and the clock: it advances only when a test says so. */

import { clock } from "../../lib/lanes/timers.ts";

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
}

const REAL_CLOCK = Object.getOwnPropertyDescriptors(clock);
const REAL = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  setImmediate: globalThis.setImmediate,
  clearImmediate: globalThis.clearImmediate,
};

/** Resolves when all promises that need no timer have settled, independent of the virtual time. */
export function settle(): Promise<void> {
  return new Promise((resolve) => REAL.setImmediate(resolve));
}

/** Timers, immediates and `performance.now()` controlled by a test, until it is disposed. */
export class VirtualTime implements Disposable {
  /** The current time, in milliseconds. */
  nowMs = 1000;
  readonly #timers = new Map<number, Timer>();
  readonly #immediates = new Map<number, () => void>();
  /** The ids start far from those of real timers, which are unref'd by their ids. */
  #lastId = 2 ** 30;
  readonly #realNow = performance.now;

  constructor() {
    const timers = {
      setTimeout: (run: () => void, waitMs = 0) => {
        if (!(waitMs <= 2 ** 31 - 1)) throw new RangeError(`no timer holds ${waitMs} ms`);
        this.#timers.set(++this.#lastId, { dueMs: this.nowMs + waitMs, run });
        return this.#lastId;
      },
      clearTimeout: (id: number) => void this.#timers.delete(id),
      setInterval: (run: () => void, everyMs: number) => {
        const id = ++this.#lastId;
        const again = () => {
          this.#timers.set(id, { dueMs: this.nowMs + everyMs, run: again });
          run();
        };
        this.#timers.set(id, { dueMs: this.nowMs + everyMs, run: again });
        return id;
      },
      clearInterval: (id: number) => void this.#timers.delete(id),
      setImmediate: (run: () => void) => {
        this.#immediates.set(++this.#lastId, run);
        return this.#lastId;
      },
      clearImmediate: (id: number) => void this.#immediates.delete(id),
    };
    Object.assign(globalThis, timers);
    performance.now = () => this.nowMs;
    const hold = () => {};
    for (const [name, value] of Object.entries({ ...timers, hold, now: performance.now })) {
      Object.defineProperty(clock, name, { value, configurable: true, writable: true });
    }
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** How many immediates wait for the end of this turn of the event loop. */
  get immediates(): number {
    return this.#immediates.size;
  }

  /** When the next timer is due; undefined if none is set. */
  get nextDueMs(): number | undefined {
    return this.#next()?.[1].dueMs;
  }

  #next(): [number, Timer] | undefined {
    return [...this.#timers].sort(([, a], [, b]) => a.dueMs - b.dueMs)[0];
  }

  /** Lets `ms` milliseconds pass; due timers run in order, each at its own time. */
  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    while (true) {
      const next = this.#next();
      if (next === undefined || next[1].dueMs > endMs) break;
      const [id, { dueMs, run }] = next;
      this.#timers.delete(id);
      this.nowMs = Math.max(this.nowMs, dueMs);
      run();
    }
    this.nowMs = Math.max(this.nowMs, endMs);
  }

  /** Ends this turn of the event loop; immediates set meanwhile wait for the end of the next. */
  turn(): void {
    const due = [...this.#immediates.values()];
    this.#immediates.clear();
    for (const run of due) run();
  }

  [Symbol.dispose](): void {
    Object.defineProperties(clock, REAL_CLOCK);
    Object.assign(globalThis, REAL);
    performance.now = this.#realNow;
  }
}
