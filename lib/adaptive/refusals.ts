/**
 * What tasks are met with that a server refuses: fewer slots, pauses, and where one task at once is too
 * much, a pace.
 *
 * It goes as TCP does with what is lost (RFC 5681). If some of what is in flight is refused, nothing more
 * is started until the rest has ended; there are as many slots then as got through. If all of it is, there
 * is a pause, twice as long each time, then one slot, and soon a part of those that there were before.
 * If a rate is limited, and not how many are in flight, tasks start as far apart as they got through.
 * From there on slots grow by one, and only once answers have made up for what was refused: so what finding
 * out costs stays a small share of all that is asked.
 */

import type { Ends } from "./ends.ts";

/** Slots are left alone until there were so many answers for each refusal, and each time for twice as many, */
const PRICE = 50;
const MOST_PRICE = 800;
/** unless it went well for so many times as long. */
const FORGOTTEN = 20;
/** So long a pause, in milliseconds, counts as a refusal: meanwhile something might have been asked. */
const PAUSE_COUNTS_MS = 100;
/** Less than this share refused is no limit. */
const REFUSED = 0.03;
/** It is waited so long at most, in milliseconds, for what is in flight to end. */
const BRAKE_MS = 800;
/** If all was refused there are soon this part of the slots again, after a first pause of so long. */
const BELOW = 0.7;
const FIRST_PAUSE_MS = 50;
/** Who had nothing to do for so long isn't held up by what came before. */
const IDLE_MS = 1_000;
/** For longer nobody waits because a server asks for it. */
const MOST_ASKED_MS = 60_000;
/** Nothing got through so many times in a row: that is no limit, and waiting doesn't help. */
const IN_VAIN = 10;
/** With one slot tasks are started so many times further apart than they got through, */
const APART = 1.1;
const MOST_GAP_MS = 5_000;
/** and by and by closer together. So are those of a few slots, if that many answers show a rate between theirs. */
const CLOSER = 0.9;
const PACED = 8;
/** If fewer slots or slower paces don't help so many times in a row, it is chance, and so many times as many may be refused. */
const ALIKE_TIMES = 4;
const CHANCE = 2;
const MOST_CHANCE = 0.5;
/** How many were in flight on average tells if there were so many times as many answers as get through now. */
const ROUNDS = 3;
const NONE = { refused: 0, answered: 0 };
/**
 * Who refuses no more than this part of what is asked would refuse nothing of half as much, if that were
 * for want of room. If it goes on refusing so many, more than this part and less than that, it is chance:
 * who limits a rate, too, lets most through for a moment.
 */
const OVERLOAD = 1 / 3;
const FLAT_TIMES = 4;
const FLAT = 0.015;
const MOST_FLAT = 0.15;
/** While it is waited for what is in flight, it is looked so often. */
const LOOK_MS = 10;

