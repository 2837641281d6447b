/**
 * A run under a random schedule: its input yields random items, its consumer pulls when the schedule says, and
 * the results are checked against the contract.
 */

import { assert, assertEquals } from "@std/assert";
import type { LanePool } from "../../lib/dispatch/lane_pool.ts";
import type { Rate } from "../../lib/dispatch/map_options.ts";
import type { Items, MapOptions } from "../../lib/dispatch/map_options.ts";
import type { Outcome, Results } from "../../lib/dispatch/output.ts";
import type { Task } from "../../lib/lanes/task.ts";
import { ItemModel } from "./contract.ts";
import { valueOf } from "./fake_lane.ts";
import type { Fate, Item, Move } from "./fake_world.ts";
import { map, mapSettled } from "./start.ts";

/** The random settings of a run. */
export interface DrawnRun {
  readonly fates: readonly (readonly Fate[])[];
  readonly input: "array" | "generator" | "async";
  /** The item before which the input throws. */
  readonly throwsAt: number;
  readonly failFast: boolean;
  /** Whether all results are collected at once. */
  readonly collects: boolean;
  readonly order: "input" | "completion";
  readonly chunk: "auto" | number;
  readonly buffer: "auto" | number;
  readonly retries: number;
  readonly rerun: boolean;
  readonly timeoutMs: number;
  readonly rate: Rate | undefined;
  /** The number of keys of its items, and the limits of each key. */
  readonly perKey:
    | { readonly keys: number; readonly slots: number; readonly rate?: Rate | undefined }
    | undefined;
  /** The steps at which the run is started, aborted and left. */
  readonly startsAt: number;
  readonly abortsAt: number;
  readonly leavesAt: number;
}

export class PlayedRun {
  readonly task: Task;
  /** Whether the run need not come to its end any more. */
  isStopped = false;
  hasEnded = false;
  /** Whether the run must fail, and whether it may. */
  mustFail = false;
  mayFail = false;
  readonly #drawn: DrawnRun;
  readonly #slots: number;
  readonly #isCounted: boolean;
  readonly #items: readonly Item[];
  readonly #controller = new AbortController();
  readonly #results: Results<unknown>;
  readonly #got: unknown[] = [];
  #isAsking = false;
  #hasStarted = false;
  #hasLeft = false;
  #isPoolClosed = false;
  #error: { readonly error: unknown } | undefined;
  // The input's state:
  #pulled = 0;
  #isOpen = false;
  #closed = 0;
  /** Whether it gave one more item after the stop, which has an outcome only if the run wasn't over by then. */
  #isLate = false;
  #gate: PromiseWithResolvers<IteratorResult<Item>> | undefined;

