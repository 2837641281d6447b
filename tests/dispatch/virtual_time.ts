/**
 * Time that passes only when a test says so, in place of timers and the clock.
 *
 * @module
 */

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
}

/** Timers and `performance.now()` under a test's command, until it is disposed. */
export class VirtualTime implements Disposable {
  /** The time, in milliseconds. */
  nowMs = 1000;
  readonly #timers = new Map<number, Timer>();
  #lastId = 0;
  readonly #real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    now: performance.now,
  };

  constructor() {
    globalThis.setTimeout = ((run: () => void, waitMs = 0) => {
      if (waitMs > 2 ** 31 - 1) throw new RangeError(`no timer holds ${waitMs} ms`);
      this.#timers.set(++this.#lastId, { dueMs: this.nowMs + waitMs, run });
      return this.#lastId;
    }) as unknown as typeof setTimeout;
    globalThis.clearTimeout =
      ((id: number) => void this.#timers.delete(id)) as unknown as typeof clearTimeout;
    performance.now = () => this.nowMs;
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Lets so much time pass; what is due happens in its order, each at its own time. */
  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    while (true) {
      const [next] = [...this.#timers].sort(([, a], [, b]) => a.dueMs - b.dueMs);
      if (next === undefined || next[1].dueMs > endMs) break;
      const [id, { dueMs, run }] = next;
      this.#timers.delete(id);
      this.nowMs = Math.max(this.nowMs, dueMs);
      run();
    }
    this.nowMs = endMs;
  }

  [Symbol.dispose](): void {
    const { setTimeout, clearTimeout, now } = this.#real;
    Object.assign(globalThis, { setTimeout, clearTimeout });
    performance.now = now;
  }
}