/** Counts refusals, and says what follows. */
export class Refusals {
  /** Tasks are started no closer together than this. */
  gapMs = 0;
  /** As they were told to be last, though slots alone may have kept them further apart. */
  #lastGapMs = 0;
  /** Whether one is known to be too short: until then they become shorter, whatever is to be made up for. */
  #wasTooShort = false;
  /** The share that was refused when that was last found to be chance. */
  byChance = 0;
  /** Whether all of them were cut off or late, and no more. */
  areLost = true;
  /** Since slots last changed, or it was braked: how many were refused, and how many weren't. */
  #refused = 0;
  #through = 0;
  /** Of those that were refused, the ones that may be so by chance. */
  #lost = 0;
  /** Of these, the ones that nothing says to have been refused. */
  #unsaid = 0;
  /** What was started earlier is known to have been too much. */
  #knownMs = -Infinity;
  #brakedMs: number | undefined;
  #pausedUntilMs = -Infinity;
  /** The longest wait that a server asked for since something got through. */
  #askedMs = 0;
  #inVain = 0;
  /** Whether nothing ever got through. */
  #isNew = true;
  /** There may be so many slots, and so many were too many. */
  #most = Infinity;
  #tooMany = Infinity;
  /** So many went well last. */
  #passed = 0;
  /** How many answers are to come until there may be more, and for how many each refusal counts. */
  #debt = 0;
  #price = PRICE / 2;
  /** How many got through since the first of the last refusals, how long they took, and the pauses, all together. */
  #answered = 0;
  #busyMs = 0;
  #pausedMs = 0;
  #sinceMs: number;
  #endedMs: number;
  /** How many got through before, how far apart, how long they took, and how many were in flight on average. */
  #answers = 0;
  #apartMs = 0;
  #latencyMs = 0;
  #inUse = Infinity;
  /** Of tasks of which no fewer are refused, though fewer and fewer are in flight, or more slowly. */
  #alike = { times: 0, ...NONE };
  /** The share that is refused by chance, generously, and whether that is said and not only lost. */
  #chance = 0;
  #isSaid = false;
  /** How many got through before the brake. */
  #before = 0;
  /** With how many slots so few were refused that it may be chance; how many since then, with no more than half as many. */
  #few = { slots: 0, ...NONE };

  constructor(nowMs: number) {
    this.#sinceMs = this.#endedMs = nowMs;
  }

  /** There is something to do again; after a while it may be another server that is asked. */
  begin(nowMs: number): void {
    const idleMs = nowMs - this.#endedMs;
    this.#brakedMs = undefined;
    this.#sinceMs += idleMs;
    this.#endedMs = nowMs;
    if (idleMs > IDLE_MS) this.#pausedUntilMs = -Infinity;
  }

