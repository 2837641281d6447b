/** Takes items one by one from wherever they come, and never more than are wanted. */

import type { Items } from "../../dispatch/options.ts";

/** How long to wait for one item more, only to learn whether there is one, and for a source to close. */
const LAST_LOOK_MS = 300;

async function within<T>(promise: Promise<T>, late: T): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<T>((resolve) => timer = setTimeout(() => resolve(late), LAST_LOOK_MS));
  try {
    return await Promise.race([promise.catch(() => late), limit]);
  } finally {
    clearTimeout(timer);
  }
}

export class ItemPuller {
  /** How many items there are, if the input tells. */
  readonly total: number | undefined;
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>;
  #done = false;
  pulled = 0;

  /** Opens the items; throws a TypeError if they can't be iterated. */
  constructor(items: Items<unknown>) {
    const source = Object(items) as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
    const iterator = source[Symbol.asyncIterator]?.() ?? source[Symbol.iterator]?.();
    if (iterator === undefined) {
      throw new TypeError(`the export "items" gave ${items}, which can't be iterated`);
    }
    this.#iterator = iterator;
    const size = Array.isArray(items) ? items.length : (items as { size?: unknown }).size;
    this.total = typeof size === "number" ? size : undefined;
  }

  async pull(count: number): Promise<unknown[]> {
    const pulled: unknown[] = [];
    while (pulled.length < count && !this.#done) {
      const { done, value } = await this.#iterator.next();
      if (done) this.#done = true;
      else {
        pulled.push(value);
        this.pulled++;
      }
    }
    return pulled;
  }

  /** Whether there are no more items; false as well if that isn't known soon. */
  async ended(): Promise<boolean> {
    return await within(this.pull(1).then((more) => more.length === 0), false);
  }

  /** Tells the source that no more will be taken; doesn't wait long for one that is busy. */
  async close(): Promise<void> {
    if (this.#done) return;
    await within(Promise.resolve(this.#iterator.return?.()), undefined);
  }
}
