/**
 * The same contract with the real lanes of this event loop: tasks of drawn lengths and ends, aborted
 * at drawn points, in drawn orders and sizes.
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { concurrent, limited, sequential, task } from "../../lib/mod.ts";

const SEED = crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1;

/** Waits so many turns, then gives the item's number, or throws until the attempt that it names. */
const work = task<
  { default: (item: { n: number; turns: number; goodAt: number }) => number | Promise<number> }
>(
  `data:text/javascript,${
    encodeURIComponent(`
      export default ({ n, turns, goodAt }, { attempt, signal }) => {
        const end = () => {
          if (attempt < goodAt) throw new RangeError("item " + n);
          return n;
        };
        if (turns === 0) return end();
        return (async () => {
          for (let turn = 0; turn < turns; turn++) {
            await new Promise((resolve) => setImmediate(resolve));
            signal.throwIfAborted();
          }
          return end();
        })();
      };
    `)
  }`,
);

const MODELS = {
  sequential: () => sequential(),
  concurrent: () => concurrent(),
  limited: () => limited({ slots: 3 }),
};

for (const [model, open] of Object.entries(MODELS)) {
  Deno.test(`${model}: every item settles once as the contract says, whatever is drawn (seed ${SEED})`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ turns: fc.nat({ max: 3 }), goodAt: fc.integer({ min: 1, max: 4 }) }),
          { maxLength: 15 },
        ),
        fc.record({
          order: fc.constantFrom("input" as const, "completion" as const),
          chunk: fc.oneof(fc.constant("auto" as const), fc.integer({ min: 1, max: 4 })),
          buffer: fc.oneof(fc.constant("auto" as const), fc.nat({ max: 4 })),
        }),
        fc.nat({ max: 2 }),
        fc.option(fc.nat({ max: 15 }), { freq: 4, nil: Infinity }),
        async (drawn, options, retries, abortAt) => {
          await using executor = open();
          const items = drawn.map((item, n) => ({ ...item, n }));
          const controller = new AbortController();
          let taken = 0;
          const seen: number[] = [];
          for await (
            const outcome of executor.mapSettled(work, items, {
              ...options,
              signal: controller.signal,
              retries: { limit: retries, baseMs: 0 },
            })
          ) {
            if (taken++ === abortAt) controller.abort();
            seen.push(outcome.index);
            const { goodAt } = items[outcome.index]!;
            assert(outcome.attempts <= retries + 1);
            if (outcome.status === "fulfilled") {
              assertEquals([outcome.value, outcome.attempts], [outcome.index, goodAt]);
            } else if (outcome.ended === "failed") {
              // An item that failed as its run was stopping is not tried again.
              if (abortAt === Infinity) assertEquals(outcome.attempts, retries + 1);
              assert(outcome.attempts < goodAt && outcome.reason instanceof RangeError);
            } else {
              assertEquals([outcome.ended, abortAt < items.length], ["cancelled", true]);
            }
          }
          const sorted = seen.toSorted((a, b) => a - b);
          assertEquals(sorted, items.map(({ n }) => n));
          if (options.order === "input") assertEquals(seen, sorted);
        },
      ),
      { seed: SEED, numRuns: 150 },
    );
  });
}
