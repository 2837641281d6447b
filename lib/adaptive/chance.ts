/**
 * Whether refusals and failures depend on how much is asked. If not, they are chance, and no limit.
 *
 * - Tasks that say that they were refused count as a limit until a small share is refused of clearly less than
 *   had got through, too. For lack of room nothing of that would be refused.
 * - Tasks that fail without saying so, are cut off or late count as failed, until a larger share fails with
 *   many slots than with few, or nothing is answered any more. Then they count as refused, until as large a
 *   share fails of clearly less.
 */

import type { Ends } from "./ends.ts";

/** How many failures decide, and how many recent tasks are counted. */
const TIMES = 4;
const RECENT = 1000;
/** The logarithms of how many times as likely chance must be, or that there is a limit. */
const ENOUGH = Math.log(30);
const AGAINST = Math.log(10);
/** A larger share of stated refusals than this isn't taken for chance, as the server may mean it. */
const SMALL = 0.15;
/** The same once asking much less was in vain; and of how many tasks at least that must be known. */
const HALF = 0.5;
const FEW = 12;
/** Of few tasks that share says little, so this many refusals more may be chance. */
const SPARED = 2;
/** A share larger by this many standard deviations is luck in 3 of 100 cases. */
const HARDLY_LUCK = 1.9;
/** As a known share is compared with each task, by more than this many it is larger. */
const NO_LUCK = 3;
/** The most tasks with few slots that are remembered. */
const KNOWN = 1000;
/** So many must get through after the last refusal, as many in a row are refused where a quota is used up. */
const CLEAN = 16;
/** As failures may be a large share, the logarithm for them is so many times ENOUGH. */
const SURER = 3;

/** How many tasks were asked, and how many of them were refused. */
export interface Share {
  readonly asked: number;
  readonly refused: number;
}

export const NOTHING: Share = { asked: 0, refused: 0 };

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

/** Both together; the older half of more than `most` tasks is forgotten. */
export function sum(a: Share, b: Share, most: number = Infinity): Share {
  const [asked, refused] = [a.asked + b.asked, a.refused + b.refused];
  return asked > most ? { asked: asked / 2, refused: refused / 2 } : { asked, refused };
}

export class Chance {
  /** The share, from 0 to 1, that was found to be refused or to fail by chance. */
  share = 0;
  /** The largest share of stated refusals that is taken for chance. */
  #most = SMALL;
  /** The tasks by which that share is known. */
  #known: Share | undefined;
  /** What was refused of all tasks since a limit was first set, of clearly less than got through. */
  #all = NOTHING;
  #less = NOTHING;
  /** How many of these got through since one was refused. */
  #clean = 0;
  /** How many tasks failed with few slots, and with many since slots last changed; whether those were more. */
  #few = NOTHING;
  #many = NOTHING;
  #isWorse = false;
  /** What was refused or failed of first attempts, and of retries. */
  #first = NOTHING;
  #again = NOTHING;
  /** Whether the last task went well. */
  #wentWell = true;
  /** Whether any task said that it was refused. */
  isSaid = false;
  /** How many tasks in a row were cut off or late that started after all that were answered. */
  #row = 0;
  /** When the last task started that was answered; undefined before any was. */
  #answeredMs: number | undefined;

