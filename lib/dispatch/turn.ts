/**
 * Lets the event loop turn between tasks that run in it and never wait, so that timers, signals and
 * aborts come through all the same.
 *
 * @module
 */

/** How long tasks may hold the event loop up, in milliseconds. */
const TURN_MS = 20;

/** The present turn of the event loop. */
export class Turn {
  readonly #onNext: () => void;
  #beganMs = performance.now();
  #ending = false;

  /**
   * Begins a turn.
   *
   * @param onNext Called when the next one has begun, if this one was over.
   */
  constructor(onNext: () => void) {
    this.#onNext = onNext;
  }

  /**
   * Whether the event loop must turn before anything more is sent.
   *
   * @param nowMs A time not long ago, on the clock of `performance.now()`.
   */
  isOver(nowMs: number): boolean {
    if (this.#ending) return true;
    if (nowMs - this.#beganMs < TURN_MS) return false;
    this.#ending = true;
    setImmediate(() => {
      this.#ending = false;
      this.#beganMs = performance.now();
      this.#onNext();
    });
    return true;
  }
}