  ended(
    count: number,
    startedAtMs: number,
    endedAtMs: number,
    { refused = 0, lost = 0, askedMs = 0, unsaid = 0, failed = 0, aside = 0 }: Ends = {},
  ): void {
    // What fails is no answer.
    const through = count - refused - failed - aside;
    this.#endedMs = endedAtMs;
    this.#through += through;
    this.#answered += through;
    this.#few.answered += through;
    if (through > 0) this.#isNew = false;
    if (through > 0) this.#busyMs += endedAtMs - startedAtMs;
    this.#debt = Math.max(0, this.#debt - through);
    if (startedAtMs < this.#knownMs) return;
    if (through > 0) this.#inVain = this.#askedMs = 0;
    this.#refused += refused;
    this.#lost += lost;
    this.areLost &&= refused === lost && unsaid === 0;
    this.#unsaid += unsaid;
    if (askedMs <= MOST_ASKED_MS) this.#askedMs = Math.max(this.#askedMs, askedMs);
  }

  /** Since slots last changed. */
  get refused(): number {
    return this.#refused;
  }

  /** Of those that were asked, of which so many are in flight: refusals come sooner than answers. */
  areTooMany(inFlight: number): boolean {
    const asked = this.#refused + this.#through + inFlight;
    const said = this.#refused - this.#lost;
    if (this.#chance === 0) return this.#refused > REFUSED * asked;
    if (!this.#isSaid && said > REFUSED * asked) return true;
    const byChance = this.#chance * asked;
    return this.#refused > byChance + 2 * Math.sqrt(byChance) + 1;
  }

  /** Slots have changed. */
  forget(): void {
    this.#refused =
      this.#through =
      this.#lost =
      this.#unsaid =
        0;
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
    return this.#debt > 0 ? this.#most : this.#most + 1;
  }

  /** How many got through of what is in flight, of so many slots; undefined until that is known. */
  brake(nowMs: number, slots: number, inFlight: number): number | undefined {
    if (this.#brakedMs === undefined) {
      [this.#brakedMs, this.#before, this.#through] = [nowMs, this.#through, 0];
    }
    if (inFlight > 0 && nowMs - this.#brakedMs < BRAKE_MS) return undefined;
    const all = this.#before + this.#through + inFlight;
    const got = slots * all / (all + this.#refused);
    // Where all end at once, they tell by their share.
    const through = this.#through + inFlight || (nowMs === this.#brakedMs ? Math.floor(got) : 0);
    const isNews = slots > this.#most || this.#most === Infinity;
    const isChance = this.#isFlat(slots, all);
    this.#brakedMs = undefined;
    const isFirst = this.#most === Infinity;
    this.#charge(nowMs);
    if (isChance) this.#ignore(this.#few);
    else if (through > 0) {
      // What is refused late keeps others out until then: their share tells, or what there was before there
      // were as many. And if no more than got through before are refused, it is a rate that is limited.
      const before = this.#answers >= ROUNDS * through ? Math.round(this.#inUse) : through;
      const kept = isNews
        ? Math.max(through, before, Math.round(got), this.#passed)
        : Math.min(through, before);
      this.#tooMany = slots;
      this.#most = Math.max(1, Math.min(Math.ceil(slots) - 1, kept));
    } else if (!this.#isNew) {
      if (isNews) {
        this.#tooMany = slots;
        const kept = Math.round(got) || slots;
        this.#most = Math.max(1, Math.min(this.#most, Math.ceil(slots) - 1, kept));
      }
      if (this.#inVain === 0) {
        const below = Math.floor(BELOW * this.#most);
        this.#most = Math.max(1, isNews ? this.#passed : 0, below);
      }
    }
    // What it cost to find out is bounded; from here on each refusal is paid for.
    if (isFirst) this.#debt = Math.min(this.#debt, this.#price * this.#most);
    if (!isChance) this.#keepApart();
    if (through === 0) this.#pause(nowMs);
    return through;
  }

  /** So many slots weren't too many for a whole round; a limit by rate may take longer to show. */
  passed(slots: number): void {
    const isTooMany = slots >= this.#tooMany;
    this.#passed = slots;
    if (isTooMany && this.#through < this.#price) return;
    if (isTooMany) this.#most = this.#tooMany = Infinity;
    else this.#most = Math.max(this.#most, slots);
  }

  /**
   * Of one slot's tasks, or those of a few that start apart, some were refused: they start more slowly, or
   * after a pause. Returns whether nothing is known against more slots.
   */
  slower(nowMs: number, slots = 1): boolean {
    const answered = this.#answered;
    // What fails whatever is done was never refused; who refuses all says so, or ends connections.
    const isUnsaid = this.#unsaid === this.#refused;
    const isFlat = this.#isFlat(slots, answered);
    const isChance = isFlat || (answered > 0 || isUnsaid) && this.#isChance();
    this.#charge(nowMs);
    if (isChance) this.#ignore(isFlat ? this.#few : this.#alike);
    this.forget();
    if (isChance) return true;
    if (answered === 0) this.#pause(nowMs);
    else {
      this.#most = Math.max(1, Math.ceil(slots) - 1);
      this.#tooMany = Math.min(this.#tooMany, this.#most + 1);
      // After many answers a pace is only a little too quick; by how much, if more are refused, these tell.
      const lastMs = this.gapMs || this.#lastGapMs;
      const isFirst = lastMs > 0 && this.#alike.times === 1;
      const apartMs = Math.max(lastMs, isFirst ? 0 : this.#apartMs);
      this.gapMs = Math.min(MOST_GAP_MS, APART * apartMs);
    }
    return this.#most === Infinity;
  }

  /** If more got through, pauses included, than so few slots as there may be would do, a rate is limited. */
  #keepApart(): void {
    const gapMs = APART * this.#apartMs;
    if (!(this.#latencyMs > gapMs * this.#most)) return;
    this.gapMs = gapMs;
    // It is known by many answers.
    this.#wasTooShort = true;
    this.#most = Math.ceil(this.#latencyMs / gapMs);
    this.#tooMany = this.#most + 1;
  }

  /** None of a round of tasks was refused that start apart. */
  faster(latencyMs: number, slots = 1): void {
    if (this.#debt > 0 && this.#wasTooShort) return;
    this.#alike = { times: 0, ...NONE };
    // Unless slots alone keep them as far apart.
    const gapMs = this.#lastGapMs = CLOSER * this.gapMs;
    this.gapMs = gapMs > latencyMs / slots ? gapMs : 0;
  }

  /** Answers are to make up for what was refused. */
  #charge(nowMs: number): void {
    if (this.#debt === 0) {
      const isForgotten = this.#answered > FORGOTTEN * this.#price;
      this.#price = isForgotten ? PRICE : Math.min(MOST_PRICE, 2 * this.#price);
    }
    this.#debt += this.#price * this.#refused;
    this.#wasTooShort ||= this.#lastGapMs > 0;
    this.#knownMs = nowMs;
    if (this.#answered > 0) {
      const lastedMs = Math.max(1, nowMs - this.#sinceMs);
      this.#answers = this.#answered;
      // Beside few answers a pause would tell of itself alone.
      const restedMs = this.#answered < PACED ? this.#pausedMs : 0;
      this.#apartMs = Math.max(1, lastedMs - restedMs) / this.#answered;
      this.#inUse = this.#busyMs / Math.max(1, lastedMs - this.#pausedMs);
      this.#pausedMs = 0;
      this.#latencyMs = this.#answered < PACED ? 0 : this.#busyMs / this.#answered;
      this.#sinceMs = nowMs;
      this.#answered = this.#busyMs = 0;
    }
  }

  #pause(nowMs: number): void {
    if (this.#inVain++ >= IN_VAIN) return void (this.gapMs = 0);
    const ms = Math.max(this.#askedMs, FIRST_PAUSE_MS * 2 ** (this.#inVain - 1));
    this.#debt += this.#price * ms / PAUSE_COUNTS_MS;
    this.#pausedUntilMs = nowMs + ms;
    this.#pausedMs += ms;
    // Nobody refuses everything by chance.
    this.#few.slots = 0;
  }

  /** Whether refusals, beside so many answers, have nothing to do with how many are in flight. */
  #isFlat(slots: number, answered: number): boolean {
    const few = this.#few;
    if (slots <= few.slots / 2) {
      few.refused += this.#refused;
      const asked = few.answered + few.refused;
      if (few.refused >= FLAT_TIMES && few.refused > FLAT * asked) {
        return few.refused <= MOST_FLAT * asked;
      }
    } else if (slots > few.slots) {
      const isFew = this.#refused <= OVERLOAD * (answered + this.#refused);
      this.#few = { slots: isFew ? slots : 0, ...NONE };
    }
    return false;
  }

  /** Whether it is chance, for no fewer are refused again. */
  #isChance(): boolean {
    const { times, refused, answered } = this.#alike;
    this.#alike = {
      times: times + 1,
      refused: refused + this.#refused,
      answered: answered + this.#answered,
    };
    return times === ALIKE_TIMES;
  }

  /** What is refused, so large a share, doesn't hang on how much is asked. */
  #ignore({ refused, answered }: typeof NONE): void {
    const asked = refused + answered;
    this.byChance = refused / asked;
    const most = (refused + Math.sqrt(refused) + 1) / asked;
    this.#isSaid = this.#lost < this.#refused;
    if (this.#unsaid === 0) this.#chance = Math.min(MOST_CHANCE, CHANCE * most);
    this.#alike = { times: 0, ...NONE };
    this.#few = { slots: 0, ...NONE };
    this.pardon();
  }

  /** Those until now were no refusals. */
  pardon(): void {
    this.gapMs = this.#lastGapMs = this.#debt = 0;
    this.#most = this.#tooMany = Infinity;
  }
}
