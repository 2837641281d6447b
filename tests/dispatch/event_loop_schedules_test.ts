/**
 * The same contract with the real lanes of this event loop: random lengths and endings of tasks, several runs
 * at once, aborted, left or closed at random points, with random orders and sizes.
 */

import { assert, assertEquals } from "@std/assert";
import fc from "../properties.ts";
import {
  concurrent,
  type Executor,
  limited,
  type Outcome,
  sequential,
  task,
} from "../../lib/mod.ts";

const SEED = 1;

interface Item {
  readonly n: number;
  /** How many turns of the event loop its task waits, and the first attempt that succeeds. */
  readonly turns: number;
  readonly goodAt: number;
  /** How often its task was started; the task changes it, because an item isn't copied here. */
  starts: number;
}

/** Waits `turns` turns, then returns the item's number, or throws before the attempt `goodAt`. */
const work = task<{ default: (item: Item) => number | Promise<number> }>(
  `data:text/javascript,${
    encodeURIComponent(`
      export default (item, { attempt, signal }) => {
        item.starts++;
        const { n, turns, goodAt } = item;
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

/** After how many items or results something happens; usually never. */
const atSome = fc.oneof({ weight: 3, arbitrary: fc.constant(Infinity) }, fc.nat({ max: 10 }));
/** Usually 0: a task that never waits, and succeeds at its first attempt. */
const often0 = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat({ max: 3 }));

const run = fc.record({
  drawn: fc.array(
    fc.record({ turns: often0, goodAt: often0.map((bad) => bad + 1) }),
    { maxLength: 15 },
  ),
  options: fc.record({
    order: fc.constantFrom("input" as const, "completion" as const),
    chunk: fc.oneof(fc.constant("auto" as const), fc.integer({ min: 1, max: 4 })),
    buffer: fc.oneof(fc.constant("auto" as const), fc.nat({ max: 4 })),
    rerun: fc.boolean(),
  }),
  input: fc.constantFrom("array" as const, "generator" as const, "async" as const),
  throwsAt: atSome,
  retries: fc.nat({ max: 2 }),
  abortAt: atSome,
  leaveAt: atSome,
  closeAt: atSome,
});

type DrawnRun = typeof run extends fc.Arbitrary<infer T> ? T : never;

/** The state that all runs of an executor share. */
interface Shared {
  readonly executor: Executor;
  isClosed: boolean;
}

/** Plays a generated run, and checks the contract. */
async function play(shared: Shared, drawn: DrawnRun): Promise<void> {
  const { options, input, throwsAt, retries } = drawn;
  const items: Item[] = drawn.drawn.map((item, n) => ({ ...item, n, starts: 0 }));
  let pulled = 0;
  let hasThrown = false;
  function* generator(): Generator<Item> {
    for (;; pulled++) {
      if (pulled === throwsAt) {
        hasThrown = true;
        throw new EvalError("the input broke");
      }
      if (pulled === items.length) return;
      yield items[pulled]!;
    }
  }
  async function* later(): AsyncGenerator<Item> {
    for (const item of generator()) {
      await new Promise((resolve) => setImmediate(resolve));
      yield item;
    }
  }
  const controller = new AbortController();
  const results = shared.executor.mapSettled(
    work,
    input === "array" ? items : input === "generator" ? generator() : later(),
    { ...options, signal: controller.signal, retries: { limit: retries, baseMs: 0 } },
  );
  const outcomes: Outcome<number>[] = [];
  let failure: unknown;
  let [wasStopped, hasLeft] = [false, false];
  try {
    for await (const outcome of results) {
      if (outcomes.length === drawn.abortAt) controller.abort();
      if (outcomes.length === drawn.closeAt) {
        shared.isClosed = true;
        void shared.executor.close();
      }
      outcomes.push(outcome);
      if (outcomes.length - 1 !== drawn.leaveAt) continue;
      hasLeft = true;
      break;
    }
  } catch (error) {
    failure = error;
  }
  wasStopped = hasLeft || hasThrown || shared.isClosed || controller.signal.aborted;
  if (hasThrown && !hasLeft && !shared.isClosed && !controller.signal.aborted) {
    assert(failure instanceof EvalError, `${failure}`);
  } else if (!hasThrown && !shared.isClosed) assertEquals(failure, undefined);
  for (const outcome of outcomes) check(outcome, items[outcome.index]!, retries, wasStopped);
  const indexes = outcomes.map(({ index }) => index);
  const sorted = indexes.toSorted((a, b) => a - b);
  assertEquals(new Set(indexes).size, indexes.length, "an item settled twice");
  if (options.order === "input") assertEquals(indexes, sorted);
  if (hasLeft) return;
  if (input === "array" || !wasStopped) assertEquals(sorted, items.map(({ n }) => n));
  else assertEquals(sorted, [...sorted.keys()], "an item is missing");
}

function check(
  outcome: Outcome<number>,
  { n, goodAt, starts }: Item,
  retries: number,
  wasStopped: boolean,
): void {
  assertEquals([outcome.index, outcome.attempts], [n, starts]);
  assert(starts <= retries + 1);
  if (outcome.status === "fulfilled") {
    assertEquals([outcome.value, starts], [n, goodAt]);
  } else if (outcome.ended === "failed") {
    assert(starts < goodAt && outcome.reason instanceof RangeError);
    // An item that failed while its run was stopping is not tried again.
    if (!wasStopped) assertEquals(starts, retries + 1);
  } else assertEquals([outcome.ended, wasStopped], ["cancelled", true]);
}

for (const [model, open] of Object.entries(MODELS)) {
  Deno.test(`${model}: every item settles once as the contract says, whatever is drawn`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(run, { minLength: 1, maxLength: 3 }), async (runs) => {
        await using executor = open();
        const shared = { executor, isClosed: false };
        await Promise.all(runs.map((run) => play(shared, run)));
      }),
      { seed: SEED, numRuns: 150 },
    );
  });
}
