/**
 * How many tasks may be in flight where a server refuses some, how far apart they start, and when none may.
 *
 * When too many are refused, nothing starts until the tasks in flight have ended. Then all tasks since the last
 * such time, an epoch, are judged together:
 *
 * - If the refused share doesn't depend on how much is asked, it is {@linkcode Chance}, and no limit.
 * - If there were more slots than ever went well, or by Little's law as many in use as got through at once, the
 *   number in flight is limited: to as many as got through, or fewer, and later one more at a time, as in
 *   AIMD (Chiu and Jain, 1989).
 * - Else the rate is limited: tasks start as far apart as they got through, as from a leaky bucket, and later
 *   closer together.
 * - If nothing in flight got through, there is a pause: as long as the server asks, or twice as long each time.
 *
 * More is tried only once answers have made up for refusals, as in a retry budget (Finagle's), so that the
 * requests lost by trying stay a small share of all.
 */

import { type Asked, Chance, NOTHING } from "./chance.ts";
import type { Ends } from "./ends.ts";

/** How many answers make up for a refusal: PRICE at first, and twice as many after each try that is refused, */
const PRICE = 100;
const MOST_PRICE = 800;
/** until this many times as many answers have come between two refusals. */
const FORGOTTEN = 20;
/** A pause of this many milliseconds counts as a refusal, as something could have been answered meanwhile. */
const PAUSE_COUNTS_MS = 100;
/** A refused share up to this is no limit. */
const REFUSED = 0.03;
/** How long to wait for the tasks in flight after a refusal, and how often to look, in milliseconds. */
const BRAKE_MS = 800;
const LOOK_MS = 10;
/** This share of the slots is left if nothing gets through, or if a number that went well is refused. */
const BELOW = 0.7;
const FIRST_PAUSE_MS = 100;
/** After this many times in a row that nothing got through, there are no more pauses: waiting doesn't help. */
const IN_VAIN = 10;
/** A pause is dropped if there was no work for this many milliseconds. */
const IDLE_MS = 1_000;
/** If a server asks for a longer wait than this, in milliseconds, that is ignored. */
const MOST_ASKED_MS = 60_000;
/** The first gap is APART times the one at which tasks got through; each later one CLOSER times its last. */
const APART = 1.1;
const CLOSER = 0.9;
/** The least gap, as timers are no finer, and the largest, in milliseconds. */
const LEAST_GAP_MS = 1;
const MOST_GAP_MS = 5_000;
/** Where refusals are by chance, one is expected among this many tasks. */
const CLEAN = 64;
/** From this many tasks in flight on, the limit may be a number rather than a rate. */
const MANY = 4;
/** With fewer answers, pauses are left out of the rate, which they would determine alone. */
const FEW = 8;

/** The tasks since the last time that too many were refused. */
interface Epoch extends Asked {
  fromMs: number;
  pausedMs: number;
  /** The total latency of the tasks that got through, in milliseconds. */
  busyMs: number;
}

export class Refusals {
  /** The least time between two starts, in milliseconds. */
  gapMs = 0;
  /** The gap, in milliseconds, that was last found too small. */
  #tooCloseMs = 0;
  /** Whether the gap became smaller after the last round. */
  #isQuicker = false;
  /** The most slots that refusals allow, and the most that went well for a whole round. */
  #most = Infinity;
  #proven = 0;
  /** How many answers must come before more is tried, and how many a refusal adds to that. */
  #debt = 0;
  #price = PRICE / 2;
  readonly #chance = new Chance();
  #epoch: Epoch;
  /** The tasks since slots last changed. */
  #stage = { ...NOTHING };
  /** Refusals of tasks that started before this time are judged already. */
  #knownMs = -Infinity;
  /** Since when starts are stopped until the tasks in flight end, and how many got through since. */
  #brakedMs: number | undefined;
  #through = 0;
  #pausedUntilMs = -Infinity;
  /** How many times in a row nothing got through, and the longest wait that a server asked for. */
  #inVain = 0;
  #askedMs = 0;
  #endedMs: number;
  /** Whether any failure said that it is a refusal, and whether any task got through. */
  #isSaid = false;
  #hasAnswers = false;

  constructor(nowMs: number) {
    this.#endedMs = nowMs;
    this.#epoch = epochFrom(nowMs);
  }

