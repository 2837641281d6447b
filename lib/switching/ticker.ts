/**
 * A ticker: something that wants a turn of the event loop at fixed times, and notes when it gets one.
 *
 * @module
 */

/** A turn of the ticker, in milliseconds since it started. */
export interface Tick {
  /** When it should have come: a multiple of the period. */
  readonly dueMs: number;
  /** When it came. */
  readonly atMs: number;
}

/** What a ticker needs of the outside. */
export interface TickerTimers {
  /** Milliseconds by the clock. */
  readonly now: () => number;
  /** Calls back once, after so many milliseconds at the earliest; gives what calls that off. */
  readonly after: (ms: number, callback: () => void) => () => void;
}

const REAL_TIMERS: TickerTimers = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** Ticks from when it is made until it is stopped. Times that it couldn't keep are left out, not made up for. */
export class Ticker {
  /** When it started, by its clock. */
  readonly startedAtMs: number;
  readonly #periodMs: number;
  readonly #timers: TickerTimers;
  readonly #ticks: Tick[] = [];
  #callOff: () => void = () => {};

  constructor(periodMs: number, timers: TickerTimers = REAL_TIMERS) {
    this.#periodMs = periodMs;
    this.#timers = timers;
    this.startedAtMs = timers.now();
    this.#await(periodMs);
  }

  #await(dueMs: number): void {
    const { now, after } = this.#timers;
    const inMs = Math.max(0, this.startedAtMs + dueMs - now());
    this.#callOff = after(inMs, () => {
      const atMs = now() - this.startedAtMs;
      this.#ticks.push({ dueMs, atMs });
      // A timer may fire a little early; a due time is never asked for twice.
      const passed = Math.max(dueMs, atMs);
      this.#await((Math.floor(passed / this.#periodMs) + 1) * this.#periodMs);
    });
  }

  /** Stops it, and gives its ticks. */
  stop(): readonly Tick[] {
    this.#callOff();
    return this.#ticks;
  }
}
