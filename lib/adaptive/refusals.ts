/**
 * How many tasks may be in flight where a server refuses some, how far apart they start, and when none does.
 *
 * When too many are refused nothing more is started until what is in flight has ended. Then what came of tasks
 * since the last time is judged as a whole, which makes an epoch:
 *
 * - If a share is refused that doesn't hang on how much is asked, it is {@linkcode Chance}, and no limit.
 * - If there were more slots than ever went well, or by Little's law as many were in use as got through at once,
 *   their number is limited: there are as many then as got through, or fewer, and one more by and by, as by
 *   AIMD (Chiu and Jain, 1989).
 * - Else a rate is limited: tasks start as far apart as they got through, as a leaky bucket lets them, and by and
 *   by closer.
 * - If nothing in flight got through there is a pause: as long as the server asks, or twice as long each time.
 *
 * More is tried only once answers have made up for refusals, as a retry budget (Finagle's) lets one: so what
 * finding out costs stays a small share of all that is asked.
 */

import { type Asked, Chance, NOTHING } from "./chance.ts";
import type { Ends } from "./ends.ts";

/** So many answers make up for a refusal, each time that it was too much for twice as many, */
const PRICE = 100;
const MOST_PRICE = 800;
/** unless it went well for so many times as long. */
const FORGOTTEN = 20;
/** So long a pause, in milliseconds, counts as a refusal: meanwhile something might have been asked. */
const PAUSE_COUNTS_MS = 100;
/** Less than this share refused is no limit. */
const REFUSED = 0.03;
/** It is waited so long at most, in milliseconds, for what is in flight to end, and looked so often. */
const BRAKE_MS = 800;
const LOOK_MS = 10;
/** This part of the slots is left if nothing gets through, or too many are refused again at once. */
const BELOW = 0.7;
const FIRST_PAUSE_MS = 100;
/** Nothing got through so many times in a row: waiting doesn't help. */
const IN_VAIN = 10;
/** Who had nothing to do for so long isn't held up by what came before. */
const IDLE_MS = 1_000;
/** For longer nobody waits because a server asks for it. */
const MOST_ASKED_MS = 60_000;
/** Tasks start so many times further apart than they got through, and by and by so many times as far. */
const APART = 1.1;
const CLOSER = 0.9;
/** Timers are no finer than the one; nobody starts as seldom as the other. */
const LEAST_GAP_MS = 1;
const MOST_GAP_MS = 5_000;
/** Chance refuses one of so many. */
const CLEAN = 64;
/** A number may be limited, though not a rate, from so many on. */
const MANY = 4;
/** Beside fewer answers a pause would tell of itself alone. */
const FEW = 8;

/** What came of tasks since too many were refused last. */
interface Epoch extends Asked {
  fromMs: number;
  pausedMs: number;
  /** How long those took that got through, all together. */
  busyMs: number;
}

export class Refusals {
  /** Tasks are started no closer together than this, in milliseconds. */
  gapMs = 0;
  /** So close together they were when that was last too close. */
  #tooCloseMs = 0;
  /** Whether they came closer after the last round. */
  #isQuicker = false;
  /** There may be so many slots, and so many went well for a whole round. */
  #most = Infinity;
  #proven = 0;
  /** How many answers are to come until more is tried, and how many a refusal costs. */
  #debt = 0;
  #price = PRICE / 2;
  readonly #chance = new Chance();
  #epoch: Epoch;
  /** The same since slots changed last. */
  #stage = { ...NOTHING };
  /** What was started earlier is known to have been too much. */
  #knownMs = -Infinity;
  /** Since when nothing is started until the rest has ended, and how many have got through since. */
  #brakedMs: number | undefined;
  #through = 0;
  #pausedUntilMs = -Infinity;
  /** How often nothing got through in a row, and the longest wait that was asked for. */
  #inVain = 0;
  #askedMs = 0;
  #endedMs: number;
  /** Whether anybody said that something was refused, and whether any got through. */
  #isSaid = false;
  #hasAnswers = false;

  constructor(nowMs: number) {
    this.#endedMs = nowMs;
    this.#epoch = epochFrom(nowMs);
  }

  /** There is something to do again; after a while it may be another server that is asked. */
  begin(nowMs: number): void {
    const idleMs = nowMs - this.#endedMs;
    this.#brakedMs = undefined;
    this.#epoch.fromMs += idleMs;
    this.#endedMs = nowMs;
    if (idleMs > IDLE_MS) this.#pausedUntilMs = -Infinity;
  }

  /** So many tasks have ended, of so many slots where these are given by it; returns how, as it takes that. */
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
    // What fails is no answer.
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

