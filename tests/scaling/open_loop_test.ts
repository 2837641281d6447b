import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "../properties.ts";
import { openLoopFigures, runOpenLoop } from "../../lib/scaling/open_loop.ts";
import { arriving } from "../../lib/timing/job_items.ts";
import type { Arrivals, TrialResult } from "../../lib/timing/spec.ts";
import { VirtualTime } from "../dispatch/virtual_time.ts";
import { JOB, round } from "../timing/fake.ts";

/** When the schedule begins: this is when virtual time does. */
const START_MS = 1000;

/** Time that passes at once for whoever waits. */
function hastyTime(): VirtualTime {
  const time = new VirtualTime();
  const setTimeout = (run: () => void, ms: number) => {
    time.nowMs += ms;
    run();
  };
  Object.assign(globalThis, { setTimeout });
  return time;
}

/** The result of requests by their places in the schedule; a missing one was never due. */
function resultOf(
  requests: readonly { startedMs: number | null; endedMs: number; status?: string }[],
  runMs: number,
  failures: Pick<TrialResult["round"], "reasons" | "examples"> = {},
): TrialResult {
  return {
    round: { ...round(0, runMs), ...failures },
    timeline: {
      round: 0,
      lanes: [],
      index: requests.map((_, i) => i),
      lane: requests.map(({ startedMs }) => startedMs === null ? -1 : 0),
      queuedMs: requests.map(() => 0),
      startedMs: requests.map(({ startedMs, endedMs }) => startedMs ?? endedMs),
      endedMs: requests.map(({ endedMs }) => endedMs),
      status: requests.map(({ status = "fulfilled" }) => status),
    },
    lanes: 1,
    slots: 1,
    warnings: [],
  };
}

/** A trial on a fake clock with one slot that takes `serviceMs` a request and stalls once. */
async function oneSlot(
  arrivals: Arrivals,
  serviceMs: number,
  stall = { atMs: Infinity, ms: 0 },
): Promise<TrialResult> {
  using time = hastyTime();
  const requests: { startedMs: number; endedMs: number }[] = [];
  for await (const _ of arriving([1], arrivals, START_MS)) {
    const startedMs = time.nowMs - START_MS;
    const stalls = startedMs >= stall.atMs &&
      requests.every(({ endedMs }) => endedMs < stall.atMs + 1);
    time.nowMs += serviceMs + (stalls ? stall.ms : 0);
    requests.push({ startedMs, endedMs: time.nowMs - START_MS });
  }
  return resultOf(requests, time.nowMs - START_MS);
}

Deno.test("arriving() gives every item at its time, whatever a consumer does that keeps up", async () => {
  using time = hastyTime();
  const given: [string, number][] = [];
  for await (const item of arriving(["a", "b"], { ratePerSecond: 100, count: 5 }, START_MS)) {
    given.push([item, time.nowMs]);
    time.nowMs += 3;
  }
  assertEquals(given, [["a", 1000], ["b", 1010], ["a", 1020], ["b", 1030], ["a", 1040]]);
});

Deno.test("arriving() doesn't wait for a consumer that is late: what is due comes at once", async () => {
  using time = hastyTime();
  const given: number[] = [];
  for await (const _ of arriving([1], { ratePerSecond: 100, count: 6 }, START_MS)) {
    given.push(time.nowMs - START_MS);
    if (given.length === 2) time.nowMs += 35;
  }
  // Items 2 to 4 were due at 20, 30 and 40 ms while the consumer was busy until 45 ms.
  assertEquals(given, [0, 10, 45, 45, 45, 50]);
});

Deno.test("arriving() refuses a list of nothing", async () => {
  await assertRejects(
    () => Array.fromAsync(arriving([], { ratePerSecond: 1, count: 1 }, 0)),
    RangeError,
  );
});

Deno.test("openLoopFigures() shows the pause that coordinated omission hides", async () => {
  // 100 requests a second take 1 ms each; one takes a second longer, and a hundred fall due meanwhile.
  const arrivals = { ratePerSecond: 100, count: 1000 };
  const result = await oneSlot(arrivals, 1, { atMs: 3000, ms: 1000 });
  const { naive, corrected, mostWaiting, scheduled } = openLoopFigures(arrivals, 10_000, [result]);
  assertEquals(scheduled, 1000);
  assertEquals(naive.p99, 1, "all but one request were served in a millisecond, if asked that way");
  assert(corrected.p99 > 850, `${corrected.p99}`);
  assert(corrected.p95 > 400 && corrected.p95 < 700, `${corrected.p95}`);
  assertEquals(corrected.max, 1001);
  assertEquals(naive.max, 1001);
  assertEquals(mostWaiting, 99);
});

