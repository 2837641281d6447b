/** Turns of this event loop: tasks that never wait are stopped now and then for everything else in it. */

/** How long tasks may hold it up before timers, signals and aborts come through. */
const TURN_MS = 20;
/**
 * What other threads have for this event loop, such as bytes that were read or a signal, comes through
 * when it sleeps, else after 31 turns: so it sleeps after so long. That takes a millisecond.
 */
const AWAKE_MS = 200;

export class Turn {
  #beganMs = performance.now();
  #sleptMs = this.#beganMs;
  #isOver = false;
  #next: ReturnType<typeof setImmediate> | undefined;
  #sleep: ReturnType<typeof setTimeout> | undefined;

  /** @param onNext Told that the next one begins, if the last was over. */
  constructor(private readonly onNext: () => void) {}

  /** Whether nothing more is to be started in this one, by the time of the last start. */
  isOver(nowMs: number): boolean {
    if (this.#isOver) return true;
    if (nowMs - this.#beganMs < TURN_MS) return false;
    this.#isOver = true;
    if (nowMs - this.#sleptMs < AWAKE_MS) this.#next = setImmediate(() => this.#begin());
    else {
      this.#sleep = setTimeout(() => {
        this.#sleptMs = performance.now();
        this.#begin();
      });
    }
    return true;
  }

  #begin(): void {
    this.#isOver = false;
    this.#beganMs = performance.now();
    this.onNext();
  }

  close(): void {
    clearImmediate(this.#next);
    clearTimeout(this.#sleep);
  }
}
