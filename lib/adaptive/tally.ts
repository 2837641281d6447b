/** How a task's items ended in the event loop and on lanes: whether lanes are for it at all. */

import { isMore } from "./chance.ts";

/** Lanes are filled with a task once so many that were sent there, one by one, came back as they do here. */
export const PROVEN = 1;
/**
 * The first ones there fail, or more of the early ones than is luck: they need what is only here. One is enough
 * that tells what it lacks.
 */
const FIRST = 3;
const EARLY = 100;
/** Where it may yet be luck, by so many standard deviations, or few have ended here, some more run here to tell. */
const IN_DOUBT = 1.25;
const FEW = 8;
/** Later so many in a row do. */
const ROW = 20;

/** Of those that ended in a place, how many failed. */
interface Ends {
  ended: number;
  failed: number;
}

const shareOf = ({ ended, failed }: Ends) => ({ asked: ended, refused: failed });

const told = ({ ended, failed }: Ends) => `${failed} of ${ended}`;

export class Tally {
  readonly #here: Ends = { ended: 0, failed: 0 };
  readonly #there: Ends = { ended: 0, failed: 0 };
  /** How many failed there since one didn't. */
  #row = 0;
  /** Whether the first one there told what it lacks there. */
  #lacks = false;

  /** So many ended, of which some failed otherwise than by being refused, perhaps as they lack something. */
  add(isHere: boolean, ended: number, failed: number, lacks = false): void {
    const ends = isHere ? this.#here : this.#there;
    if (lacks && !isHere && ends.ended === 0) this.#lacks = true;
    ends.ended += ended;
    ends.failed += failed;
    if (!isHere) this.#row = failed < ended ? 0 : this.#row + failed;
  }

  /** Whether some came back from lanes as they do here. */
  get isProven(): boolean {
    const { ended, failed } = this.#there;
    // What fails here too needn't succeed there.
    return ended - (this.#here.failed > 0 ? 0 : failed) >= PROVEN;
  }

  get hasRunHere(): boolean {
    return this.#here.ended > this.#here.failed;
  }

  /** Whether lanes are for them: if that is in doubt, those that are run here next will tell. */
  get verdict(): "sent" | "in doubt" | "stays" {
    const [here, there] = [this.#here, this.#there];
    const first = this.#lacks ? 1 : FIRST;
    const isRow = this.#row >= (this.#row === there.ended ? first : ROW) &&
      2 * here.failed <= here.ended;
    if (isRow) return "stays";
    if (there.failed < 2 || there.ended > EARLY) return "sent";
    const isWorse = (deviations?: number) => isMore(shareOf(there), shareOf(here), deviations);
    if (isWorse()) return "stays";
    return isWorse(IN_DOUBT) || here.ended < FEW ? "in doubt" : "sent";
  }

  /** What tells so. */
  toString(): string {
    return `${told(this.#there)} failed where they were sent, and ${told(this.#here)} here`;
  }
}
