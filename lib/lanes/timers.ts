/** The clock and timers that lanes use, and waits of any length. */

import { internals } from "./platform.ts";
import { asyncContext, inAsyncContext } from "./async_context.ts";

/** A timer, or an immediate, that is set. */
export type Timer = ReturnType<typeof setTimeout> | object;

interface Timers {
  setTimeout(action: () => void, waitMs?: number): Timer;
  clearTimeout(timer: Timer | undefined): void;
  /** Sets whether the timer keeps the program alive, as it does at first. */
  hold(timer: Timer, keepsAlive: boolean): void;
  /** Calls an action after this turn of the event loop. */
  setImmediate(action: () => void): Timer;
  clearImmediate(immediate: Timer | undefined): void;
}

interface Core {
  createTimer(
    action: () => void,
    waitMs: number | undefined,
    args: undefined,
    repeats: boolean,
    keepsAlive: boolean,
  ): Timer;
  cancelTimer(timer: Timer): void;
  refTimer(timer: Timer): void;
  unrefTimer(timer: Timer): void;
  /** The name of the property that says whether an immediate keeps the program alive. */
  readonly kRefed: symbol;
  immediateRefCount(isMore: boolean): void;
  queueImmediate(immediate: object): void;
  clearImmediate(immediate: Timer | undefined): void;
}

/**
 * The timers of which Deno makes those of its globals, which are Node's: to load these takes 8 ms, a tenth of
 * what a short program takes.
 */
function timersOf(core: Core): Timers {
  const inContext = (action: () => void) => {
    const context = asyncContext();
    return () => inAsyncContext(context, action);
  };
  return {
    setTimeout: (action, waitMs) =>
      core.createTimer(inContext(action), waitMs, undefined, false, true),
    clearTimeout(timer) {
      if (typeof timer === "object") core.cancelTimer(timer);
    },
    hold: (timer, keepsAlive) => keepsAlive ? core.refTimer(timer) : core.unrefTimer(timer),
    setImmediate(action) {
      const immediate = {
        _onImmediate: inContext(action),
        _idleNext: null,
        _idlePrev: null,
        _destroyed: false,
        [core.kRefed]: true,
        asyncId: 0,
        triggerAsyncId: 0,
      };
      core.immediateRefCount(true);
      core.queueImmediate(immediate);
      return immediate;
    },
    clearImmediate: core.clearImmediate,
  };
}

const { core } = internals<{ readonly core: Partial<Core> }>();
const own: Partial<Timers> = core?.createTimer === undefined || core.kRefed === undefined
  ? {
    hold: (id, keepsAlive) =>
      (keepsAlive ? Deno.refTimer : Deno.unrefTimer)(id as unknown as number),
  }
  : timersOf(core as Core);

const GLOBALS = [
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
  "setImmediate",
  "clearImmediate",
  "queueMicrotask",
] as const;

/**
 * The clock and timers of the platform, even if a program replaces the globals later, as tests with fake time
 * do. Globals are copied as property descriptors, because reading them makes Deno load them.
 */
export const clock:
  & { now(): number; readonly timeOriginMs: number }
  & Timers
  & Pick<typeof globalThis, Exclude<typeof GLOBALS[number], keyof Timers>> = Object
    .defineProperties(
      {
        now: performance.now.bind(performance),
        timeOriginMs: performance.timeOrigin,
        ...own,
      } as typeof clock,
      Object.fromEntries(
        GLOBALS.filter((name) => !(name in own))
          .map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)!]),
      ),
    );

const systemNow = Date.now;
/** Larger than the error of a clock that shows whole milliseconds. */
const STEP_MS = 10;

/**
 * Converts the time origin of a thread or process that has just started on this machine to this program's
 * clock. The two differ if the system clock was set meanwhile, or went on while the machine slept.
 */
export function originHere(originMs: number): number {
  const step = () => systemNow() - clock.now() - clock.timeOriginMs;
  // Smaller if this thread loses its core between its two readings, which hardly happens twice.
  const stepMs = Math.max(step(), step());
  return Math.abs(stepMs) < STEP_MS ? originMs : originMs - stepMs;
}

/** The longest delay of a timer, in milliseconds; a longer one would end at once. */
export const MOST_TIMER_MS: number = 2 ** 31 - 1;

/** Calls an action once, at about the earliest requested time, but not later than timers can wait. */
export class Alarm {
  #timer: Timer | undefined;
  #dueMs = Infinity;
  /** The delay for which the timer was set, in milliseconds. */
  #setMs = Infinity;

  /** @param keepsAlive Whether the timer keeps the program alive. */
  constructor(private readonly action: () => void, private readonly keepsAlive = true) {}

  /** Requests the action within this many milliseconds, or within the longest delay of a timer. */
  within(ms: number): void {
    const waitMs = Math.min(Math.ceil(ms), MOST_TIMER_MS);
    // A timer set before for no longer is due first, and reading the clock costs more than a tiny task.
    if (this.#dueMs < Infinity && waitMs >= this.#setMs) return;
    const dueMs = clock.now() + waitMs;
    // A time that is only a fraction earlier isn't worth another timer.
    if (dueMs + 1 > this.#dueMs) return;
    this.stop();
    this.#dueMs = dueMs;
    this.#setMs = waitMs;
    this.#timer = clock.setTimeout(() => {
      this.#dueMs = Infinity;
      this.action();
    }, waitMs);
    if (!this.keepsAlive) clock.hold(this.#timer, false);
  }

  stop(): void {
    if (this.#dueMs < Infinity) clock.clearTimeout(this.#timer);
    this.#dueMs = Infinity;
  }
}

/** Calls an action after a wait of any length; returns a function that cancels it. */
export function after(waitMs: number, action: () => void): () => void {
  let timer: Timer | undefined;
  const wait = (leftMs: number): void => {
    const next = leftMs > MOST_TIMER_MS ? () => wait(leftMs - MOST_TIMER_MS) : action;
    timer = clock.setTimeout(next, Math.min(leftMs, MOST_TIMER_MS));
  };
  if (waitMs !== Infinity) wait(waitMs);
  return () => clock.clearTimeout(timer);
}

/** The same, for a limit: if this event loop was held up, what has come in time is read before the action. */
export function afterLimit(waitMs: number, action: () => void): () => void {
  let forget = after(waitMs, () => forget = after(0, action));
  return () => forget();
}

/** The promise's result, or that of `late` if the promise takes longer than this many milliseconds. */
export function within<T>(ms: number, promise: Promise<T>, late: () => T): Promise<T> {
  const { promise: tooLate, resolve } = Promise.withResolvers<void>();
  const forget = afterLimit(ms, resolve);
  return Promise.race([promise, tooLate.then(late)]).finally(forget);
}
