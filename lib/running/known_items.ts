/**
 * What is known of a job's items from earlier runs: which are done, which failed, and by which digest
 * each is known again. It imports no npm package.
 */

export type Known = "done" | "failed";

/** An item's index is below this: a file that names another is damaged. */
export const MOST_ITEMS = 2 ** 28;

const DONE = 1;
const FAILED = 2;

/** A table of items by their index; where a list was matched with another one, an index may have two. */
export class KnownItems {
  /** One more than the highest index that is known. */
  length = 0;
  readonly counts: Record<Known, number> = { done: 0, failed: 0 };
  #digests = new Float64Array(1024);
  #states = new Uint8Array(1024);
  /** Items of other lists, by index and digest. */
  readonly #others = new Map<string, readonly [number, number, Known]>();

  /** Takes an item down; one that is done stays done. */
  add(index: number, digest: number, known: Known): void {
    this.#growTo(index + 1);
    const before = this.stateOf(index, digest);
    if (before === "done") return;
    if (before !== undefined) this.counts[before]--;
    this.counts[known]++;
    if (this.at(index) === undefined || this.digestAt(index) === digest) {
      this.#digests[index] = digest;
      this.#states[index] = known === "done" ? DONE : FAILED;
    } else this.#others.set(`${index} ${digest}`, [index, digest, known]);
  }

  #growTo(length: number): void {
    if (length <= this.length) return;
    this.length = length;
    if (length <= this.#states.length) return;
    const size = Math.max(length, 2 * this.#states.length);
    const digests = new Float64Array(size);
    const states = new Uint8Array(size);
    digests.set(this.#digests);
    states.set(this.#states);
    [this.#digests, this.#states] = [digests, states];
  }

  /** What is known of the item at a place; undefined for nothing. */
  at(index: number): Known | undefined {
    const state = this.#states[index];
    return state === DONE ? "done" : state === FAILED ? "failed" : undefined;
  }

  digestAt(index: number): number {
    return this.#digests[index]!;
  }

  stateOf(index: number, digest: number): Known | undefined {
    return this.at(index) !== undefined && this.digestAt(index) === digest
      ? this.at(index)
      : this.#others.get(`${index} ${digest}`)?.[2];
  }

  get isMixed(): boolean {
    return this.#others.size > 0;
  }

  /** Every item that is known: its index, digest and state. */
  *entries(): Generator<readonly [number, number, Known]> {
    for (let index = 0; index < this.length; index++) {
      const known = this.at(index);
      if (known !== undefined) yield [index, this.digestAt(index), known];
    }
    yield* this.#others.values();
  }
}
