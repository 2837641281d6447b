/** How a task's items ended in the event loop and on lanes, to tell whether it can run on lanes. */

import { isMore } from "./chance.ts";

/** Lanes are filled with a task once this many items, sent one by one, came back as they do here. */
export const PROVEN = 1;
/**
 * A task stays here if its first items on lanes fail, or more of the early ones than is luck: it needs
 * something that exists only here. One failure that names what is missing is enough.
 */
const FIRST = 3;
const EARLY = 100;
/** If failures there exceed those here by this many deviations, or fewer than FEW ended here, more run here. */
const IN_DOUBT = 1.25;
const FEW = 8;
/** Later, this many failures in a row are needed. */
const ROW = 20;

/** How many items ended in a place, and how many of them failed. */
interface Ends {
  ended: number;
  failed: number;
}

const shareOf = ({ ended, failed }: Ends) => ({ asked: ended, refused: failed });

const told = ({ ended, failed }: Ends) => `${failed} of ${ended}`;

export class Tally {
  readonly #here: Ends = { ended: 0, failed: 0 };
  readonly #there: Ends = { ended: 0, failed: 0 };
  /** How many items in a row have failed on lanes. */
  #row = 0;
  /** Whether the first item on lanes named something that is missing there. */
  #lacks = false;

  /** Counts items that ended; refused ones aren't failed, and `lacks` is whether one names what is missing. */
  add(isHere: boolean, ended: number, failed: number, lacks = false): void {
    const ends = isHere ? this.#here : this.#there;
    if (lacks && !isHere && ends.ended === 0) this.#lacks = true;
    ends.ended += ended;
    ends.failed += failed;
    if (!isHere) this.#row = failed < ended ? 0 : this.#row + failed;
  }

  /** Whether items came back from lanes as they do in the event loop. */
  get isProven(): boolean {
    const { ended, failed } = this.#there;
    // If items fail here too, a failure on lanes also counts as coming back.
    return ended - (this.#here.failed > 0 ? 0 : failed) >= PROVEN;
  }

  get hasRunHere(): boolean {
    return this.#here.ended > this.#here.failed;
  }

  /** Whether the task is sent to lanes; if in doubt, the next items run here to tell. */
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

  /** The counts behind the verdict. */
  toString(): string {
    return `${told(this.#there)} failed where they were sent, and ${told(this.#here)} here`;
  }
}
