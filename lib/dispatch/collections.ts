/** What waits, the first first; and what is somewhere, in no order. */

interface Entry<T> {
  readonly item: T;
  /** The one behind it. */
  next: Entry<T> | undefined;
}

/** A queue whose first is taken in the same time however many wait behind it. */
export class Fifo<T> {
  size = 0;
  first: T | undefined;
  #first: Entry<T> | undefined;
  #last: Entry<T> | undefined;

  push(item: T): void {
    const entry = { item, next: undefined };
    if (this.#last === undefined) {
      this.#first = entry;
      this.first = item;
    } else this.#last.next = entry;
    this.#last = entry;
    this.size++;
  }

  shift(): T | undefined {
    const first = this.#first;
    if (first === undefined) return undefined;
    this.#first = first.next;
    this.first = this.#first?.item;
    if (this.#first === undefined) this.#last = undefined;
    // What was taken long ago must not keep what comes later in memory until that is all collected.
    first.next = undefined;
    this.size--;
    return first.item;
  }

  /** Some of those that wait, by their places. */
  slice(from: number, to: number): T[] {
    const found: T[] = [];
    let entry = this.#first;
    for (let at = 0; entry !== undefined && at < to; at++, entry = entry.next) {
      if (at >= from) found.push(entry.item);
    }
    return found;
  }

  clear(): void {
    this.first = this.#first = this.#last = undefined;
    this.size = 0;
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

  add(one: T): void {
    one.bagIndex = this.size++;
    this.#all.push(one);
  }

  has(one: T): boolean {
    return this.#all[one.bagIndex] === one;
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
