/** Finds items equal to earlier ones, which take less time if tasks keep results. Imports no npm package. */

export interface EqualItems {
  /** How many items differ from all before them. */
  readonly distinct: number;
  /** For each stretch of the sample, how many of its items are equal to one that ran before. */
  readonly again: readonly number[];
}

/** Longer lists aren't searched: this many objects take half a second. */
const MOST_ITEMS = 100_000;
/** An item whose text is longer than this counts as equal to no other. */
const MOST_TEXT = 1000;

function keyOf(item: unknown): unknown {
  if (typeof item !== "object" || item === null) return item;
  let parts = 0;
  try {
    const text = JSON.stringify(item, (_, value) => {
      // Bytes as text take longer than most tasks.
      if (++parts > MOST_TEXT || ArrayBuffer.isView(value)) throw new RangeError("too long");
      return value;
    });
    // Items may differ in what JSON leaves out.
    return text.length > MOST_TEXT || text.includes("{}") ? item : `object ${text}`;
  } catch {
    return item;
  }
}

export function hasEqualItems(list: readonly unknown[]): boolean {
  return list.length <= MOST_ITEMS && new Set(list.map(keyOf)).size < list.length;
}

/** Undefined if no items are equal or `list` is too long; `places` and `counts` describe the sample. */
export function equalItems(
  list: readonly unknown[],
  places: readonly number[],
  counts: readonly number[],
): EqualItems | undefined {
  if (list.length > MOST_ITEMS) return undefined;
  const keys = list.map(keyOf);
  const distinct = new Set(keys).size;
  if (distinct === keys.length) return undefined;
  const seen = new Set<unknown>();
  let turn = 0;
  const again = counts.map((count) => {
    let repeated = 0;
    for (const end = turn + count; turn < end; turn++) {
      const key = keys[places[turn] ?? turn];
      if (seen.has(key)) repeated++;
      else seen.add(key);
    }
    return repeated;
  });
  return { distinct, again };
}
