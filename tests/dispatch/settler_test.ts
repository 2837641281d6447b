import { assert, assertEquals } from "@std/assert";
import fc from "../properties.ts";
import type { Batch } from "../../lib/dispatch/batch.ts";
import { checkOptions, type MapOptions } from "../../lib/dispatch/map_options.ts";
import { outcomeAt, type Settled } from "../../lib/dispatch/output.ts";
import { Settler } from "../../lib/dispatch/settler.ts";
import type { ItemFailure, Report } from "../../lib/lanes/lane.ts";
import { FakeLane } from "./fake_lane.ts";
import { type BatchOptions, FakeRun, openLane, sendTo } from "./fake_run.ts";
import { settle, VirtualTime } from "./virtual_time.ts";

/** A settler, with the items it settled, the batches to try again, and the errors of `retryIf`. */
function settling(options: MapOptions = {}, mayRetry: () => boolean = () => true) {
  const all: Settled[] = [];
  const again: { batch: Batch; waitMs: number; askedMs: number }[] = [];
  const errors: unknown[] = [];
  const settler = new Settler({
    options: checkOptions(options),
    get mayRetry() {
      return mayRetry();
    },
    retryLater: (batch, waitMs, askedMs) => void again.push({ batch, waitMs, askedMs }),
    onSettled: (settled) => void all.push(settled),
    fail: (error) => void errors.push(error),
    putBack: () => {},
  }, { graceMs: 100 });
  const outcomes = () =>
    all.flatMap((settled) =>
      Array.from({ length: settled.count }, (_, offset) => outcomeAt(settled, offset))
    );
  const reasons = () =>
    outcomes().map((outcome) => outcome.status === "rejected" ? outcome.reason : undefined);
  return { settler, again, errors, outcomes, reasons };
}

function reportOf(
  values: unknown[],
  failures?: readonly ItemFailure[],
  more: Partial<Report> = {},
): Report {
  const times = Float64Array.from({ length: 2 * values.length }, (_, at) => at);
  const { length: count } = values;
  return { count, values, failures, startedAtMs: 0, endedAtMs: 99, times, last: true, ...more };
}

function sent(items: readonly unknown[], more: BatchOptions = {}): Batch {
  return sendTo(openLane(new FakeLane({}, 2)), new FakeRun().batch(items, more));
}

function failed(
  offset: number,
  reason: unknown = `item ${offset}`,
  retryAfterMs?: number,
): ItemFailure {
  return { offset, ended: "failed", reason, retryAfterMs };
}

Deno.test("each reported item is settled once, in order, with its own value, end and times", () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
      fc.nat({ max: 5 }),
      (fails, base) => {
        const { settler, outcomes } = settling();
        const items = new Array(base + fails.length).fill("x");
        const failures = [...fails.keys()].filter((at) => fails[at]).map((at) => failed(at));
        const values = fails.map((fails, at) => fails ? undefined : at);
        settler.report(sent(items), reportOf(values, failures.length ? failures : undefined), base);
        assertEquals(
          outcomes().map((o) => [
            o.index,
            o.status === "fulfilled" ? o.value : o.reason,
            o.startedAtMs,
            o.endedAtMs,
            o.lane,
          ]),
          fails.map((fails, at) => [
            10 + base + at,
            fails ? `item ${at}` : at,
            2 * at,
            2 * at + 1,
            2,
          ]),
        );
      },
    ),
  );
});

Deno.test("items that are all undefined need no values, and those without times share theirs", () => {
  const { settler, outcomes, reasons } = settling();
  const report = { values: undefined, times: undefined, startedAtMs: 3, endedAtMs: 4 };
  settler.report(sent(["a", "b", "c"]), reportOf([0, 0, 0], [failed(1)], report), 0);
  assertEquals(reasons(), [undefined, "item 1", undefined]);
  for (const outcome of outcomes()) {
    if (outcome.status === "fulfilled") assertEquals(outcome.value, undefined);
    assertEquals([outcome.startedAtMs, outcome.endedAtMs, outcome.queuedAtMs], [3, 4, 5]);
  }
});

Deno.test("an item that may be tried again is settled only when its last try has ended", () => {
  const retries = { limit: 1, baseMs: 8, jitter: false };
  const { settler, again, outcomes } = settling({ retries });
  settler.report(sent(["a", "b"]), reportOf([undefined, 1], [failed(0)]), 0);
  assertEquals(outcomes().map(({ index }) => index), [11]);
  assertEquals(again.map(({ waitMs }) => waitMs), [8]);
  const { batch } = again[0]!;
  assertEquals([batch.firstIndex, batch.items, batch.attempt], [10, ["a"], 2]);
  settler.report(sent(batch.items, batch.history), reportOf([undefined], [failed(0)]), 0);
  assertEquals(
    outcomes().map(({ index, attempts, status }) => [index, attempts, status]),
    [[11, 1, "fulfilled"], [10, 2, "rejected"]],
  );
});

