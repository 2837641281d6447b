/**
 * Whether refusals and failures depend on how much is asked. If not, they are chance, and no limit.
 *
 * - Tasks that say that they were refused, or are lost on the way, count as a limit until as large a share of
 *   a smaller load is refused: with half as many in flight, at a slower pace or after a longer pause. Each time
 *   the share might as well have been smaller, so four times in a row are luck in one case of sixteen (the sign
 *   test). A small share is better evidence: for lack of room nothing of half the load would be refused. A
 *   large share of stated refusals is no evidence, as the server may mean it.
 * - Tasks that fail without saying so aren't refused, until a larger share fails with many slots than with few.
 */

import type { Ends } from "./ends.ts";

/** How many refusals of half the load, pauses without an answer, or failures with many slots decide. */
const TIMES = 4;
/** A refused share up to LEAST does no harm; one up to SMALL is small. */
const LEAST = 0.015;
const SMALL = 0.15;
/** Once refusals are chance, up to this many times their share still is. */
const AMPLE = 2;
/** A share larger by this many standard deviations is luck in 3 of 100 cases. */
const HARDLY_LUCK = 1.9;
/** Up to FEW_SLOTS slots are few; a share found to be chance counts as that of KNOWN tasks with few slots. */
const FEW_SLOTS = 4;
const KNOWN = 100;
/** Once this many tasks fail with few slots, tasks that are cut off or late may have the same cause. */
const SOME = 2;

/** How many tasks were asked, and how many of them were refused. */
export interface Share {
  asked: number;
  refused: number;
}

/** The same, with how many refusals don't say that they are. */
export interface Asked extends Share {
  /** How many refused tasks don't say so: they were cut off or late, or count in `unsaid`. */
  lost: number;
  /** How many refused tasks failed in another way. */
  unsaid: number;
}

export const NOTHING: Readonly<Asked> = { asked: 0, refused: 0, lost: 0, unsaid: 0 };

/**
 * Whether a larger share of some was refused than of others, by this many standard deviations of the
 * difference. Each gets one refused and one answered task more (Agresti and Caffo, 2000), so few tell little.
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
  /** The refused share, from 0 to 1, that was last found to be chance. */
  share = 0;
  /** How much may be refused by chance of tasks that say they are refused. */
  #ample: Share | undefined;
  /** The load at which some were refused, perhaps by chance, and what was refused of smaller loads. */
  #less = { load: 0, times: 0, ...NOTHING };
  /** How many tasks failed with few slots, and with many since slots last changed. */
  #few: Share = { asked: 0, refused: 0 };
  #many: Share = { asked: 0, refused: 0 };
  /** Whether a larger share fails with many slots. */
  #isWorse = false;

  /** Whether enough tasks fail even with few slots that lost tasks count as failed, not as refused. */
  get failsAnyway(): boolean {
    return this.#few.refused >= SOME;
  }

  /** Returns how tasks ended: failed ones may count as refused, or lost ones as failed. */
  judge(count: number, ends: Ends, slots: number): Ends {
    const how = this.failsAnyway ? lostAsFailed(ends) : ends;
    const { refused = 0, lost = 0, failed = 0, again = 0, elsewhere = 0 } = how;
    const judged = count - refused - elsewhere;
    // A server that seemed to fail always has answered.
    if (this.share === 1 && judged > failed + again) {
      this.share = 0;
      this.#few = { asked: 0, refused: 0 };
    }
    if (slots <= FEW_SLOTS) {
      this.#few.asked += judged;
      this.#few.refused += failed + again;
    } else {
      // A task that fails again may do so only because of its first failure, so it isn't counted.
      this.#many.asked += judged - again;
      this.#many.refused += failed;
      this.#isWorse ||= this.#many.refused >= TIMES && isMore(this.#many, this.#few);
    }
    if (failed === 0 || !this.#isWorse) return how;
    return { ...how, refused: refused + failed, lost: lost + failed, unsaid: failed, failed: 0 };
  }

  /** Called when slots have changed. */
  change(): void {
    this.#many = { asked: 0, refused: 0 };
  }

  /** Whether more is refused than by chance, or, where no chance is known, more than the share `least`. */
  isExceeded(asked: Share, least: number): boolean {
    if (this.#ample !== undefined) return isMore(asked, this.#ample);
    return asked.refused > least * asked.asked;
  }

  /**
   * Whether an epoch's refusals are chance. `load` is the slots, or 0 at a pace; `pauses` counts those in a row
   * without an answer; `hasAnswered` is whether the server ever answered.
   */
  explains(epoch: Asked, load: number, pauses: number, hasAnswered: boolean): boolean {
    const { asked, refused, lost, unsaid } = epoch;
    if (refused === asked) {
      // A server that has answered and now cuts tasks off may be restarting.
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

  /** Takes the refusals for chance: from now on as many may be refused, or fail, with any number of slots. */
  #accept({ asked, refused, lost }: Asked): true {
    this.share = refused / asked;
    if (lost < refused) this.#ample = { asked, refused: Math.min(asked, AMPLE * refused) };
    // A server that never answered is left out, so it is asked one task at a time.
    else if (this.share < 1 || this.#isWorse) {
      this.#few = { asked: KNOWN, refused: KNOWN * this.share };
      this.#isWorse = false;
    }
    this.forget();
    return true;
  }

  /** Forgets the evidence for chance, as chance refuses neither all tasks nor none of many. */
  forget(): void {
    this.#less = { load: 0, times: 0, ...NOTHING };
  }
}

/** Counts tasks that were cut off or late as failed, not as refused. */
function lostAsFailed(ends: Ends): Ends {
  const { refused = 0, lost = 0, failed = 0 } = ends;
  return { ...ends, refused: refused - lost, lost: 0, failed: failed + lost };
}
