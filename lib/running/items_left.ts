/** The items of a job that are left to run. It imports no npm package. */

import type { Items } from "../dispatch/map_options.ts";
import { LeftOut } from "../dispatch/source.ts";
import { digestOf, jsonText, type Known, type KnownItems } from "./known_items.ts";
import { isThenable } from "../lanes/attempt.ts";
import { messageOf } from "../timing/failures.ts";
import type { RunSpec } from "./run_message.ts";
import { UnmatchedItems } from "./unmatched_items.ts";
import { setImmediate as turn } from "node:timers/promises";

/** How many items are looked at before the event loop has a turn. */
const TURN_ITEMS = 1 << 16;

export interface Listed {
  readonly place: number;
  /** The index under which the item is recorded; it may differ from its place if items are matched. */
  index: number;
  readonly item: unknown;
  readonly digest: number;
  /** The item as JSON, before its task could change it; undefined for a string or without a journal. */
  readonly text: string | undefined;
}

/** Deals out the items left to run, each at its place in the list, and keeps track of those under way. */
export class ItemsLeft implements AsyncIterableIterator<unknown> {
  /** How many items the list has, or its limit if that is less or the size isn't known; else undefined. */
  readonly total: number | undefined;
  /** The error of the list, or of an item that can't be recorded; items before it are dealt out. */
  failure: { readonly error: unknown } | undefined;
  /** Once set, no more items are dealt out. */
  finishing = false;
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>;
  readonly #isAsync: boolean;
  readonly #isMatching: boolean;
  /** When matching: the recorded items that weren't found yet. */
  readonly #unmatched: Readonly<Record<Known, UnmatchedItems>>;
  /** When matching: the index and digest of each further item that equals recorded ones. */
  readonly #further = new Set<string>();
  /** By the digest of these: an index before which none is left for it. */
  readonly #free = new Map<number, number>();
  /** Items taken but not dealt out, the next one last; `compare` takes many before any task can start. */
  #held: Listed[] = [];
  /** How many items were taken from the list, and how many of its places are dealt out or left out. */
  #taken = 0;
  #place = 0;
  #ended = false;
  /** Whether all of the list was taken. */
  #isSeen = false;
  readonly #underWay = new Map<number, Listed>();

  constructor(
    items: Items<unknown>,
    private readonly known: KnownItems,
    private readonly wanted: Pick<RunSpec, "limit" | "run" | "changed" | "journaled">,
  ) {
    const size = Array.isArray(items) ? items.length : (items as { size?: unknown }).size;
    this.total = typeof size === "number" ? Math.min(size, wanted.limit ?? Infinity) : wanted.limit;
    this.#isAsync = Symbol.asyncIterator in items;
    this.#iterator = Symbol.asyncIterator in items
      ? items[Symbol.asyncIterator]()
      : items[Symbol.iterator]();
    this.#isMatching = wanted.changed === "match";
    const { done, failed } = this.#isMatching ? known.counts : { done: 0, failed: 0 };
    this.#unmatched = { done: new UnmatchedItems(done), failed: new UnmatchedItems(failed) };
  }

  /** Whether an item was taken from the list, so tasks may have started. */
  get hasBegun(): boolean {
    return this.#taken > 0;
  }

  /** When matching: how many recorded items weren't found in the list, by state; 0 if it has more items. */
  get gone(): Record<Known, number> {
    const { done, failed } = this.#unmatched;
    return this.#isSeen ? { done: done.size, failed: failed.size } : { done: 0, failed: 0 };
  }

