/**
 * Decides, while a job runs, where its tasks run and how many are in flight: in the event loop with more
 * or fewer slots, or on lanes. Pure logic: it is told what happened and what time it is.
 *
 * It goes by experiment wherever one is cheap. {@linkcode Slots} are tried while tasks wait, lanes where
 * tasks keep the event loop busy; these are kept only if more gets done, and so is the event loop, when
 * they are left.
 */

import type { Ends } from "./ends.ts";
import { Slots, type SlotsOptions, type Wanted } from "./slots.ts";
import { quickerOf } from "./stage.ts";
import { BUSY, type Figures, type Look, ONE, type Seen, type Shape, Watch } from "./watch.ts";

/** Why a shape was changed. */
export type Why =
  /** It was told what to begin with. */
  | "start"
  /** The tasks wait, and more of them at once get more done. */
  | "waits"
  /** Latency grew, and no more gets done. */
  | "queues"
  /** Nothing ended any more for long, though all slots were taken. */
  | "stalls"
  /** Half of the slots, or more, were never taken. */
  | "unused"
  /** A server refused some, or files and sockets ran short. */
  | "refused"
  /** Slots are free for most of the time: the source of the items gives them no faster. */
  | "source"
  /** There is more resident memory than may be. */
  | "memory"
  /** The tasks keep the event loop busy: lanes are started, while it goes on. */
  | "computes"
  /** The tasks hold up the event loop, though they only wait: so do more lanes than there are cores. */
  | "blocks"
  /** Lanes have started. */
  | "lanes ready"
  /** No more gets done on lanes. */
  | "lanes don't gain"
  /** The lanes hardly compute: one event loop can do it. */
  | "waits again"
  /** Lanes can't be started, or what is left can't be sent. */
  | "stays";

/** One decision. */
export interface Decision {
  /** When, on this program's `performance.now()` clock. */
  readonly atMs: number;
  /** What there was. */
  readonly from: Shape;
  /** What there is from then on. */
  readonly to: Shape;
  /** Why. */
  readonly why: Why;
  /** What tells so. */
  readonly figures: Figures;
  /** Of tasks that stay in the event loop: what can't be sent, or why no lane starts. */
  readonly detail?: string;
}

export interface ControllerOptions extends SlotsOptions {
  /** Lanes at most beside the event loop; 0 to stay there. */
  readonly maxLanes: number;
  readonly cores: number;
  readonly start: Shape;
}

/** That the source is what is waited for is told if it was for so long, and for this share of the time. */
const SOURCE_MS = 500;
const SOURCE = 0.5;
/** It looks so often at first, in milliseconds, later less often; */
const FIRST_TICK_MS = 1;
const TICK_MS = 10;
/** and when a task ends though the time for it is over by so much, or is the first: timers come late. */
const OVERDUE_MS = 10;
/** Whether it is busy is judged over so long at least; over longer where tasks wait, for cold code computes more. */
const WINDOW_MS = 10;
const SETTLED_MS = 100;
/** or so long, if each of them computes for longer than what cold code does. */
const MIXED_MS = 50;
const COLD_TASK_MS = 3;
/** What has the event loop for this part of the time may compute; to be started takes tasks some of it, too. */
const MAYBE = 0.5;
/** For so long code may be cold. */
const COLD_MS = 500;
/** Lanes are worth starting if so much work is left, or so much while it isn't known what is used: to look takes some, too; */
const WORTH_MS = 150;
export const WORTH_LOOK_MS = 300;
/** and if, with sending, all cores together would do so many times as much of it. */
const WORTH_GAIN = 1.25;
/** What a message computes here and there; tasks that never wait share one. */
const MESSAGE_MS = 0.1;
/**
 * While lanes start, nothing is started here for so long at most, or as long as it would hold this event loop:
 * they need that, too.
 */
const PAUSE_MS = 100;
/** For this part of what one took here it is waited for one that is tried on a lane, if that may be long. */
const SOON = 0.25;
/** Of lanes that tasks block there are so many for each core. */
export const BLOCKED_LANES = 4;
/** What holds the event loop, and computes less than this part of the time, is looked at once more. */
const UNCLEAR = 0.5;
/** So many slots on each lane are enough, if one event loop had no more. */
const AMPLE = 16;
/** A change of place is judged after so long, and so many tasks on each lane. */
const TRIAL_MS = 80;
const TRIAL_TASKS = 3;
/** Lanes are kept if they get this many times as much done. */
const GAIN = 1.1;
/** Lanes that didn't gain aren't tried again for so long, and each time for twice as long. */
const AGAIN_MS = 400;
/** For no longer they are taken to wait. If lanes use less than this of one core, an event loop will do. */
const LOOK_MS = 250;
const LITTLE = 0.2;
/** Tasks have all cores if over so long they had this part of them. */
const FULL_MS = 5;
const FULL = 0.9;

