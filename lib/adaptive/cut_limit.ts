/**
 * A limit after refusals: it begins with what got through, and grows again by answers, so many for each refusal
 * that refusals stay a small share of all. `tests/adaptive/laws_main.ts` compares laws by which it grows.
 */

import { NOTHING, type Share, sum } from "./chance.ts";

/**
 * Returns the limit once the share `paid` of the refusals is made up for, which may be more than 1: `got` is
 * what got through, and `near` is nearly what was used.
 */
export type Growth = (paid: number, got: number, near: number) => number;

/** How many answers make up for a refusal: more each time that the limit is found to be where it was. */
const ANSWERS = 50;
const MOST_ANSWERS = 400;
/** A rate changes more often. */
const MOST_FOR_RATE = 200;
/** Up to this many times what was used before, it is the same limit. */
const SAME = 1.25;
/** So many times fewer answers do once refusals were found to be chance. */
const LIFT = 4;
/** These milliseconds make up for all refusals. */
const AGAIN_MS = 30_000;
/** LESS of it is left until ANSWERS, or these milliseconds, have shown whether that is refused, too. */
const LESS = 0.7;
const LESS_MS = 5_000;
/** Once less is left this many times in a row, it is so little that refusals of it show whether they are chance. */
const PROBING = 2;
/** It grows to the share NEAR of what was used, and from there by CURVE times as much again. */
const NEAR = 0.9;
const CURVE = 0.3;
/**
 * Reached so many times in a row, and at this share of what got through at first, it isn't why some are refused.
 */
const TIMES_IN_VAIN = 3;
const QUARTER = 0.25;
/** Of a rate that was too fast, the share of the way from what got through to it, both as logarithms. */
const BETWEEN = 0.25;
/** Fewer answers tell too little of the rate that got through. */
const FEW_ANSWERS = 8;

/**
 * Ever more slowly to what was used, and from there ever more quickly: CUBIC (Ha, Rhee and Xu, 2008), which the
 * "adaptive" retry mode of AWS's clients uses, too. There it grows by seconds.
 */
export const cubic: Growth = (paid, got, near) =>
  paid < 1 ? near - (near - got) * (1 - paid) ** 3 : near * (1 + CURVE * (paid - 1) ** 3);

/** How a limit was reached. */
export interface Cut {
  readonly atMs: number;
  /** The number in flight, or the rate in tasks per millisecond, that was used, and how much got through. */
  readonly used: number;
  readonly got: number;
  /** Whether it is a rate. */
  readonly isRate: boolean;
  /** How many refusals must be made up for. */
  readonly cost: number;
  /** How many tasks were answered since the limit before was set, and how long ago that was. */
  readonly answered: number;
  readonly ms: number;
  /** Whether so few were refused that it may have been by chance. */
  readonly mayBeChance: boolean;
  /** Whether a server said that it refused them. */
  readonly isSaid: boolean;
  readonly before: CutLimit | undefined;
}

export class CutLimit {
  /** How many times in a row it was reached again soon. */
  readonly early: number;
  /**
   * How many of these were without a pause, how many tasks were asked and refused meanwhile, and how many got
   * through per millisecond before.
   */
  readonly #vain: Share & { readonly times: number; readonly firstPerMs: number };
  readonly #cut: Omit<Cut, "before">;
  readonly #growth: Growth;
  /** How many answers make up for each refusal. */
  readonly #price: number = ANSWERS;
  #answers = 0;
  #cost: number;
  #fromMs: number;
  #nowMs: number;
  #pausedMs = 0;
  /** Whether less is left until refusals of it show whether they are chance. */
  #probe: "none" | "running" | "over";
  /** How often it was found, of this limit and those before, that they aren't. */
  #confirmed: number;

