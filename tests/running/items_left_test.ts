import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { setImmediate } from "node:timers";
import fc from "../properties.ts";
import { LeftOut } from "../../lib/dispatch/source.ts";
import { digestOf, type Known, KnownItems } from "../../lib/running/known_items.ts";
import { ItemsLeft } from "../../lib/running/items_left.ts";
import type { RunSpec } from "../../lib/running/run_message.ts";

type Wanted = Pick<RunSpec, "limit" | "run" | "changed" | "journaled">;
const REST: Wanted = { run: { rest: true, failed: false }, changed: "refuse", journaled: true };

function knownOf(entries: readonly (readonly [number, unknown, Known])[]): KnownItems {
  const known = new KnownItems();
  for (const [index, item, state] of entries) known.add(index, digestOf(item), state);
  return known;
}

/** The items that are handed out, each with the index by which it is recorded. */
async function dealtOnce(
  items: Iterable<unknown>,
  known: KnownItems,
  wanted: Partial<Wanted>,
  atOnce: boolean,
) {
  const left = new ItemsLeft(items, known, { ...REST, ...wanted });
  const problem = await left.compare();
  if (problem !== undefined) throw new Error(problem);
  const found: [unknown, number][] = [];
  let place = 0;
  for await (const item of atOnce ? left.input : left) {
    if (item instanceof LeftOut) place += item.count;
    else found.push([item, left.settled(place++).index]);
  }
  return { found, gone: left.gone };
}

/** The items handed out, after a check that they are the same with and without promises. */
async function dealt(
  items: () => Iterable<unknown>,
  known: KnownItems,
  wanted: Partial<Wanted> = {},
) {
  const found = await dealtOnce(items(), known, wanted, true);
  assertEquals(await dealtOnce(items(), known, wanted, false), found);
  return found;
}

Deno.test("those that are neither done nor failed are dealt out, in the order of the list", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.constantFrom<(Known | undefined)[]>("done", "failed", undefined)),
    fc.boolean(),
    fc.boolean(),
    async (states, rest, failed) => {
      const items = states.map((_, index) => `item ${index}`);
      const known = knownOf(
        states.flatMap((state, index) =>
          state === undefined ? [] : [[index, items[index], state] as const]
        ),
      );
      const { found } = await dealt(() => items, known, { run: { rest, failed } });
      const wanted = items.flatMap((item, index) => {
        const state = states[index];
        const runs = state === undefined ? rest : state === "failed" && failed;
        return runs ? [[item, index]] : [];
      });
      assertEquals(found, wanted as [unknown, number][]);
    },
  ));
});

Deno.test("a list that has changed is refused before any item is dealt out", async () => {
  const known = knownOf([[0, "a", "done"], [3, "d", "done"]]);
  for (const list of [["x", "b", "c", "d"], ["a", "b", "c", "x"], ["a", "b", "c"], []]) {
    await assertRejects(() => dealt(() => list, known), Error);
  }
  const { found } = await dealt(() => ["a", "x", "c", "d", "e"], known);
  assertEquals(found, [["x", 1], ["c", 2], ["e", 4]]);
});

Deno.test("with match, items are known wherever they stand, each as often as it is recorded", async () => {
  const known = knownOf([[0, "a", "done"], [1, "b", "failed"], [2, "a", "done"], [3, "z", "done"]]);
  const list = ["new", "a", "b", "a", "a"];
  const rest = await dealt(() => list, known, { changed: "match" });
  assertEquals(rest, { found: [["new", 0], ["a", 4]], gone: { done: 1, failed: 0 } });
  const failed = await dealt(() => list, known, {
    changed: "match",
    run: { rest: false, failed: true },
  });
  assertEquals(failed.found, [["b", 1]]);
  const once = await dealt(() => ["b"], known, {
    changed: "match",
    run: { rest: true, failed: true },
  });
  assertEquals(once, { found: [["b", 1]], gone: { done: 3, failed: 0 } });
});

