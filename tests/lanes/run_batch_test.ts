import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { CancelledError, TimeoutError } from "../../lib/lanes/errors.ts";
import type { LaneBatch, Report } from "../../lib/lanes/lane.ts";
import { type BatchHost, BatchRun, callApart } from "../../lib/lanes/run_batch.ts";
import type { TaskContext, TaskFunction } from "../../lib/lanes/task.ts";
import { batchOf, settle } from "./batch.ts";
import { plainContext } from "../../lib/lanes/lane_tasks.ts";

function runOf(
  batch: LaneBatch,
  fn: (item: never, context: TaskContext) => unknown,
  host: Partial<BatchHost<LaneBatch>> = {},
): { run: BatchRun<LaneBatch>; reports: Report[] } {
  const reports: Report[] = [];
  const run = new BatchRun(batch, fn as TaskFunction, {
    report: (_run, report) => reports.push(report),
    ...host,
  });
  return { run, reports };
}

/** The offsets and endings of the items without a value. */
function fates({ failures }: Report): unknown[] {
  return (failures ?? []).map(({ offset, ended }) => [offset, ended]);
}

/** A task that waits for its signal and rejects with the signal's reason. */
function abortOf({ signal }: TaskContext): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason), { once: true })
  );
}

Deno.test("items run one after another, and are reported together", async () => {
  let running = 0;
  const { run, reports } = runOf(batchOf([1, 2, 3]), async (n: number) => {
    assertEquals(++running, 1);
    await undefined;
    running--;
    if (n === 2) throw new RangeError("two");
    return n * 10;
  });
  run.start();
  assertEquals(reports.length, 0);
  await settle();
  assertEquals(reports.length, 1);
  const { count, values, last } = reports[0]!;
  assertEquals([count, last, values?.[0], values?.[2]], [3, true, 10, 30]);
  assertEquals(fates(reports[0]!), [[1, "failed"]]);
});

Deno.test("numbers that came as doubles are the numbers that they were", () => {
  const numbers = [0, -0, 7, -7, 1.5, NaN, Infinity, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53];
  const told: unknown[] = [];
  const items = new Float64Array(numbers) as unknown as unknown[];
  runOf({ ...batchOf(numbers), items }, (n: number) => told.push(n)).run.start();
  assertEquals(told.map((n, at) => Object.is(n, numbers[at])), numbers.map(() => true));
});

Deno.test("tasks that don't wait are reported before start() returns", () => {
  const { run, reports } = runOf(batchOf([1, 2]), (n: number) => n);
  run.start();
  assertEquals(Array.from(reports[0]!.values!), [1, 2]);
});

Deno.test("a task is told its item's place in the input, and which try it is", () => {
  const told: unknown[] = [];
  const { run } = runOf(batchOf(["a", "b"], { attempt: 3 }), (item: string, context) => {
    told.push([item, context.index, context.attempt, context.cancelled(), context.signal.aborted]);
  });
  run.start();
  assertEquals(told, [["a", 10, 3, false, false], ["b", 11, 3, false, false]]);
});

Deno.test("asked to stop, a batch reports what had ended, then the running item, and gives the rest back", async () => {
  const { run, reports } = runOf(
    batchOf([0, 1, 2, 3]),
    (n: number, context) => n === 0 ? "done" : abortOf(context),
  );
  run.start();
  run.ask("cancel");
  await settle();
  assertEquals(reports.map(({ count, last }) => [count, last]), [[1, false], [1, true]]);
  assertEquals(reports[0]!.values?.[0], "done");
  assertEquals(fates(reports[1]!), [[0, "cancelled"]]);
});

Deno.test("a cancelled task is told why, and an item that ends well all the same keeps its value", async () => {
  for (const why of [new Error("enough"), null, 0]) {
    const reasons: unknown[] = [];
    const { run, reports } = runOf(batchOf([1, 2]), async (_n: number, context) => {
      await abortOf(context).catch((reason) => reasons.push(reason));
      return "well";
    });
    run.start();
    run.ask("cancel", why);
    await settle();
    assertEquals(reports.map(({ count, values, failures }) => [count, values?.[0], failures]), [
      [1, "well", undefined],
    ]);
    assert(reasons[0] === why);
  }
});

Deno.test("cancelled without a reason, a task is told that it was cancelled, and which item's it is", async () => {
  const { run, reports } = runOf(batchOf([1]), (_n: number, context) => abortOf(context));
  run.start();
  run.ask("cancel");
  await settle();
  const { reason } = reports[0]!.failures![0]!;
  assertInstanceOf(reason, CancelledError);
  assertEquals(reason.message, "Item 10 of data:… was cancelled");
});

