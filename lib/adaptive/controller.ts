/**
 * Decides, while a job runs, where its tasks run and how many are in flight: in the event loop with more
 * or fewer slots, or on lanes. Pure logic: its caller passes in what happened and the time.
 *
 * It tries things out where that is cheap: more {@linkcode Slots} while tasks wait, and lanes where tasks
 * keep the event loop busy. Lanes are kept only if they get more done than the event loop did; after a
 * return to the event loop, it is kept only if it does about as well as the lanes.
 */

import type { Ends } from "./ends.ts";
import { Slots, type SlotsOptions, type Wanted } from "./slots.ts";
import { quickerOf } from "./stage.ts";
import { BUSY, type Figures, type Look, ONE, type Seen, type Shape, Watch } from "./watch.ts";

/** Why a decision was made. */
export type Why =
  /** The slots or lanes that the job begins with. */
  | "start"
  /** The tasks wait, and more slots get more done. */
  | "waits"
  /** Latency grew, but no more tasks end per second. */
  | "queues"
  /** No task ended for a long time, though all slots were taken. */
  | "stalls"
  /** At least half of the slots were never taken. */
  | "unused"
  /** A server refused some tasks, or open files and sockets ran short. */
  | "refused"
  /** Slots are free most of the time, because the source gives items no faster. */
  | "source"
  /** Resident memory is above its limit. */
  | "memory"
  /** Tasks that compute keep the event loop busy: lanes are started while it goes on. */
  | "computes"
  /** Tasks block the event loop but hardly compute: more lanes than cores are started. */
  | "blocks"
  /** Lanes have started. */
  | "lanes ready"
  /** Lanes got no more done than the event loop. */
  | "lanes don't gain"
  /** The lanes hardly compute, so the tasks move back to the event loop. */
  | "waits again"
  /** No lane can be started, or items of a task can't be sent to lanes. */
  | "stays";

/** One change of place, lanes or slots, or a reason why there is none. */
export interface Decision {
  /** When, on this program's `performance.now()` clock. */
  readonly atMs: number;
  /** The shape before. */
  readonly from: Shape;
  /** The shape from then on. */
  readonly to: Shape;
  /** The reason. */
  readonly why: Why;
  /** The measurements it was made from. */
  readonly figures: Figures;
  /** More about the reason, such as what can't be sent, why no lane starts, or which key was refused. */
  readonly detail?: string;
}

export interface ControllerOptions extends SlotsOptions {
  /** The most lanes beside the event loop; 0 to stay in the event loop. */
  readonly maxLanes: number;
  readonly cores: number;
  readonly start: Shape;
}

/** The source is reported as slow after this many milliseconds, and this share of the time, of waiting. */
const SOURCE_MS = 500;
const SOURCE = 0.5;
/** The time between two ticks at first, and later, in milliseconds. */
const FIRST_TICK_MS = 1;
const TICK_MS = 10;
/** Timers come late: a task's end causes a tick that is this many milliseconds overdue; the first task's, 0. */
const OVERDUE_MS = 10;
/** The least time to measure over, in milliseconds; longer where tasks wait, as cold code computes more. */
const WINDOW_MS = 10;
const SETTLED_MS = 100;
/** The least time to measure over where waiting tasks compute for COLD_TASK_MS, more than cold code adds. */
const MIXED_MS = 50;
const COLD_TASK_MS = 3;
/** From this busy share on tasks may be computing, so CPU time is read; starting tasks is part of the share. */
const MAYBE = 0.5;
/** How long code may be cold, in milliseconds. */
const COLD_MS = 500;
/** The least work left that is worth lanes, in milliseconds; more before CPU time is read, which takes time. */
const WORTH_MS = 150;
export const WORTH_LOOK_MS = 300;
/** Lanes must also get this many times as much done, all together and with the cost of sending. */
const WORTH_GAIN = 1.25;
/** CPU time of a message on either side, in milliseconds; tasks that never wait share messages. */
const MESSAGE_MS = 0.1;
/**
 * How long the event loop starts no task while lanes start, in milliseconds; or as long as one task would hold
 * it, if that is longer. Lanes need the event loop to start.
 */