Deno.test("openLoopFigures() calls a rate sustained up to what the slot can do, and not above", async () => {
  const figures = async (arrivals: Arrivals) =>
    openLoopFigures(arrivals, 10_000, [await oneSlot(arrivals, 10)]);
  const well = await figures({ ratePerSecond: 90, count: 900 });
  assert(well.sustained);
  assertEquals(well.mostWaiting, 0);
  assert(Math.abs(well.achievedPerSecond - 90) < 1);
  const over = await figures({ ratePerSecond: 200, count: 2000 });
  assert(!over.sustained);
  assertEquals(over.achievedPerSecond, 100);
  assertEquals(over.naive.p99, 10);
  assert(over.corrected.median > 4900);
  assertEquals(over.backlogAtEnd, 1000);
});

Deno.test("openLoopFigures() counts requests without an answer with their age at least", () => {
  const result = resultOf(
    [
      { startedMs: 0, endedMs: 5 },
      { startedMs: 10, endedMs: 15, status: "failed" },
      { startedMs: 20, endedMs: 500, status: "abandoned" },
    ],
    500,
    {
      reasons: { "timed out": 1, abandoned: 1 },
      examples: { "timed out": "item 1", abandoned: "item 2" },
    },
  );
  const point = openLoopFigures({ ratePerSecond: 100, count: 4 }, 40, [result]);
  const { succeeded, failed, unanswered, unstarted } = point;
  assertEquals([succeeded, failed, unanswered, unstarted], [1, 1, 1, 1]);
  assertEquals(point.corrected.max, 480);
  assertEquals(point.naive.max, 480);
  assertEquals(point.sustained, false);
  // A request that was cut off doesn't count as failed.
  assertEquals(point.reasons, { "timed out": 1 });
  assertEquals(point.examples, { "timed out": "item 1" });
});

Deno.test("openLoopFigures() never gives a naive time above the corrected one", () => {
  const requests = fc.array(
    fc.record({
      late: fc.double({ min: 0, max: 500, noNaN: true }),
      took: fc.double({ min: 0, max: 500, noNaN: true }),
    }),
    { minLength: 1, maxLength: 50 },
  );
  fc.assert(fc.property(requests, (list) => {
    const requests = list.map(({ late, took }, i) => (
      { startedMs: i * 10 + late, endedMs: i * 10 + late + took }
    ));
    const endMs = Math.max(...requests.map(({ endedMs }) => endedMs));
    const arrivals = { ratePerSecond: 100, count: list.length };
    const { naive, corrected } = openLoopFigures(arrivals, list.length * 10, [
      resultOf(requests, endMs),
    ]);
    for (const  of of["median", "p95", "p99", "max"] as const) {
      assert(naive[of] <= corrected[of] + 1e-6);
    }
  }));
});

Deno.test("runOpenLoop() interleaves rates, and keeps what was measured until it was stopped", async () => {
  const stop = new AbortController();
  const ran: number[] = [];
  const { points, partial } = await runOpenLoop(
    {
      ...{ model: "limited", job: JOB, rates: [10, 20, 30], rounds: 3, seed: 1 },
      ...{ durationMs: 100, drainMs: 1000, warmup: 0 },
    },
    {
      signal: stop.signal,
      runTrial: ({ arrivals, mostMs }) => {
        assertEquals([mostMs, arrivals!.count], [1100, arrivals!.ratePerSecond / 10]);
        ran.push(arrivals!.ratePerSecond);
        if (ran.length < 4) return oneSlot(arrivals!, 1);
        stop.abort();
        return Promise.reject(stop.signal.reason);
      },
    },
  );
  assertEquals(new Set(ran.slice(0, 3)).size, 3, "every rate once before any comes again");
  assertEquals(
    points.map((point) => [point.ratePerSecond, point.rounds]),
    [[10, 1], [20, 1], [30, 1]],
  );
  assertEquals(partial, true);
});
