import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "../../properties.ts";
import { openLoopFigures, runOpenLoop } from "../../../lib/scaling/open_loop/open_loop.ts";
import {
  type Clock,
  type OpenLoopTrace,
  type OpenLoopTrial,
  paced,
} from "../../../lib/scaling/open_loop/trial_main.ts";

/** Time that passes only when someone waits. */
class FakeClock implements Clock {
  ms = 5000;
  readonly waits: number[] = [];
  now(): number {
    return this.ms;
  }
  until(atMs: number): Promise<void> {
    this.waits.push(atMs);
    this.ms = Math.max(this.ms, atMs);
    return Promise.resolve();
  }
}

const trial = (ratePerSecond: number, durationMs: number): OpenLoopTrial => ({
  model: "limited",
  slots: 1,
  job: {
    name: "requests",
    task: { module: "data:,", export: "default" },
    items: { kind: "values", values: [1] },
    options: {},
  },
  ratePerSecond,
  durationMs,
  drainMs: 1000,
  warmup: 0,
});

/** One slot that takes `serviceMs` a request, and stands still once, on a fake clock. */
async function oneSlot(
  rate: number,
  count: number,
  serviceMs: number,
  stall: { atMs: number; ms: number },
): Promise<OpenLoopTrace> {
  const clock = new FakeClock();
  let beginMs = 0;
  const startedMs: number[] = [];
  const endedMs: number[] = [];
  const items = paced([1], { ratePerSecond: rate, count, clock, onStart: (at) => beginMs = at });
  for await (const _ of items) {
    startedMs.push(clock.ms - beginMs);
    const stalls = startedMs.at(-1)! >= stall.atMs && endedMs.every((at) => at < stall.atMs + 1);
    clock.ms += serviceMs + (stalls ? stall.ms : 0);
    endedMs.push(clock.ms - beginMs);
  }
  return { startedMs, endedMs, failed: [], reasons: {}, endMs: clock.ms - beginMs };
}

Deno.test("paced() gives every item at its time, whatever a consumer does that keeps up", async () => {
  const clock = new FakeClock();
  const given: [string, number][] = [];
  for await (const item of paced(["a", "b"], { ratePerSecond: 100, count: 5, clock })) {
    given.push([item, clock.ms]);
    clock.ms += 3;
  }
  assertEquals(given, [["a", 5000], ["b", 5010], ["a", 5020], ["b", 5030], ["a", 5040]]);
});

Deno.test("paced() doesn't wait for a consumer that is late: what is due comes at once", async () => {
  const clock = new FakeClock();
  const given: number[] = [];
  for await (const _ of paced([1], { ratePerSecond: 100, count: 6, clock })) {
    given.push(clock.ms - 5000);
    if (given.length === 2) clock.ms += 35;
  }
  // Items 2 to 4 were due at 20, 30 and 40 while the consumer was held up until 45.
  assertEquals(given, [0, 10, 45, 45, 45, 50]);
});

Deno.test("paced() ends with its signal, and refuses to pace nothing", async () => {
  const stop = new AbortController();
  const given: number[] = [];
  const clock = new FakeClock();
  for await (
    const item of paced([7], { ratePerSecond: 10, count: 9, clock, signal: stop.signal })
  ) {
    given.push(item);
    if (given.length === 3) stop.abort();
  }
  assertEquals(given, [7, 7, 7]);
  await assertRejects(
    () => Array.fromAsync(paced([], { ratePerSecond: 1, count: 1, clock })),
    RangeError,
  );
});

Deno.test("openLoopFigures() shows the pause that coordinated omission hides", async () => {
  // 100 a second, 1 ms each; one request takes a second longer, and a hundred fall due meanwhile.
  const trace = await oneSlot(100, 1000, 1, { atMs: 3000, ms: 1000 });
  const { naive, corrected, mostWaiting, scheduled } = openLoopFigures(trial(100, 10_000), [trace]);
  assertEquals(scheduled, 1000);
  assertEquals(naive.p99, 1, "all but one request were served in a millisecond, if asked that way");
  assert(corrected.p99 > 850, `${corrected.p99}`);
  assert(corrected.p95 > 400 && corrected.p95 < 700, `${corrected.p95}`);
  assertEquals(corrected.max, 1001);
  assertEquals(naive.max, 1001);
  assertEquals(mostWaiting, 99);
});

Deno.test("openLoopFigures() calls a rate sustained up to what the slot can do, and not above", async () => {
  const none = { atMs: Infinity, ms: 0 };
  const well = openLoopFigures(trial(90, 10_000), [await oneSlot(90, 900, 10, none)]);
  assert(well.sustained);
  assertEquals(well.mostWaiting, 0);
  assert(Math.abs(well.achievedPerSecond - 90) < 1);
  const over = openLoopFigures(trial(200, 10_000), [await oneSlot(200, 2000, 10, none)]);
  assert(!over.sustained);
  assertEquals(over.achievedPerSecond, 100);
  assertEquals(over.naive.p99, 10);
  assert(over.corrected.median > 4900);
  assertEquals(over.backlogAtEnd, 1000);
});

Deno.test("openLoopFigures() counts requests without an answer with their age at least", () => {
  const trace: OpenLoopTrace = {
    startedMs: [0, 10, 20, null],
    endedMs: [5, 15, null, null],
    failed: [1],
    reasons: { "timed out": 1 },
    endMs: 500,
  };
  const point = openLoopFigures(trial(100, 40), [trace]);
  const { succeeded, failed, unanswered, unstarted } = point;
  assertEquals([succeeded, failed, unanswered, unstarted], [1, 1, 1, 1]);
  assertEquals(point.corrected.max, 480);
  assertEquals(point.naive.max, 480);
  assertEquals(point.sustained, false);
  assertEquals(point.reasons, { "timed out": 1 });
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
    const startedMs = list.map(({ late }, i) => i * 10 + late);
    const endedMs = startedMs.map((at, i) => at + list[i]!.took);
    const endMs = Math.max(...endedMs);
    const trace = { startedMs, endedMs, failed: [], reasons: {}, endMs };
    const { naive, corrected } = openLoopFigures(trial(100, list.length * 10), [trace]);
    for (const  of of["median", "p95", "p99", "max"] as const) {
      assert(naive[of] <= corrected[of] + 1e-6);
    }
  }));
});

Deno.test("runOpenLoop() interleaves rates, and keeps what was measured until it was stopped", async () => {
  const stop = new AbortController();
  const ran: number[] = [];
  const { points, partial } = await runOpenLoop(
    { ...trial(1, 100), rates: [10, 20, 30], rounds: 3, seed: 1 },
    {
      signal: stop.signal,
      runTrial: ({ ratePerSecond }) => {
        ran.push(ratePerSecond);
        if (ran.length === 4) {
          stop.abort();
          return Promise.reject(stop.signal.reason);
        }
        return oneSlot(ratePerSecond, 3, 1, { atMs: Infinity, ms: 0 });
      },
    },
  );
  assertEquals(new Set(ran.slice(0, 3)).size, 3, "every rate once before any comes again");
  assertEquals(points.map((point) => [point.ratePerSecond, point.rounds]), [[10, 1], [20, 1], [
    30,
    1,
  ]]);
  assertEquals(partial, true);
});
