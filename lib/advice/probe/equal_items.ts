/** Which items of a list are equal to earlier ones: a task that keeps its results takes less for those. It imports no npm package. */

/** How the items of a list repeat each other, where they do. */
export interface EqualItems {
  /** How many of the list differ from all others before them. */
  readonly distinct: number;
  /** Of each stretch of the sample, in turn, how many items are equal to one that ran before. */
  readonly again: readonly number[];
}

/** Longer lists aren't looked through: that takes half a second for so many objects. */
const MOST_ITEMS = 100_000;
/** What is longer than this as text is taken to be like no other. */
const MOST_TEXT = 1000;

function keyOf(item: unknown): unknown {
  if (typeof item !== "object" || item === null) return item;
  let parts = 0;
  try {
    const text = JSON.stringify(item, (_, value) => {
      // As text bytes take longer than most tasks.
      if (++parts > MOST_TEXT || ArrayBuffer.isView(value)) throw new RangeError("too long");
      return value;
    });
    // What JSON leaves out may be what differs.
    return text.length > MOST_TEXT || text.includes("{}") ? item : `object ${text}`;
  } catch {
    return item;
  }
}

export function hasEqualItems(list: readonly unknown[]): boolean {
  return list.length <= MOST_ITEMS && new Set(list.map(keyOf)).size < list.length;
}

/** Undefined if no two are equal, or there are too many to look through; `places` is the order in which the sample took them, in stretches of `counts`. */
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
