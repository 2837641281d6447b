/**
 * Whether what is refused, or fails, hangs on how much is asked. If not, it is chance, and no limit.
 *
 * - What says that it was refused, or was lost on the way, is taken for a limit until as large a share of less
 *   is: with half as many in flight, at a slower pace, after a longer pause. Each time it might as well have been
 *   a smaller one, so four times in a row are luck in one case of sixteen (the sign test). A share that is
 *   small tells more: for want of room nothing would be refused of half as much. One that is large tells
 *   nothing if it is said to be refused: who says so may mean it.
 * - What fails without saying so is no refusal, until more of many slots' tasks fail than of few's.
 */

import type { Ends } from "./ends.ts";

/** So many times as large a share of less is enough; of half as much in flight, or of many slots, so many failures. */
const TIMES = 4;
/** A smaller share is no trouble; up to the other it is small. */
const LEAST = 0.015;
const SMALL = 0.15;
/** By chance so many times as many may be refused as were. */
const AMPLE = 2;
/** So many standard deviations more are luck in 3 of 100 cases. */
const HARDLY_LUCK = 1.9;
/** So few slots are few; a share that was found is taken to be known by so many tasks of theirs. */
const FEW_SLOTS = 4;
const KNOWN = 100;
/** Once so many of few slots' tasks failed, what is cut off or late may be so for the same reason. */
const SOME = 2;

/** What was asked, and what of it was refused. */
export interface Share {
  asked: number;
  refused: number;
}

/** The same, with what was said. */
export interface Asked extends Share {
  /** Of those that were refused, the ones that don't say so: that were cut off, or came late, */
  lost: number;
  /** or failed in another way. */
  unsaid: number;
}

export const NOTHING: Readonly<Asked> = { asked: 0, refused: 0, lost: 0, unsaid: 0 };

/**
 * Whether a larger share of some was refused than of others, by so many standard deviations of the difference:
 * of each one more is taken to have been and one more not (Agresti and Caffo, 2000), so few tell little.
 */
export function isMore(some: Share, others: Share, deviations: number = HARDLY_LUCK): boolean {
  const [a, b] = [shareOf(some), shareOf(others)];
  return a.mean - b.mean > deviations * Math.sqrt(a.variance + b.variance);
}

function shareOf({ asked, refused }: Share): { mean: number; variance: number } {
  const mean = (refused + 1) / (asked + 2);
  return { mean, variance: mean * (1 - mean) / (asked + 2) };
}

export class Chance {
  /** The share that was refused when that was last found to be chance. */
  share = 0;
  /** Of what says so, as much may be refused. */
  #ample: Share | undefined;
  /** With how many in flight some were refused, which may be chance, and what became of less. */
  #less = { load: 0, times: 0, ...NOTHING };
  /** How many failed of few slots' tasks, and of many's since there are as many. */
  #few: Share = { asked: 0, refused: 0 };
  #many: Share = { asked: 0, refused: 0 };
  /** Whether more of these did. */
  #isWorse = false;

  /** Whether so many fail however few slots there are that what is lost among others was no refusal. */
  get failsAnyway(): boolean {
    return this.#few.refused >= SOME;
  }

  /** How so many tasks ended, with so many slots: what failed may have been refused, or what was lost may not. */
  judge(count: number, ends: Ends, slots: number): Ends {
    const how = this.failsAnyway ? lostAsFailed(ends) : ends;
    const { refused = 0, lost = 0, failed = 0, again = 0, elsewhere = 0 } = how;
    const judged = count - refused - elsewhere;
    // Who answers now doesn't fail whatever is done.
    if (this.share === 1 && judged > failed + again) {
      this.share = 0;
      this.#few = { asked: 0, refused: 0 };
    }
    if (slots <= FEW_SLOTS) {
      this.#few.asked += judged;
      this.#few.refused += failed + again;
    } else {
      // What fails again may do so because others did.
      this.#many.asked += judged - again;
      this.#many.refused += failed;
      this.#isWorse ||= this.#many.refused >= TIMES && isMore(this.#many, this.#few);
    }
    if (failed === 0 || !this.#isWorse) return how;
    return { ...how, refused: refused + failed, lost: lost + failed, unsaid: failed, failed: 0 };
  }

  /** Slots have changed. */
  change(): void {
    this.#many = { asked: 0, refused: 0 };
  }

  /** Whether more is refused than by chance; until that is known, more than a share that is no limit. */
  isExceeded(asked: Share, least: number): boolean {
    if (this.#ample !== undefined) return isMore(asked, this.#ample);
    return asked.refused > least * asked.asked;
  }

  /**
   * Whether so much was refused by chance: with so many in flight, or at a pace if that is 0, after so many
   * pauses in which nothing was answered, of one who has answered anything or never did.
   */
  explains(epoch: Asked, load: number, pauses: number, hasAnswered: boolean): boolean {
    const { asked, refused, lost, unsaid } = epoch;
    if (refused === asked) {
      // Who has answered, and is lost, may be starting anew.
      const mayReturn = refused > lost || hasAnswered && refused > unsaid;
      return pauses >= TIMES && !mayReturn && this.#accept(epoch);
    }
    const less = this.#less;
    const isLarge = refused > SMALL * asked;
    if (load > less.load || isLarge && load > less.load / 2) {
      this.#less = { load: isLarge ? 0 : load, times: 0, ...NOTHING };
    } else if (load <= less.load / 2) {
      less.times += load > 0 ? refused : 1;
      less.asked += asked;
      less.refused += refused;
      less.lost += lost;
      const share = less.refused / less.asked;
      const isTold = share <= SMALL || load === 0 && less.refused === less.lost;
      return less.times >= TIMES && share > LEAST && isTold && this.#accept(less);
    }
    return false;
  }

  /** It is chance: as many may be refused from then on, or fail, however many slots there are. */
  #accept({ asked, refused, lost }: Asked): true {
    this.share = refused / asked;
    if (lost < refused) this.#ample = { asked, refused: Math.min(asked, AMPLE * refused) };
    // Who never answered is asked by one at a time.
    else if (this.share < 1 || this.#isWorse) {
      this.#few = { asked: KNOWN, refused: KNOWN * this.share };
      this.#isWorse = false;
    }
    this.forget();
    return true;
  }

  /** Nobody refuses everything by chance, nor nothing of much. */
  forget(): void {
    this.#less = { load: 0, times: 0, ...NOTHING };
  }
}

/** What was cut off or came late is one failure among others. */
function lostAsFailed(ends: Ends): Ends {
  const { refused = 0, lost = 0, failed = 0 } = ends;
  return { ...ends, refused: refused - lost, lost: 0, failed: failed + lost };
}
