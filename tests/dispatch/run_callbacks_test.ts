/**
 * The caller's functions, which run in the middle of the library's work: whatever they do, every item settles
 * once and nothing hangs.
 */

import { assert, assertEquals } from "@std/assert";
import { type Executor, limited, type Outcome, sequential, task } from "../../lib/mod.ts";
import { poolOf } from "./fake_lane.ts";
import { endings, mapSettled, take } from "./start.ts";
import { settle } from "./virtual_time.ts";

/** Returns the item; every third one fails at its first attempt, and even ones never wait. */
const work = task<{ default: (n: number) => number | Promise<number> }>(
  `data:text/javascript,${
    encodeURIComponent(`
      export default (n, { attempt }) => {
        if (n % 3 === 2 && attempt === 1) throw new RangeError("item " + n);
        return n % 2 === 0 ? n : new Promise((done) => setTimeout(done, 0, n));
      };
    `)
  }`,
);

const MODELS: Record<string, () => Executor> = {
  sequential: () => sequential(),
  limited: () => limited({ slots: 3 }),
};

const PLACES = ["the input", "the input's end", "onProgress", "onOutcome", "retryIf"] as const;
type Place = typeof PLACES[number];

const ITEMS = 10;

/** Runs ten items; at some moment the function at `place` acts, once. */
async function play(executor: Executor, place: Place, act: (stop: Stops) => void) {
  const controller = new AbortController();
  let hasActed = false;
  const here = (at: Place, isNow: boolean) => {
    if (at !== place || !isNow || hasActed) return;
    hasActed = true;
    pulledThen = pulled;
    act({ abort: () => controller.abort("enough"), leave: () => results.return() });
  };
  let pulled = 0;
  let pulledThen = 0;
  let closed = 0;
  function* items(): Generator<number> {
    try {
      for (; pulled < ITEMS;) {
        here("the input", pulled === 5);
        yield pulled++;
      }
      here("the input's end", true);
    } finally {
      closed++;
    }
  }
  const results = executor.mapSettled(work, items(), {
    signal: controller.signal,
    onProgress: ({ settled }) => here("onProgress", settled >= 2),
    onOutcome: ({ index }) => here("onOutcome", index >= 2),
    retries: {
      limit: 1,
      baseMs: 0,
      retryIf: ({ index }) => {
        here("retryIf", index >= 2);
        return true;
      },
    },
  });
  const outcomes: Outcome<number>[] = [];
  let failure: unknown;
  try {
    for await (const outcome of results) outcomes.push(outcome);
  } catch (error) {
    failure = error;
  }
  assert(hasActed, "nothing was done");
  assertEquals(closed, 1, "the input was not closed");
  return { outcomes, pulled, pulledThen, results, failure };
}

interface Stops {
  abort(): void;
  leave(): Promise<unknown>;
}

function indexes(outcomes: readonly Outcome<unknown>[]): number[] {
  return outcomes.map(({ index }) => index);
}

/** Checks that every pulled item settled in the input's order, and those after the stop were cancelled. */
function checkStopped({ outcomes, pulled, pulledThen }: Awaited<ReturnType<typeof play>>): void {
  assertEquals(indexes(outcomes), Array.from({ length: pulled }, (_, at) => at));
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") assertEquals(outcome.value, outcome.index);
    else assert(outcome.ended === "cancelled" || outcome.ended === "failed", outcome.ended);
  }
  // The input may have been about to yield an item.
  assert(pulled <= pulledThen + 1, "items were pulled after the run was stopped");
}

for (const [model, open] of Object.entries(MODELS)) {
  for (const place of PLACES) {
    Deno.test(`${model}: a run can be aborted from within ${place}`, async () => {
      await using executor = open();
      const played = await play(executor, place, ({ abort }) => abort());
      checkStopped(played);
      assertEquals(played.failure, undefined);
      assertEquals(await executor.map(work, [0, 1]).toArray(), [0, 1]);
    });

    Deno.test(`${model}: the executor can be closed from within ${place}`, async () => {
      const executor = open();
      let closing: Promise<void> | undefined;
      const played = await play(executor, place, () => closing = executor.close());
      checkStopped(played);
      // All items of an input that has ended have outcomes.
      const isCut = place !== "the input's end";
      assertEquals(played.failure instanceof TypeError, isCut, `${played.failure}`);
      await closing;
    });

    Deno.test(`${model}: a run can be left from within ${place}`, async () => {
      await using executor = open();
      let leaving: Promise<unknown> | undefined;
      const played = await play(executor, place, ({ leave }) => leaving = leave());
      const { outcomes, results, failure } = played;
      assertEquals(failure, undefined);
      await leaving;
      assertEquals(indexes(outcomes), [...outcomes.keys()]);
      assert((await results.next()).done);
    });

    Deno.test(`${model}: another run can be started from within ${place}`, async () => {
      await using executor = open();
      let inner: Promise<number[]> | undefined;
      const { outcomes, failure } = await play(executor, place, () => {
        inner = executor.map(work, [0, 1, 4, 7]).toArray();
      });
      assertEquals([await inner, failure], [[0, 1, 4, 7], undefined]);
      assertEquals(outcomes.map(({ status }) => status), new Array(ITEMS).fill("fulfilled"));
      assertEquals(indexes(outcomes), [...outcomes.keys()]);
    });
  }
}

Deno.test("what an input throws is told, though the items that it gave before have ended by then", async () => {
  await using executor = sequential();
  await executor.ready(work);
  function* items(): Generator<number> {
    yield* [0, 4];
    throw new RangeError("the input broke");
  }
  for (const chunk of [1, 2, 3, 5]) {
    const error = await executor.map(work, items(), { chunk }).toArray().catch((error) => error);
    assert(error instanceof RangeError, `with chunk ${chunk} nothing was told, but ${error}`);
  }
});

Deno.test("what an input asks for is done when it has given its items, not before", async () => {
  const { pool, made } = poolOf({ slots: 3 });
  const controller = new AbortController();
  const seen: unknown[] = [];
  function* items(): Generator<string> {
    yield "a";
    controller.abort("enough");
    const inner = mapSettled(pool, ["x"], {}, { module: "inner:", export: "default" });
    void inner.next();
    seen.push(made.map(({ log }) => [...log]));
    yield "b";
    yield "c";
  }
  const taken = take(mapSettled(pool, items(), { chunk: 2, signal: controller.signal }));
  await settle();
  assertEquals(seen, [[]], "a lane was opened while the input was asked");
  assertEquals(endings(taken.got), ["0 cancelled", "1 cancelled"]);
  assertEquals(made[0]!.batches.map(({ task }) => task.module), ["inner:"]);
  await pool.close();
});

Deno.test("an abort from a task's own listener is one more thing to be done, not the end of it all", async () => {
  await using executor = limited({ slots: 2 });
  const stubborn = task<{ default: (n: number) => Promise<number> }>(
    `data:text/javascript,${
      encodeURIComponent(`
        export default (n, { signal }) => new Promise((_, fail) => {
          signal.addEventListener("abort", () => fail(signal.reason));
        });
      `)
    }`,
  );
  const [one, other] = [new AbortController(), new AbortController()];
  const first = executor.mapSettled(stubborn, [1], { signal: one.signal }).toArray();
  const second = executor.mapSettled(stubborn, [2], { signal: other.signal }).toArray();
  one.signal.addEventListener("abort", () => other.abort("both"));
  await settle();
  one.abort("one");
  for (const [outcome] of [await first, await second]) {
    assert(outcome?.status === "rejected" && outcome.ended === "cancelled");
  }
});
