/**
 * How many tasks may be in flight where a server refuses some, how far apart they start, and when none may.
 *
 * When too many are refused, nothing starts until the tasks in flight have ended. Then the limit that was reached
 * is cut, and grows again by answers ({@linkcode CutLimit}), sooner if the refusals are {@linkcode Chance}:
 *
 * - The number in flight, at first to as many as got through at once.
 * - The rate, at first to as many in a time as got through, if so few were in flight that their number says
 *   little: one, or a few that went well for long. Tasks start apart, as from a leaky bucket.
 *
 * Where only one at once gets through, the server may refuse what comes soon after another. From then on tasks
 * start evenly apart, by their latency, however many may be in flight.
 *
 * If nothing in flight got through, there is a pause: as long as the server asks, or twice as long each time.
 */

import { Chance, NOTHING, type Share, sum } from "./chance.ts";
import { CutLimit, type Growth } from "./cut_limit.ts";
import type { Ends } from "./ends.ts";

/** A refused share of recent tasks up to this is no limit; at least this many are recent. */
const REFUSED = 0.02;
const RECENT = 100;
/** Of more than SOME of the FIRST tasks two must be refused. */
const SOME = 3;
const FIRST = 12;
/** How long to wait for the tasks in flight after a refusal, and how often to look, in milliseconds. */
const BRAKE_MS = 800;
const LOOK_MS = 10;
const FIRST_PAUSE_MS = 100;
/** After this many times in a row that nothing got through, there are no more pauses: waiting doesn't help. */
const IN_VAIN = 10;
/** The same where tasks fail without a sign that a server refused them, or was gone. */
const FAILED_IN_VAIN = 7;
/** A pause is dropped if there was no work for this many milliseconds. */
const IDLE_MS = 1_000;
/** If a server asks for a longer wait than this, in milliseconds, that is ignored. */
const MOST_ASKED_MS = 60_000;
/** The least gap, as timers are no finer, and the largest, in milliseconds. */
const LEAST_GAP_MS = 1;
const MOST_GAP_MS = 5_000;
/** So many slots are few. They went well if this many times as many tasks were answered with them. */
const FEW_SLOTS = 4;
const WELL = 4;
/** Tasks that start evenly apart may start this much sooner than their mean latency and the slots make it. */
const EVEN = 0.9;
/** The weight of the newest latency in their mean. */
const NEWEST = 0.05;
/** Of slots that went well until now at least this share is left. */
const LEFT = 0.8;
/** Among fewer answers since the number in flight was limited, a single refusal may be luck. */
const LUCK_ANSWERS = 8;
/** Failures that say nothing of a refusal are by chance once they reached so many limits in a row. */
const MOST_EARLY = 4;

/** The tasks since a limit was last set. */
interface Epoch extends Share {
  fromMs: number;
  asked: number;
  refused: number;
  /** The total latency of the tasks that got through, in milliseconds. */
  busyMs: number;
}

export class Refusals {
  readonly #chance = new Chance();
  readonly #growth: Growth | undefined;
  /** The limits of the number in flight and of the rate, in tasks per millisecond; the latest of them. */
  #number: CutLimit | undefined;
  #rate: CutLimit | undefined;
  #latest: CutLimit | undefined;
  /** The mean latency of tasks that got through before the rate was limited, in milliseconds. */
  #latencyMs = 0;
  /** The mean latency of recent tasks that got through, and whether they start evenly apart. */
  #meanMs = 0;
  #isEven = false;
  #epoch: Epoch;
  /** The slots when a task last ended. */
  #slots = 1;
  /** The recent tasks with the present slots. */
  #recent = NOTHING;
  /** Refusals of tasks that started before this time are judged already. */
  #knownMs = -Infinity;
  /** Since when starts are stopped until the tasks in flight end, and how many got through since. */
  #brakedMs: number | undefined;
  #through = 0;
  #pausedUntilMs = -Infinity;
  /** How many times in a row nothing got through, and the longest wait that a server asked for. */
  #inVain = 0;
  #askedMs = 0;
  /** Whether the last tasks that count as refused only failed. */
  #onlyFail = false;
  #endedMs: number;

  constructor(nowMs: number, growth?: Growth) {
    this.#growth = growth;
    this.#endedMs = nowMs;
    this.#epoch = epochFrom(nowMs);
  }

  /** Called when there is work again; after a long idle time tasks may ask another server. */
  begin(nowMs: number): void {
    const idleMs = nowMs - this.#endedMs;
    this.#brakedMs = undefined;
    this.leaveOut(idleMs);
    this.#endedMs = nowMs;
    if (idleMs > IDLE_MS) this.#pausedUntilMs = -Infinity;
  }