Deno.test("with match, whatever lists follow each other, no index is recorded of equal items twice", async () => {
  const list = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 8 });
  await fc.assert(fc.asyncProperty(fc.array(list, { maxLength: 4 }), async (lists) => {
    const known = new KnownItems();
    for (const items of lists) {
      const { found } = await dealt(() => items, known, { changed: "match" });
      for (const [at, [item, index]] of found.entries()) {
        assertEquals(known.stateOf(index, digestOf(item)), undefined);
        known.add(index, digestOf(item), at % 3 === 2 ? "failed" : "done");
      }
      const again = await dealt(() => items, known, { changed: "match" });
      assertEquals(again.found, [], "all of the list are done or failed");
    }
  }));
  const known = knownOf([[2, "a", "done"], [0, "a", "failed"]]);
  const { found } = await dealt(() => ["a", "a", "a"], known, {
    changed: "match",
    run: { rest: true, failed: true },
  });
  assertEquals(found, [["a", 0], ["a", 1]]);
});

Deno.test("with match, many equal items that are new take no longer each to be indexed than a few", async () => {
  const indexed = async (count: number) => {
    const known = knownOf(Array.from({ length: count }, (_, at) => [count + at, "a", "done"]));
    let looks = 0;
    const stateOf = known.stateOf.bind(known);
    known.stateOf = (index, digest) => (looks++, stateOf(index, digest));
    const { found } = await dealt(() => Array(3 * count).fill("a"), known, { changed: "match" });
    assertEquals(found.map(([, index]) => index).toSorted((one, other) => one - other), [
      ...Array(count).keys(),
      ...Array.from({ length: count }, (_, at) => 2 * count + at),
    ]);
    return looks / count;
  };
  assertEquals(await indexed(200), await indexed(20));
});

Deno.test("once results of two lists are recorded, only matching goes on", async () => {
  const known = knownOf([[0, "a", "done"], [0, "b", "done"], [0, "a", "failed"]]);
  assertEquals(known.counts, { done: 2, failed: 0 });
  await assertRejects(() => dealt(() => ["b"], known), Error, "several lists");
  const { found, gone } = await dealt(() => ["c", "b", "a"], known, { changed: "match" });
  assertEquals([found, gone], [[["c", 0]], { done: 0, failed: 0 }]);
});

Deno.test("no more items are taken than are wanted, and the list is closed", async () => {
  let closed = false;
  let made = 0;
  function* endless() {
    closed = false;
    made = 0;
    try {
      while (true) yield made++;
    } finally {
      closed = true;
    }
  }
  const { found } = await dealt(endless, new KnownItems(), { limit: 3 });
  assertEquals([found.map(([item]) => item), made, closed], [[0, 1, 2], 3, true]);
});

Deno.test("once it is finishing, nothing more is dealt out", async () => {
  const left = new ItemsLeft([1, 2, 3], new KnownItems(), REST);
  const found: unknown[] = [];
  for await (const item of left) {
    found.push(item);
    left.finishing = true;
  }
  assertEquals(found, [1]);
});

Deno.test("a list that ends because the run is to finish has not changed", async () => {
  const known = knownOf([[0, "a", "done"]]);
  const last = Promise.withResolvers<IteratorResult<string>>();
  const list = { [Symbol.asyncIterator]: () => list, next: () => last.promise };
  const left = new ItemsLeft(list as AsyncIterable<string>, known, REST);
  const compared = left.compare();
  left.finishing = true;
  last.resolve({ value: undefined, done: true });
  assertEquals(await compared, undefined);
});

Deno.test("of what is recorded beyond the limit it isn't said that it left the list", async () => {
  const known = knownOf([[0, "a", "done"], [3, "d", "failed"]]);
  const wanted = { changed: "match", limit: 2 } as const;
  const { found, gone } = await dealt(() => ["a", "b", "c", "d"], known, wanted);
  assertEquals([found, gone], [[["b", 1]], { done: 0, failed: 0 }]);
  const all = await dealt(() => ["a", "b"], known, { ...wanted, limit: 9 });
  assertEquals(all.gone, { done: 0, failed: 1 });
});