export class Controller {
  shape: Shape;
  wantsLanes = false;
  /** Whether it is to be seen what is used: what is over by then needn't pay for that. */
  wantsUsage = false;
  /** When it wants to look next, from the last time on. */
  nextTickMs: number = FIRST_TICK_MS;
  readonly #options: ControllerOptions;
  #slots: Slots;
  readonly #watch = new Watch();
  /** What has happened, as of this tick. */
  #look!: Look;
  #lastTickMs: number;
  #startMs: number;
  /** Since when tasks are where they are, how many have ended that began there, and when the last one did. */
  #moved = { atMs: -Infinity, ended: 0, endedAtMs: 0 };
  /** For how long the event loop had been held when that began. */
  #heldMs = 0;
  /** For how long the source was waited for; NaN once that is told. */
  #sourceMs = 0;
  /** Until when nothing is started, so that lanes start. */
  #pauseUntilMs = -Infinity;
  /** Whether it is to be seen whether more gets done here than where tasks were before, and isn't yet. */
  #onTrial: boolean;
  #isDoubted = false;
  /** What got done there in a second, and what ended there, one after another, while one was tried here. */
  #before = 0;
  #beside = { ended: 0, ranMs: 0 };
  /** Which lanes have ended something: what they do first, they may do to get ready. */
  #warm = new Set<number>();
  /** How many slots the event loop had, and whether one task after another held it. */
  #loop = { slots: 1, holds: false };
  /** Whether tasks hold up whatever they run on, though they hardly compute. */
  #blocks = false;
  /** Whether tasks have run for so long that what they compute is their own. */
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

  /** Tasks are started no closer together than this. */
  get gapMs(): number {
    return this.#slots.gapMs;
  }

  /** Whether none is to be started for now. */
  get isBraking(): boolean {
    return this.#pauseUntilMs > this.#lastTickMs || this.#slots.isPaused(this.#lastTickMs);
  }

  /** Whether lanes are to stay open, though no task runs there. */
  get keepsLanes(): boolean {
    return this.wantsLanes || this.#onTrial;
  }

