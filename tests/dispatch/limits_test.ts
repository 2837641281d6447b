import { assertEquals } from "@std/assert";
import fc from "../properties.ts";
import { Limit } from "../../lib/dispatch/limits.ts";
import { FakeLane, poolOf } from "./fake_lane.ts";
import { FakeRun, openLane, sendTo } from "./fake_run.ts";
import { endings, laneOf, map, mapSettled } from "./start.ts";
import { settle, VirtualTime } from "./virtual_time.ts";

const run = new FakeRun();

/** Makes a batch take its token and start at a given time. */
function startAt(limit: Limit, atMs: number): void {
  const batch = run.batch(["x"]);
  limit.take(batch);
  batch.sentCount = 1;
  batch.sentAtMs = atMs;
  limit.sent(batch);
}

Deno.test("a token is there again so long after the start that took it", () => {
  const limit = new Limit({ rate: { limit: 2, perMs: 100 } }, () => {});
  assertEquals(limit.waitMs(0), 0);
  startAt(limit, 0);
  assertEquals(limit.waitMs(30), 0);
  startAt(limit, 30);
  assertEquals([30, 99, 100].map((now) => limit.waitMs(now)), [70, 1, 0]);
  startAt(limit, 110);
  assertEquals([110, 130].map((now) => limit.waitMs(now)), [20, 0]);
});

Deno.test("whenever starts are tried, no span holds more of them than may start, nor waits for nothing", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.nat({ max: 30 }), { maxLength: 60 }),
      (most, perMs, gaps) => {
        const limit = new Limit({ rate: { limit: most, perMs } }, () => {});
        const starts: number[] = [];
        let now = 0;
        for (const gap of gaps) {
          now += gap;
          const within = starts.filter((start) => start + perMs > now);
          const due = within.length < most ? now : within.at(-most)! + perMs;
          assertEquals(limit.waitMs(now), due - now);
          if (due > now) continue;
          startAt(limit, now);
          starts.push(now);
        }
      },
    ),
  );
});

Deno.test("a token is held while a lane loads, counts from the start, and comes back without one", async () => {
  let free = 0;
  const limit = new Limit({ rate: { limit: 1, perMs: 100 } }, () => free++);
  const loaded = Promise.withResolvers<void>();
  const lane = new FakeLane({ quick: false });
  lane.loads = () => loaded.promise;
  const batch = sendTo(openLane(lane), run.batch(["x"]));
  limit.take(batch);
  limit.sent(batch);
  assertEquals(limit.waitMs(5_000), 100);
  loaded.resolve();
  await settle();
  assertEquals(free, 1);
  batch.sentCount = 1;
  assertEquals(limit.waitMs(5_010), 100);
  limit.leave(batch, 5_005);
  assertEquals(limit.waitMs(5_110), 0);
  const lost = run.batch(["y"]);
  limit.take(lost);
  limit.leave(lost, NaN);
  assertEquals(limit.waitMs(5_110), 0);
});

Deno.test("a task that turns out to have started late has its token later", () => {
  const limit = new Limit({ rate: { limit: 1, perMs: 100 } }, () => {});
  const batch = run.batch(["x"]);
  limit.take(batch);
  batch.sentCount = 1;
  limit.sent(batch);
  const { sentAtMs } = batch;
  assertEquals(limit.waitMs(sentAtMs + 40), 60);
  limit.leave(batch, sentAtMs + 30);
  limit.leave(batch, sentAtMs + 90);
  assertEquals(limit.waitMs(sentAtMs + 40), 90);
});

Deno.test("tasks start exactly at their pace, whatever the slots, and nothing is set at the end", async () => {
  using time = new VirtualTime();
  const { pool, made } = poolOf({ lanes: 2, slots: 4 });
  const starts: [unknown, number][] = [];
  const results = map(pool, ["a", "b", "c", "d", "e"], { rate: { limit: 2, perMs: 1_000 } });
  const all = results.toArray();
  for (let step = 0; step < 30; step++) {
    for (const lane of made) {
      for (const batch of lane.batches) {
        starts.push([batch.items[0], time.nowMs - 1_000]);
        lane.finish(batch);
      }
    }
    await settle();
    time.pass(100);
  }
  assertEquals(starts, [["a", 0], ["b", 0], ["c", 1_000], ["d", 1_000], ["e", 2_000]]);
  assertEquals((await all).length, 5);
  assertEquals(time.timers, 0);
});

const ONE = { rate: { limit: 1, perMs: 1_000 } };

Deno.test("a run whose input turns out to be over doesn't wait for a token", async () => {
  const inputs = [
    function* () {
      yield "a";
    },
    async function* () {
      yield "a";
    },
    // The end of this input comes later than its last item.
    async function* () {
      yield "a";
      await settle();
      await settle();
    },
  ];
  for (const input of inputs) {
    using time = new VirtualTime();
    const { pool, lane, on } = laneOf(1);
    const values = map(pool, input(), ONE).toArray();
    await settle();
    lane.finish(on(0));
    assertEquals(await values, ["value of a"]);
    assertEquals([time.nowMs, time.timers], [1_000, 0]);
  }
});

