/**
 * Measures while tasks run: how busy the event loop or the lanes are, and how much gets done.
 *
 * Late ticks don't prove a busy event loop: a tick is also late where other programs, or threads that tasks
 * start, have the core. Little CPU time doesn't prove waiting: a task kept from its core computes little too.
 * And time in which other programs have all cores doesn't prove slow tasks, since nothing moves then.
 */

/** Where tasks run, and how many are in flight. */
export interface Shape {
  /** This event loop, or lanes elsewhere. */
  readonly place: "event loop" | "lanes";
  /** How many lanes; 1 in the event loop. */
  readonly lanes: number;
  /** How many slots each lane has. */
  readonly slots: number;
}

/** The first shape unless the options give another. */
export const ONE: Shape = { place: "event loop", lanes: 1, slots: 1 };

/** The measurements that a decision was made from. */
export interface Figures {
  /** The share of the time for which the event loop, or each lane, was busy, from 0 to 1. */
  readonly busyShare: number;
  /** The lower quartile of the tasks' latency, in milliseconds; NaN if none had ended. */
  readonly latencyMs: number;
  /** How many tasks ended per second. */
  readonly perSecond: number;
  /** How many tasks were refused since slots last changed. */
  readonly refused: number;
}

/** The measurements that a tick goes by. */
export interface Seen {
  readonly nowMs: number;
  /** CPU time of the event loop's thread so far; undefined until it is read, which at first takes long. */
  readonly loopCpuMs?: number;
  /** CPU time of the program so far, lanes included; undefined where it is unknown. */
  readonly cpuMs?: number | undefined;
  /** How long tasks have held the event loop while they were started, whether they computed or not. */
  readonly heldMs: number;
  /** How often the process lost its core though it could go on, and how often it gave it up to wait. */
  readonly switches?: { readonly involuntary: number; readonly voluntary: number };
  readonly inFlight: number;
  /** Items not yet started; undefined if that isn't known. */
  readonly remaining: number | undefined;
  /** Whether slots are free for items that their source hasn't given yet. */
  readonly awaitsItems?: boolean;
  /** Whether items of some task can be sent to lanes. */
  readonly travels: boolean;
  /** CPU time of sending an item and its result, on each side, in milliseconds, if it is known. */
  readonly sendMs?: number;
  readonly memoryBytes: number;
  /** How late timers have come so far in total, in milliseconds. */
  readonly lateMs: number;
}

/** Tasks that use less than this share of a core block the event loop: one core can run four of them. */
const BLOCKED = 0.25;
/** From this share of the time on, an event loop or a lane counts as busy. */
export const BUSY = 0.75;
/** More involuntary switches per voluntary one mean that others have the core: waiting is voluntary. */
const PREEMPTED = 0.5;
/** A thread's CPU time is reported in steps of this many milliseconds, that of the process in fine ones. */
const THREAD_STEP_MS = 10;
/** A program is taken to be busy for at most this many times its CPU time, waits for a core included. */
const KEPT = 2;
/** The program stands still if timers are this many ms late and it used at most the share STILL of that. */
const STILL_MS = 40;
const STILL = 0.2;
/** If timers are late for more than this share of the time, other programs have the cores. */
const LATE = 0.25;

const NO_SWITCHES = { involuntary: 0, voluntary: 0 };

/** The measurements since the watch was last opened. */
export interface Look {
  readonly elapsedMs: number;
  /** How many tasks ended, and how many per second. */
  readonly ended: number;
  readonly perSecond: number;
  /** The mean time that ended tasks took, in milliseconds. */
  readonly tookMs: number;
  /** How many cores were busy; undefined where CPU time is unknown. */
  readonly cpuShare: number | undefined;
  readonly busyShare: number;
  /** Whether one task after another holds the event loop, however many slots there are. */
  readonly holds: boolean;
  /** Whether tasks that compute little wait for something other than a core. */
  readonly waits: boolean;
}

export class Watch {
  ended = 0;
  /** The total time that ended tasks took, in milliseconds. */
  ranMs = 0;
  #from!: Seen;
  #last: Seen | undefined;

  /** Whether CPU time hasn't been read. */
  get isBlind(): boolean {
    return this.#from.loopCpuMs === undefined;
  }

  /** Forgets all before and measures from here. */
  open(from: Seen): void {
    this.ended = this.ranMs = 0;
    this.#from = from;
  }

  /** Leaves out, and returns, the milliseconds since the last call in which nothing of this program moved. */
  leaveOut(seen: Seen): number {
    const last = this.#last ?? seen;
    this.#last = seen;
    const lateMs = seen.lateMs - last.lateMs;
    // Unknown CPU time may have filled the whole time.
    const { cpuMs = Infinity } = seen;
    const usedMs = Math.max(cpuMs - (last.cpuMs ?? 0), seen.heldMs - last.heldMs);
    if (lateMs < STILL_MS || usedMs > STILL * lateMs) return 0;
    const from = this.#from;
    this.#from = { ...from, nowMs: from.nowMs + lateMs, lateMs: from.lateMs + lateMs };
    return lateMs;
  }

  look(seen: Seen, { place, lanes, slots }: Shape): Look {
    const from = this.#from;
    const elapsedMs = Math.max(1e-3, seen.nowMs - from.nowMs);
    const cpuShare = seen.cpuMs === undefined || from.cpuMs === undefined
      ? undefined
      : (seen.cpuMs - from.cpuMs) / elapsedMs;
    const { switches = NO_SWITCHES } = seen;
    const involuntary = switches.involuntary - (from.switches ?? switches).involuntary;
    const voluntary = switches.voluntary - (from.switches ?? switches).voluntary;
    const late = (seen.lateMs - from.lateMs) / elapsedMs;
    const heldMs = seen.heldMs - from.heldMs;
    const held = heldMs / elapsedMs;
    const { loopCpuMs = 0 } = seen;
    const loopMs = loopCpuMs - (from.loopCpuMs ?? loopCpuMs);
    const computes = this.isBlind ? Math.max(late, held) : Math.min(
      Math.max(late, held, loopMs / elapsedMs),
      (loopMs + THREAD_STEP_MS) / elapsedMs,
      KEPT * (cpuShare ?? 1),
    );
    const cores = cpuShare ?? lanes;
    const isPreempted = involuntary > PREEMPTED * voluntary;
    // Lanes kept from a core count as busy. Lateness that this loop's own computing causes doesn't show that.
    const onLanes = place === "lanes";
    // Compare with the time of tasks alone: between tasks other programs may have this loop's core.
    const ranMs = this.ranMs || (slots === 1 ? elapsedMs : Infinity);
    // Tasks that are still in flight may be waiting.
    const holds = !onLanes && heldMs >= BUSY * ranMs && this.ended >= seen.inFlight;
    const isKept = isPreempted || onLanes && late - loopMs / elapsedMs > LATE;
    const busyShare = onLanes
      ? (isKept ? 1 : cores / lanes)
      : holds
      ? Math.max(held, computes)
      : computes;
    return {
      elapsedMs,
      ended: this.ended,
      perSecond: 1000 * this.ended / elapsedMs,
      tookMs: this.ranMs / this.ended,
      cpuShare,
      busyShare: Math.min(1, busyShare),
      holds,
      waits: cores < BLOCKED * lanes && voluntary >= this.ended && !isKept,
    };
  }
}
