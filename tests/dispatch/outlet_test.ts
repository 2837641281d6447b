import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { Outlet } from "../../lib/dispatch/outlet.ts";
import type { Segment } from "../../lib/dispatch/segment.ts";

function segment(firstIndex: number, count: number): Segment {
  const values = Array.from({ length: count }, (_, at) => firstIndex + at);
  return { firstIndex, count, values, rejection: undefined } as unknown as Segment;
}

function outlet(order: "input" | "completion", taken: number[] = []): Outlet<number> {
  const run = {
    start() {},
    taken: (count: number) => void taken.push(count),
    stop: () => Promise.resolve(),
  };
  return new Outlet<number>(run, order, ({ values }, offset) => values![offset] as number);
}

/** The segments of this many items, in a drawn order. */
const shuffled = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 12 })
  .chain((counts) => {
    let at = 0;
    const segments = counts.map((count) => segment((at += count) - count, count));
    return fc.record({
      segments: fc.shuffledSubarray(segments, { minLength: segments.length }),
      before: fc.nat({ max: segments.length }),
      collected: fc.boolean(),
    });
  });

Deno.test("in the input's order segments go out by index, in completion's as they came", async () => {
  await fc.assert(
    fc.asyncProperty(
      shuffled,
      fc.constantFrom("input" as const, "completion" as const),
      async ({ segments, before, collected }, order) => {
        const results = outlet(order);
        const all: number[] = [];
        const reading = collected
          ? results.toArray().then((values) => all.push(...values))
          : (async () => {
            for await (const value of results) all.push(value);
          })();
        for (const [at, one] of segments.entries()) {
          if (at === before) await new Promise((resolve) => setTimeout(resolve));
          results.push(one);
        }
        results.end();
        await reading;
        const came = segments.flatMap(({ values }) => Array.from(values as number[]));
        assertEquals(all, order === "input" ? came.toSorted((a, b) => a - b) : came);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("the run is told of every segment that was taken", async () => {
  const taken: number[] = [];
  const results = outlet("input", taken);
  results.push(segment(0, 2));
  results.push(segment(2, 1));
  await results.next();
  assertEquals(taken, []);
  await results.next();
  await results.next();
  assertEquals(taken, [2, 1]);
});

Deno.test("results that come while one is taken don't overtake it", async () => {
  let next = 1;
  const results: Outlet<number> = new Outlet<number>(
    {
      start() {},
      taken: () => {
        if (next < 5) results.push(segment(next++, 1));
        else results.end();
      },
      stop: () => Promise.resolve(),
    },
    "input",
    ({ values }, offset) => values![offset] as number,
  );
  const asked = [1, 2, 3, 4, 5, 6].map(() => results.next());
  results.push(segment(0, 1));
  assertEquals((await Promise.all(asked)).map(({ value }) => value), [0, 1, 2, 3, 4, undefined]);
});

Deno.test("a failure is told once, even if it is undefined; then the results are at their end", async () => {
  const results = outlet("input");
  results.push(segment(0, 1));
  results.fail(undefined);
  let told = false;
  await results.next().catch((error) => told = error === undefined);
  assertEquals(told, true);
  assertEquals((await results.next()).done, true);
  const other = outlet("input");
  const collecting = other.toArray();
  other.fail(new RangeError("x"));
  await assertRejects(() => collecting, RangeError);
});

Deno.test("who asks while all is collected is answered: those before with results, those after with the end", async () => {
  for (const fails of [false, true]) {
    const results = outlet("input");
    const before = results.next();
    const all = results.toArray().catch((error) => `failed: ${error}`);
    const [second, after] = [results.toArray(), results.next()];
    results.push(segment(0, 3));
    if (fails) results.fail("cut off");
    else results.end();
    assertEquals((await before).value, 0);
    assertEquals(await all, fails ? "failed: cut off" : [1, 2]);
    assertEquals([await second, (await after).done], [[], true]);
  }
});
