/** A job's items: where they come from and in which order. It imports no npm package. */

import type { Items } from "../dispatch/map_options.ts";
import { disposerOf, importModule } from "../lanes/lane_tasks.ts";
import { within } from "../lanes/timers.ts";
import type { Arrivals, ItemSource, JobSpec } from "./spec.ts";

/** The result of `prepare`; disposed when the job is over, if it can be. */
interface Prepared extends AsyncDisposable {
  readonly isDisposable: boolean;
}

export async function hook(
  { task }: Pick<JobSpec, "task">,
  name: string | undefined,
): Promise<((...args: unknown[]) => unknown) | undefined> {
  if (name === undefined) return undefined;
  const module = await importModule(task.module);
  const found = module[name];
  if (typeof found === "function") return found as (...args: unknown[]) => unknown;
  throw new TypeError(
    `Cannot run the trial: ${task.module} exports no function ${JSON.stringify(name)}`,
  );
}

export async function prepare(run: (() => unknown) | undefined): Promise<Prepared> {
  const dispose = disposerOf(await run?.());
  return {
    isDisposable: dispose !== undefined,
    async [Symbol.asyncDispose]() {
      await dispose?.();
    },
  };
}

function isItems(value: unknown): value is Items<unknown> {
  return typeof value === "object" && value !== null &&
    (Symbol.iterator in value || Symbol.asyncIterator in value);
}

export function limitedTo(job: JobSpec, limit: number): JobSpec {
  const { items } = job;
  const isListed = items.kind === "values";
  if (limit >= (isListed ? items.values.length : items.limit ?? Infinity)) return job;
  return isListed
    ? { ...job, items: { ...items, values: items.values.slice(0, limit) } }
    : { ...job, items: { ...items, limit } };
}

/** A job's items; if they are taken in another order, `places` are their indexes in the list. */
interface OpenItems {
  readonly items: Items<unknown>;
  readonly places?: readonly number[] | undefined;
}

export async function openItems(source: ItemSource): Promise<OpenItems> {
  if (source.kind === "values") return { items: source.values };
  const module = await importModule(source.module);
  const exported = module[source.export];
  const made = typeof exported === "function" ? await exported() : exported;
  if (!isItems(made)) {
    throw new TypeError(
      `Cannot take items from ${source.module}: its export ${JSON.stringify(source.export)} is ` +
        `${typeof made}; export an iterable, an async iterable, or a function that returns one`,
    );
  }
  const { limit, order } = source;
  if (order === "backwards") return await takenBackwards(made, limit);
  const { items, places }: OpenItems = order === "spread"
    ? spreadItems(made, source)
    : { items: made };
  if (limit === undefined || places !== undefined) return { items, places };
  return {
    items: Array.isArray(items) ? items.slice(0, limit) : new ItemPuller(items).goOn([], limit),
  };
}

async function takenBackwards(made: Items<unknown>, limit = Infinity): Promise<OpenItems> {
  const puller = new ItemPuller(made);
  const first = await puller.pull(limit);
  await puller.close();
  return { items: first.toReversed(), places: [...first.keys()].reverse() };
}

/** How long to wait, in milliseconds, to see whether one more item comes, or for a source to close. */
const LAST_LOOK_MS = 300;

/** Takes items one by one from any source, and never more than are wanted. */
export class ItemPuller {
  readonly total: number | undefined;
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>;
  #done = false;
  pulled = 0;

