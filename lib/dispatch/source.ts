/**
 * The input, pulled from only as far as there is room.
 *
 * @module
 */

import type { Items } from "./options.ts";

/** Pulls items from an iterable or async iterable. */
export class Source {
  /** How many items there are, if the input tells. */
  readonly total: number | undefined;
  /** How many have been pulled. */
  pulled = 0;
  /** Whether there will be no more. */
  done = false;
  readonly #items: Items<unknown>;
  readonly #isAsync: boolean;
  readonly #array: readonly unknown[] | undefined;
  #sync: Iterator<unknown> | undefined;
  #async: AsyncIterator<unknown> | undefined;
  #arrived: unknown[] = [];
  #asking = false;
  /** Whether the input's own code is running. */
  #pulling = false;
  /** Whether a sync input itself said that there is no more. */
  #ended = false;

  /**
   * Pulls nothing yet.
   *
   * @param items An array, an iterable or an async iterable.
   * @throws {TypeError} If it is none of these.
   */
  constructor(items: Items<unknown>) {
    const isIterable = items !== null && items !== undefined &&
      (Symbol.iterator in Object(items) || Symbol.asyncIterator in Object(items));
    if (!isIterable) {
      throw new TypeError(`Cannot map: items must be iterable or async iterable, but is ${items}`);
    }
    this.#items = items;
    this.#isAsync = Symbol.asyncIterator in Object(items);
    this.#array = Array.isArray(items) ? items : undefined;
    const size = this.#array?.length ?? (items as { size?: unknown }).size;
    this.total = Number.isSafeInteger(size) && size as number >= 0 ? size as number : undefined;
  }

  /** Items that can't be pulled any more but are known to be there: those of an array. */
  get unpulled(): number {
    return this.#array === undefined ? 0 : this.#array.length - this.pulled;
  }

  /**
   * Pulls what can be had at once.
   *
   * @param count At most so many.
   * @param onArrival Called when an async input has something new, or is done or has failed.
   * @returns The items, perhaps none.
   * @throws What the input throws.
   */
  pull(count: number, onArrival: (error?: unknown, failed?: boolean) => void): unknown[] {
    if (this.done || count < 1) return [];
    if (this.#array !== undefined) return this.#pullArray(this.#array, count);
    if (this.#isAsync) return this.#pullAsync(count, onArrival);
    return this.#pullSync(this.#items as Iterable<unknown>, count);
  }

  #pullArray(array: readonly unknown[], count: number): unknown[] {
    const items = array.slice(this.pulled, this.pulled + count);
    this.pulled += items.length;
    this.done = this.pulled >= array.length;
    return items;
  }

  #pullSync(iterable: Iterable<unknown>, count: number): unknown[] {
    const items: unknown[] = [];
    this.#pulling = true;
    try {
      this.#sync ??= iterable[Symbol.iterator]();
      while (!this.done && items.length < count) {
        const { value, done } = this.#sync.next();
        if (done) this.done = this.#ended = true;
        else items.push(value);
      }
    } catch (error) {
      this.done = this.#ended = true;
      throw error;
    } finally {
      this.#pulling = false;
    }
    if (this.done && !this.#ended) void this.#cleanUp();
    this.pulled += items.length;
    return items;
  }

  #pullAsync(
    count: number,
    onArrival: (error?: unknown, failed?: boolean) => void,
  ): unknown[] {
    const items = this.#arrived.splice(0, count);
    this.pulled += items.length;
    if (items.length < count) this.#ask(onArrival);
    return items;
  }

  #ask(onArrival: (error?: unknown, failed?: boolean) => void): void {
    if (this.#asking || this.done) return;
    this.#asking = true;
    this.#next().then((arrived) => {
      this.#asking = false;
      if (arrived === undefined) this.done = true;
      else this.#arrived.push(arrived.value);
      onArrival();
    }, (error) => {
      this.#asking = false;
      this.done = true;
      onArrival(error, true);
    });
  }

  /** The next item of an async input, whose `next()` may answer in any way that a loop puts up with. */
  async #next(): Promise<{ value: unknown } | undefined> {
    this.#async ??= (this.#items as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    const { value, done } = await this.#async.next();
    return done ? undefined : { value };
  }

  /** Tells the input that no more is wanted, and gives it the chance to clean up. */
  async close(): Promise<void> {
    if (this.done) return;
    this.done = true;
    // A generator that itself stopped the run can be closed only when it no longer runs.
    if (!this.#pulling) await this.#cleanUp();
  }

  /**
   * Nobody waits for this: an async generator in the midst of an await returns only after it, maybe
   * never. Nor is an error told: the run has an end of its own to tell.
   */
  async #cleanUp(): Promise<void> {
    try {
      await this.#sync?.return?.();
      await this.#async?.return?.();
    } catch {
      // See above.
    }
  }
}