Deno.test("one item at most is pulled that waits for a token, if there is room for it", async () => {
  for (const isAsync of [false, true]) {
    for (const buffer of [0, 3]) {
      using time = new VirtualTime();
      const { pool, lane, on } = laneOf(2);
      let asked = 0;
      const endless = {
        [isAsync ? Symbol.asyncIterator : Symbol.iterator]: () => ({
          next: () => {
            const value = asked++;
            return isAsync ? Promise.resolve({ value }) : { value };
          },
          return: () => isAsync ? Promise.resolve({ done: true }) : { done: true },
        }),
      } as unknown as Iterable<number>;
      const results = map(pool, endless, { ...ONE, buffer });
      const first = results.next();
      await settle();
      lane.finish(on(0));
      await first;
      await settle();
      assertEquals(asked, 2);
      for (let item = 1; item <= 6; item++) {
        time.pass(1_000);
        await settle();
        for (const batch of lane.batches) lane.finish(batch);
        await settle();
      }
      // One result was taken; the other items fill the slots and the buffer.
      assertEquals(asked, 1 + 2 + buffer);
      await results.return();
    }
  }
});

Deno.test("what waits for a token holds no slot, and another run has it", async () => {
  using time = new VirtualTime();
  const { pool, lane, on } = laneOf(1);
  const slow = map(pool, ["a", "b"], { rate: { limit: 1, perMs: 1_000 } }).toArray();
  lane.finish(on(0));
  const quick = map(pool, ["x"]).toArray();
  lane.finish(on(0));
  assertEquals(await quick, ["value of x"]);
  assertEquals(lane.batches, []);
  time.pass(1_000);
  lane.finish(on(1));
  assertEquals(await slow, ["value of a", "value of b"]);
});

Deno.test("a retry takes another token of the rate", async () => {
  using time = new VirtualTime();
  const { pool, lane, on } = laneOf(1);
  const retries = { limit: 1, baseMs: 10, jitter: false };
  const values = map(pool, ["a"], { retries, rate: { limit: 1, perMs: 1_000 } }).toArray();
  lane.finish(on(0), "failed", new Error("once"));
  time.pass(999);
  assertEquals(lane.batches, []);
  time.pass(1);
  lane.finish(on(0));
  assertEquals(await values, ["value of a"]);
});

Deno.test("waiting for a token is no part of a task's deadline", async () => {
  using time = new VirtualTime();
  const { pool, lane, on } = laneOf(2);
  const rate = { limit: 1, perMs: 1_000 };
  const values = map(pool, ["a", "b"], { timeoutMs: 100, rate }).toArray();
  lane.finish(on(0));
  time.pass(1_000);
  lane.start(on(1));
  time.pass(99);
  assertEquals(lane.log.filter((line) => line.startsWith("ask")), []);
  lane.end(on(1));
  assertEquals(await values, ["value of a", "value of b"]);
});

const TWO = { rate: { limit: 2, perMs: 100 } };

for (
  const [whose, limits] of [["a run", TWO], ["a key", {
    perKey: { key: () => "k", ...TWO },
  }]] as const
) {
  Deno.test(`${whose}'s starts are counted from when a lane has loaded, so that none bunch then`, async () => {
    using time = new VirtualTime();
    const { pool, lane, on } = laneOf(8, { quick: false });
    const loaded = Promise.withResolvers<void>();
    lane.loads = () => loaded.promise;
    const items = ["a", "b", "c", "d"];
    const values = map(pool, items, { ...limits, loadTimeoutMs: 10_000 }).toArray();
    time.pass(500);
    assertEquals(lane.batches.length, 2);
    for (const batch of lane.batches) lane.loaded(batch);
    loaded.resolve();
    await settle();
    assertEquals(lane.batches.length, 2);
    time.pass(99);
    assertEquals(lane.batches.length, 2);
    time.pass(1);
    assertEquals(lane.batches.length, 4);
    for (const batch of lane.batches) lane.loaded(batch);
    for (const index of items.keys()) lane.finish(on(index));
    assertEquals(await values, items.map((item) => `value of ${item}`));
    assertEquals(time.timers, 0);
  });

  Deno.test(`${whose}'s next start waits for no earlier task's end, however late the first have started`, async () => {
    using time = new VirtualTime();
    const { pool, lane, on } = laneOf(8, { quick: false });
    const values = map(pool, ["a", "b", "c"], { ...limits, loadTimeoutMs: 10_000 }).toArray();
    await settle();
    // The lane says that it has loaded the task before the items that waited for that are sent.
    for (const batch of lane.batches) lane.loaded(batch);
    for (const batch of lane.batches) lane.start(batch);
    time.pass(200);
    assertEquals(lane.batches.length, 3);
    lane.loaded(on(2));
    for (const index of [0, 1, 2]) lane.finish(on(index));
    assertEquals((await values).length, 3);
    assertEquals(time.timers, 0);
  });
}