  /** Prepares the matching of items. */
  async #match(): Promise<void> {
    let count = 0;
    for (const [index, digest, state] of this.known.entries()) {
      this.#unmatched[state].add(index, digest);
      if (++count % TURN_ITEMS === 0) await turn();
      if (this.finishing) break;
    }
  }

  /**
   * How the list differs from the recorded one; undefined if it doesn't, or if items are matched. To be awaited
   * before items are dealt out.
   */
  async compare(): Promise<string | undefined> {
    if (this.#isMatching) return void await this.#match();
    if (this.known.isMixed) return "results of several lists are recorded";
    const length = Math.min(this.known.length, this.wanted.limit ?? Infinity);
    while (this.#taken < length && !this.finishing) {
      const listed = await this.#take();
      // A list from elsewhere ends early once the run is to finish.
      if (this.failure !== undefined || this.finishing) break;
      if (listed === undefined) {
        const items = `${this.#taken} item${this.#taken === 1 ? "" : "s"}`;
        return `it ends after ${items}, and item ${this.known.length - 1} is recorded`;
      }
      if (this.#taken % TURN_ITEMS === 0) await turn();
      const { index, digest } = listed;
      const known = this.known.at(index);
      if (known !== undefined && this.known.digestAt(index) !== digest) {
        return `item ${index} is another one than was recorded`;
      }
      if (this.#isWanted(known)) this.#held.push(listed);
    }
    this.#held.reverse();
    return undefined;
  }

  #isWanted(known: Known | undefined): boolean {
    const { rest, failed } = this.wanted.run;
    return known === undefined ? rest : known === "failed" && failed;
  }

  /** The next item of the list; a promise only if the list gives one. */
  #take(): Listed | undefined | Promise<Listed | undefined> {
    if (this.#ended || this.#taken >= (this.wanted.limit ?? Infinity)) return undefined;
    try {
      const next = this.#iterator.next();
      if (!isThenable(next)) return this.#listed(next);
      return Promise.resolve(next).then((next) => this.#listed(next))
        .catch((error) => this.#fail(error));
    } catch (error) {
      return this.#fail(error);
    }
  }

  #fail(error: unknown): undefined {
    this.failure = { error };
    this.#ended = true;
  }

  #listed({ done, value: item }: IteratorResult<unknown>): Listed | undefined {
    if (done) {
      this.#ended = this.#isSeen = true;
      return undefined;
    }
    const index = this.#taken;
    let text: string | undefined;
    let digest = 0;
    try {
      // An item that JSON can't hold could change unnoticed, and would then be taken for done.
      if (this.wanted.journaled && typeof item !== "string") text = jsonText(item);
      digest = digestOf(item);
    } catch (cause) {
      if (this.wanted.journaled) {
        const problem = `item ${index} can't be known again when the run goes on`;
        return this.#fail(new Error(`${problem}: ${messageOf(cause)}; leave out --out`, { cause }));
      }
    }
    this.#taken++;
    return { place: index, index, item, digest, text };
  }

  /** The recorded state of an equal item, whatever its index; each recorded item is matched once. */
  #matched(listed: Listed): Known | undefined {
    const { done, failed } = this.#unmatched;
    for (const state of ["done", "failed"] as const) {
      const index = this.#unmatched[state].take(listed.digest);
      if (index === undefined) continue;
      listed.index = index;
      return state;
    }
    if (done.has(listed.digest) || failed.has(listed.digest)) this.#indexFurther(listed);
    return undefined;
  }

  /** Indexes an item that equals recorded ones by its place, or by the first index that none of them has. */
  #indexFurther(listed: Listed): void {
    const { digest } = listed;
    const isTaken = (index: number) =>
      this.known.stateOf(index, digest) !== undefined || this.#further.has(`${index} ${digest}`);
    let free = this.#free.get(digest) ?? 0;
    while (isTaken(listed.index)) listed.index = free++;
    this.#free.set(digest, free);
    this.#further.add(`${listed.index} ${digest}`);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * These items as a run's input; a list that isn't async is read without a promise for each item, unless all of
   * it may be known and is only now compared.
   */
  get input(): Items<unknown> {
    const size = this.total;
    const items = this.#isAsync || this.#isMatching
      ? { [Symbol.asyncIterator]: () => this }
      : { [Symbol.iterator]: () => this.#atOnce() };
    return size === undefined ? items : Object.assign(items, { size });
  }

  *#atOnce(): Generator<unknown, void> {
    try {
      while (!this.finishing) {
        const held = this.#held.pop();
        if (held !== undefined) yield this.#dealt(held);
        else if (!this.#sift(this.#goesOn ? this.#take() as Listed | undefined : undefined)) return;
      }
    } finally {
      void this.return();
    }
  }

  /** The next item to run, or first the number of items left out before it. */
  async next(): Promise<IteratorResult<unknown>> {
    while (!this.finishing) {
      const held = this.#held.pop();
      if (held !== undefined) return { value: this.#dealt(held), done: false };
      const taken = this.#goesOn ? this.#take() : undefined;
      if (!this.#sift(taken instanceof Promise ? await taken : taken)) break;
      if (this.#taken % TURN_ITEMS === 0) await turn();
    }
    return await this.return();
  }

  /** Whether items after those compared may be wanted. */
  get #goesOn(): boolean {
    return this.#isMatching || this.wanted.run.rest;
  }

  /** Adds an item to those held if it is wanted; returns false at the end of the list. */
  #sift(listed: Listed | undefined): boolean {
    if (listed === undefined) return false;
    const known = this.#isMatching ? this.#matched(listed) : undefined;
    if (this.#isWanted(known)) this.#held.push(listed);
    return true;
  }

  #dealt(listed: Listed): unknown {
    const { place, item } = listed;
    const before = place - this.#place;
    if (before > 0) {
      this.#held.push(listed);
      this.#place = place;
      return new LeftOut(before);
    }
    this.#place++;
    this.#underWay.set(place, listed);
    return item;
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.finishing = true;
    if (!this.#ended) {
      this.#ended = true;
      await this.#iterator.return?.();
    }
    return { value: undefined, done: true };
  }

  /** The places of the items that were dealt out and haven't settled, in that order. */
  get underWay(): Iterable<number> {
    return this.#underWay.keys();
  }

  settled(place: number): Listed {
    const listed = this.#underWay.get(place)!;
    this.#underWay.delete(place);
    return listed;
  }
}
