/** What waits, the first first. */

/** So many places of what was taken are kept before the rest moves up. */
const MOST_TAKEN = 1024;

/** A queue whose first is taken in the same time however many wait behind it. */
export class Fifo<T> {
  /** What was taken is undefined; the first is at `#head`. */
  #all: (T | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#all.length - this.#head;
  }

  get first(): T | undefined {
    return this.#all[this.#head];
  }

  push(item: T): void {
    this.#all.push(item);
  }

  shift(): T | undefined {
    const first = this.#all[this.#head];
    this.#all[this.#head++] = undefined;
    if (this.#head >= this.#all.length) this.clear();
    else if (this.#head > MOST_TAKEN && 2 * this.#head > this.#all.length) {
      this.#all = this.#all.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }

  /** Some of those that wait, by their places. */
  slice(from: number, to: number): T[] {
    return this.#all.slice(this.#head + from, this.#head + to) as T[];
  }

  clear(): void {
    this.#all = [];
    this.#head = 0;
  }
}