Deno.test("a key's timer ends with its run, though an item that didn't start made way for the one it was set for", async () => {
  using time = new VirtualTime();
  const { pool, lane, on } = laneOf(8, { quick: false });
  const perKey = { key: () => "k", rate: { limit: 2, perMs: 1e6 } };
  const all = mapSettled(pool, ["a", "b", "c"], { perKey }).toArray();
  lane.loaded(on(0));
  pool.wakeAll();
  assertEquals([lane.batches.length, time.timers > 0], [2, true]);
  lane.unloadable(on(1), new Error("no such file"));
  lane.loaded(on(2));
  for (const index of [0, 2]) lane.finish(on(index));
  assertEquals(endings(await all), ["0 fulfilled", "1 failed", "2 fulfilled"]);
  await pool.close();
  assertEquals(time.timers, 0);
});

Deno.test("a run that is aborted while it waits for a token ends at once", async () => {
  using time = new VirtualTime();
  const { pool, lane, on } = laneOf(1);
  const { signal, abort } = (() => {
    const controller = new AbortController();
    return { signal: controller.signal, abort: () => controller.abort() };
  })();
  const settled = mapSettled(pool, ["a", "b"], { signal, rate: { limit: 1, perMs: 1e12 } });
  const all = settled.toArray();
  lane.finish(on(0));
  abort();
  assertEquals(endings(await all), ["0 fulfilled", "1 cancelled"]);
  assertEquals(time.timers, 0);
});

Deno.test("no more are in flight than there are slots, and none starts in a pause", () => {
  using time = new VirtualTime();
  let free = 0;
  const limit = new Limit({ slots: 1 }, () => free++);
  const [one, two] = [run.batch(["x"]), run.batch(["y"])];
  limit.take(one);
  assertEquals([limit.allows(), time.timers], [false, 0]);
  limit.leave(two, NaN); // this batch never took a slot
  assertEquals(limit.allows(), false);
  limit.leave(one, NaN);
  assertEquals([limit.allows(), limit.isIdle(time.nowMs)], [true, true]);
  limit.pause(time.nowMs + 50);
  limit.pause(time.nowMs + 20);
  assertEquals([limit.allows(), limit.allows(), limit.isIdle(time.nowMs), time.timers], [
    false,
    false,
    false,
    1,
  ]);
  time.pass(50);
  // The limit isn't idle, because it must remember how many may follow.
  assertEquals([free, limit.allows(), limit.isIdle(time.nowMs)], [1, true, false]);
  time.pass(2_000);
  assertEquals(limit.isIdle(time.nowMs), true);
});

Deno.test("after a pause one is in flight, and twice as many after each 200 ms", () => {
  using time = new VirtualTime();
  const limit = new Limit({ slots: 5 }, () => {});
  limit.pause(time.nowMs + 50);
  time.pass(50);
  const counts = [0, 199, 1, 200, 200].map((ms) => {
    time.pass(ms);
    let started = 0;
    for (; limit.allows(); started++) startAt(limit, time.nowMs);
    return started;
  });
  assertEquals(counts, [1, 0, 1, 2, 1]);
  limit.stop();
});

Deno.test("a limit is idle once each token is there again", () => {
  const limit = new Limit({ rate: { limit: 9, perMs: 100 } }, () => {});
  const batch = run.batch(["x"]);
  limit.take(batch);
  batch.sentCount = 1;
  batch.sentAtMs = 10;
  limit.sent(batch);
  limit.leave(batch, 10);
  assertEquals([109, 110].map((now) => limit.isIdle(now)), [false, true]);
});

Deno.test("what is on its way to a lane and what has started there count alike", () => {
  using time = new VirtualTime();
  const limit = new Limit({ rate: { limit: 9, perMs: 100 }, slots: 2 }, () => {});
  const lane = openLane(new FakeLane({ quick: false }));
  const [held, started] = ["x", "y"].map((item) => sendTo(lane, run.batch([item])));
  started!.sentCount = 1;
  for (const batch of [held!, started!]) {
    limit.take(batch);
    limit.sent(batch);
  }
  assertEquals(limit.allows(), false);
  limit.leave(held!, NaN);
  limit.leave(started!, time.nowMs);
  assertEquals(limit.isIdle(time.nowMs), false);
  time.pass(100);
  assertEquals(limit.isIdle(time.nowMs), true);
});

Deno.test("what never started gives its token back at once", () => {
  using time = new VirtualTime();
  const limit = new Limit({ rate: { limit: 1, perMs: 100 } }, () => {});
  const batch = run.batch(["x"]);
  limit.take(batch);
  limit.leave(batch, NaN);
  assertEquals([limit.waitMs(time.nowMs), limit.isIdle(time.nowMs)], [0, true]);
});