  constructor({ before, ...cut }: Cut, growth: Growth = cubic) {
    // Without the limit before, which would keep all before it in a job that runs for days.
    this.#growth = growth;
    this.#cost = cut.cost;
    this.#fromMs = this.#nowMs = cut.atMs;
    this.early = before !== undefined && before.#answers < ANSWERS ? before.early + 1 : 0;
    const share = { asked: cut.answered + cut.cost, refused: cut.cost };
    this.#vain = this.early > 0 && before!.#pausedMs === 0
      ? { ...before!.#vain, ...sum(before!.#vain, share), times: before!.#vain.times + 1 }
      : { ...NOTHING, times: 0, firstPerMs: cut.answered / cut.ms };
    this.#confirmed = before === undefined ? 0 : before.#confirmed;
    const isProbe = cut.mayBeChance && this.early >= PROBING * 2 ** this.#confirmed;
    this.#probe = isProbe ? "running" : "none";
    // What got through while less was left doesn't show how much would have: else each time less would be left.
    const keepsGot = isProbe && cut.isSaid && before!.#cut.isRate === cut.isRate &&
      before!.#pausedMs === 0;
    this.#cut = keepsGot ? { ...cut, got: Math.max(cut.got, before!.#cut.got) } : cut;
    const isSame = before !== undefined &&
      (cut.used <= SAME * before.#cut.used || cut.isRate && cut.got <= SAME * before.#cut.got);
    if (isSame) {
      const most = cut.isRate ? MOST_FOR_RATE : MOST_ANSWERS;
      this.#price = Math.min(most, (before.#paid >= 1 ? 2 : 1) * before.#price);
    }
  }

  /** What was asked and refused while it was reduced again and again in vain; undefined if it wasn't. */
  get inVain(): Share | undefined {
    const { answered, ms } = this.#cut;
    const { times, firstPerMs } = this.#vain;
    return times >= TIMES_IN_VAIN && answered / ms <= QUARTER * firstPerMs ? this.#vain : undefined;
  }

  /** Counts answers, by which it grows. */
  answer(count: number, nowMs: number): void {
    this.#answers += count;
    this.#nowMs = nowMs;
    if (this.#tookMs >= LESS_MS) this.#endProbe();
  }

  /** Leaves out time in which nothing moved. */
  leaveOut(ms: number): void {
    this.#fromMs += ms;
  }

  /** Adds refusals of tasks when nothing else got through. */
  refuse(count: number): void {
    this.#cost += count;
  }

  /** Adds a pause in which nothing may start. */
  pause(ms: number): void {
    this.#pausedMs += ms;
    this.#fromMs += ms;
  }

  /** The limit at first: what got through, or less if it was too much again. */
  get first(): number {
    const got = this.#got * (this.early > 0 ? LESS : 1);
    return this.#cut.isRate ? got : Math.ceil(got);
  }

  /** What got through; if it is a rate, over pauses too. */
  get #got(): number {
    const { got, ms, answered, isRate } = this.#cut;
    return got * ms / (ms + (isRate && answered >= FEW_ANSWERS ? this.#pausedMs : 0));
  }

  /** Whether less is still left. */
  get isHeld(): boolean {
    if (this.#probe !== "none") return this.#probe === "running";
    return this.early > 0 && this.#answers < ANSWERS && this.#tookMs < LESS_MS;
  }

  /**
   * Whether for lack of room nothing would be refused with these slots, as clearly more got through.
   *
   * @param isSure Whether few slots aren't enough, as the rate may still be too fast.
   */
  isLess(slots: number, isSure = false): boolean {
    if (!this.#cut.mayBeChance) return false;
    return this.#probe === "running" || !isSure && !this.#cut.isRate && slots <= LESS * this.first;
  }

  /** Goes on from here, as refusals were found to be for lack of room; the next limit is probed later. */
  confirm(): void {
    this.#confirmed++;
    this.#endProbe();
  }

  /** Grows quickly from now on, as refusals were found to be chance. */
  lift(): void {
    this.#endProbe();
    // Nor need answers make up for pauses.
    this.#pausedMs = 0;
    this.#cost /= LIFT;
    this.#answers = this.#price * this.#cost;
  }

  #endProbe(): void {
    if (this.#probe !== "running") return;
    this.#probe = "over";
    // More than it had is tried only after as many answers again.
    this.#answers = Math.min(this.#answers, this.#price * this.#cost);
    this.#fromMs = this.#nowMs;
  }

  get #tookMs(): number {
    return Math.max(0, this.#nowMs - this.#fromMs);
  }

  /** The share of the refusals that is made up for; may be more than 1. */
  get #paid(): number {
    return this.#answers / (this.#price * this.#cost) + this.#tookMs / AGAIN_MS;
  }

  /** The limit as it is now: a number in flight, or a rate in tasks per millisecond. */
  get now(): number {
    const { used, got, isRate, answered, ms } = this.#cut;
    const { first } = this;
    if (this.isHeld) return first;
    // A rate is reached only some time after it is too fast, so it is between both.
    const most = isRate && answered >= FEW_ANSWERS ? got * (used / got) ** BETWEEN : Infinity;
    const near = Math.max(first, Math.min(most, NEAR * used));
    const paid = this.#paid;
    // Before more is tried, answers must also make up for what was missed in pauses.
    const missed = this.#pausedMs * answered / ms;
    const beyond = Math.max(0, paid - 1) * this.#cost / (this.#cost + missed);
    return this.#growth(Math.min(1, paid) + beyond, first, near);
  }
}
