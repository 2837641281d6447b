/**
 * Whether what is refused hangs on how much is asked. Who refuses so small a share of it for want of room would
 * refuse nothing of half as much: if as large a share of that is refused, it is chance. So it is if tasks
 * start further and further apart, and as large a share is refused each time.
 */

/** So many refusals of half as much tell, or times at a pace, of more than this part and no more than that. */
const TIMES = 4;
const LEAST = 0.015;
const MOST = 0.15;
/** So many times as many may be refused then, but no more than this part. */
const AMPLE = 2;
const MOST_AMPLE = 0.5;

/** What was asked, and what of it was refused. */
export interface Asked {
  asked: number;
  refused: number;
  /** Of those that were refused, the ones that were only cut off or came late. */
  lost: number;
}

export const NOTHING: Readonly<Asked> = { asked: 0, refused: 0, lost: 0 };

/** Tells chance from a limit. */
export class Chance {
  /** The share that was refused when that was last found to be chance. */
  share = 0;
  /** The share that may be refused from then on, and whether that is said and not only lost. */
  #ample = 0;
  #isSaid = false;
  /** With how many in flight so few were refused that it may be chance, and what became of half as many. */
  #few = { load: 0, times: 0, ...NOTHING };

  /** Whether more is refused than by chance; until that is known, more than a share that is no limit. */
  isExceeded({ asked, refused, lost }: Asked, least: number): boolean {
    if (!this.#isSaid && refused - lost > least * asked) return true;
    const most = this.#ample * asked;
    return refused > (most === 0 ? least * asked : most + 2 * Math.sqrt(most) + 1);
  }

  /**
   * What is known to have been refused by chance, now that this was with so many in flight, or at a pace if that
   * is 0; undefined if nothing is.
   */
  find(load: number, { asked, refused, lost }: Asked): Asked | undefined {
    const few = this.#few;
    const isMuch = refused > MOST * asked;
    if (load > few.load || isMuch && load > few.load / 2) {
      this.#few = { load: isMuch ? 0 : load, times: 0, ...NOTHING };
    } else if (load <= few.load / 2) {
      few.times += load > 0 ? refused : 1;
      few.asked += asked;
      few.refused += refused;
      few.lost += lost;
      const share = few.refused / few.asked;
      if (few.times >= TIMES && share > LEAST && share <= MOST) return few;
    }
    return undefined;
  }

  /** It is chance; whether as many may be refused from then on. */
  accept({ asked, refused, lost }: Asked, isTold: boolean): void {
    this.share = refused / asked;
    this.#isSaid = lost < refused;
    const most = AMPLE * (refused + Math.sqrt(refused) + 1) / asked;
    if (isTold) this.#ample = Math.min(MOST_AMPLE, most);
    this.forget();
  }

  /** Nobody refuses everything by chance. */
  forget(): void {
    this.#few = { load: 0, times: 0, ...NOTHING };
  }
}