Deno.test("a batch that is cancelled stays so when its deadline passes as well", async () => {
  const { run, reports } = runOf(batchOf([1, 2]), (_n: number, context) => abortOf(context));
  run.start();
  run.ask("cancel");
  run.ask("timeout");
  await settle();
  assertEquals(reports.map(fates), [[[0, "cancelled"]]]);
});

Deno.test("a value that comes after the deadline is late; the next item goes on", async () => {
  const gate = Promise.withResolvers<string>();
  const aborted: boolean[] = [];
  const { run, reports } = runOf(
    batchOf(["slow", "quick"], { timeoutMs: 1e9 }),
    (item: string, { signal }) => {
      aborted.push(signal.aborted);
      return item === "slow" ? gate.promise : item;
    },
  );
  run.start();
  run.ask("timeout");
  gate.resolve("too late");
  await settle();
  assertEquals(fates(reports[0]!), [[0, "timed-out"]]);
  assertEquals(reports[0]!.values?.[1], "quick");
  assertEquals(aborted, [false, false]);
});

Deno.test("what a task throws at its deadline becomes the cause, unless it is the deadline's own error", async () => {
  const own = new Error("my clean-up");
  for (const [thrown, cause] of [[own, own], [undefined, undefined]] as const) {
    const { run, reports } = runOf(
      batchOf([1], { timeoutMs: 1e9 }),
      (_n: number, context) => abortOf(context).catch((reason) => Promise.reject(thrown ?? reason)),
    );
    run.start();
    run.ask("timeout");
    await settle();
    const { ended, reason } = reports[0]!.failures![0]!;
    assertInstanceOf(reason, TimeoutError);
    assertEquals(reason.message, "Item 10 of data:… was stopped at its deadline of 1000000000 ms");
    assertEquals([ended, reason.cause], ["timed-out", cause]);
  }
});

Deno.test("a loop that never yields sees that its deadline has passed, and is late by itself", () => {
  let seen: unknown;
  const { run, reports } = runOf(batchOf([1], { timeoutMs: -1 }), (_n: number, context) => {
    seen = [context.cancelled(), context.signal.reason?.name];
  });
  run.start();
  assertEquals(seen, [true, "TimeoutError"]);
  assertEquals(reports.map(fates), [[[0, "timed-out"]]]);
});

Deno.test("a loop that never yields sees that its batch was cancelled from outside, and no other starts", () => {
  let cancelled = false;
  let ran = 0;
  const seen: unknown[] = [];
  const { run, reports } = runOf(batchOf([1, 2, 3]), (_n: number, context) => {
    ran++;
    seen.push(context.cancelled());
    cancelled = true;
    seen.push(context.cancelled(), context.signal.reason.name);
  }, { starting: () => cancelled, isCancelled: () => cancelled });
  run.start();
  assertEquals([ran, seen], [1, [false, true, "CancelledError"]]);
  assertEquals(reports.map(({ count, last }) => [count, last]), [[1, true]]);
});

Deno.test("a batch that was cancelled before it started starts nothing, and gives all back", () => {
  const { run, reports } = runOf(batchOf([1, 2]), () => {
    throw new Error("started");
  }, { starting: () => true });
  run.start();
  assertEquals(reports.map(({ count, last, failures }) => [count, last, failures]), [
    [0, true, undefined],
  ]);
});

Deno.test("whoever watches is told which item starts, and which waits", async () => {
  const told: string[] = [];
  const { run } = runOf(
    batchOf(["waits", "computes"]),
    (item: string) => item === "waits" ? Promise.resolve() : undefined,
    {
      starting: ({ offset }) => {
        told.push(`starting ${offset}`);
        return false;
      },
      waiting: ({ offset }) => told.push(`waiting ${offset}`),
    },
  );
  run.start();
  await settle();
  assertEquals(told, ["starting 0", "waiting 0", "starting 1"]);
});

Deno.test("a context that outlives its task is cancelled, and watches no other item", () => {
  const contexts: TaskContext[] = [];
  const { run } = runOf(batchOf([1, 2]), (_n: number, context) => void contexts.push(context));
  run.start();
  assertEquals(contexts.map(({ index }) => index), [10, 11]);
  assert(contexts.every((context) => context.cancelled() && context.signal.aborted));
});

Deno.test("a batch that took too long gives the rest back, but never all of it", () => {
  const { run, reports } = runOf(batchOf([1, 2, 3], { giveBackMs: -1 }), (n: number) => n);
  run.start();
  assertEquals(reports.map(({ count, last }) => [count, last]), [[1, true]]);
});