Deno.test("who allows another try may say when, and whether others wait for it", () => {
  const allowed = [{ afterMs: 5 }, { afterMs: 0, pauseMs: 0 }, { afterMs: 9e9, pauseMs: 7 }];
  const { settler, again, errors, outcomes } = settling({
    retries: { limit: 1, maxMs: 1, retryIf: ({ index }) => allowed[index - 10]! },
  });
  const failures = allowed.map((_, at) => failed(at, "busy", 60_000));
  settler.report(sent(["a", "b", "c"]), reportOf([0, 0, 0], failures), 0);
  assertEquals(again.map(({ waitMs, askedMs }) => [waitMs, askedMs]), [[5, 0], [0, 0], [9e9, 7]]);
  assertEquals([errors, outcomes()], [[], []]);
});

Deno.test("a time that is none is an error, and the item isn't tried again", () => {
  for (const afterMs of [-1, NaN, "5"]) {
    const retryIf = () => ({ afterMs: afterMs as number });
    const { settler, again, errors, outcomes } = settling({ retries: { limit: 1, retryIf } });
    settler.report(sent(["a"]), reportOf([0], [failed(0)]), 0);
    assertEquals([again, outcomes().length, errors.length], [[], 1, 1]);
    assert(String(errors[0]).includes("afterMs must be a number of milliseconds from 0"));
  }
});

Deno.test("an answer with a name that nobody knows is an error, and the item isn't tried again", () => {
  const retryIf = () => ({ afterMs: 5, pausedMs: 7 });
  const { settler, again, errors } = settling({ retries: { limit: 1, retryIf } });
  settler.report(sent(["a"]), reportOf([0], [failed(0)]), 0);
  assertEquals(again, []);
  assert(String(errors[0]).includes("there is no option pausedMs; there are afterMs, pauseMs"));
});

Deno.test("starts that nobody asked for don't count against the retries, nor make them wait longer", () => {
  const retries = { limit: 1, baseMs: 8, jitter: false };
  const { settler, again, outcomes } = settling({ retries });
  const lost = { attempt: 4, reruns: 3 };
  settler.report(sent(["a"], lost), reportOf([undefined], [failed(0)]), 0);
  assertEquals([again[0]?.waitMs, again[0]?.batch.attempt, again[0]?.batch.history.reruns], [
    8,
    5,
    3,
  ]);
  settler.report(sent(["a"], again[0]!.batch.history), reportOf([undefined], [failed(0)]), 0);
  assertEquals(outcomes().map(({ attempts }) => attempts), [5]);
});

Deno.test("an item whose retryIf stops the run is settled, and not tried again", () => {
  let running = true;
  const retries = {
    limit: 3,
    retryIf: () => {
      running = false;
      return true;
    },
  };
  const { settler, again, outcomes } = settling({ retries }, () => running);
  settler.report(sent(["a"]), reportOf([undefined], [failed(0)]), 0);
  assertEquals([again.length, outcomes().map(({ index }) => index)], [0, [10]]);
});

Deno.test("nobody is asked about another try once the run is stopping", () => {
  let asked = 0;
  const retryIf = () => ++asked > 0;
  const { settler, outcomes } = settling({ retries: { limit: 3, retryIf } }, () => false);
  settler.report(sent(["a"]), reportOf([undefined], [failed(0)]), 0);
  assertEquals([asked, outcomes().length], [0, 1]);
});

Deno.test("retryIf is told the outcome as it would be", () => {
  const told: unknown[] = [];
  const retryIf = (rejected: unknown) => {
    told.push(rejected);
    return false;
  };
  const { settler, again, outcomes } = settling({ retries: { limit: 3, retryIf } });
  settler.report(sent(["a", "b"]), reportOf([1, undefined], [failed(1)]), 0);
  const [{ index, ended, reason, attempts, lane }] = told as [Record<string, unknown>];
  assertEquals([index, ended, reason, attempts, lane], [11, "failed", "item 1", 1, 2]);
  assertEquals([told.length, again.length, outcomes().length], [1, 0, 2]);
});

Deno.test("what retryIf throws fails the run, and the item is settled all the same", () => {
  const error = new RangeError("retryIf");
  const retryIf = () => {
    throw error;
  };
  const { settler, again, errors, outcomes } = settling({ retries: { limit: 3, retryIf } });
  settler.report(sent(["a"]), reportOf([undefined], [failed(0)]), 0);
  settler.reject(sent(["b"]), 0, { ended: "crashed", reason: new Error("x") });
  assertEquals([errors, again, outcomes().length], [[error, error], [], 2]);
});

Deno.test("a retryIf that answers later fails the run, and what it rejects with harms nobody", async () => {
  const late = new Error("late");
  const retryIf = (() => Promise.reject(late)) as never;
  const { settler, again, errors, outcomes } = settling({ retries: { limit: 3, retryIf } });
  settler.report(sent(["a"]), reportOf([undefined], [failed(0)]), 0);
  const [error] = errors as [Error];
  assertEquals(
    [error.name, error.message],
    ["TypeError", "Cannot try again: retries.retryIf must return true or false at once"],
  );
  await settle();
  assertEquals([errors, again, outcomes().length], [[error, late], [], 1]);
});

