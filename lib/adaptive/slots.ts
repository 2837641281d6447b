/**
 * How many slots tasks are given, wherever they run. The first of these rules that applies decides:
 *
 * 1. Too many tasks were refused ({@linkcode Refusals} says how many slots are left), or memory is short.
 * 2. No task ends any more: a quarter of the slots is left.
 * 3. Slow start (`slow_start.ts`): slots are multiplied as long as tasks end as quickly as with fewer.
 * 4. {@linkcode Rounds} after slow start: a law adds a few slots or takes some. If it takes some and less gets
 *    done, tasks didn't take longer because of a queue, and slow start begins anew.
 *
 * All rules go only by tasks that started with the present number of slots, and stay within what refusals and
 * memory allow.
 */

import type { Growth } from "./cut_limit.ts";
import type { Ends } from "./ends.ts";
import { Refusals } from "./refusals.ts";
import { LEFT, Rounds, type SlotLaw } from "./rounds.ts";
import { RAMP, reachOf, slowStartOf } from "./slow_start.ts";
import { Stage } from "./stage.ts";
import type { Seen } from "./watch.ts";

export interface SlotsOptions {
  /** The most tasks in flight, on all lanes together. */
  readonly maxSlots: number;
  /** Resident memory, in bytes, above which slots are taken away. */
  readonly memoryBytes: number;
  /** A guess at the right number of slots; beyond it, slow start only doubles them. */
  readonly guess?: number | undefined;
  readonly law?: SlotLaw;
  readonly growth?: Growth;
}

/** A wanted number of slots, and the reason. */
export interface Wanted {
  readonly slots: number;
  readonly why: "waits" | "queues" | "stalls" | "unused" | "refused" | "memory";
}

/** The most slots until a task has ended, unless the job begins with more: tasks that have started can't move. */
const BLIND_SLOTS = 4;
/**
 * The least time between two steps up, in milliseconds, so that quick refusals come in time. Before any task of
 * the last step has ended, it is this share of the quickest task's time, up to so many milliseconds.
 */
const STEP_MS = 2;
const STEP_SHARE = 0.1;
const MOST_STEP_MS = 10;
/** How long slow start is watched closely, in milliseconds: from its start, and after each step. */
const EARLY_MS = 100;
const MOMENT_MS = 10;
/** A round has at least this many tasks, and at least as many as there are slots. */
const ROUND_TASKS = 8;
/**
 * Tasks stall if all slots are taken and none ends for this many times as long as the slowest recent task took,
 * and for this many milliseconds. As at TCP's timeout, only this share of the slots is left then.
 */
const STALLED = 3;
const STALLED_MS = 200;
const STALLED_LEFT = 0.25;
/** Slow start may go too far: slots that go unused for this many milliseconds are taken away. */
const UNUSED_MS = 500;
/** All of a few tasks may be in flight if none has ended for LONG_MS milliseconds. */
const FEW_TASKS = 16;
const LONG_MS = 20;
/** Slots grow only up to this share of the memory limit. */
const ROOM = 0.8;

export class Slots {
  ended = 0;
  /** The least latency, in milliseconds, of a task during which the program never stood still. */
  quickestMs: number = Infinity;
  /** Whether slots are multiplied until the first sign of a queue or a limit. */
  isSlowStart = true;
  readonly #options: SlotsOptions;
  #rounds: Rounds;
  readonly #refusals: Refusals;
  readonly #first: number;
  /** The slots on all lanes together; may be a fraction. */
  #count: number;
  #startMs: number;
  /** How many tasks have ended that count for latency. */
  #answers = 0;
  /** The tasks measured at each number of slots, the latest last; one stage only after slow start. */
  #stages: Stage[] = [];
  /** How long the program last stood still, in milliseconds, and until when. */
  #still = { ms: 0, untilMs: -Infinity };
  /** Since when no task has ended, though all slots are taken. */
  #quietMs: number;
  /** Whether any task has succeeded. */
  #hasAnswers = false;
  /** Whether slots double up to as many as got through; if none did, each step waits for all answers. */
  #isReopening = false;
  #wasShut = false;
  /** The most tasks in flight since slots last changed. */
  #taken = 0;
  /** Resident memory before the first task, in bytes, and whether slots last changed because of memory. */
  #baseBytes: number | undefined;
  #isShedding = false;

