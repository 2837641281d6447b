/** A run's input, from which items are pulled only as far as there is room for them. */

import { enterAsyncContext, inAsyncContext } from "../lanes/async_context.ts";
import { attempt, shown } from "../lanes/attempt.ts";
import { inspect, structuredCloning } from "../lanes/remote/clone.ts";
import { after, clock, type Timer } from "../lanes/timers.ts";
import type { Items } from "./map_options.ts";

/** Stands in an input for items that are left out: they keep their indexes, but have no outcomes. */
export class LeftOut {
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether an item is a LeftOut; unlike `instanceof` this calls no proxy's handler. */
  static is(item: unknown): item is LeftOut {
    return typeof item === "object" && item !== null && #count in item;
  }
}

/** Own properties of an array that change what its items are. */
const OF_ITS_OWN = [Symbol.iterator, Symbol.asyncIterator, "constructor"];

/** Whether items can be sliced by index: a subclass of Array may iterate or slice differently. */
function isPlainArray(items: unknown): items is readonly unknown[] {
  return Array.isArray(items) && Object.getPrototypeOf(items) === Array.prototype &&
    !OF_ITS_OWN.some((key) => Object.hasOwn(items, key));
}

const { slice } = Array.prototype;

function* itemsFrom(array: readonly unknown[], from: number): Iterator<unknown> {
  for (let at = from; at < array.length; at++) yield array[at];
}

/** One of this many items is weighed, for those after it too: weighing costs half as much as sending. */
const WEIGHED = 16;

/** The bytes left after an item and the unweighed ones after it, of `count` that are pulled together. */
function roomAfter(item: unknown, at: number, count: number, bytes: number): number {
  const isWeighed = bytes !== Infinity && at % WEIGHED === 0 && count - at > 1;
  if (!isWeighed || typeof item === "number") return bytes;
  return bytes - Math.min(WEIGHED, count - at) * inspect([item], structuredCloning).bytes;
}

export interface SourceEvents {
  /** The async context of the caller. */
  readonly context?: unknown;
  leftOut(firstIndex: number, count: number): void;
  /** Called when an async input has given an item or has ended. */
  arrived(): void;
  inputFailed(error: unknown): void;
}

/** Pulls items from an iterable or async iterable. */
export class Source {
  /** How many items there are, if the input has a length or size. */
  readonly total: number | undefined;
  pulled = 0;
  done = false;
  /** Whether the input ended by itself, so that it need not be closed. */
  hasEnded = false;
  readonly #isAsync: boolean;
  #array: readonly unknown[] | undefined;
  #sync: Iterator<unknown> | undefined;
  #async: AsyncIterator<unknown> | undefined;
  /** Items that the input gave and that haven't been pulled yet. */
  readonly #arrived: unknown[] = [];
  /** How many of these are LeftOut. */
  #gaps = 0;
  /** How many items an async input should have ready. */
  #wanted = 0;
  /** How many bytes the items may have that are still to come for that. */
  #leftBytes = Infinity;
  /** The pending call of an async input's `next()`. */
  #asking: Promise<void> | undefined;
  #telling: Timer | undefined;
  /** Whether the input's own code is running. */
  #pulling = false;
  /** Whether the input must not be asked for more. */
  #halted = false;
  #closing: Promise<void> | undefined;
  /** Resolves when the input's end is no longer waited for. */
  readonly #left = Promise.withResolvers<void>();
  /** Cancel the timers that resolve it. */
  readonly #leaving: (() => void)[] = [];

