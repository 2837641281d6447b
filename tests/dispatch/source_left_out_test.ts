import { assertEquals } from "@std/assert";
import fc from "../properties.ts";
import { limited } from "../../lib/open.ts";
import { LeftOut, Source } from "../../lib/dispatch/source.ts";

/** For each item of a list, how many are left out before it, and whether the input waits before it. */
const places = fc.array(fc.tuple(fc.nat({ max: 3 }), fc.boolean()), { maxLength: 30 });

async function* inputOf(gaps: readonly (readonly [number, boolean])[]): AsyncGenerator<unknown> {
  let place = 0;
  for (const [gap, waits] of gaps) {
    if (waits) await new Promise((resolve) => setImmediate(resolve));
    if (gap > 0) yield new LeftOut(gap);
    place += gap;
    yield place++;
  }
}

/** The same input without promises. */
function* syncInputOf(gaps: readonly (readonly [number, boolean])[]): Generator<unknown> {
  let place = 0;
  for (const [gap] of gaps) {
    if (gap > 0) yield new LeftOut(gap);
    place += gap;
    yield place++;
  }
}

Deno.test("items that are left out have no outcomes, and the others keep their places", async () => {
  await fc.assert(fc.asyncProperty(
    places,
    fc.constantFrom("input" as const, "completion" as const),
    fc.constantFrom("auto" as const, 0, 3),
    fc.constantFrom(inputOf, syncInputOf),
    async (gaps, order, buffer, make) => {
      let place = -1;
      const wanted = gaps.map(([gap]) => place += gap + 1);
      await using executor = limited({ slots: 3 });
      const task = async (item: unknown, { index }: { index: number }) => {
        if (index % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
        return [item, index];
      };
      const outcomes = await Array.fromAsync(
        executor.mapSettled(task, make(gaps), { order, buffer }),
      );
      const found = outcomes.map((outcome) => {
        assertEquals(outcome.status === "fulfilled" && outcome.value, [
          outcome.index,
          outcome.index,
        ]);
        return outcome.index;
      });
      assertEquals(order === "input" ? found : found.toSorted((a, b) => a - b), wanted);
    },
  ));
});

Deno.test("what has arrived when a run is stopped is cancelled at its place", async () => {
  await using executor = limited({ slots: 1 });
  const stop = new AbortController();
  const task = (_item: unknown, { index }: { index: number }) => {
    if (index === 5) stop.abort();
  };
  const input = inputOf([[5, false], [0, false], [0, false], [2, false]]);
  const outcomes = await Array.fromAsync(
    executor.mapSettled(task, input, { signal: stop.signal, buffer: 3 }),
  );
  assertEquals(outcomes[0]!.index, 5);
  for (const { index } of outcomes) assertEquals([5, 6, 7, 10].includes(index), true);
});

Deno.test("all that has arrived is cancelled at its place, whatever is left out between", async () => {
  const stop = new AbortController();
  const all = Promise.withResolvers<void>();
  async function* input() {
    yield* ["a", new LeftOut(2), "b", new LeftOut(3), new LeftOut(1), "c", "d", new LeftOut(1)];
    all.resolve();
  }
  await using executor = limited({ slots: 1 });
  const task = async () => {
    await all.promise;
    stop.abort();
  };
  const outcomes = await Array.fromAsync(
    executor.mapSettled(task, input(), { signal: stop.signal, buffer: 9, chunk: 9 }),
  );
  assertEquals(outcomes.map(({ index, item }) => [index, item]), [
    [0, "a"],
    [3, "b"],
    [8, "c"],
    [9, "d"],
  ]);
});

Deno.test("items of an async input that came before and after a gap don't travel together", async () => {
  const told: [number, number][] = [];
  const all = Promise.withResolvers<void>();
  async function* input() {
    yield* ["a", "b", new LeftOut(3), new LeftOut(2), "c"];
    all.resolve();
  }
  const source = new Source(input(), {
    leftOut: (first, count) => told.push([first, count]),
    arrived: () => {},
    inputFailed: all.reject,
  });
  assertEquals(source.pull(9), []);
  await all.promise;
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals([source.pull(9), source.pulled, told], [["a", "b"], 2, []]);
  assertEquals([source.pull(9), source.pulled], [["c"], 8]);
  assertEquals([told, source.isEmpty], [[[2, 3], [5, 2]], true]);
  await source.close(0);
});
