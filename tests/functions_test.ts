/** Plain functions as tasks: the behaviour that users of `p-map` and `Promise.all` rely on. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";
import {
  concurrent,
  type EventLoopExecutor,
  limited,
  sequential,
  type TaskContext,
} from "../lib/mod.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);
/** Waits some turns of the event loop, because a loaded machine may need more than one. */
const turn = async () => {
  for (let turns = 0; turns < 5; turns++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    await new Promise((resolve) => setImmediate(resolve));
  }
};

/** A function whose calls end when the test says so. */
class Told {
  /** The items whose calls have started, in order. */
  readonly started: number[] = [];
  peak = 0;
  readonly #open = new Map<number, PromiseWithResolvers<string>>();

  readonly fn = (item: number, { signal }: TaskContext): Promise<string> => {
    this.started.push(item);
    const call = Promise.withResolvers<string>();
    this.#open.set(item, call);
    this.peak = Math.max(this.peak, this.#open.size);
    signal.addEventListener("abort", () => {
      this.#open.delete(item);
      call.reject(signal.reason);
    });
    return call.promise;
  };

  get open(): number[] {
    return [...this.#open.keys()];
  }

  async end(item: number, error?: Error): Promise<void> {
    const call = this.#open.get(item)!;
    this.#open.delete(item);
    if (error === undefined) call.resolve(`value ${item}`);
    else call.reject(error);
    await turn();
  }
}

Deno.test("no more calls are open than there are slots, and the next starts when one has ended", async () => {
  await using executor = limited({ slots: 3 });
  const told = new Told();
  const values = executor.map(told.fn, numbers(7)).toArray();
  await turn();
  assertEquals(told.open, [0, 1, 2]);
  await told.end(1);
  assertEquals(told.open, [0, 2, 3]);
  while (told.open.length > 0) await told.end(told.open.at(-1)!);
  assertEquals(await values, numbers(7).map((n) => `value ${n}`));
  assertEquals([told.peak, told.started], [3, numbers(7)]);
});

Deno.test("without a limit all start at once, and one by one they start in turn", async () => {
  await using all = concurrent();
  const told = new Told();
  const values = all.map(told.fn, numbers(100)).toArray();
  await turn();
  assertEquals(told.open.length, 100);
  for (const item of numbers(100)) await told.end(item);
  assertEquals((await values).length, 100);
  await using one = sequential();
  let running = 0;
  const alone = async (n: number) => {
    assertEquals(running++, 0);
    await turn();
    running--;
    return n;
  };
  assertEquals(await one.map(alone, numbers(5)).toArray(), numbers(5));
});

Deno.test("values come in the order of the items, or as they end", async () => {
  await using executor = limited({ slots: 3 });
  for (const [order, wanted] of [["input", [0, 1, 2]], ["completion", [2, 0, 1]]] as const) {
    const told = new Told();
    const values = executor.map(told.fn, numbers(3), { order }).toArray();
    await turn();
    for (const item of [2, 0, 1]) await told.end(item);
    assertEquals(await values, wanted.map((n) => `value ${n}`));
  }
});

Deno.test("a function learns its item's place, and may give its value at once or later", async () => {
  await using executor = limited({ slots: 2 });
  const at = executor.map((item, { index }) => `${item}${index}`, ["a", "b", "c"]);
  assertEquals(await at.toArray(), ["a0", "b1", "c2"]);
  const thenable = (n: number) => ({ then: (done: (n: number) => void) => done(-n) });
  assertEquals(await executor.map(thenable as never, [1, 2]).toArray(), [-1, -2]);
});

Deno.test("the first error is what map rejects with; nothing more starts, and what runs is asked to stop", async () => {
  await using executor = limited({ slots: 3 });
  const told = new Told();
  const values = executor.map(told.fn, numbers(9)).toArray();
  await turn();
  const error = new Error("no");
  const rejected = assertRejects(() => values);
  await told.end(1, error);
  assert(await rejected === error, "it rejects with something else");
  assertEquals([told.started, told.open], [[0, 1, 2], []]);
  const thrower = (n: number): number => {
    throw new RangeError(String(n));
  };
  await assertRejects(() => executor.map(thrower, [7]).toArray(), RangeError, "7");
});

Deno.test("with mapSettled all go on, and each error stands at its item", async () => {
  await using executor = limited({ slots: 2 });
  const half = (n: number) => {
    if (n % 2 === 1) throw new Error(`odd ${n}`);
    return n / 2;
  };
  const outcomes = await executor.mapSettled(half, numbers(6)).toArray();
  const reasons = outcomes.flatMap((o) => o.status === "rejected" ? [[o.item, o.reason]] : []);
  assertEquals(reasons.map(([item, reason]) => `${item}: ${reason}`), [
    "1: Error: odd 1",
    "3: Error: odd 3",
    "5: Error: odd 5",
  ]);
  assertEquals(outcomes.flatMap((o) => o.status === "fulfilled" ? o.value : []), [0, 1, 2]);
});

Deno.test("items come from anything that can be iterated, read no further than there is room", async () => {
  await using executor = limited({ slots: 2 });
  const same = <T>(item: T) => item;
  assertEquals(await executor.map(same, new Set([1, 2])).toArray(), [1, 2]);
  assertEquals(await executor.map(same, new Map([[1, 2]])).toArray(), [[1, 2]]);
  assertEquals(await executor.map(same, "ab").toArray(), ["a", "b"]);
  assertEquals(await executor.map(same, ReadableStream.from([1, 2])).toArray(), [1, 2]);
  assertEquals(await executor.map(same, []).toArray(), []);
  async function* later() {
    for (const promise of [Promise.resolve(1), Promise.resolve(2)]) yield await promise;
  }
  assertEquals(await executor.map(same, later()).toArray(), [1, 2]);
  let pulled = 0;
  let closed = false;
  function* endless() {
    try {
      for (;;) yield pulled++;
    } finally {
      closed = true;
    }
  }
  let taken = 0;
  for await (const n of executor.map(same, endless(), { buffer: 3 })) {
    assertEquals(n, taken++);
    assert(pulled <= taken + 2 + 3, `${pulled} were read when ${taken} were taken`);
    if (taken === 50) break;
  }
  assert(closed, "the input was not closed");
});

Deno.test("what a function skips is left out by whoever reads, and leaves no hole in the order", async () => {
  await using executor = limited({ slots: 2 });
  const skipped = Symbol("skipped");
  const odd = async (n: number) => {
    await turn();
    return n % 2 === 1 ? n : skipped;
  };
  const kept: unknown[] = [];
  for await (const value of executor.map(odd, numbers(7))) {
    if (value !== skipped) kept.push(value);
  }
  assertEquals(kept, [1, 3, 5]);
  // A missing value counts as a value too.
  assertEquals(
    await executor.map((n: number) => void n, numbers(3)).toArray(),
    Array(3).fill(undefined),
  );
});

Deno.test("promises among the items are the function's to await", async () => {
  await using executor = limited({ slots: 2 });
  const items = [Promise.resolve(1), Promise.reject(new Error("no")), Promise.resolve(3)];
  const outcomes = await executor.mapSettled(async (item) => -(await item), items).toArray();
  assertEquals(outcomes.map((o) => o.status === "fulfilled" ? o.value : String(o.reason)), [
    -1,
    "Error: no",
    -3,
  ]);
});

Deno.test("an input that throws ends in that error", async () => {
  await using executor = limited({ slots: 2 });
  const error = new Error("the input broke");
  function* broken() {
    yield 1;
    throw error;
  }
  const thrown = await assertRejects(() => executor.map((n: number) => n, broken()).toArray());
  assert(thrown === error);
});

Deno.test("an abort ends map with its reason: at once, before it began, or while functions run", async () => {
  await using executor = limited({ slots: 2 });
  const reason = new Error("enough");
  const told = new Told();
  const before = executor.map(told.fn, [1], { signal: AbortSignal.abort(reason) }).toArray();
  assert(await assertRejects(() => before) === reason);
  assertEquals(told.started, []);
  const controller = new AbortController();
  const values = executor.map(told.fn, numbers(5), { signal: controller.signal }).toArray();
  const rejected = assertRejects(() => values);
  await turn();
  controller.abort(reason);
  assert(await rejected === reason);
  assertEquals([told.started, told.open], [[0, 1], []]);
  const late = new AbortController();
  assertEquals(
    await executor.map((n: number) => n, [1], { signal: late.signal }).toArray(),
    [1],
  );
  late.abort();
});

Deno.test("a function of one run may start another run, on an executor of its own", async () => {
  await using outer = limited({ slots: 2 });
  const sum = async (n: number) => {
    await using inner: EventLoopExecutor = limited({ slots: 2 });
    const values = await inner.map((m: number) => n * m, [1, 2, 3]).toArray();
    return values.reduce((a, b) => a + b);
  };
  assertEquals(await outer.map(sum, numbers(4)).toArray(), [0, 6, 12, 18]);
});

Deno.test("a function sees its own caller's AsyncLocalStorage, whoever's end made room for it", async () => {
  await using executor = limited({ slots: 2 });
  const storage = new AsyncLocalStorage<number>();
  const seen = async () => {
    const before = storage.getStore();
    await turn();
    return [before, storage.getStore()];
  };
  const calls = numbers(6).map((n) => storage.run(n, () => executor.run(seen, n)));
  const maps = [10, 20].map((n) =>
    storage.run(n, () => executor.map(seen, numbers(5), { retries: 1 }).toArray())
  );
  assertEquals(await Promise.all(calls), numbers(6).map((n) => [n, n]));
  assertEquals(await Promise.all(maps), [10, 20].map((n) => numbers(5).map(() => [n, n])));
  assertEquals(await executor.run(seen, 0), [undefined, undefined]);
});

Deno.test("functions of one map see the AsyncLocalStorage of who called it, whoever takes its results", async () => {
  await using executor = limited({ slots: 2 });
  const storage = new AsyncLocalStorage<number>();
  const results = storage.run(7, () => executor.map(() => storage.getStore(), [1, 2, 3]));
  assertEquals(await storage.run(8, () => results.toArray()), [7, 7, 7]);
});

Deno.test("a function may have any name, or one that can't be read, and be a proxy that answers nothing", async () => {
  await using executor = limited();
  const refuse = () => {
    throw new Error("no");
  };
  const names = [{ value: Symbol("s") }, { value: 5 }, { get: refuse }];
  const named = names.map((name) => Object.defineProperty((n: number) => n + 1, "name", name));
  const answersNothing = new Proxy((n: number) => n + 1, { get: refuse, has: refuse });
  for (const fn of [...named, answersNothing]) {
    const outcomes = await executor.mapSettled(fn, [1, 1n as unknown as number]).toArray();
    assertEquals(outcomes.map((o) => o.status === "fulfilled" ? o.value : o.ended), [2, "failed"]);
  }
});

Deno.test("what can be waited for and is no Promise is awaited, by its type too", async () => {
  await using executor = limited();
  const later = (n: number): PromiseLike<number> => Promise.resolve(n);
  const sums: number[] = await executor.map(later, [1, 2]).toArray();
  assertEquals([...sums, await executor.run(later, 3) + 1], [1, 2, 4]);
});