  /** @throws {TypeError} If it is neither an iterable nor an async iterable. */
  constructor(private readonly items: Items<unknown>, private readonly events: SourceEvents) {
    const isIterable = items !== null && items !== undefined &&
      (Symbol.iterator in Object(items) || Symbol.asyncIterator in Object(items));
    if (!isIterable) {
      throw new TypeError(
        `Cannot map: items must be iterable or async iterable, but is ${shown(items)}`,
      );
    }
    this.#isAsync = Symbol.asyncIterator in Object(items);
    this.#array = isPlainArray(items) ? items : undefined;
    const size = attempt(() => this.#array?.length ?? (items as { size?: unknown }).size);
    this.total = Number.isSafeInteger(size) && size as number >= 0 ? size as number : undefined;
    // An empty array is known to have ended.
    if (this.#array !== undefined && size === 0) this.done = this.hasEnded = true;
  }

  /** Whether pulling runs none of the caller's code. */
  get isArray(): boolean {
    return this.#array !== undefined;
  }

  /** How many items may still come, if the input has a length or size. */
  get remaining(): number | undefined {
    return this.total === undefined ? undefined : this.total - this.pulled;
  }

  /**
   * Pulls at most `count` items that are available at once; an error waits for the items before it.
   *
   * @param mostBytes About how many bytes items may have that are made as they are pulled; one always may.
   */
  pull(count: number, mostBytes: number = Infinity): unknown[] {
    if (count < 1 || this.#halted) return [];
    if (this.#array === undefined) return this.#pullArrived(count, mostBytes);
    if (this.done) return [];
    const array = this.#array;
    let items: unknown[];
    try {
      const isOne = count === 1 && this.pulled < array.length;
      items = isOne ? [array[this.pulled]] : slice.call(array, this.pulled, this.pulled + count);
    } catch {
      // A getter or a proxy may throw at one index; the items before it still count.
      this.#array = undefined;
      this.#sync = itemsFrom(array, this.pulled);
      return this.#pullArrived(count, mostBytes);
    }
    this.pulled += items.length;
    if (this.pulled >= array.length) this.done = this.hasEnded = true;
    return items;
  }

  #pullArrived(count: number, mostBytes: number): unknown[] {
    this.#leftBytes = mostBytes;
    if (!this.#isAsync && !this.done) this.#fill(count);
    this.#leaveOut();
    const items = this.#splice(count);
    this.pulled += items.length;
    if (!this.#isAsync) return items;
    this.#wanted = count - items.length;
    if (items.length < count) this.#ask();
    return items;
  }

  /** Makes `count` items of a synchronous input ready, not counting LeftOut. */
  #fill(count: number): void {
    const before = enterAsyncContext(this.events.context);
    this.#pulling = true;
    try {
      this.#sync ??= opened<Iterator<unknown>>(this.items, Symbol.iterator);
      const isEnough = () => this.#arrived.length - this.#gaps >= count || this.#leftBytes < 0;
      while (!this.done && !this.#halted && !isEnough()) {
        const { value, done } = resultOf(this.#sync.next());
        if (done) this.done = this.hasEnded = true;
        else this.#arrive(value, count);
      }
    } catch (error) {
      this.done = this.hasEnded = true;
      this.events.inputFailed(error);
    } finally {
      this.#pulling = false;
      enterAsyncContext(before);
    }
  }

  /** Adds an item that the input gave; `wanted` is how many are pulled together. */
  #arrive(value: unknown, wanted: number): void {
    this.#leftBytes = roomAfter(value, this.#arrived.length, wanted, this.#leftBytes);
    this.#arrived.push(value);
    if (LeftOut.is(value)) this.#gaps++;
  }

  /** Takes the first of the arrived items, up to a LeftOut. */
  #splice(count: number): unknown[] {
    const end = this.#gaps === 0 ? -1 : this.#arrived.findIndex(LeftOut.is);
    return this.#arrived.splice(0, end < 0 ? count : Math.min(end, count));
  }

  #leaveOut(): void {
    for (let first = this.#arrived[0]; LeftOut.is(first); first = this.#arrived[0]) {
      this.#arrived.shift();
      this.#gaps--;
      this.events.leftOut(this.pulled, first.count);
      this.pulled += first.count;
    }
  }

  /** Asks an async input for the next item, and then for more until as many as wanted have arrived. */
  #ask(): void {
    if (this.#asking !== undefined || this.done) return;
    this.#asking = this.#next().then((arrived) => {
      this.#asking = undefined;
      if (arrived === undefined) this.done = this.hasEnded = true;
      else this.#arrive(arrived.value, this.#wanted);
      const isEnough = this.#arrived.length >= this.#wanted || this.#leftBytes < 0;
      if (arrived !== undefined && !isEnough) this.#ask();
      this.#tell();
    }, (error) => {
      this.#asking = undefined;
      this.done = this.hasEnded = true;
      this.events.inputFailed(error);
    });
  }

