/** A first-in-first-out queue, and a collection without an order. */

/** Places of taken items are removed once there are this many, and at least as many as items that wait. */
const LEAST_CLEARED = 64;

/** A queue whose first item is taken in constant time, however many wait. */
export class Fifo<T> {
  size = 0;
  first: T | undefined;
  #all: (T | undefined)[] = [];
  /** How many of these items were taken. */
  #taken = 0;

  push(item: T): void {
    if (this.size++ === 0) this.first = item;
    this.#all.push(item);
  }

  shift(): T | undefined {
    const { first } = this;
    if (this.size === 0) return undefined;
    this.size--;
    // Drops the reference, so that a taken item can be freed from memory.
    this.#all[this.#taken++] = undefined;
    this.first = this.#all[this.#taken];
    if (this.#taken >= LEAST_CLEARED && this.#taken >= this.size) {
      this.#all = this.#all.slice(this.#taken);
      this.#taken = 0;
    }
    return first;
  }

  /** Puts items before all others, in their order. */
  prepend(items: readonly T[]): void {
    this.#reset([...items, ...this.slice(0, Infinity)]);
  }

  /** Removes the items that don't pass. */
  filter(passes: (item: T) => boolean): void {
    this.#reset(this.slice(0, Infinity).filter(passes));
  }

  /** Some of the waiting items, by their positions. */
  slice(from: number, to: number): T[] {
    return this.#all.slice(this.#taken + from, this.#taken + to) as T[];
  }

  clear(): void {
    this.#reset([]);
  }

  #reset(all: T[]): void {
    this.#all = all;
    this.#taken = 0;
    this.first = all[0];
    this.size = all.length;
  }
}

/** An item that keeps its index in its bag; −1 if it is in none. */
interface InBag {
  bagIndex: number;
}

/** A collection without an order. Unlike a Set it makes no garbage when items come and go. */
export class Bag<T extends InBag> implements Iterable<T> {
  size = 0;
  readonly #all: T[] = [];

  /** Any of the items; the only one, if there is just one. */
  get first(): T | undefined {
    return this.#all[0];
  }

  add(one: T): void {
    one.bagIndex = this.size++;
    this.#all.push(one);
  }

  has(one: T): boolean {
    // Reading an array at index −1 takes V8 ten times as long as at a valid one.
    return one.bagIndex >= 0 && this.#all[one.bagIndex] === one;
  }

  /** Returns whether the item was there. */
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

  /** Iterates over a copy, so that items may come and go meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    return [...this.#all][Symbol.iterator]();
  }
}