  /**
   * Returns how tasks ended: those that don't say that they were refused may count as refused or failed, and so
   * do retries that end badly more often than first attempts, unless nothing gets through.
   */
  judge(count: number, ends: Ends, areFew: boolean, startedAtMs: number, isShut = false): Ends {
    const { refused = 0, lost = 0, failed = 0, elsewhere = 0, isAgain = false } = ends;
    const unsaid = failed + lost;
    const asked = count - (refused - lost) - elsewhere;
    const ended = { asked: count - elsewhere, refused: refused + failed };
    // Of those in a row only the first counts, as many are refused in a row where a quota is used up.
    const isFirstOfRow = this.#wentWell || ended.refused === 0;
    if (!isAgain) this.#first = sum(this.#first, ended, RECENT);
    else if (isFirstOfRow) this.#again = sum(this.#again, ended, RECENT);
    this.#wentWell = ended.refused === 0;
    // These items would fail whatever else is asked.
    const isOwn = isAgain && !isShut && this.#again.refused >= TIMES &&
      isMore(this.#again, this.#first);
    if (asked > unsaid) {
      this.#row = 0;
      this.#answeredMs = Math.max(startedAtMs, this.#answeredMs ?? 0);
    } else if (startedAtMs > (this.#answeredMs ?? Infinity) && !isOwn) {
      this.#row += this.#isWorse ? unsaid : lost;
    }
    this.isSaid ||= refused > lost;
    if (areFew) this.#few = sum(this.#few, { asked, refused: unsaid }, KNOWN);
    else if (!isOwn) this.#many = sum(this.#many, { asked, refused: unsaid });
    if (isOwn) return { ...ends, refused: 0, lost: 0, askedMs: 0, failed: refused + failed };
    const isWorse = this.#many.refused >= TIMES && isMore(this.#many, this.#few);
    this.#isWorse ||= this.#isGone || isWorse;
    const counted = this.#isWorse ? unsaid : 0;
    return { ...ends, refused: refused - lost + counted, lost: counted, failed: unsaid - counted };
  }

  /** Takes these refusals for chance, unless they are most tasks; returns whether it does. */
  accept(share: Share): boolean {
    if (share.asked < FEW || share.refused > HALF * share.asked) return false;
    this.#most = HALF;
    this.#know(share);
    this.forget();
    return true;
  }

  /** Takes it that tasks fail whatever the slots, as waiting didn't help either. */
  giveUp(): void {
    this.#failAnyway({ asked: TIMES, refused: TIMES });
  }

  #failAnyway(few: Share): void {
    this.#few = few;
    this.#many = NOTHING;
    this.#isWorse = false;
    this.#row = 0;
  }

  /** Whether nothing is answered any more. */
  get #isGone(): boolean {
    return this.#row >= TIMES;
  }

  /** Called when slots have changed. */
  change(): void {
    this.#many = NOTHING;
  }

  /** Whether more is refused than by chance, or, where no chance is known, more than the share `least`. */
  isExceeded(asked: Share, least: number): boolean {
    if (this.#known !== undefined) return isMore(asked, this.#known, NO_LUCK);
    return asked.refused > least * asked.asked;
  }

  /** How many refusals more these are than by chance. */
  excess({ asked, refused }: Share): number {
    return Math.max(1, refused - this.share * asked);
  }

  /**
   * Called when tasks have ended; returns what their refusals are, once it is known.
   *
   * @param isLess Whether clearly less was asked than had got through; undefined if there is no limit.
   */
  note(ended: Share, isLess: boolean | undefined): "chance" | "limit" | undefined {
    if (this.#known !== undefined) this.#know(sum(this.#known, ended, RECENT));
    if (isLess !== undefined) this.#all = sum(this.#all, ended, RECENT);
    if (!isLess) return undefined;
    // Of refusals in a row only the first counts, as many come in a row where a quota is used up.
    if (this.#clean > 0 || ended.refused === 0) this.#less = sum(this.#less, ended, RECENT);
    this.#clean = ended.refused > 0 ? 0 : this.#clean + ended.asked;
    const { asked, refused } = this.#less;
    // How many times as likely these refusals are if as many are chance as of all than if a tenth as many are,
    // as a logarithm: the sequential test of Wald (1945).
    const share = this.#all.refused / Math.max(1, this.#all.asked);
    const evidence = Math.log(10) * refused - 0.9 * share * asked;
    const mayBe = this.isSaid ? this.#clean >= CLEAN && refused <= SMALL * asked : this.#clean > 0;
    if (evidence >= (this.isSaid ? 1 : SURER) * ENOUGH && mayBe) {
      this.#know(this.#less);
      // As many fail with few slots, as far as is known.
      if (this.#isWorse) this.#failAnyway(this.#less);
      this.forget();
      return "chance";
    }
    if (evidence > -AGAINST) return undefined;
    this.#less = NOTHING;
    return "limit";
  }

  /** Takes refusals for chance: from now on as large a share may be refused. */
  #know(known: Share): void {
    const most = this.isSaid ? this.#most : 1;
    const isChance = known.refused >= 1 && known.refused <= most * known.asked;
    this.#known = isChance ? known : undefined;
    this.share = isChance ? known.refused / known.asked : 0;
  }

  /** Whether so many were refused that the server means it. */
  areMeant({ asked, refused }: Share): boolean {
    return this.isSaid ? refused - SPARED > SMALL * asked : this.#isGone;
  }

  /** Forgets the evidence for chance, as chance never refuses all. */
  forget(): void {
    this.#all = this.#less = NOTHING;
  }
}