  /** @param isCounted Whether each start of an item is known. */
  constructor(pool: LanePool, name: string, drawn: DrawnRun, isCounted: boolean) {
    this.#drawn = drawn;
    this.#slots = pool.slots;
    this.#isCounted = isCounted;
    this.task = { module: `${name}:`, export: "default" };
    this.#items = drawn.fates.map((fates, index) => {
      const model = new ItemModel(`${name}/${index}`, drawn);
      return { model, fates, toString: () => `${model}` };
    });
    const { order, chunk, buffer, retries, rerun, timeoutMs, rate, perKey } = drawn;
    const options: MapOptions<Item> = {
      order,
      chunk: rate === undefined && perKey === undefined ? chunk : 1,
      ...(rate !== undefined && { rate }),
      ...(perKey !== undefined && {
        perKey: {
          key: (item) => this.#keyOf(item, perKey.keys),
          slots: perKey.slots,
          ...(perKey.rate && { rate: perKey.rate }),
        },
      }),
      buffer,
      rerun,
      timeoutMs,
      loadTimeoutMs: Infinity,
      signal: this.#controller.signal,
      retries: { limit: retries, baseMs: 4, jitter: false },
    };
    const start = drawn.failFast ? map : mapSettled;
    this.#results = start(pool, this.#input(), options, this.task);
  }

  #keyOf(item: Item, keys: number): number {
    return this.#items.indexOf(item) % keys;
  }

  /** Checks that no more items of a key are on lanes at once than the key has slots. */
  checkKeys(onLanes: readonly Item[]): void {
    const { perKey } = this.#drawn;
    if (perKey === undefined) return;
    const counts = new Map<number, number>();
    for (const item of onLanes) {
      const key = this.#keyOf(item, perKey.keys);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    for (const [key, count] of counts) {
      assert(count <= perKey.slots, `${count} items of key ${key} are with lanes`);
    }
  }

  #input(): Items<Item> {
    if (this.#drawn.input === "array") {
      this.#pulled = this.#items.length;
      return this.#items;
    }
    return this.#drawn.input === "generator" ? this.#generator() : this.#async();
  }

  *#generator(): Generator<Item> {
    this.#isOpen = true;
    try {
      while (this.#next() !== undefined) yield this.#items[this.#pulled++]!;
      this.#isOpen = false;
    } finally {
      this.#closed++;
    }
  }

  #async(): AsyncIterable<Item> {
    const iterator: AsyncIterator<Item> = {
      next: () => {
        assert(this.#gate === undefined, "the input was asked again before it had answered");
        assert(!this.isStopped, "a stopped run asks for more");
        this.#checkRoom();
        this.#isOpen = true;
        this.#gate = Promise.withResolvers();
        return this.#gate.promise;
      },
      return: () => {
        this.#closed++;
        return Promise.resolve({ value: undefined, done: true });
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  }

  /** The input's next item; undefined at its end. */
  #next(): Item | undefined {
    if (this.#pulled === this.#drawn.throwsAt) {
      this.#isOpen = false;
      if (!this.isStopped) this.mustFail = true;
      this.mayFail = this.isStopped = true;
      throw new RangeError("the input broke");
    }
    const next = this.#items[this.#pulled];
    if (next !== undefined) this.#checkRoom();
    return next;
  }

  /** Checks that no more is pulled than fits into the slots and the buffer. */
  #checkRoom(): void {
    const { buffer, collects } = this.#drawn;
    if (buffer === "auto" || collects) return;
    // A result that was asked for may have been taken without having arrived here yet.
    const taken = this.#got.length + Number(this.#isAsking);
    const out = this.#pulled - taken;
    assert(out < this.#slots + buffer, `item ${this.#pulled} was pulled when ${taken} were taken`);
  }

  /** The steps that its consumer and its input could take next. */
  *moves(step: number): Generator<Move> {
    if (this.hasEnded || step < this.#drawn.startsAt) return;
    const canAsk = !this.#isAsking && (!this.#drawn.collects || !this.#hasStarted);
    if (canAsk && !this.#hasLeft) yield { weight: 6, run: () => this.#ask() };
    const gate = this.#gate;
    if (gate !== undefined) yield { weight: 6, run: () => this.#answer(gate) };
  }

  #answer({ resolve, reject }: PromiseWithResolvers<IteratorResult<Item>>): void {
    this.#gate = undefined;
    try {
      const value = this.#items[this.#pulled];
      if (this.#pulled === this.#drawn.throwsAt) this.#next();
      if (value === undefined) {
        this.#isOpen = false;
        return resolve({ value, done: true });
      }
      if (this.isStopped) this.#isLate = true;
      else this.#pulled++;
      resolve({ value, done: false });
    } catch (error) {
      reject(error);
    }
  }

  #ask(): void {
    if (!this.#hasStarted && this.#isPoolClosed && !this.#controller.signal.aborted) {
      this.mustFail = this.mayFail = true;
    }
    this.#isAsking = this.#hasStarted = true;
    if (this.#drawn.collects) {
      this.#results.toArray().then((all) => {
        this.#got.push(...all);
        this.#end();
      }, (error) => this.#fail(error));
      return;
    }
    this.#results.next().then(({ value, done }) => {
      this.#isAsking = false;
      if (done) this.#end();
      else this.#got.push(value);
    }, (error) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#error = { error };
    this.#end();
  }

  #end(): void {
    if (!this.#hasLeft) this.hasEnded = true;
  }

  /** Aborts or leaves the run, if that is due at this step. */
  at(step: number): void {
    if (this.hasEnded) return;
    if (step === this.#drawn.abortsAt) {
      if (this.#drawn.failFast) this.mayFail = true;
      this.isStopped = true;
      this.#controller.abort(new Error("aborted"));
    }
    if (step === this.#drawn.leavesAt) {
      this.#hasLeft = this.isStopped = true;
      this.#results.return().then(() => this.hasEnded = true);
    }
  }

  /** No lane can be started: a run under way must fail. */
  fail(): void {
    if (this.hasEnded || !this.#hasStarted) return;
    this.mayFail = true;
    // If all items have settled, the run may be over, though its consumer isn't yet.
    const isOpen = this.#items.some(({ model: { due } }) => due === undefined);
    if (!this.isStopped && isOpen) this.mustFail = true;
    this.isStopped = true;
  }

  close(): void {
    if (this.hasEnded) return;
    this.isStopped = this.#isPoolClosed = true;
    // Only of an array every item has an outcome then.
    if (this.#drawn.failFast || this.#drawn.input !== "array") this.mayFail = true;
  }

  /** Checks all results against the contract. */
  check(): void {
    assert(!this.#isOpen || this.#closed > 0, "the input was not closed");
    assert(this.#closed <= 1, "the input was closed twice");
    for (const { model } of this.#items) {
      assert(model.starts <= model.attempts, `item ${model} ran more often than it is known to`);
    }
    if (this.#drawn.failFast) this.#checkValues();
    else this.#checkOutcomes(this.#got as Outcome<unknown>[]);
  }

  #checkValues(): void {
    const names = this.#got as string[];
    const all = this.#items.map((item) => valueOf(item));
    const indexes = names.map((name) => all.indexOf(name));
    assertEquals(new Set(indexes).size, indexes.length, "an item settled twice");
    const inOrder = indexes.map((_, at) => at);
    if (this.#drawn.order === "input") assertEquals(indexes, inOrder);
    for (const index of indexes) assertEquals(this.#items[index]!.model.due, "fulfilled");
    const models = this.#items.map(({ model }) => model);
    const rejects = models.some(({ due }) => due !== undefined && due !== "fulfilled");
    const isDoubtful = models.some(({ isDoubtful }) => isDoubtful);
    if (this.#hasLeft) return;
    if (this.mustFail || rejects) assert(this.#error !== undefined, "it did not fail");
    else if (!this.mayFail && !isDoubtful) assertEquals(this.#error, undefined);
    if (this.#error === undefined) assertEquals(indexes.length, this.#items.length);
  }

  #checkOutcomes(outcomes: readonly Outcome<unknown>[]): void {
    const indexes = outcomes.map(({ index }) => index);
    const sorted = indexes.toSorted((a, b) => a - b);
    if (this.#drawn.order === "input") assertEquals(indexes, sorted);
    for (const outcome of outcomes) {
      const item = this.#items[outcome.index]!;
      if (outcome.status === "fulfilled") assertEquals(outcome.value, valueOf(item));
      item.model.settle(outcome, this.isStopped, this.#isCounted);
    }
    if (this.#hasLeft) return;
    if (!(this.#drawn.collects && this.#error !== undefined)) {
      const late = Number(this.#isLate && outcomes.length > this.#pulled);
      const wanted = this.isStopped ? this.#pulled + late : this.#items.length;
      assertEquals(sorted, Array.from({ length: wanted }, (_, at) => at), "an item is missing");
    }
    if (this.mustFail) assert(this.#error !== undefined, "it did not fail");
    else if (!this.mayFail) assertEquals(this.#error, undefined);
  }
}