  /** Called when there is work again; after a long idle time tasks may ask another server. */
  begin(nowMs: number): void {
    const idleMs = nowMs - this.#endedMs;
    this.#brakedMs = undefined;
    this.#epoch.fromMs += idleMs;
    this.#endedMs = nowMs;
    if (idleMs > IDLE_MS) this.#pausedUntilMs = -Infinity;
  }

  /** Called when `count` tasks have ended, with the slots if it limits them; returns how it judges them. */
  ended(
    count: number,
    startedAtMs: number,
    endedAtMs: number,
    ends: Ends = {},
    slots?: number,
  ): Ends {
    const failedAnyway = this.#chance.failsAnyway;
    const how = slots === undefined ? ends : this.#chance.judge(count, ends, slots);
    if (!failedAnyway && this.#chance.failsAnyway && !this.#isSaid) this.#pardon();
    const { refused = 0, lost = 0, askedMs = 0, unsaid = 0, failed = 0 } = how;
    // A failed task is no answer.
    const through = count - refused - failed - (how.again ?? 0) - (how.elsewhere ?? 0);
    const epoch = this.#epoch;
    this.#endedMs = endedAtMs;
    this.#through += through;
    this.#debt = Math.max(0, this.#debt - through);
    for (const all of [epoch, this.#stage]) all.asked += through;
    if (through > 0) {
      epoch.busyMs += endedAtMs - startedAtMs;
      this.#hasAnswers = true;
    }
    if (startedAtMs < this.#knownMs) return how;
    if (through > 0) this.#inVain = this.#askedMs = 0;
    for (const all of [epoch, this.#stage]) {
      all.asked += refused;
      all.refused += refused;
      all.lost += lost;
      all.unsaid += unsaid;
    }
    this.#isSaid ||= refused > lost;
    if (askedMs <= MOST_ASKED_MS) this.#askedMs = Math.max(this.#askedMs, askedMs);
    return how;
  }

  /** Leaves out `ms` in which nothing moved: they aren't time in which so few got through. */
  leaveOut(ms: number): void {
    this.#epoch.fromMs += ms;
  }

  /** How many tasks were refused since slots last changed. */
  get refused(): number {
    return this.#stage.refused;
  }

  /** The share, from 0 to 1, that is known to be refused by chance. */
  get byChance(): number {
    return this.#chance.share;
  }

  /** Whether too many are refused. Tasks in flight count as answered, as refusals come sooner than answers. */
  areTooMany(inFlight: number): boolean {
    const stage = this.#stage;
    return this.#chance.isExceeded({ ...stage, asked: stage.asked + inFlight }, REFUSED);
  }

  /** Called when slots have changed. */
  change(): void {
    this.#stage = { ...NOTHING };
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

  /** The most slots that refusals allow; one more once answers have made up for refusals. */
  get most(): number {
    return this.#debt > 0 || this.gapMs > 0 ? this.#most : this.#most + 1;
  }

  /** Stops starts until the tasks in flight end; then returns whether any got through, until then undefined. */
  brake(nowMs: number, count: number, inFlight: number): boolean | undefined {
    const slots = Math.floor(count);
    const { asked, refused } = this.#stage;
    const got = Math.round(slots * (1 - refused / Math.max(1, asked)));
    // If all have ended already, the refused share tells how many got through.
    if (this.#brakedMs === undefined) {
      [this.#brakedMs, this.#through] = [nowMs, inFlight === 0 ? got : 0];
    }
    if (inFlight > 0 && nowMs - this.#brakedMs < BRAKE_MS) return undefined;
    const through = this.#through + inFlight;
    this.#brakedMs = undefined;
    this.#knownMs = nowMs;
    const isLimit = this.#judge(nowMs, slots, through > 0 ? Math.max(through, got) : BELOW * got);
    this.#stage = { ...NOTHING };
    if (through === 0 && isLimit) this.#pause(nowMs);
    return through > 0;
  }

  /** Limits slots or the rate, given that `through` tasks got through; returns false if refusals are chance. */
  #judge(nowMs: number, slots: number, through: number): boolean {
    const epoch = this.#epoch;
    const answered = epoch.asked - epoch.refused;
    // Without any answer the epoch's time goes on until there is one.
    const { fromMs, pausedMs } = epoch;
    this.#epoch = answered > 0 ? epochFrom(nowMs) : { ...epochFrom(fromMs), pausedMs };
    const latencyMs = epoch.busyMs / Math.max(1, answered);
    const isPaced = this.gapMs > 0;
    const load = isPaced ? 0 : slots;
    // That a pace which just became faster is too fast tells nothing about chance.
    const isChance = !this.#isQuicker &&
      this.#chance.explains(epoch, load, this.#inVain, this.#hasAnswers);
    if (isChance) {
      this.#pardon();
      return false;
    }
    this.#charge(epoch.refused, answered);
    const lastedMs = Math.max(1, nowMs - fromMs - (answered < FEW ? pausedMs : 0));
    // Few answers tell the gap only roughly, so it is widened; after a step that was too fast, it isn't used.
    const apartMs = lastedMs / Math.max(1, answered) * (1 + 1 / Math.max(1, answered));
    const gapMs = APART * (this.#isQuicker ? this.gapMs : Math.max(this.gapMs, apartMs));
    // By Little's law: if about as many were in use as got through at once, a number is limited, else a rate.
    const inUse = latencyMs / apartMs;
    const isNews = !isPaced && slots > Math.max(1, this.#proven);
    const wereBusy = through >= MANY && inUse > through / 2 && inUse < 1.25 * through;
    const isNumber = isNews || wereBusy || gapMs < LEAST_GAP_MS;
    if (isNumber && through + answered > 0) {
      const kept = isNews ? Math.max(this.#proven, through) : BELOW * through;
      this.#most = this.#proven = Math.max(1, Math.min(slots - 1, Math.floor(kept)));
      this.gapMs = 0;
    } else if (!isNumber && answered > 0) {
      // The first pace is rough, so only twice that rate counts as too fast.
      this.#tooCloseMs = isPaced ? this.gapMs : apartMs / 2;
      this.#keepApart(Math.min(MOST_GAP_MS, gapMs), latencyMs);
    }
    this.#isQuicker = false;
    // Before a pace is known, many may be refused at once; they need not all be made up for.
    if (!isPaced) this.#debt = Math.min(this.#debt, this.#price * this.#most);
    return true;
  }

  /** Adds how many answers must make up for these refusals. */
  #charge(refused: number, answered: number): void {
    if (this.#debt === 0) {
      const isForgotten = answered > FORGOTTEN * this.#price;
      this.#price = isForgotten ? PRICE : Math.min(MOST_PRICE, 2 * this.#price);
    }
    this.#debt += this.#price * refused;
  }

  #keepApart(gapMs: number, latencyMs: number): void {
    this.gapMs = gapMs < LEAST_GAP_MS ? 0 : gapMs;
    if (this.gapMs > 0) this.#most = Math.max(1, Math.ceil(latencyMs / gapMs));
  }

  /** Called when `slots` slots went well for a whole round. */
  passed(slots: number): void {
    this.#proven = Math.max(this.#proven, Math.floor(slots));
    this.#most = Math.max(this.#most, slots);
    // Refusals by chance would have gone on; lost tasks show late, so this needs refusals that say so.
    const { asked, refused } = this.#epoch;
    if (this.#isSaid && refused === 0 && asked >= CLEAN) this.#chance.forget();
  }

  /** Called when a pace went well for a round of tasks that took `latencyMs`; makes it faster. */
  faster(latencyMs: number): void {
    const gapMs = CLOSER * this.gapMs;
    // A gap clearly above the one that was too small is free; each step below it costs a refusal's answers.
    const isKnown = gapMs > APART * this.#tooCloseMs;
    this.#isQuicker = isKnown || this.#debt === 0;
    if (!isKnown && this.#debt === 0) {
      this.#debt = this.#price;
      this.#chance.forget();
    }
    this.#keepApart(this.#isQuicker ? gapMs : this.gapMs, latencyMs);
  }

  #pause(nowMs: number): void {
    if (this.#inVain++ >= IN_VAIN) return void (this.gapMs = 0);
    const ms = Math.max(this.#askedMs, FIRST_PAUSE_MS * 2 ** (this.#inVain - 1));
    this.#debt += this.#price * ms / PAUSE_COUNTS_MS;
    this.#pausedUntilMs = nowMs + ms;
    this.#epoch.pausedMs += ms;
    if (this.#isSaid) this.#chance.forget();
  }

  /** Lifts all limits: the refusals so far were chance. */
  #pardon(): void {
    this.gapMs = this.#tooCloseMs = this.#debt = 0;
    this.#most = Infinity;
  }
}

const epochFrom = (fromMs: number): Epoch => ({
  ...NOTHING,
  fromMs,
  pausedMs: 0,
  busyMs: 0,
});