const PAUSE_MS = 100;
/** After a long task, the event loop waits this share of its time for the first task on a lane to end. */
const SOON = 0.25;
/** Lanes for each core where tasks block them. */
export const BLOCKED_LANES = 4;
/** Tasks that hold the event loop but compute below this share of the time are measured once more. */
const UNCLEAR = 0.5;
/** The most slots that each lane begins with, unless an equal share of the event loop's slots is more. */
const AMPLE = 16;
/** A change of place is judged after this many milliseconds and this many tasks on each lane. */
const TRIAL_MS = 80;
const TRIAL_TASKS = 3;
/** Lanes are kept if this many times as many tasks end per second. */
const GAIN = 1.1;
/** How long after a return to the event loop lanes aren't tried again, in milliseconds; doubled each time. */
const AGAIN_MS = 400;
/** The longest wait that counts, in milliseconds. Lanes that use less than LITTLE of one core are given up. */
const LOOK_MS = 250;
const LITTLE = 0.2;
/** Tasks fill the cores if they used the share FULL of them over at least this many milliseconds. */
const FULL_MS = 5;
const FULL = 0.9;

export class Controller {
  shape: Shape;
  wantsLanes = false;
  /** Whether the guide should read CPU time; a job that ends before is spared that cost. */
  wantsUsage = false;
  /** The time from the last tick to the next, in milliseconds. */
  nextTickMs: number = FIRST_TICK_MS;
  readonly #options: ControllerOptions;
  #slots: Slots;
  readonly #watch = new Watch();
  /** The measurements at the latest tick. */
  #look!: Look;
  #lastTickMs: number;
  #startMs: number;
  /** When tasks moved to their present place, how many started there and ended, and when the last one did. */
  #moved = { atMs: -Infinity, ended: 0, endedAtMs: 0 };
  /** The total time that tasks had held the event loop when the pool last got work. */
  #heldMs = 0;
  /** How long slots waited for the source, in milliseconds; NaN once that is reported. */
  #sourceMs = 0;
  /** Until when the event loop starts no task, so that lanes can start or report. */
  #pauseUntilMs = -Infinity;
  /** Whether it isn't known yet if more gets done in the present place than in the one before. */
  #onTrial: boolean;
  #isDoubted = false;
  /** Tasks per second in the place before, and what ended in the event loop while a lane ran its first task. */
  #before = 0;
  #beside = { ended: 0, ranMs: 0 };
  /** The lanes where a task has ended; a lane's first task may be slow because the lane is getting ready. */
  #warm = new Set<number>();
  /** How many slots the event loop had before lanes, and whether its tasks held it one after another. */
  #loop = { slots: 1, holds: false };
  /** Whether tasks block the lane they run on but hardly compute. */
  #blocks = false;
  /** Whether tasks have run long enough that their CPU time isn't compilation any more. */
  #isCompiled = false;
  #lanesNotBeforeMs = 0;
  #againMs = AGAIN_MS;

  constructor(options: ControllerOptions, nowMs: number) {
    this.#options = options;
    this.#startMs = this.#lastTickMs = nowMs;
    this.shape = options.start;
    this.#onTrial = this.shape.place === "lanes";
    this.#slots = new Slots(options, this.shape.lanes * this.shape.slots, nowMs);
  }

  /** The least time between two starts, in milliseconds. */
  get gapMs(): number {
    return this.#slots.apartMs;
  }

  /** Whether no task may start for now. */
  get isBraking(): boolean {
    return this.#pauseUntilMs > this.#lastTickMs || this.#slots.isPaused(this.#lastTickMs);
  }

  /** Whether lanes stay open even if no task runs there. */
  get keepsLanes(): boolean {
    return this.wantsLanes || this.#onTrial;
  }

