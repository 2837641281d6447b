/**
 * What is watched while tasks run: how busy the event loop or the lanes are, and how much gets done.
 *
 * Busy isn't the same as late: a tick comes late where tasks hold the event loop, where others have the
 * core, and where threads of the tasks' own have it. And hardly computing isn't waiting: what is kept
 * from its core computes little too. Nor is it slow: for as long as others have all cores nothing moves, and
 * that tells nothing of tasks.
 */

/** Where tasks run, and how many are in flight. */
export interface Shape {
  /** This event loop, or lanes elsewhere. */
  readonly place: "event loop" | "lanes";
  /** How many; 1 in the event loop. */
  readonly lanes: number;
  /** On each lane. */
  readonly slots: number;
}

/** The shape that everything begins with unless told. */
export const ONE: Shape = { place: "event loop", lanes: 1, slots: 1 };

/** What a decision was made from. */
export interface Figures {
  /** The share of the time for which the event loop, or each lane, was busy, from 0 to 1. */
  readonly busyShare: number;
  /** How long the quicker tasks took, in milliseconds; NaN if none had ended. */
  readonly latencyMs: number;
  /** How many tasks ended in a second. */
  readonly perSecond: number;
  /** Of those that ended, the ones that were refused. */
  readonly refused: number;
}

/** What a tick sees. */
export interface Seen {
  readonly nowMs: number;
  /** CPU time of the event loop's own thread so far; undefined until it is looked at, which takes long at first. */
  readonly loopCpuMs?: number;
  /** CPU time of everything so far, lanes included; undefined where nobody knows. */
  readonly cpuMs?: number | undefined;
  /** How long tasks have held up the event loop as they were started, whether they computed or not. */
  readonly heldMs: number;
  /** How often the process was kept from a core though it had something to do, and how often it had nothing. */
  readonly switches?: { readonly involuntary: number; readonly voluntary: number };
  readonly inFlight: number;
  /** Items not yet started; undefined if that isn't known. */
  readonly remaining: number | undefined;
  /** Whether slots are free for items that their source hasn't given yet. */
  readonly awaitsItems?: boolean;
  /** Whether items of some task can be sent to lanes. */
  readonly travels: boolean;
  /** What sending an item and its result would compute here and there, as far as that is known. */
  readonly sendMs?: number;
  readonly memoryBytes: number;
  /** How late timers have come so far, all together. */
  readonly lateMs: number;
}

/** What holds up the event loop, and computes less than this part of the time, blocks it: a core can do four of them. */
const BLOCKED = 0.25;
/** From this share of the time on something is busy. */
export const BUSY = 0.75;
/** What waits leaves its core by itself, and is kept from one at most so many times as often. */
const PREEMPTED = 0.5;
/** A thread's own CPU time is told in steps of so many milliseconds, that of the process in fine ones. */
const THREAD_STEP_MS = 10;
/** What computes is kept from its core for no longer than it has it so many times, less one. */
const KEPT = 2;
/** Nothing moves where timers are so late, in milliseconds, and of that this program used no more than this part. */
const STILL_MS = 40;
const STILL = 0.2;
/** If timers are late for this share of the time, others have the cores. */
const LATE = 0.25;

const NO_SWITCHES = { involuntary: 0, voluntary: 0 };

/** What happened since the watch was opened last. */
export interface Look {
  readonly elapsedMs: number;
  /** How many tasks ended, and in a second. */
  readonly ended: number;
  readonly perSecond: number;
  /** How long those took that ended, on average. */
  readonly tookMs: number;
  /** How many cores were busy, as far as that is known. */
  readonly cpuShare: number | undefined;
  readonly busyShare: number;
  /** Whether one task after another holds the event loop, however many there may be at once. */
  readonly holds: boolean;
  /** Whether tasks that compute little wait for something other than a core. */
  readonly waits: boolean;
}

export class Watch {
  ended = 0;
  /** How long those took that ended, all together. */
  ranMs = 0;
  #from!: Seen;
  #last: Seen | undefined;

  /** Whether it isn't known what was used. */
  get isBlind(): boolean {
    return this.#from.loopCpuMs === undefined;
  }

  /** What came before is forgotten. */
  open(from: Seen): void {
    this.ended = this.ranMs = 0;
    this.#from = from;
  }

  /** Leaves out for how long nothing of this program moved since it was asked last, which it returns. */
  leaveOut(seen: Seen): number {
    const last = this.#last ?? seen;
    this.#last = seen;
    const lateMs = seen.lateMs - last.lateMs;
    // Where nobody knows what was used, it may have been all.
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
    // What waits for a core is no more at rest than what has one. Tasks of its own make this event loop late, too.
    const onLanes = place === "lanes";
    // Beside others the event loop itself is kept from its core between tasks.
    const ranMs = this.ranMs || (slots === 1 ? elapsedMs : Infinity);
    // And those that are still in flight may wait.
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
