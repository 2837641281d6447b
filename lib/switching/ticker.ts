/** A ticker wants a turn at fixed times; how many came while something computed, and how late? */

import { middle } from "../text/format.ts";

interface Tick {
  /** When it should have come: a multiple of the period. */
  readonly dueMs: number;
  /** When it came. */
  readonly atMs: number;
}

export interface TickerTimers {
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
  readonly startedAtMs: number;
  readonly #ticks: Tick[] = [];
  #callOff: () => void = () => {};

  constructor(
    private readonly periodMs: number,
    private readonly timers: TickerTimers = REAL_TIMERS,
  ) {
    this.startedAtMs = timers.now();
    this.#await(periodMs);
  }

  #await(dueMs: number): void {
    const { now, after } = this.timers;
    const inMs = Math.max(0, this.startedAtMs + dueMs - now());
    this.#callOff = after(inMs, () => {
      const atMs = now() - this.startedAtMs;
      this.#ticks.push({ dueMs, atMs });
      // A timer may fire a little early; a due time is never asked for twice.
      const passed = Math.max(dueMs, atMs);
      this.#await((Math.floor(passed / this.periodMs) + 1) * this.periodMs);
    });
  }

  /** Stops it, and gives its ticks. */
  stop(): Tick[] {
    this.#callOff();
    return this.#ticks;
  }
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What became of the ticks that were due in a stretch of time. */
interface TickFigures {
  /** How many should have come in it, and how many did. */
  readonly due: number;
  readonly came: number;
  /** How late those that were due in it came: the middle one, and the latest. */
  readonly typicalLateMs: number;
  readonly worstLateMs: number;
}

/** From this share of the ticks that were due, the ticker ticked on. */
const TICKED_ON = 0.8;
/** Up to this share, it stood still. */
const STOOD_STILL = 0.1;

export type Fared = "stood still" | "limped" | "ticked on";

/** Counts what became of the ticks due in a stretch of time, of a ticker with this period. */
export function tickFigures(ticks: readonly Tick[], span: Span, periodMs: number): TickFigures {
  const { fromMs, toMs } = span;
  const within = (ms: number) => ms > fromMs && ms < toMs;
  const due = Math.max(0, Math.ceil(toMs / periodMs) - Math.floor(fromMs / periodMs) - 1);
  const late = ticks.filter(({ dueMs }) => within(dueMs))
    .map(({ dueMs, atMs }) => Math.max(0, atMs - dueMs));
  return {
    due,
    came: ticks.filter(({ atMs }) => within(atMs)).length,
    typicalLateMs: late.length === 0 ? 0 : middle(late),
    worstLateMs: Math.max(0, ...late),
  };
}

export function faredOf({ due, came }: Pick<TickFigures, "due" | "came">): Fared {
  if (came <= due * STOOD_STILL) return "stood still";
  return came < due * TICKED_ON ? "limped" : "ticked on";
}