Deno.test("what a forgotten batch gives is not reported", async () => {
  const gate = Promise.withResolvers<number>();
  const { run, reports } = runOf(batchOf([1]), () => gate.promise);
  run.start();
  run.forget();
  gate.resolve(1);
  await settle();
  assertEquals(reports, []);
});

Deno.test("each item's start and end are told where they are wanted, in the report that tells of it", async () => {
  const gate = Promise.withResolvers<void>();
  const { run, reports } = runOf(
    batchOf(["a", "gate", "b"], { timed: true }),
    (item: string) => item === "gate" ? gate.promise : item,
  );
  run.start(-1000);
  run.reportEnded();
  run.reportEnded();
  gate.resolve();
  await settle();
  assertEquals(reports.map(({ count, times }) => [count, times?.length]), [[1, 2], [2, 4]]);
  const [first, second] = reports.map(({ times }) => Array.from(times!));
  assertEquals(first![0], -1000);
  assertEquals(reports[0]!.startedAtMs, -1000);
  // One item's end is the next one's start, also from one report to the next.
  assertEquals([second![0], second![2]], [first![1], second![1]]);
  assertEquals([reports[1]!.startedAtMs, reports[1]!.endedAtMs], [first![1], second![3]]);
});

Deno.test("a single item's times are those of its report", () => {
  const { run, reports } = runOf(batchOf([1], { timed: true }), (n: number) => n);
  run.start();
  assertEquals(reports[0]!.times, undefined);
});

Deno.test("a task that stops the program's clock doesn't stop a lane's", () => {
  const { now } = performance;
  try {
    const { run, reports } = runOf(batchOf([1]), () => performance.now = () => -5);
    run.start();
    assertEquals(performance.now(), -5);
    assert(reports[0]!.endedAtMs > 0);
  } finally {
    performance.now = now;
  }
});

Deno.test("a thenable that isn't a Promise is waited for", async () => {
  const { run, reports } = runOf(batchOf([1]), () => ({
    then: (resolve: (value: string) => void) => resolve("came"),
  }));
  run.start();
  await settle();
  assertEquals(reports[0]!.values?.[0], "came");
});

Deno.test("a function that can be waited for is waited for, as await does it", async () => {
  const { run, reports } = runOf(
    batchOf([1]),
    () => Object.assign(() => {}, { then: (resolve: (value: string) => void) => resolve("came") }),
  );
  run.start();
  await settle();
  assertEquals(reports[0]!.values?.[0], "came");
});

Deno.test("a promise that calls back twice by a `then` of its own takes no other item's place", async () => {
  const { run, reports } = runOf(batchOf([1, 2, 3]), (n: number) => {
    const own = Promise.resolve(10 * n);
    if (n === 1) {
      own.then = ((done: (value: unknown) => void) => {
        done("once");
        done("twice");
      }) as typeof own.then;
    }
    return own;
  });
  run.start();
  await settle();
  assertEquals(reports.map(({ count, values }) => [count, values]), [[3, [10, 20, 30]]]);
});

Deno.test("a getter `then` that throws fails its item, and the next one runs", () => {
  const { run, reports } = runOf(batchOf([1, 2]), (n: number) =>
    n === 2 ? n : {
      get then() {
        throw new RangeError("no");
      },
    });
  run.start();
  const { failures, values } = reports[0]!;
  assertEquals(fates(reports[0]!), [[0, "failed"]]);
  assertInstanceOf(failures?.[0]?.reason, RangeError);
  assertEquals(values?.[1], 2);
});

Deno.test("thousands of items run as a few do", () => {
  const items = Array.from({ length: 5000 }, (_, at) => at);
  const { run, reports } = runOf(batchOf(items), (n: number, { index }) => {
    if (n === 4321) throw new RangeError("no");
    return index - n;
  });
  run.start();
  assertEquals(reports.map(({ count, last }) => [count, last]), [[5000, true]]);
  assertEquals(fates(reports[0]!), [[4321, "failed"]]);
  assert(Array.from(reports[0]!.values!).every((value, at) => at === 4321 || value === 10));
});

const context = plainContext(3, AbortSignal.abort());

Deno.test("a task that is called apart gets its item and context, and gives what it gives", () => {
  assertEquals(callApart((item, { index }) => [item, index], "a", context), ["a", 3]);
  const fails = () => {
    throw new RangeError("no");
  };
  assertThrows(() => callApart(fails, "a", context), RangeError, "no");
});