Deno.test("an item that couldn't be known again ends the list where a journal is kept, and nowhere else", () => {
  const nested = (depth: number) => {
    let value: unknown = 1;
    for (let at = 0; at < depth; at++) value = [value];
    return value;
  };
  const unreadable = {
    get a() {
      throw new Error("not now");
    },
  };
  for (
    const item of [
      new Blob(["x"]),
      () => 1,
      { p: Promise.resolve() },
      unreadable,
      nested(50_000),
    ]
  ) {
    const left = new ItemsLeft(["a", item, "b"], new KnownItems(), REST);
    assertEquals([...left.input as Iterable<unknown>], ["a"]);
    const { message } = left.failure!.error as Error;
    assertMatch(message, /^item 1 can't be known again when the run goes on: .*; leave out --out$/);
    const free = new ItemsLeft(["a", item, "b"], new KnownItems(), { ...REST, journaled: false });
    assertEquals([...free.input as Iterable<unknown>], ["a", item, "b"]);
  }
});

Deno.test("an item is told as it was, whatever its task made of it", () => {
  const left = new ItemsLeft([{ n: 1 }], new KnownItems(), REST);
  for (const item of left.input as Iterable<{ n: number }>) item.n = 10;
  assertEquals(left.settled(0).text, '{"n":1}');
});

Deno.test("an iterator's answers that have a `then`, as all objects may have, are no promises", async () => {
  const answers = [{ value: "a", done: false }, { value: undefined, done: true }];
  const items = Iterator.from({
    next: () => ({ ...answers.shift()!, then: undefined }) as unknown as IteratorResult<string>,
  });
  const left = new ItemsLeft(items, new KnownItems(), REST);
  await left.compare();
  assertEquals(await Array.fromAsync(left.input), ["a"]);
});

Deno.test("a list that has become shorter is told by how many items it still has", async () => {
  const known = knownOf([[0, "a", "done"], [2, "c", "done"]]);
  const told = (list: string[], problem: string) =>
    assertRejects(() => dealt(() => list, known), Error, problem);
  await told(["a"], "it ends after 1 item, and item 2 is recorded");
  await told(["a", "b"], "it ends after 2 items, and item 2 is recorded");
});

Deno.test("a list has as many items as it tells, and no more than belong to the job", () => {
  const totalOf = (items: Iterable<unknown>, limit?: number) =>
    new ItemsLeft(items, new KnownItems(), { ...REST, limit }).total;
  assertEquals([totalOf(["a", "b"], 5), totalOf(new Set(["a", "b"]), 1)], [2, 1]);
  assertEquals([totalOf(["a", "b"].values(), 5), totalOf(["a", "b"].values())], [5, undefined]);
});

Deno.test("a list whose items are waited for is dealt out as they come", async () => {
  const list = async function* () {
    yield* ["a", "b"];
  };
  const left = new ItemsLeft(list(), new KnownItems(), REST);
  assertEquals(await Array.fromAsync(left.input), ["a", "b"]);
});

for (const changed of ["refuse", "match"] as const) {
  Deno.test(`with ${changed}, however many items are recorded, the event loop has its turns`, async () => {
    const many = Array.from({ length: 150_000 }, (_, n) => n);
    const known = knownOf(many.map((n) => [n, n, "done"]));
    const left = new ItemsLeft(many, known, { ...REST, changed });
    setImmediate(() => left.finishing = true);
    await left.compare();
    assertEquals(left.finishing, true);
    const others = new ItemsLeft([...many, "new"], known, { ...REST, changed });
    await others.compare();
    let turns = 0;
    setImmediate(() => turns++);
    for await (const item of others.input) {
      assertEquals(item instanceof LeftOut || item === "new", true);
    }
    if (changed === "match") assertEquals(turns, 1);
  });
}