  constructor(
    options: SlotsOptions,
    count: number,
    nowMs: number,
    refusals: Refusals = new Refusals(nowMs, options.growth),
  ) {
    this.#options = options;
    this.#rounds = new Rounds(options.law);
    this.#refusals = refusals;
    this.#first = this.#count = count;
    this.#startMs = this.#quietMs = nowMs;
    this.#stages = [this.#stageFrom(nowMs)];
  }

  #stageFrom(fromMs: number): Stage {
    return new Stage(this.#count, fromMs, this.#answers);
  }

  get count(): number {
    return this.#count;
  }

  /** Kept between 1 and `maxSlots`. */
  set count(count: number) {
    this.#count = Math.max(1, Math.min(this.#options.maxSlots, count));
  }

  /** The slots to report: right after a refusal, as many as got through, since these come back. */
  get judged(): number {
    return this.#isReopening ? Math.max(this.#count, this.most) : this.#count;
  }

  /** The most slots that refusals allow. */
  get most(): number {
    return Math.max(1, this.#refusals.most);
  }

  /** The pace: the least time between two starts, in milliseconds, however many slots there are. */
  get gapMs(): number {
    return this.#refusals.gapMs;
  }

  /** The least time between two starts with the present slots, in milliseconds. */
  get apartMs(): number {
    return this.#refusals.apartMs(Math.round(this.#count));
  }

  /** How long tasks took that started since slots last changed, in milliseconds. */
  get latencies(): readonly number[] {
    return this.#stages.at(-1)?.latencies ?? [];
  }

  /** How many tasks were refused since slots last changed. */
  get refused(): number {
    return this.#refusals.refused;
  }

  get #stage(): Stage {
    return this.#stages.at(-1)!;
  }

  /** Whether no task may start now. */
  isPaused(nowMs: number): boolean {
    return this.#refusals.waitMs(nowMs) > 0;
  }

