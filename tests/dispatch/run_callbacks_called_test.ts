import { assertEquals } from "@std/assert";
import { Callbacks } from "../../lib/dispatch/run.ts";
import { checkOptions, type MapOptions } from "../../lib/dispatch/map_options.ts";
import type { Settled } from "../../lib/dispatch/output.ts";
import { FakeRun } from "./fake_run.ts";
import { settle } from "./virtual_time.ts";

/** A run's callbacks, the errors that failed it, and the unanswered calls whenever it might be over. */
function calling(options: MapOptions) {
  const errors: unknown[] = [];
  const answered: number[] = [];
  const callbacks: Callbacks = new Callbacks({
    options: checkOptions(options),
    context: undefined,
    fail: (error) => void errors.push(error),
    mayBeOver: () => void answered.push(callbacks.unanswered),
  });
  return { callbacks, errors, answered };
}

/** Items that ended: fulfilled, or failed if there is a reason. */
function ended(count: number, reason?: unknown): Settled {
  return {
    batch: new FakeRun().batch(new Array(count).fill("x")),
    from: 0,
    count,
    rejection: reason === undefined ? undefined : { ended: "failed", reason },
    isStarted: true,
    report: { values: undefined, startedAtMs: 0, endedAtMs: 1, times: undefined },
    reportFrom: 0,
  };
}

Deno.test("progress counts what has ended for good, and is told when that is more", () => {
  const told: unknown[] = [];
  const { callbacks } = calling({ onProgress: (progress) => void told.push(progress) });
  callbacks.tellProgress({ pulled: 5, total: 9 });
  assertEquals(told, []);
  callbacks.onSettled(ended(2));
  callbacks.onSettled(ended(1, "no"));
  for (let looks = 0; looks < 2; looks++) callbacks.tellProgress({ pulled: 5, total: 9 });
  assertEquals(told, [{ pulled: 5, settled: 3, rejected: 1, total: 9 }]);
});

Deno.test("onOutcome is told of each item by itself, whether or not it gave a value", () => {
  const told: unknown[] = [];
  const { callbacks } = calling({
    onOutcome: ({ index, status }) => void told.push([index, status]),
  });
  callbacks.onSettled(ended(2));
  callbacks.onSettled(ended(1, "no"));
  assertEquals(told, [[10, "fulfilled"], [11, "fulfilled"], [10, "rejected"]]);
});

Deno.test("what onProgress throws, or its promise rejects with, fails the run", async () => {
  const thrown = new RangeError("bar");
  const sync = () => {
    throw thrown;
  };
  for (const onProgress of [sync, () => Promise.reject(thrown) as never]) {
    const { callbacks, errors } = calling({ onProgress });
    callbacks.onSettled(ended(1));
    callbacks.tellProgress({ pulled: 0, total: 0 });
    await settle();
    assertEquals(errors, [thrown]);
  }
});

Deno.test("an onProgress that answers later is waited for, and all that are asked meanwhile", async () => {
  const calls = [1, 2].map(() => Promise.withResolvers<void>());
  const [first, second] = calls;
  const onProgress = (() => calls.shift()!.promise) as never;
  const { callbacks, answered } = calling({ onProgress });
  for (let told = 0; told < 2; told++) {
    callbacks.onSettled(ended(1));
    callbacks.tellProgress({ pulled: 0, total: 0 });
  }
  assertEquals(callbacks.unanswered, 2);
  second!.resolve();
  await settle();
  assertEquals([callbacks.unanswered, answered], [1, []]);
  first!.reject(new Error("late"));
  await settle();
  assertEquals([callbacks.unanswered, answered], [0, [0]]);
});