  /** How many lanes there are, when there are any. */
  get lanes(): number {
    const { maxLanes, maxSlots, cores } = this.#options;
    const most = Math.min(maxLanes, maxSlots, this.#slots.most);
    return Math.min(most, this.#blocks ? BLOCKED_LANES * cores : cores);
  }

  /** There is something to do again; whether that is a task of which nothing is known. */
  begin(seen: Seen, isNew = false): Decision | undefined {
    this.#startMs = this.#lastTickMs = seen.nowMs;
    this.#sourceMs = 0;
    this.#heldMs = seen.heldMs;
    this.#watch.open(seen);
    // A rest is no time in which less gets done.
    if (this.#onTrial) this.#moved = { atMs: seen.nowMs, ended: 0, endedAtMs: 0 };
    const { slots } = this.#options.start;
    const isOther = isNew && this.shape.place === "event loop" && this.shape.slots > slots;
    if (isOther) this.#slots = new Slots(this.#options, slots, seen.nowMs);
    this.nextTickMs = this.#slots.ended === 0 ? FIRST_TICK_MS : TICK_MS;
    this.#slots.begin(seen);
    // What other tasks found out may be too much for what these ask.
    return isOther ? this.#change(seen, { ...this.shape, slots }, "start") : undefined;
  }

  /** So many tasks have ended, one after another, on a lane; returns whether it wants to look at once. */
  onEnded(
    count: number,
    startedAtMs: number,
    endedAtMs: number,
    how: Ends = {},
    lane = 0,
  ): boolean {
    const isFirst = this.#slots.ended === 0;
    if (lane > 0) this.#pauseUntilMs = -Infinity;
    // What began elsewhere tells nothing of what there is here.
    if (startedAtMs >= this.#moved.atMs) {
      this.#moved.ended += count;
      this.#moved.endedAtMs = endedAtMs;
      if (lane > 0) this.#warm.add(lane);
      this.#watch.ended += count;
      this.#watch.ranMs += endedAtMs - startedAtMs;
    }
    this.#slots.onEnded(count, startedAtMs, endedAtMs, how);
    // Until the next tick it may be asked hundreds of times more.
    if ((how.refused ?? 0) > 0) return true;
    return endedAtMs - this.#lastTickMs - this.nextTickMs >= (isFirst ? 0 : OVERDUE_MS);
  }

  /** A task has ended here that took so long, while one is tried on a lane: before the next it may be heard of. */
  listen(nowMs: number, tookMs: number): void {
    this.#beside.ended++;
    this.#beside.ranMs += tookMs;
    const isLong = this.#loop.holds && tookMs >= PAUSE_MS;
    if (isLong) this.#pauseUntilMs = nowMs + SOON * tookMs;
  }

  /** Leaves out, before a tick, for how long nothing moved since the last one, which it returns. */
  leaveOut(seen: Seen): number {
    const stillMs = this.#watch.leaveOut(seen);
    if (stillMs > 0) this.#slots.leaveOut(seen.nowMs, stillMs);
    return stillMs;
  }

  /** Looks at what happened since the last tick; returns what it has decided, if anything. */
  tick(seen: Seen): Decision | undefined {
    const { nowMs } = seen;
    if (seen.awaitsItems) this.#sourceMs += nowMs - this.#lastTickMs;
    this.#lastTickMs = nowMs;
    if (this.#watch.isBlind && seen.loopCpuMs !== undefined) {
      const { holds, elapsedMs } = this.#look;
      if (holds) this.nextTickMs = TICK_MS;
      this.#watch.open(seen);
      // Another one may take as long, and more than what all has computed by now it can't have been.
      const hasComputed = holds && elapsedMs >= SETTLED_MS &&
        (seen.cpuMs ?? 0) >= UNCLEAR * elapsedMs;
      return hasComputed && this.#mayGain(seen) ? this.#askForLanes(seen) : undefined;
    }
    this.#look = this.#watch.look(seen, this.shape);
    // Tasks that wait hide what that takes; what holds the event loop needs it only if lanes may be worth it.
    const sinceMs = nowMs - this.#startMs;
    const isHeld = this.#look.holds || seen.heldMs - this.#heldMs >= BUSY * sinceMs;
    const { elapsedMs, busyShare } = this.#look;
    const isHidden = !isHeld && seen.remaining !== 0 &&
      (elapsedMs >= WINDOW_MS && busyShare >= MAYBE || sinceMs >= SETTLED_MS);
    this.wantsUsage ||= isHidden || this.shape.place === "lanes";
    // What holds the event loop gets no slots, and nothing is left to be given any.
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
      // Items have grown longer: then less gets done, wherever that is.
      if (this.#before > GAIN * perSecond) return this.#askForLanes(seen);
    }
    // Tasks that wait are started all at once, and then it is free for as long as they wait.
    const windowMs = holds ? WINDOW_MS : Math.max(WINDOW_MS, this.#waitMs);
    const { isBlind } = this.#watch;
    // What there is between tasks that hold it may be idle, or what sending and settling them takes.
    const isBusy = elapsedMs >= windowMs && ended > 0 && (busyShare >= BUSY || isBlind && holds);
    // The first one's code was cold.
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

  /** Whether tasks block may not be told yet: what they computed may be what their code took to be compiled. */
  get #isUnclear(): boolean {
    const { holds, waits, cpuShare = 1 } = this.#look;
    const isUnclear = !this.#isCompiled && holds && !waits && cpuShare < UNCLEAR;
    this.#isCompiled = true;
    return isUnclear;
  }

  /** Whether what is left is worth lanes, as far as that is known. */
  #mayGain({ nowMs, remaining, travels, ...seen }: Seen): boolean {
    const { elapsedMs, perSecond, tookMs, busyShare, holds, waits, cpuShare = 1 } = this.#look;
    const isNews = holds && waits && !this.#blocks;
    this.#blocks = holds && waits;
    if (!travels || this.lanes < 2 || nowMs < this.#lanesNotBeforeMs && !isNews) return false;
    // Where others have the cores, tasks compute for less than they take, and lanes start more slowly.
    const share = this.#blocks ? 1 : Math.min(1, cpuShare);
    // Making items is done here anyway; both sides compute what an item costs to send.
    const movedMs = share * Math.min(tookMs, 1000 * busyShare / perSecond);
    const settledMs = movedMs < COLD_TASK_MS ? SETTLED_MS : Math.max(MIXED_MS, 2 * this.#waitMs);
    if (!holds && elapsedMs < settledMs) return false;
    // What sending costs is known by the next time, which may be too late for long ones alone.
    const { sendMs = movedMs < TICK_MS ? Infinity : 0 } = seen;
    const sentMs = movedMs + 2 * (sendMs + (holds ? 0 : MESSAGE_MS));
    if (!this.#blocks && this.lanes * movedMs < WORTH_GAIN * sentMs) return false;
    // Of a list whose end isn't known, twice as much is expected to come as there was.
    const leftMs = remaining === undefined
      ? 2 * share * (nowMs - this.#startMs)
      : movedMs * remaining;
    return leftMs >= (this.#watch.isBlind ? WORTH_LOOK_MS : WORTH_MS);
  }

  /** How long tasks wait, at least. */
  get #waitMs(): number {
    return Math.min(LOOK_MS, this.#slots.quickestMs);
  }

  /** What tasks compute once they have waited is to be seen apart from their wait. */
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

  /** So many of the lanes that are wanted can take tasks. */
  lanesReady(seen: Seen, ready: number, wanted: number): Decision {
    const { slots: before } = this.#loop;
    this.wantsLanes = ready < wanted;
    this.#pauseUntilMs = -Infinity;
    this.#onTrial = true;
    // As many as kept one event loop busy, or a share of them, if they were many.
    const ample = Math.max(Math.min(before, AMPLE), Math.ceil(before / wanted));
    const most = Math.floor(Math.min(this.#options.maxSlots, this.#slots.most) / wanted);
    const slots = Math.max(1, Math.min(ample, most));
    this.#slots.count = ready * slots;
    return this.#change(seen, { place: "lanes", lanes: ready, slots }, "lanes ready");
  }

  /** What some tasks need can't be sent to lanes, or no lane could be started. */
  stay(seen: Seen, detail: string): Decision {
    // Other tasks may be on lanes, and stay there.
    if (seen.travels) return { ...this.#change(seen, this.shape, "stays"), detail };
    this.wantsLanes = this.#onTrial = false;
    this.#pauseUntilMs = -Infinity;
    if (this.shape.place === "event loop" || this.#before === 0) {
      return { ...this.#toLoop(seen, "stays", this.#slots.count), detail };
    }
    // It is as busy there as it was.
    this.#slots.isSlowStart = false;
    return { ...this.#toLoop(seen, "stays", this.#loop.slots), detail };
  }

  /** How many times as much that is as got done here. */
  #gainOf(perSecond: number): number {
    // The first one may have made what the others only use.
    const { ended: others, ranMs } = this.#beside;
    const beside = others < TRIAL_TASKS ? 0 : 1000 * others / ranMs;
    return perSecond / Math.max(this.#before, beside);
  }

  /**
   * The shape, but for lanes that aren't judged yet: these only if all that ended there shows that they gain. Slots
   * are those that come back after some were refused.
   */
  get judged(): Shape {
    const { atMs, ended, endedAtMs } = this.#moved;
    // What it was told to begin with is nobody's to doubt before it is judged.
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
    // While nothing comes, or all is paused, nothing is to be seen of what tasks do.
    if (seen.inFlight === 0) return void this.#watch.open(seen);
    if (this.#onTrial) {
      // It begins when a task has ended on each that has any, and until the first one has only a few are sent.
      if (this.#warm.size < Math.min(lanes, seen.inFlight)) return void this.#watch.open(seen);
      if (elapsedMs < TRIAL_MS || ended < TRIAL_TASKS * lanes) return undefined;
      // Their code was cold at first, and what travels together few.
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
    // Whether tasks block the lanes is seen in the event loop.
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

  /** More or fewer slots, unless what runs here or on lanes tells nothing of them. */
  #slotsOf(seen: Seen): Decision | undefined {
    const { busyShare, elapsedMs, holds, cpuShare = 0 } = this.#look;
    const onLanes = this.shape.place === "lanes";
    // What holds the event loop, or held it and holds each lane, never waits.
    const isHeld = onLanes ? this.#blocks || this.#loop.holds : holds;
    const isBusy = busyShare >= BUSY;
    // There more are hardly worth it; whether there are too many is seen once its code can't be cold any more.
    const isLate = !onLanes && this.#slots.isSlowStart && seen.nowMs - this.#startMs >= COLD_MS;
    if (isHeld || isBusy && !isLate || onLanes && elapsedMs < WINDOW_MS) return undefined;
    // Where tasks have the event loop or, with threads of their own, all cores, more at once do no more.
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

  /** What tells of how it is. */
  figures(seen: Seen): Figures {
    const { busyShare, perSecond } = this.#watch.look(seen, this.shape);
    const { latencies, refused } = this.#slots;
    const latencyMs = latencies.length === 0 ? NaN : quickerOf(latencies);
    return { busyShare, latencyMs, perSecond, refused };
  }
}
