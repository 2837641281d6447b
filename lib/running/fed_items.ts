/** Items that the parent reads and tells, some at a time and only when there is room for them. */

/** So many are asked for at once. */
const FED_AT_ONCE = 256;

/** The items, as an input. */
export class FedItems implements AsyncIterableIterator<unknown> {
  readonly #ask: (count: number) => void;
  #items: readonly unknown[] = [];
  #at = 0;
  #last = false;
  #waiter: PromiseWithResolvers<void> | undefined;

  constructor(ask: (count: number) => void) {
    this.#ask = ask;
  }

  /** Some have come; whether they are the last. */
  come(items: readonly unknown[], last: boolean): void {
    this.#items = items;
    this.#at = 0;
    this.#last = last;
    this.#waiter?.resolve();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<unknown>> {
    while (this.#at === this.#items.length && !this.#last) {
      this.#waiter = Promise.withResolvers();
      this.#ask(FED_AT_ONCE);
      await this.#waiter.promise;
    }
    return this.#at === this.#items.length
      ? { value: undefined, done: true }
      : { value: this.#items[this.#at++], done: false };
  }
}