  /** Whether slots may change soon. */
  isEarly(nowMs: number): boolean {
    return this.isSlowStart &&
      (nowMs - this.#startMs < EARLY_MS || nowMs - this.#stage.fromMs < MOMENT_MS);
  }

  /** Called when the pool has work again. */
  begin({ nowMs, memoryBytes }: Seen): void {
    this.#startMs = this.#quietMs = nowMs;
    this.#baseBytes ??= memoryBytes;
    this.#refusals.begin(nowMs);
    // The idle time must not count as time in which less gets done.
    this.move();
    this.open(nowMs);
  }

  /** Called when `count` tasks have ended, one after another. */
  onEnded(count: number, startedAtMs: number, endedAtMs: number, how: Ends = {}): boolean {
    this.ended += count;
    this.#quietMs = endedAtMs;
    const wasBound = this.most < Infinity;
    const told = this.#refusals.ended(count, startedAtMs, endedAtMs, how, this.#count);
    const { refused = 0, failed = 0, elsewhere = 0 } = told;
    // The limit was lifted, since tasks fail at any number of slots.
    if (wasBound && this.most === Infinity) {
      this.isSlowStart = true;
      this.#isReopening = false;
    }
    if (refused > 0) return true;
    if (failed + elsewhere > 0) {
      // Unless failures are by chance, a failed task says nothing about latency or enough slots.
      if (this.#hasAnswers && this.#refusals.byChance === 0) return false;
    } else if (!this.#hasAnswers) {
      this.#hasAnswers = true;
      for (const { latencies } of this.#stages) latencies.length = 0;
      this.#rounds.leastMs = this.quickestMs = Infinity;
    }
    const tookMs = Math.max(0, endedAtMs - startedAtMs) / count;
    const stillMs = startedAtMs < this.#still.untilMs ? this.#still.ms / count : 0;
    if (stillMs === 0) this.quickestMs = Math.min(this.quickestMs, tookMs);
    // A server may have gone on while the program stood still, so the latency isn't put below the quickest.
    const latencyMs = Math.max(tookMs - stillMs, Math.min(tookMs, this.quickestMs));
    this.#rounds.slowestMs = Math.max(this.#rounds.slowestMs, latencyMs);
    this.#answers += count;
    this.#stages.findLast(({ fromMs }) => startedAtMs >= fromMs)?.add(latencyMs);
    return false;
  }

  /** Leaves out `ms` in which nothing moved: they count neither as latency nor as time with less done. */
  leaveOut(nowMs: number, ms: number): void {
    this.#still = { untilMs: nowMs, ms };
    this.#quietMs += ms;
    this.#refusals.leaveOut(ms);
    const stage = this.#stages.at(-1);
    if (stage !== undefined) stage.stillMs += ms;
  }

  /** Begins a stage: only tasks that start from now on count for the present number of slots. */
  open(nowMs: number, why?: string): void {
    const stage = this.#stageFrom(nowMs);
    this.#taken = 0;
    const isSame = stage.slots === this.#stages.at(-1)?.slots;
    if (!isSame) this.#refusals.change();
    this.#isShedding = why === "memory";
    const before = this.isSlowStart ? this.#stages.slice(0, isSame ? -1 : undefined) : [];
    this.#stages = [...before, stage];
  }

  /** Called when tasks move to other lanes, where earlier stages tell nothing. */
  move(): void {
    this.#stages = [];
  }

  /** Forgets all latencies and begins slow start anew. */
  restart(): void {
    this.move();
    this.#rounds = new Rounds(this.#options.law);
    this.quickestMs = Infinity;
    this.isSlowStart = true;
  }

  /** Whether slots must be reduced now, because of refusals or memory. */
  areTooMany({ memoryBytes, inFlight }: Seen): boolean {
    const isShed = this.#isShedding && this.latencies.length < this.#count;
    return this.#refusals.isBraking || this.#refusals.areTooMany(inFlight) ||
      memoryBytes > this.#options.memoryBytes && !isShed;
  }

  /** Reduces slots; undefined while starts are stopped until it is known how many tasks got through. */
  fewer(seen: Seen): Wanted | undefined {
    this.isSlowStart = false;
    this.#quietMs = seen.nowMs;
    const refusals = this.#refusals;
    if (!refusals.isBraking && !refusals.areTooMany(seen.inFlight)) {
      return { slots: Math.floor(Math.min(this.#count, this.#fitting(seen))), why: "memory" };
    }
    const gotThrough = refusals.brake(seen.nowMs, this.#count, seen.inFlight);
    if (gotThrough === undefined) return undefined;
    this.#wasShut = !gotThrough;
    // Refusals by chance, and failures at any number of slots, are no limit.
    this.isSlowStart = this.most === Infinity;
    if (this.#wasShut || this.isSlowStart) this.move();
    this.#isReopening = !this.isSlowStart && this.gapMs === 0;
    return { slots: this.gapMs > 0 ? Math.min(this.#count, this.most) : 1, why: "refused" };
  }

  /** How many slots fit into memory, if all memory above the base is the tasks'. */
  #fitting({ memoryBytes }: Seen): number {
    const { memoryBytes: most } = this.#options;
    const base = this.#baseBytes ?? 0;
    if (most === Infinity || memoryBytes <= base) return Infinity;
    return Math.max(1, this.#count * (ROOM * most - base) / (memoryBytes - base));
  }

  /** Returns more or fewer slots if the tasks of the present stage call for that; more only if `mayGrow`. */
  next(seen: Seen, mayGrow = true): Wanted | undefined {
    const isFull = seen.inFlight >= (this.ended === 0 ? this.#count : this.#count / 2);
    this.#taken = Math.max(this.#taken, seen.inFlight);
    if (this.#areUnused(seen)) return { slots: this.#taken, why: "unused" };
    const grows = mayGrow && isFull && this.gapMs === 0;
    if (this.#isStalled(seen, grows)) return this.#stall(seen);
    return this.isSlowStart ? this.#slowStart(seen, grows) : this.#round(seen, isFull, grows);
  }

  /**
   * Whether half of the slots are never taken though items are there, as the event loop starts no more tasks.
   * They are taken away, like TCP's unused window (RFC 7661), lest a slow server gets that many tasks at once.
   */
  #areUnused({ nowMs, remaining, awaitsItems = false }: Seen): boolean {
    const { fromMs, answersBefore } = this.#stage;
    const isKnown = nowMs - fromMs >= UNUSED_MS && this.#answers - answersBefore >= this.#count;
    const isFree = remaining !== 0 && !awaitsItems && this.gapMs === 0;
    return this.isSlowStart && isKnown && isFree && this.#taken <= this.#count / 2;
  }

  /**
   * Whether tasks of many slots no longer end. Not while clearly more tasks than slots are in flight: these
   * started with more slots and have been judged already.
   */
  #isStalled({ nowMs, inFlight, remaining }: Seen, grows: boolean): boolean {
    const isFull = grows && remaining !== 0 && LEFT * inFlight <= this.#count;
    const isKnown = this.#answers >= ROUND_TASKS && this.#count > BLIND_SLOTS;
    if (!isFull || !isKnown) this.#quietMs = nowMs;
    return nowMs - this.#quietMs >= Math.max(STALLED_MS, STALLED * this.#rounds.slowestMs);
  }

  #stall({ nowMs }: Seen): Wanted {
    this.isSlowStart = false;
    this.#quietMs = nowMs;
    // How much got done is passed as 0, as it is known only once these tasks have ended.
    this.#rounds.begin(this.#count, 0, this.#stages.flatMap(({ latencies }) => latencies));
    return { slots: STALLED_LEFT * this.#count, why: "stalls" };
  }

  /** Multiplies the most slots with which tasks ended as quickly as with few; leaves slow start at a queue. */
  #slowStart(seen: Seen, grows: boolean): Wanted | undefined {
    const { nowMs, remaining = Infinity, inFlight } = seen;
    const found = slowStartOf(this.#stages, nowMs, this.#answers);
    const { proven, latencies, tooMany } = found;
    if (tooMany !== undefined) {
      this.isSlowStart = false;
      this.#rounds.leastMs = Infinity;
      this.#rounds.begin(tooMany.slots, tooMany.perMs, latencies);
      return { slots: tooMany.enough, why: "queues" };
    }
    const isSeen = proven >= this.#count || this.quickestMs === Infinity;
    const stepMs = isSeen
      ? STEP_MS
      : Math.max(STEP_MS, Math.min(MOST_STEP_MS, STEP_SHARE * this.quickestMs));
    if (!grows || nowMs - this.#stage.fromMs < stepMs) return undefined;
    const left = remaining + inFlight;
    const wanted = Math.min(
      left,
      this.#options.maxSlots,
      proven > 0 ? reachOf(found, this.#count, left, this.#options.guess) : this.#blindly(seen),
      this.most,
      this.#fitting(seen),
    );
    const slots = Math.floor(Math.min(wanted, RAMP * this.#count));
    return slots > this.#count ? { slots, why: "waits" } : undefined;
  }

  /** How many slots may be tried before any of their tasks has ended. */
  #blindly({ nowMs, remaining = Infinity, inFlight }: Seen): number {
    const left = remaining + inFlight;
    const isFew = left <= FEW_TASKS && nowMs - this.#startMs >= LONG_MS;
    // After a refusal that nothing got through, a single task may be cut off too.
    return this.#wasShut ? 1 : Math.max(BLIND_SLOTS, this.#first, isFew ? left : 0);
  }

  /** The slots that the law gives once a round of tasks has ended. */
  #round(seen: Seen, isFull: boolean, grows: boolean): Wanted | undefined {
    const { latencies } = this;
    const slots = this.#count;
    const most = () => Math.min(this.most, this.#fitting(seen));
    if (this.#isReopening && grows) {
      this.#isReopening = most() > slots;
      const { fromMs } = this.#stage;
      const isDue = this.#wasShut ? latencies.length >= slots : seen.nowMs - fromMs >= STEP_MS;
      const more = Math.min(most(), 2 * slots);
      if (this.#isReopening) return isDue ? { slots: more, why: "waits" } : undefined;
    }
    if (latencies.length < Math.max(ROUND_TASKS, slots)) return undefined;
    const isPaced = this.gapMs > 0;
    const next = isPaced ? Math.max(slots, this.most) : this.#rounds.next(slots, latencies, isFull);
    if (this.#rounds.areWrong) this.restart();
    if (next < slots) return { slots: next, why: "queues" };
    const more = Math.min(next, most());
    if (more > slots && (grows || isPaced)) return { slots: more, why: "waits" };
    this.open(seen.nowMs);
    return undefined;
  }
}