  /** Called when `count` tasks have ended, with the slots there were; returns how it judges them. */
  ended(
    count: number,
    startedAtMs: number,
    endedAtMs: number,
    ends: Ends = {},
    slots: number = 1,
  ): Ends {
    const isShut = this.#inVain > 0;
    const how = this.#chance.judge(count, ends, slots <= FEW_SLOTS, startedAtMs, isShut);
    const { refused = 0, askedMs = 0, failed = 0 } = how;
    // A failed task is no answer.
    const through = count - refused - failed - (how.elsewhere ?? 0);
    const epoch = this.#epoch;
    this.#endedMs = endedAtMs;
    this.#slots = slots;
    this.#through += through;
    this.#count({ asked: through, refused: 0 }, slots);
    for (const limit of [this.#number, this.#rate]) limit?.answer(through, endedAtMs);
    const tookMs = endedAtMs - startedAtMs;
    if (through > 0) epoch.busyMs += tookMs;
    if (through > 0) this.#meanMs += (this.#meanMs === 0 ? 1 : NEWEST) * (tookMs - this.#meanMs);
    if (startedAtMs < this.#knownMs) return how;
    if (through > 0) this.#inVain = this.#askedMs = 0;
    this.#count({ asked: refused, refused }, slots);
    if (refused > 0) this.#onlyFail = failed < (ends.failed ?? 0);
    this.#learn({ asked: through + refused, refused }, slots);
    if (askedMs <= MOST_ASKED_MS) this.#askedMs = Math.max(this.#askedMs, askedMs);
    return how;
  }

  /** Learns from how tasks ended that started after the limit was set. */
  #learn(share: Share, slots: number): void {
    const limit = this.#latest;
    const cause = this.#chance.note(share, limit?.isLess(slots, !this.#chance.isSaid));
    if (cause === "limit") limit!.confirm();
    if (cause !== "chance") return;
    limit!.lift();
    this.#epoch = epochFrom(this.#endedMs);
    this.#recent = NOTHING;
  }

  #count(share: Share, slots: number): void {
    this.#epoch.asked += share.asked;
    this.#epoch.refused += share.refused;
    this.#recent = sum(this.#recent, share, Math.max(RECENT, 2 * slots));
  }

  /** Leaves out `ms` in which nothing moved: they aren't time in which so few got through. */
  leaveOut(ms: number): void {
    this.#epoch.fromMs += ms;
    for (const limit of [this.#number, this.#rate]) limit?.leaveOut(ms);
  }

  /** How many of the recent tasks with the present slots were refused. */
  get refused(): number {
    return Math.ceil(this.#recent.refused);
  }

  /** The share, from 0 to 1, that is known to be refused by chance. */
  get byChance(): number {
    return this.#chance.share;
  }

  /** Whether too many are refused. Tasks in flight count as answered, as refusals come sooner than answers. */
  areTooMany(inFlight: number): boolean {
    const { asked, refused } = this.#recent;
    if (this.#isFirst(inFlight)) return false;
    const share = { asked: asked + inFlight, refused };
    return this.#inVain === 0 && this.#latest?.isLess(this.#slots)
      ? this.#chance.areMeant(share)
      : this.#chance.isExceeded(share, REFUSED);
  }

  /** Whether it is the first, beside some answers: it would set a pace at which it takes long to tell chance. */
  #isFirst(inFlight: number): boolean {
    const { asked, refused } = this.#epoch;
    return this.#latest === undefined && refused === 1 &&
      asked + inFlight > SOME && asked < FIRST;
  }

  /** Called when slots have changed. */
  change(): void {
    this.#recent = NOTHING;
    this.#chance.change();
  }

  /** How many milliseconds no task may start; 0 or less if one may start now. */
  waitMs(nowMs: number): number {
    return this.isBraking ? LOOK_MS : this.#pausedUntilMs - nowMs;
  }

  /** Whether starts are stopped until it is known how many tasks got through. */
  get isBraking(): boolean {
    return this.#brakedMs !== undefined;
  }

  /** The most slots that refusals allow. */
  get most(): number {
    const { gapMs } = this;
    const number = this.#number?.now ?? Infinity;
    const paced = gapMs > 0 ? Math.ceil(this.#latencyMs / gapMs) : Infinity;
    return Math.max(1, Math.floor(Math.min(number, paced)));
  }

  /** The least time between two starts, in milliseconds. */
  get gapMs(): number {
    const gapMs = this.#rate === undefined ? 0 : 1 / this.#rate.now;
    return gapMs < LEAST_GAP_MS ? 0 : Math.min(MOST_GAP_MS, gapMs);
  }

  /** The least time between two starts with so many slots, in milliseconds. */
  apartMs(slots: number): number {
    const evenMs = this.#isEven && slots > 1 ? EVEN * this.#meanMs / slots : 0;
    return Math.max(this.gapMs, evenMs < LEAST_GAP_MS ? 0 : evenMs);
  }

  /** Stops starts until the tasks in flight end; then returns whether any got through, until then undefined. */
  brake(nowMs: number, count: number, inFlight: number): boolean | undefined {
    const slots = Math.floor(count);
    // If all have ended already, the refused share tells how many got through.
    if (this.#brakedMs === undefined) {
      const { asked, refused } = this.#recent;
      const got = Math.round(slots * (1 - refused / Math.max(1, asked)));
      [this.#brakedMs, this.#through] = [nowMs, inFlight === 0 ? got : 0];
    }
    if (inFlight > 0 && nowMs - this.#brakedMs < BRAKE_MS) return undefined;
    const through = this.#through + inFlight;
    this.#brakedMs = undefined;
    this.#knownMs = nowMs;
    this.#cut(nowMs, slots, through);
    this.#recent = NOTHING;
    if (through === 0) this.#pause(nowMs);
    return through > 0;
  }

  /** Limits slots or the rate, given that `through` tasks got through. */
  #cut(nowMs: number, slots: number, through: number): void {
    const epoch = this.#epoch;
    const { asked, refused, busyMs, fromMs } = epoch;
    const answered = asked - refused;
    const { gapMs } = this;
    if (answered === 0) {
      this.#epoch = epochFrom(fromMs);
      return this.#latest?.refuse(refused);
    }
    // While slots grow to the limit again, they are so few that a refusal would limit them to almost nothing.
    const isLuck = this.#chance.isSaid && this.#latest === this.#number && refused === 1 &&
      answered < LUCK_ANSWERS;
    if (isLuck) return this.#latest?.refuse(refused);
    const latencyMs = this.#latencyMs = Math.max(1, busyMs / answered);
    const ms = Math.max(1, nowMs - fromMs);
    const perMs = answered / ms;
    const wentWell = slots <= FEW_SLOTS &&
      this.#recent.asked - this.#recent.refused >= WELL * slots;
    const isRate = gapMs > 0 || slots === 1 || wentWell;
    const used = !isRate ? slots : gapMs > 0 ? 1 / gapMs : Math.max(perMs, slots / latencyMs);
    // Late refusals end together with answers. By Little's law half as many or more were in flight in the mean.
    const share = 1 - this.#recent.refused / Math.max(1, this.#recent.asked);
    const inFlight = Math.max(through, Math.round(Math.min(slots * share, 2 * busyMs / ms)));
    // Fewer at this moment are luck if about as many went well until now.
    const least = answered >= WELL * slots ? LEFT * slots : 0;
    const got = isRate ? perMs : Math.min(slots - 1, Math.max(inFlight, least));
    const limit = new CutLimit({
      ...{ atMs: nowMs, used, got, isRate },
      ...{ cost: this.#chance.excess(epoch), answered, ms, before: this.#latest },
      mayBeChance: !this.#chance.areMeant(epoch),
      isSaid: this.#chance.isSaid,
    }, this.#growth);
    if (this.#chance.areMeant(this.#recent)) this.#chance.forget();
    this.#epoch = epochFrom(nowMs);
    // Of fewer and slower tasks as many are refused or fail, so that isn't why.
    if (through > 0 && this.#isByChance(limit)) return this.#pardon();
    this.#latest = limit;
    if (isRate) this.#rate = limit;
    else this.#number = limit;
    this.#isEven ||= !isRate && got <= 1;
  }

  /** Whether refusals that reach one limit after another are taken for chance. */
  #isByChance({ early, inVain }: CutLimit): boolean {
    if (this.#chance.isSaid) {
      return inVain !== undefined && this.#chance.accept(inVain);
    }
    if (early >= MOST_EARLY) this.#chance.giveUp();
    return early >= MOST_EARLY;
  }

  #pause(nowMs: number): void {
    if (this.#inVain++ >= (this.#onlyFail ? FAILED_IN_VAIN : IN_VAIN)) {
      if (this.#onlyFail) this.#chance.giveUp();
      return this.#pardon();
    }
    const ms = Math.max(this.#askedMs, FIRST_PAUSE_MS * 2 ** (this.#inVain - 1));
    this.#pausedUntilMs = nowMs + ms;
    this.#latest?.pause(ms);
    this.#epoch.fromMs += ms;
    if (this.#inVain > 1) this.#chance.forget();
  }

  /** Lifts all limits: the refusals so far show none. */
  #pardon(): void {
    this.#number = this.#rate = this.#latest = undefined;
    this.#isEven = false;
  }
}

const epochFrom = (fromMs: number): Epoch => ({ ...NOTHING, fromMs, busyMs: 0 });
