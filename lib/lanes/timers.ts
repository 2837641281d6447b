/** The clock that is kept here, and waits that end: however long, or no longer than one likes. */

const TIMERS = [
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
  "setImmediate",
  "clearImmediate",
  "queueMicrotask",
] as const;

/**
 * Time as it passes on lanes, whatever a program puts in the place of the globals later, as tests with a time
 * of their own do. Deno loads timers when they are first looked at, which takes milliseconds: so they aren't
 * looked at here.
 */
export const clock:
  & { now(): number; readonly timeOriginMs: number }
  & Pick<typeof globalThis, typeof TIMERS[number]> = Object.defineProperties(
    {
      now: performance.now.bind(performance),
      timeOriginMs: performance.timeOrigin,
    } as typeof clock,
    Object.fromEntries(
      TIMERS.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)!]),
    ),
  );

const systemNow = Date.now;
/** Far more than is unknown of a clock that shows whole milliseconds. */
const STEP_MS = 10;

/**
 * The time origin of a thread or process that has just started on this machine, on this program's clock: the
 * system's, by which it was told, may have been set since, or have gone on while the machine slept.
 */
export function originHere(originMs: number): number {
  const stepMs = systemNow() - clock.now() - clock.timeOriginMs;
  return Math.abs(stepMs) < STEP_MS ? originMs : originMs - stepMs;
}

/** Timers are set no farther than this: a longer wait doesn't fit into them and would end at once. */
export const MOST_TIMER_MS: number = 2 ** 31 - 1;

/** Does something once, at about the earliest of the times that it was asked for; no timer is farther than it holds. */
export class Alarm {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueMs = Infinity;
  /** For how long it was set. */
  #setMs = Infinity;

  /** @param keepsAlive Whether a program goes on for it. */
  constructor(private readonly action: () => void, private readonly keepsAlive = true) {}

  /** After so many milliseconds at the latest, or at the longest wait that there is. */
  within(ms: number): void {
    const waitMs = Math.min(Math.ceil(ms), MOST_TIMER_MS);
    // What was set before for no longer comes no later, and to read the clock takes longer than to run a tiny task.
    if (this.#dueMs < Infinity && waitMs >= this.#setMs) return;
    const dueMs = clock.now() + waitMs;
    // One that comes a fraction earlier isn't worth another timer.
    if (dueMs + 1 > this.#dueMs) return;
    this.stop();
    this.#dueMs = dueMs;
    this.#setMs = waitMs;
    this.#timer = clock.setTimeout(() => {
      this.#dueMs = Infinity;
      this.action();
    }, waitMs);
    if (!this.keepsAlive) Deno.unrefTimer(this.#timer);
  }

  stop(): void {
    // Where none was ever set, timers need not be loaded.
    if (this.#dueMs < Infinity) clock.clearTimeout(this.#timer);
    this.#dueMs = Infinity;
  }
}

/** Does something after a wait, however long; gives what forgets it. */
export function after(waitMs: number, action: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = (leftMs: number): void => {
    const next = leftMs > MOST_TIMER_MS ? () => wait(leftMs - MOST_TIMER_MS) : action;
    timer = clock.setTimeout(next, Math.min(leftMs, MOST_TIMER_MS));
  };
  if (waitMs !== Infinity) wait(waitMs);
  return () => clock.clearTimeout(timer);
}

/** What a promise comes to, or something else if that takes longer. */
export function within<T>(ms: number, promise: Promise<T>, late: () => T): Promise<T> {
  const { promise: tooLate, resolve } = Promise.withResolvers<void>();
  return Promise.race([promise, tooLate.then(late)]).finally(after(ms, resolve));
}