Deno.test("a task that has killed twice is not tried again, however many retries are left", () => {
  const { settler, again, outcomes } = settling({ retries: 9 });
  const reason = new Error("x");
  settler.reject(sent(["a"]), 0, { ended: "crashed", reason }, { kills: 1, alone: true });
  assertEquals(again.map(({ batch: { history: { kills, alone } } }) => [kills, alone]), [[
    1,
    true,
  ]]);
  settler.reject(sent(["a"]), 0, { ended: "crashed", reason }, {
    sinceMs: 7,
    kills: 2,
    alone: true,
  });
  assertEquals(again.length, 1);
  assertEquals(outcomes().map(({ startedAtMs, lane }) => [startedAtMs, lane]), [[7, 2]]);
});

Deno.test("a wait that the task asked for is never shortened, and told", () => {
  const jitter = false;
  const { settler, again } = settling({ retries: { limit: 1, baseMs: 7, maxMs: 1e10, jitter } });
  settler.report(sent(["a"]), reportOf([undefined], [failed(0, "busy", 5e9)]), 0);
  settler.report(sent(["b"]), reportOf([undefined], [failed(0)]), 0);
  assertEquals(again.map(({ waitMs, askedMs }) => [waitMs, askedMs]), [[5e9 + 7, 5e9], [7, 0]]);
});

Deno.test("waits double with each try, but not on top of one that was asked for", () => {
  const { settler, again } = settling({ retries: { limit: 9, baseMs: 7, jitter: false } });
  const third = sent(["a", "b"]).part(0, 2, { attempt: 3 });
  settler.report(third, reportOf([undefined, undefined], [failed(0, "busy", 50), failed(1)]), 0);
  assertEquals(again.map(({ waitMs }) => waitMs), [57, 28]);
});

Deno.test("an item that asks for too long a wait fails at once, and says so with its cause", () => {
  const { settler, again, outcomes, reasons } = settling({ retries: { limit: 2, maxMs: 1000 } });
  const cause = new Error("429");
  settler.report(sent(["a", "b"]), reportOf([0, undefined], [failed(1, cause, 1001)]), 0);
  const [, reason] = reasons() as [undefined, Error];
  assertEquals([reason.name, again.length], ["RetryAfterError", 0]);
  assert(reason.message.startsWith("Item 11 of a: is not tried again:") && reason.cause === cause);
  assertEquals(outcomes().map(({ attempts }) => attempts), [1, 1]);
});

Deno.test("an item that isn't tried again for another reason keeps what it threw, whatever wait it asks for", () => {
  const asks = new Error("429");
  const without = settling({ retries: 0 });
  const report = reportOf([undefined], [failed(0, asks, Infinity)]);
  without.settler.report(sent(["a"]), report, 0);
  const usedUp = settling({ retries: 1 });
  usedUp.settler.report(sent(["a"], { attempt: 2 }), report, 0);
  for (const { reasons } of [without, usedUp]) assert(reasons()[0] === asks);
});

Deno.test("an item that retryIf refuses keeps what it threw, whatever wait it asks for", () => {
  const { settler, reasons } = settling({ retries: { limit: 2, retryIf: () => false } });
  const asks = new Error("429");
  settler.report(sent(["a"]), reportOf([undefined], [failed(0, asks, Infinity)]), 0);
  assert(reasons()[0] === asks, "it is told to have asked for too long a wait");
});

Deno.test("an item that couldn't be sent was never started, and is not tried again", () => {
  const { settler, again, outcomes } = settling({ retries: 3 });
  const report = reportOf([undefined], [failed(0)], { unsent: true, times: undefined });
  settler.report(sent(["a"], { attempt: 2, reruns: 1 }), report, 0);
  assertEquals(outcomes().map(({ attempts, lane }) => [attempts, lane]), [[1, -1]]);
  assertEquals(again, []);
});

Deno.test("cancelled items tell when, how often they were started, and why they were cancelled", () => {
  using time = new VirtualTime();
  const { settler, outcomes, reasons } = settling();
  const cause = new Error("enough");
  const run = new FakeRun();
  settler.cancel(run.batch(["a", "b"], { attempt: 3 }), cause);
  settler.cancel(run.batch(["c"], { firstIndex: 40 }), cause);
  settler.cancel(run.batch([]), cause);
  for (const outcome of outcomes()) {
    assert(outcome.status === "rejected" && outcome.ended === "cancelled");
    assertEquals([outcome.lane, outcome.startedAtMs, outcome.endedAtMs], [-1, NaN, time.nowMs]);
    assert((outcome.reason as Error).cause === cause);
  }
  assertEquals(outcomes().map(({ index, attempts }) => [index, attempts]), [[10, 2], [11, 2], [
    40,
    0,
  ]]);
  assertEquals(reasons().map((reason) => (reason as Error).message), [
    "Items of a: from 10 on were cancelled",
    "Items of a: from 10 on were cancelled",
    "Item 40 of a: was cancelled",
  ]);
});
