/** What waits, the first first; and what is somewhere, in no order. */

/** The places of what was taken are cleared away once they are so many, and no fewer than what waits. */
const LEAST_CLEARED = 64;

/** A queue whose first is taken in the same time however many wait behind it. */
export class Fifo<T> {
  size = 0;
  first: T | undefined;
  #all: (T | undefined)[] = [];
  /** How many of these were taken. */
  #taken = 0;

  push(item: T): void {
    if (this.size++ === 0) this.first = item;
    this.#all.push(item);
  }

  shift(): T | undefined {
    const { first } = this;
    if (this.size === 0) return undefined;
    this.size--;
    // What was taken must not be kept in memory by what waits.
    this.#all[this.#taken++] = undefined;
    this.first = this.#all[this.#taken];
    if (this.#taken >= LEAST_CLEARED && this.#taken >= this.size) {
      this.#all = this.#all.slice(this.#taken);
      this.#taken = 0;
    }
    return first;
  }

  /** Some of those that wait, by their places. */
  slice(from: number, to: number): T[] {
    return this.#all.slice(this.#taken + from, this.#taken + to) as T[];
  }

  clear(): void {
    this.first = undefined;
    this.#all = [];
    this.size = this.#taken = 0;
  }
}

/** What keeps its index in the bag that it is in; −1 if it is in none. */
interface InBag {
  bagIndex: number;
}

/** What is somewhere, in no order. Unlike a Set it makes no garbage when it comes and goes. */
export class Bag<T extends InBag> implements Iterable<T> {
  size = 0;
  readonly #all: T[] = [];

  /** Any of them, the same as long as it stays the only one. */
  get first(): T | undefined {
    return this.#all[0];
  }

  add(one: T): void {
    one.bagIndex = this.size++;
    this.#all.push(one);
  }

  has(one: T): boolean {
    // To read an array at −1 takes V8 ten times as long as at a place.
    return one.bagIndex >= 0 && this.#all[one.bagIndex] === one;
  }

  /** Returns whether it was there. */
  delete(one: T): boolean {
    const at = one.bagIndex;
    if (this.#all[at] !== one) return false;
    this.size--;
    const last = this.#all.pop()!;
    if (last !== one) {
      this.#all[at] = last;
      last.bagIndex = at;
    }
    one.bagIndex = -1;
    return true;
  }

  clear(): void {
    for (const one of this.#all) one.bagIndex = -1;
    this.size = this.#all.length = 0;
  }

  /** Those that are there now; they may come and go meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    return [...this.#all][Symbol.iterator]();
  }
}