  constructor(items: Items<unknown>) {
    this.#iterator = Symbol.asyncIterator in items
      ? items[Symbol.asyncIterator]()
      : items[Symbol.iterator]();
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

  /** Yields the pulled items, then others up to `most` in all, so that a source read only once loses none. */
  async *goOn(pulled: readonly unknown[], most = Infinity): AsyncGenerator<unknown> {
    try {
      yield* pulled;
      while (!this.#done && this.pulled < most) yield* await this.pull(1);
    } finally {
      if (!this.#done) await this.#iterator.return?.();
    }
  }

  /** Whether there are no more items; false also if that can't be told soon. */
  async ended(): Promise<boolean> {
    const isOver = this.pull(1).then((more) => more.length === 0, () => false);
    return await within(LAST_LOOK_MS, isOver, () => false);
  }

  /** Closes the source, but doesn't wait long for one that is busy. */
  async close(): Promise<void> {
    if (this.#done) return;
    const closed = Promise.resolve(this.#iterator.return?.()).catch(() => {});
    await within<unknown>(LAST_LOOK_MS, closed, () => {});
  }
}

export async function withWarmup(
  items: Items<unknown>,
  count: number,
): Promise<{ warmup: readonly unknown[]; all: Items<unknown> }> {
  if (count <= 0) return { warmup: [], all: items };
  if (Array.isArray(items)) return { warmup: items.slice(0, count), all: items };
  const puller = new ItemPuller(items);
  const warmup = await puller.pull(count);
  return { warmup, all: puller.goOn(warmup) };
}

/** When an item is due, in milliseconds from the start of the schedule. */
export function dueAfterMs(
  index: number,
  { ratePerSecond }: Pick<Arrivals, "ratePerSecond">,
): number {
  return index / ratePerSecond * 1000;
}

/** Yields each item when it is due; overdue items come at once, because the schedule doesn't wait. */
export async function* arriving<T>(
  items: readonly T[],
  arrivals: Arrivals,
  beginMs: number,
): AsyncGenerator<T, void> {
  if (items.length === 0) throw new RangeError("Cannot have items arrive: there are none");
  for (let index = 0; index < arrivals.count; index++) {
    const inMs = beginMs + dueAfterMs(index, arrivals) - performance.now();
    if (inMs > 0) await new Promise((resolve) => setTimeout(resolve, inMs));
    yield items[index % items.length]!;
  }
}

/** The most places in an order: advice never runs more items. */
const MOST_PLACES = 1 << 16;

/** A pseudo-random bit that depends on a number alone: the finisher of MurmurHash3 (Appleby, 2011). */
function chanceBit(of: number): number {
  let hash = Math.imul(of ^ of >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return (hash ^ hash >>> 16) & 1;
}

/**
 * An order in which the first few of `count` items represent all of them. They are spread over the job, so that
 * items that grow, shrink or come in two kinds are seen as such, and at pseudo-random places, so that items
 * that recur at regular places are, too. Places are counted in binary and read backwards (van der Corput,
 * "Verteilungsfunktionen", 1935), and each half, quarter and so on is flipped or not at random (Owen, "Randomly
 * permuted (t,m,s)-nets and (t,s)-sequences", 1995). Neighbours stay together in pairs, because one may depend
 * on the other. The order is the same in every process, has each place once, and has at most `most` places.
 */
export function spreadOrder(count: number, most = MOST_PLACES): number[] {
  const pairs = Math.ceil(count / 2);
  const bits = Math.max(0, Math.ceil(Math.log2(Math.max(1, pairs))));
  const wanted = Math.min(count, most);
  const order: number[] = [];
  for (let turn = 0; order.length < wanted; turn++) {
    // The part of the job that is chosen so far, with a leading 1 that marks its size.
    let part = 1;
    let place = 0;
    for (let bit = 0; bit < bits; bit++) {
      const half = turn >> bit & 1;
      // The first item stays first: if every item fails, the failure is reported for that one.
      place = place * 2 + (half ^ (place === 0 ? 0 : chanceBit(part)));
      part = part * 2 + half;
    }
    order.push(...[2 * place, 2 * place + 1].filter((place) => place < count));
  }
  return order.slice(0, wanted);
}

/** A list's items in that order, with their places in the list; other sources as they come. */
export function spreadItems(
  made: Items<unknown>,
  { first = Infinity, limit }: Pick<ItemSource & { readonly kind: "module" }, "first" | "limit">,
): OpenItems {
  if (!Array.isArray(made)) return { items: made };
  const places = spreadOrder(Math.min(made.length, first), limit);
  return { items: places.map((place) => made[place]), places };
}
