/**
 * Opens a job's items, wherever they come from.
 *
 * @module
 */

import type { Items } from "../dispatch/options.ts";
import type { ItemSource } from "./spec.ts";
import { spreadItems } from "./spread.ts";

function isItems(value: unknown): value is Items<unknown> {
  return typeof value === "object" && value !== null &&
    (Symbol.iterator in value || Symbol.asyncIterator in value);
}

async function* limited(items: Items<unknown>, limit: number): AsyncGenerator<unknown> {
  if (limit <= 0) return;
  let taken = 0;
  for await (const item of items) {
    yield item;
    if (++taken >= limit) return;
  }
}

/**
 * Opens a job's items.
 *
 * @throws {TypeError} If the module's export is nothing that can be iterated.
 */
export async function openItems(source: ItemSource): Promise<Items<unknown>> {
  if (source.kind === "values") return source.values;
  const module: Record<string, unknown> = await import(source.module);
  const exported = module[source.export];
  const made = typeof exported === "function" ? await exported() : exported;
  const items = source.spread ? spreadItems(made, source.first, source.limit) : made;
  if (!isItems(items)) {
    throw new TypeError(
      `Cannot take items from ${source.module}: its export ${JSON.stringify(source.export)} is ` +
        `${typeof items}; export an iterable, an async iterable, or a function that returns one`,
    );
  }
  if (source.limit === undefined) return items;
  return Array.isArray(items) ? items.slice(0, source.limit) : limited(items, source.limit);
}

async function* rejoined(
  first: readonly unknown[],
  rest: AsyncIterator<unknown> | Iterator<unknown>,
): AsyncGenerator<unknown> {
  try {
    yield* first;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/**
 * Takes the first items for a warm-up, and gives them back at the head of the rest, so that a stream
 * that can be read only once loses nothing.
 *
 * @param count How many to warm up with; fewer if there aren't as many.
 */
export async function withWarmup(
  items: Items<unknown>,
  count: number,
): Promise<{ warmup: readonly unknown[]; all: Items<unknown> }> {
  if (count <= 0) return { warmup: [], all: items };
  if (Array.isArray(items)) return { warmup: items.slice(0, count), all: items };
  const iterator = Symbol.asyncIterator in items
    ? items[Symbol.asyncIterator]()
    : items[Symbol.iterator]();
  const warmup: unknown[] = [];
  while (warmup.length < count) {
    const next = await iterator.next();
    if (next.done) return { warmup, all: warmup };
    warmup.push(next.value);
  }
  return { warmup, all: rejoined(warmup, iterator) };
}