  /** How many lanes to start if tasks move to lanes. */
  get lanes(): number {
    const { maxLanes, maxSlots, cores } = this.#options;
    const most = Math.min(maxLanes, maxSlots, this.#slots.most);
    return Math.min(most, this.#blocks ? BLOCKED_LANES * cores : cores);
  }

  /** Called when the pool has work again; `isNew` if nothing is known of its tasks. */
  begin(seen: Seen, isNew = false): Decision | undefined {
    this.#startMs = this.#lastTickMs = seen.nowMs;
    this.#sourceMs = 0;
    this.#heldMs = seen.heldMs;
    this.#watch.open(seen);
    // The idle time before doesn't count in the trial.
    if (this.#onTrial) this.#moved = { atMs: seen.nowMs, ended: 0, endedAtMs: 0 };
    const { slots } = this.#options.start;
    const isOther = isNew && this.shape.place === "event loop" && this.shape.slots > slots;
    if (isOther) this.#slots = new Slots(this.#options, slots, seen.nowMs);
    this.nextTickMs = this.#slots.ended === 0 ? FIRST_TICK_MS : TICK_MS;
    this.#slots.begin(seen);
    // The slots that earlier tasks reached may be too many for the server that new tasks ask.
    return isOther ? this.#change(seen, { ...this.shape, slots }, "start") : undefined;
  }

  /** Called when `count` tasks have ended on a lane, one after another; returns whether a tick is due now. */
  onEnded(
    count: number,
    startedAtMs: number,
    endedAtMs: number,
    how: Ends = {},
    lane = 0,
  ): boolean {
    const isFirst = this.#slots.ended === 0;
    if (lane > 0) this.#pauseUntilMs = -Infinity;
    // Tasks that started in the place before tell nothing about the present one.
    if (startedAtMs >= this.#moved.atMs) {
      this.#moved.ended += count;
      this.#moved.endedAtMs = endedAtMs;
      if (lane > 0) this.#warm.add(lane);
      this.#watch.ended += count;
      this.#watch.ranMs += endedAtMs - startedAtMs;
    }
    // Before the next timer, hundreds of further tasks could ask the server that refuses.
    if (this.#slots.onEnded(count, startedAtMs, endedAtMs, how)) return true;
    return endedAtMs - this.#lastTickMs - this.nextTickMs >= (isFirst ? 0 : OVERDUE_MS);
  }

  /** Called when a task ended in the event loop while a lane runs its first; may pause to hear of that one. */
  listen(nowMs: number, tookMs: number): void {
    this.#beside.ended++;
    this.#beside.ranMs += tookMs;
    const isLong = this.#loop.holds && tookMs >= PAUSE_MS;
    if (isLong) this.#pauseUntilMs = nowMs + SOON * tookMs;
  }

  /** Called before a tick: leaves out, and returns, the milliseconds since the last in which nothing moved. */
  leaveOut(seen: Seen): number {
    const stillMs = this.#watch.leaveOut(seen);
    if (stillMs > 0) this.#slots.leaveOut(seen.nowMs, stillMs);
    return stillMs;
  }

  /** Judges what happened since the last tick; returns the decision if there is one. */
  tick(seen: Seen): Decision | undefined {
    const { nowMs } = seen;
    if (seen.awaitsItems) this.#sourceMs += nowMs - this.#lastTickMs;
    this.#lastTickMs = nowMs;
    if (this.#watch.isBlind && seen.loopCpuMs !== undefined) {
      const { holds, elapsedMs } = this.#look;
      if (holds) this.nextTickMs = TICK_MS;
      this.#watch.open(seen);
      // Decide now, as the next task may hold the loop as long; all CPU time so far bounds what tasks computed.
      const hasComputed = holds && elapsedMs >= SETTLED_MS &&
        (seen.cpuMs ?? 0) >= UNCLEAR * elapsedMs;
      return hasComputed && this.#mayGain(seen) ? this.#askForLanes(seen) : undefined;
    }
    this.#look = this.#watch.look(seen, this.shape);
    // CPU time is read for tasks that wait; for those that hold the event loop, once lanes may be worth it.
    const sinceMs = nowMs - this.#startMs;
    const isHeld = this.#look.holds || seen.heldMs - this.#heldMs >= BUSY * sinceMs;
    const { elapsedMs, busyShare } = this.#look;
    const isHidden = !isHeld && seen.remaining !== 0 &&
      (elapsedMs >= WINDOW_MS && busyShare >= MAYBE || sinceMs >= SETTLED_MS);
    this.wantsUsage ||= isHidden || this.shape.place === "lanes";
    // No slots are added where tasks hold the event loop or no items are left, so few ticks are enough.
    const isIdle = this.#look.holds || seen.remaining === 0;
    this.nextTickMs = !isIdle && this.#slots.isEarly(nowMs) ? FIRST_TICK_MS : TICK_MS;
    const isSlow = this.#sourceMs >= Math.max(SOURCE_MS, SOURCE * (nowMs - this.#startMs));
    if (isSlow) {
      this.#sourceMs = NaN;
      return this.#decision(seen, this.shape, "source");
    }
    return this.#slots.areTooMany(seen)
      ? this.#give(seen, this.#slots.fewer(seen))
      : this.wantsLanes
      ? undefined
      : this.shape.place === "lanes"
      ? this.#tickOnLanes(seen)
      : this.#tickInLoop(seen);
  }

  #tickInLoop(seen: Seen): Decision | undefined {
    const { elapsedMs, busyShare, ended, perSecond, holds } = this.#look;
    if (this.#onTrial) {
      if (elapsedMs < TRIAL_MS || ended < TRIAL_TASKS) return undefined;
      this.#onTrial = false;
      // Lanes got more done after all: they seemed slow only because items had grown longer.
      if (this.#before > GAIN * perSecond) return this.#askForLanes(seen);
    }
    // Tasks that wait start all at once and then leave the loop free, so the window spans at least one wait.
    const windowMs = holds ? WINDOW_MS : Math.max(WINDOW_MS, this.#waitMs);
    const { isBlind } = this.#watch;
    // Before CPU time is read, it isn't known if the loop is idle between tasks that hold it, or settles them.
    const isBusy = elapsedMs >= windowMs && ended > 0 && (busyShare >= BUSY || isBlind && holds);
    // The code of the first task was cold.
    if (isBusy && isBlind && ended === 1 && elapsedMs < SETTLED_MS) return undefined;
    if (isBusy && !isBlind && this.#isUnclear) return void this.#watch.open(seen);
    const gains = isBusy && this.#mayGain(seen);
    if (gains && isBlind) {
      this.wantsUsage = true;
      return undefined;
    }
    const decision = gains ? this.#askForLanes(seen) : this.#slotsOf(seen);
    if (elapsedMs >= this.#settledMs || this.#slots.ended === 0) this.#watch.open(seen);
    return decision;
  }

  /** Whether it is too early to say if tasks block: their CPU time may be compilation. True at most once. */
  get #isUnclear(): boolean {
    const { holds, waits, cpuShare = 1 } = this.#look;
    const isUnclear = !this.#isCompiled && holds && !waits && cpuShare < UNCLEAR;
    this.#isCompiled = true;
    return isUnclear;
  }

  /** Whether the remaining work is worth starting lanes, as far as that is known. */
  #mayGain({ nowMs, remaining, travels, ...seen }: Seen): boolean {
    const { elapsedMs, perSecond, tookMs, busyShare, holds, waits, cpuShare = 1 } = this.#look;
    const isNews = holds && waits && !this.#blocks;
    this.#blocks = holds && waits;
    if (!travels || this.lanes < 2 || nowMs < this.#lanesNotBeforeMs && !isNews) return false;
    // Where other programs use the cores, tasks compute for less time than they take, and lanes start slowly.
    const share = this.#blocks ? 1 : Math.min(1, cpuShare);
    // Only tasks move; items are still made here. Sending an item takes CPU time on both sides.
    const movedMs = share * Math.min(tookMs, 1000 * busyShare / perSecond);
    const settledMs = movedMs < COLD_TASK_MS ? SETTLED_MS : Math.max(MIXED_MS, 2 * this.#waitMs);
    if (!holds && elapsedMs < settledMs) return false;
    // While the cost of sending is unknown, short tasks stay here; for long ones the next tick may be too late.
    const { sendMs = movedMs < TICK_MS ? Infinity : 0 } = seen;
    const sentMs = movedMs + 2 * (sendMs + (holds ? 0 : MESSAGE_MS));
    if (!this.#blocks && this.lanes * movedMs < WORTH_GAIN * sentMs) return false;
    // Where the number of items isn't known, twice as much work is expected as there was so far.
    const leftMs = remaining === undefined
      ? 2 * share * (nowMs - this.#startMs)
      : movedMs * remaining;
    return leftMs >= (this.#watch.isBlind ? WORTH_LOOK_MS : WORTH_MS);
  }

  /** The shortest time a task took, at most LOOK_MS. */
  get #waitMs(): number {
    return Math.min(LOOK_MS, this.#slots.quickestMs);
  }

  /** How long to measure, in milliseconds, so that computing after a wait shows beside the wait. */
  get #settledMs(): number {
    return Math.max(SETTLED_MS, 2 * this.#waitMs);
  }

  #askForLanes(seen: Seen): Decision {
    const { perSecond, holds, tookMs } = this.#look;
    this.wantsLanes = true;
    this.#pauseUntilMs = seen.nowMs + Math.max(PAUSE_MS, holds ? tookMs : 0);
    this.#before = perSecond;
    this.#beside = { ended: 0, ranMs: 0 };
    this.#loop = { slots: holds ? 1 : this.shape.slots, holds };
    return this.#change(seen, this.shape, this.#blocks ? "blocks" : "computes");
  }

  /** Called when `ready` of the `wanted` lanes can take tasks. */
  lanesReady(seen: Seen, ready: number, wanted: number): Decision {
    const { slots: before } = this.#loop;
    this.wantsLanes = ready < wanted;
    this.#pauseUntilMs = -Infinity;
    this.#onTrial = true;
    // A lane gets the slots that kept the event loop busy, or an equal share of them if they were many.
    const ample = Math.max(Math.min(before, AMPLE), Math.ceil(before / wanted));
    const most = Math.floor(Math.min(this.#options.maxSlots, this.#slots.most) / wanted);
    const slots = Math.max(1, Math.min(ample, most));
    this.#slots.count = ready * slots;
    return this.#change(seen, { place: "lanes", lanes: ready, slots }, "lanes ready");
  }

  /** Called when items or results of a task can't travel to or from lanes, or no lane could be started. */
  stay(seen: Seen, detail: string): Decision {
    // Items of other tasks can be sent, so the place stays.
    if (seen.travels) return { ...this.#change(seen, this.shape, "stays"), detail };
    this.wantsLanes = this.#onTrial = false;
    this.#pauseUntilMs = -Infinity;
    if (this.shape.place === "event loop" || this.#before === 0) {
      return { ...this.#toLoop(seen, "stays", this.#slots.count), detail };
    }
    // The event loop will be as busy as before, so it gets the slots it had.
    this.#slots.isSlowStart = false;
    return { ...this.#toLoop(seen, "stays", this.#loop.slots), detail };
  }

  /** How many times as many tasks per second that is as ended in the event loop. */
  #gainOf(perSecond: number): number {
    // The first tasks may be slow because they prepare what later ones use, so a few don't count.
    const { ended: others, ranMs } = this.#beside;
    const beside = others < TRIAL_TASKS ? 0 : 1000 * others / ranMs;
    return perSecond / Math.max(this.#before, beside);
  }

  /**
   * The shape to report. Lanes on trial count only if the tasks that ended there show a gain, and slots include
   * those that come back after a refusal.
   */
  get judged(): Shape {
    const { atMs, ended, endedAtMs } = this.#moved;
    // Lanes that the options begin with are reported: there is nothing to compare them with.
    const isOpen = this.#onTrial && this.shape.place === "lanes" && this.#before > 0;
    const gains = ended > 0 && this.#gainOf(1000 * ended / (endedAtMs - atMs)) >= GAIN;
    if (isOpen && !gains) return { ...ONE, slots: this.#loop.slots };
    const slots = Math.floor(this.#slots.judged / this.shape.lanes);
    return { ...this.shape, slots: Math.max(this.shape.slots, slots) };
  }

  #tickOnLanes(seen: Seen): Decision | undefined {
    const { elapsedMs, ended, perSecond, busyShare } = this.#look;
    const { lanes } = this.shape;
    const gain = this.#gainOf(perSecond);
    // With nothing in flight, as the source is slow or starts are paused, there is nothing to measure.
    if (seen.inFlight === 0) return void this.#watch.open(seen);
    if (this.#onTrial) {
      // The trial starts once each lane in use has ended a task; few are sent before the first one ends.
      if (this.#warm.size < Math.min(lanes, seen.inFlight)) return void this.#watch.open(seen);
      if (elapsedMs < TRIAL_MS || ended < TRIAL_TASKS * lanes) return undefined;
      // Without a gain the trial is repeated once: code was cold at first, and few items shared a batch.
      this.#isDoubted = gain < GAIN && !this.#isDoubted;
      if (this.#isDoubted) return void this.#watch.open(seen);
      this.#onTrial = false;
      if (gain < GAIN) {
        this.#before = perSecond;
        this.#slots.isSlowStart = false;
        this.#onTrial = true;
        return this.#toLoop(seen, "lanes don't gain", this.#loop.slots);
      }
      this.#againMs = AGAIN_MS;
      return void this.#watch.open(seen);
    }
    if (elapsedMs < this.#settledMs || ended < lanes) return this.#slotsOf(seen);
    const isIdle = busyShare * lanes < LITTLE && seen.inFlight >= this.#slots.count / 2 &&
      !(this.#blocks && gain >= GAIN);
    // The event loop will show if tasks block without computing.
    const decision = isIdle
      ? this.#toLoop(seen, "waits again", this.#slots.count)
      : this.#slotsOf(seen);
    if (decision === undefined) this.#watch.open(seen);
    return decision;
  }

  #toLoop(seen: Seen, why: Why, slots: number): Decision {
    this.#warm.clear();
    this.#lanesNotBeforeMs = seen.nowMs + this.#againMs;
    this.#againMs *= 2;
    this.#slots.count = Math.min(slots, this.#slots.most);
    const to = { place: "event loop", lanes: 1, slots: Math.floor(this.#slots.count) } as const;
    return this.#change(seen, to, why);
  }

  /** Adds slots or takes some, unless tasks compute or block, or there was too little time to measure. */
  #slotsOf(seen: Seen): Decision | undefined {
    const { busyShare, elapsedMs, holds, cpuShare = 0 } = this.#look;
    const onLanes = this.shape.place === "lanes";
    // Tasks that hold the event loop, or held it before they moved to lanes, don't wait.
    const isHeld = onLanes ? this.#blocks || this.#loop.holds : holds;
    const isBusy = busyShare >= BUSY;
    // A busy loop gains little from more slots; whether it has too many shows once its code isn't cold.
    const isLate = !onLanes && this.#slots.isSlowStart && seen.nowMs - this.#startMs >= COLD_MS;
    if (isHeld || isBusy && !isLate || onLanes && elapsedMs < WINDOW_MS) return undefined;
    // Where tasks fill the event loop or, with threads of their own, all cores, more slots don't help.
    const isFull = isBusy || elapsedMs >= FULL_MS && cpuShare >= FULL * this.#options.cores;
    return this.#give(seen, this.#slots.next(seen, !isFull && seen.awaitsItems !== true));
  }

  #give(seen: Seen, wanted: Wanted | undefined): Decision | undefined {
    if (wanted === undefined) return undefined;
    const { lanes, place } = this.shape;
    this.#slots.count = Math.max(lanes, wanted.slots);
    const slots = Math.max(1, Math.floor(this.#slots.count / lanes));
    return slots === this.shape.slots
      ? void this.#slots.open(seen.nowMs, wanted.why)
      : this.#change(seen, { place, lanes, slots }, wanted.why);
  }

  #decision(seen: Seen, to: Shape, why: Why): Decision {
    return { atMs: seen.nowMs, from: this.shape, to, why, figures: this.figures(seen) };
  }

  #change(seen: Seen, to: Shape, why: Why): Decision {
    const decision = this.#decision(seen, to, why);
    this.shape = to;
    if (decision.from.place !== to.place || decision.from.lanes !== to.lanes) {
      this.#slots.move();
      this.#moved = { atMs: seen.nowMs, ended: 0, endedAtMs: 0 };
      this.#watch.open(seen);
    }
    if (why === "waits again") this.#slots.restart();
    this.#slots.open(seen.nowMs, why);
    return decision;
  }

  /** The measurements that a decision made now is based on. */
  figures(seen: Seen): Figures {
    const { busyShare, perSecond } = this.#watch.look(seen, this.shape);
    const { latencies, refused } = this.#slots;
    const latencyMs = latencies.length === 0 ? NaN : quickerOf(latencies);
    return { busyShare, latencyMs, perSecond, refused };
  }
}