  /** Since slots last changed. */
  get refused(): number {
    return this.#stage.refused;
  }

  /** The share that is refused by chance, as far as that is known. */
  get byChance(): number {
    return this.#chance.share;
  }

  /** Of those that were asked, of which so many are in flight: refusals come sooner than answers. */
  areTooMany(inFlight: number): boolean {
    const stage = this.#stage;
    return this.#chance.isExceeded({ ...stage, asked: stage.asked + inFlight }, REFUSED);
  }

  /** Slots have changed. */
  change(): void {
    this.#stage = { ...NOTHING };
    this.#chance.change();
  }

  /** For how long nothing is to be started; not above 0 if something may be. */
  waitMs(nowMs: number): number {
    return this.isBraking ? LOOK_MS : this.#pausedUntilMs - nowMs;
  }

  /** Whether it is waited until it is known how many got through. */
  get isBraking(): boolean {
    return this.#brakedMs !== undefined;
  }

  /** How many slots there may be. */
  get most(): number {
    return this.#debt > 0 || this.gapMs > 0 ? this.#most : this.#most + 1;
  }

  /** Whether some of what was in flight got through, of so many slots; undefined until that is known. */
  brake(nowMs: number, count: number, inFlight: number): boolean | undefined {
    const slots = Math.floor(count);
    const { asked, refused } = this.#stage;
    const got = Math.round(slots * (1 - refused / Math.max(1, asked)));
    // Where all end at once, they tell by their share.
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

  /** Takes slots, or has them start apart, of which so many's tasks got through; false if that is chance. */
  #judge(nowMs: number, slots: number, through: number): boolean {
    const epoch = this.#epoch;
    const answered = epoch.asked - epoch.refused;
    // Where nothing was answered, the time goes on until something is.
    const { fromMs, pausedMs } = epoch;
    this.#epoch = answered > 0 ? epochFrom(nowMs) : { ...epochFrom(fromMs), pausedMs };
    const latencyMs = epoch.busyMs / Math.max(1, answered);
    const isPaced = this.gapMs > 0;
    const load = isPaced ? 0 : slots;
    // Of a pace that became quicker it tells nothing that it is too quick.
    const isChance = !this.#isQuicker &&
      this.#chance.explains(epoch, load, this.#inVain, this.#hasAnswers);
    if (isChance) {
      this.#pardon();
      return false;
    }
    this.#charge(epoch.refused, answered);
    const lastedMs = Math.max(1, nowMs - fromMs - (answered < FEW ? pausedMs : 0));
    // Few tell only about how far apart they were, and nothing where a pace was only a little too quick.
    const apartMs = lastedMs / Math.max(1, answered) * (1 + 1 / Math.max(1, answered));
    const gapMs = APART * (this.#isQuicker ? this.gapMs : Math.max(this.gapMs, apartMs));
    // By Little's law; a number is limited if about as many got through at once, a rate if more did, or few.
    const inUse = latencyMs / apartMs;
    const isNews = !isPaced && slots > Math.max(1, this.#proven);
    const wereBusy = through >= MANY && inUse > through / 2 && inUse < 1.25 * through;
    const isNumber = isNews || wereBusy || gapMs < LEAST_GAP_MS;
    if (isNumber && through + answered > 0) {
      const kept = isNews ? Math.max(this.#proven, through) : BELOW * through;
      this.#most = this.#proven = Math.max(1, Math.min(slots - 1, Math.floor(kept)));
      this.gapMs = 0;
    } else if (!isNumber && answered > 0) {
      // The first pace is only about right.
      this.#tooCloseMs = isPaced ? this.gapMs : apartMs / 2;
      this.#keepApart(Math.min(MOST_GAP_MS, gapMs), latencyMs);
    }
    this.#isQuicker = false;
    // Before a pace is known many may be refused at once.
    if (!isPaced) this.#debt = Math.min(this.#debt, this.#price * this.#most);
    return true;
  }

  /** Answers are to make up for what was refused. */
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

  /** So many slots weren't too many for a whole round. */
  passed(slots: number): void {
    this.#proven = Math.max(this.#proven, Math.floor(slots));
    this.#most = Math.max(this.#most, slots);
    // What is refused by chance is so again and again; what comes late isn't known yet.
    const { asked, refused } = this.#epoch;
    if (this.#isSaid && refused === 0 && asked >= CLEAN) this.#chance.forget();
  }

  /** Nor was a pace too quick, of tasks that took so long. */
  faster(latencyMs: number): void {
    const gapMs = CLOSER * this.gapMs;
    // Up to what was too close nothing is to be made up for; beyond it each step is.
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

  /** Those until now were no refusals. */
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
