/**
 * Recorded items that weren't found in a list yet, by digest. Journals hold tens of millions of items, for which
 * a Map of lists has no room. It imports no npm package.
 */

/** How many places of the table there are for each item, at least. */
const SPARE = 1.5;

export class UnmatchedItems {
  /** How many are left. */
  size = 0;
  /** One more than the position of the last item of a digest, at the first free place from the digest's on. */
  readonly #table: Int32Array;
  readonly #digests: Float64Array;
  readonly #indexes: Int32Array;
  /** The position of the next item of the same digest, after the last the first; -1 once all are taken. */
  readonly #next: Int32Array;

  constructor(most: number) {
    this.#table = new Int32Array(2 ** Math.ceil(Math.log2(SPARE * most + 1)));
    this.#digests = new Float64Array(most);
    this.#indexes = new Int32Array(most);
    this.#next = new Int32Array(most);
  }

  /** The place of a digest in the table. */
  #placeOf(digest: number): number {
    const last = this.#table.length - 1;
    // The low bits of a digest are as random as any.
    for (let place = (digest >>> 0) & last;; place = (place + 1) & last) {
      const found = this.#table[place]!;
      if (found === 0 || this.#digests[found - 1] === digest) return place;
    }
  }

  /** Adds an item; all are added before any is taken. */
  add(index: number, digest: number): void {
    const place = this.#placeOf(digest);
    const last = this.#table[place]! - 1;
    const position = this.size++;
    this.#digests[position] = digest;
    this.#indexes[position] = index;
    this.#next[position] = last < 0 ? position : this.#next[last]!;
    if (last >= 0) this.#next[last] = position;
    this.#table[place] = position + 1;
  }

  /** Whether an item of this digest was added, even if it was taken since. */
  has(digest: number): boolean {
    return this.#table[this.#placeOf(digest)] !== 0;
  }

  /** Takes the item of this digest that was added first, and returns its index; undefined if none is left. */
  take(digest: number): number | undefined {
    const last = this.#table[this.#placeOf(digest)]! - 1;
    const first = last < 0 ? -1 : this.#next[last]!;
    if (first < 0) return undefined;
    this.#next[last] = first === last ? -1 : this.#next[first]!;
    this.size--;
    return this.#indexes[first];
  }
}