  /** Reports arrivals after this turn of the event loop, so that items that arrive in it travel together. */
  #tell(): void {
    if (this.#wanted <= 1) return this.events.arrived();
    this.#telling ??= clock.setImmediate(() => {
      this.#telling = undefined;
      this.events.arrived();
    });
  }

  /** The next item of an async input, whose `next()` may return anything that a loop accepts. */
  async #next(): Promise<{ value: unknown } | undefined> {
    const given = inAsyncContext(this.events.context, () => {
      this.#pulling = true;
      try {
        this.#async ??= opened<AsyncIterator<unknown>>(this.items, Symbol.asyncIterator);
        return this.#async.next();
      } finally {
        this.#pulling = false;
      }
    });
    const { value, done } = resultOf(await given);
    return done ? undefined : { value };
  }

  /** Asks the input for nothing more, not even during a pull; arrived items may still be taken. */
  halt(): void {
    this.#halted = true;
    this.#wanted = 0;
  }

  /** Whether an item may be available now, because no call of `next()` is pending. */
  get mayGive(): boolean {
    return this.#arrived.length > 0 || (!this.done && this.#asking === undefined);
  }

  /** Whether an async input was asked for an item that hasn't arrived. */
  get isAwaited(): boolean {
    return this.#asking !== undefined && this.#wanted > 0 && this.#arrived.length === 0;
  }

  /** Whether no item is left and none will come. */
  get isEmpty(): boolean {
    return this.done && this.#arrived.length === 0;
  }

  /** Takes what needs no asking, up to a LeftOut: the rest of an array, or what an iterator has given. */
  takeRest(): unknown[] {
    this.#leaveOut();
    const array = this.#array;
    const items = array === undefined
      ? this.#splice(Infinity)
      : attempt(() => slice.call(array, this.pulled), []);
    this.#wanted = 0;
    this.pulled += items.length;
    this.hasEnded ||= array !== undefined && attempt(() => this.pulled >= array.length, false);
    return items;
  }

  /** Closes the input and waits until it has cleaned up; rejects with its error. */
  close(graceMs: number): Promise<void> {
    return this.#closing ??= this.#close(graceMs);
  }

  async #close(graceMs: number): Promise<void> {
    this.done = true;
    clock.clearImmediate(this.#telling);
    if (this.hasEnded) return;
    // A generator that stopped the run by itself can be closed only when it no longer runs.
    while (this.#pulling) await undefined;
    const asking = this.#asking;
    const closing = this.#cleanUp();
    closing.catch(() => {}); // the error may come too late to be thrown
    if (asking !== undefined) void asking.finally(this.leaveAfter(graceMs));
    await Promise.race([closing, this.#left.promise]).finally(() => {
      for (const forget of this.#leaving) forget();
    });
  }

  /** Stops waiting for the input's end after this many milliseconds; returns what cancels that. */
  leaveAfter(ms: number): () => void {
    const forget = after(this.hasEnded ? Infinity : ms, this.#left.resolve);
    this.#leaving.push(forget);
    return forget;
  }

  async #cleanUp(): Promise<void> {
    const { context } = this.events;
    await inAsyncContext(context, () => this.#sync?.return?.());
    await inAsyncContext(context, () => this.#async?.return?.());
  }
}

function opened<Of>(items: unknown, name: symbol): Of {
  const open = (items as Record<symbol, unknown>)[name];
  const iterator = typeof open === "function" ? open.call(items) : undefined;
  if (typeof iterator?.next === "function") return iterator;
  const given = typeof open === "function" ? `gave ${shown(iterator)}` : `is ${shown(open)}`;
  throw new TypeError(`The input's [${String(name)}] ${given}, which is no iterator`);
}

/** Checks what an iterator's `next()` returned, as a loop does. */
function resultOf(given: IteratorResult<unknown>): IteratorResult<unknown> {
  if (typeof given === "object" && given !== null || typeof given === "function") return given;
  throw new TypeError(`The input's next() gave ${shown(given)}, which is no object`);
}
