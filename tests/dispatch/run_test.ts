import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { CancelledError } from "../../lib/lanes/errors.ts";
import { poolOf, valueOf } from "./fake_lane.ts";
import { endings, indexesOn, laneOf, map, mapSettled, take } from "./start.ts";
import { settle, VirtualTime } from "./virtual_time.ts";

Deno.test("nothing is pulled, and no lane opened, before the first result is asked for", async () => {
  let pulled = 0;
  const items = (function* () {
    for (;;) yield pulled++;
  })();
  const { pool, made } = poolOf({ slots: 2 });
  const results = mapSettled(pool, items, { buffer: 0 });
  await settle();
  assertEquals([pulled, made], [0, []]);
  const first = results.next();
  assertEquals([pulled, indexesOn(made[0]!)], [2, [0, 1]]);
  made[0]!.finish(made[0]!.batches[0]!);
  const { value: { index, lane, attempts } } = await first;
  assertEquals([index, lane, attempts], [0, 0, 1]);
  await pool.close();
});

Deno.test("mapSettled that fails hands out what has ended, then what is cancelled, then the error", async () => {
  const error = new RangeError("the bar is broken");
  const onProgress = () => {
    throw error;
  };
  const { pool, lane, on } = laneOf(2);
  const taken = take(mapSettled(pool, ["a", "b", "c", "d"], { onProgress, chunk: 1 }));
  lane.start(on(1));
  lane.finish(on(0));
  lane.end(on(1), "cancelled", "stopped");
  await settle();
  assertEquals(endings(taken.got), ["0 fulfilled", "1 cancelled", "2 cancelled", "3 cancelled"]);
  assertEquals(taken.got.map(({ attempts }) => attempts), [1, 1, 0, 0]);
  assertEquals([taken.end, taken.error, lane.batches], ["failed", error, []]);
});

Deno.test("mapSettled whose input throws hands out what has ended, then what is cancelled, then the error", async () => {
  const error = new RangeError("no more");
  const { pool, lane, on } = laneOf(2);
  const items = (function* () {
    yield* ["a", "b", "c"];
    throw error;
  })();
  const taken = take(mapSettled(pool, items, { chunk: 1 }));
  lane.start(on(0));
  lane.start(on(1));
  lane.end(on(1));
  await settle();
  assertEquals([taken.got, indexesOn(lane)], [[], [0, 2]]);
  lane.start(on(2));
  lane.end(on(2));
  await settle();
  // Item 3 could not be pulled; item 0 runs until it has stopped.
  assertEquals([lane.log.slice(-1), taken.end], [["ask 0 cancel"], "open"]);
  lane.end(on(0), "cancelled", new Error("stopped"));
  await settle();
  assertEquals(endings(taken.got), ["0 cancelled", "1 fulfilled", "2 fulfilled"]);
  assertEquals([taken.end, taken.error], ["failed", error]);
});

Deno.test("map hands out the values that are ready, then what the failing item threw", async () => {
  for (const order of ["input", "completion"] as const) {
    const { pool, lane, on } = laneOf(4);
    const results = map(pool, ["a", "b", "c", "d", "e"], { order, chunk: 1 });
    const first = results.next();
    for (const batch of lane.batches) lane.start(batch);
    lane.end(on(3));
    lane.end(on(0));
    const error = new RangeError("c");
    lane.end(on(2), "failed", error);
    lane.end(on(1)); // item 1 has ended before it could be asked to stop
    const values = [(await first).value];
    await assertRejects(
      async () => {
        for (;;) values.push((await results.next()).value);
      },
      RangeError,
      "c",
    );
    const [a, b, , d] = ["a", "b", "c", "d"].map(valueOf);
    assertEquals(values, order === "input" ? [a, b] : [d, a, b]);
    assertEquals((await results.next()).done, true);
    assertEquals(lane.batches, []);
  }
});

Deno.test("a run that fails ends only when what it had started has stopped", async () => {
  const { pool, lane, on } = laneOf(2);
  const taken = take(map(pool, ["a", "b"], { chunk: 1 }));
  for (const batch of lane.batches) lane.start(batch);
  lane.end(on(0), "failed", "first");
  await settle();
  assertEquals([taken.end, lane.log.slice(-1)], ["open", ["ask 1 cancel"]]);
  lane.end(on(1), "failed", "second");
  await settle();
  assertEquals([taken.got, taken.end, taken.error], [[], "failed", "first"]);
});

Deno.test("an aborted mapSettled has an outcome for every item; map throws the signal's reason", async () => {
  for (const settles of [true, false]) {
    const { pool, lane, on } = laneOf(1);
    const controller = new AbortController();
    const reason = new Error("enough");
    const options = { signal: controller.signal, chunk: 1 };
    const taken = settles
      ? take(mapSettled(pool, ["a", "b", "c"], options))
      : take(map(pool, ["a", "b", "c"], options));
    lane.finish(on(0));
    lane.start(on(1));
    await settle();
    controller.abort(reason);
    assertEquals(lane.log.slice(-1), ["ask 1 cancel"]);
    lane.end(on(1), "cancelled", reason);
    await settle();
    if (!settles) {
      assertEquals([taken.got, taken.error], [[valueOf("a")], reason]);
      continue;
    }
    const outcomes = taken.got as Parameters<typeof endings>[0];
    assertEquals(endings(outcomes), ["0 fulfilled", "1 cancelled", "2 cancelled"]);
    assertEquals(outcomes.map(({ attempts, lane }) => [attempts, lane]), [[1, 0], [1, 0], [0, -1]]);
    const last = outcomes[2];
    assert(last?.status === "rejected" && last.reason instanceof CancelledError);
    assertEquals([last.reason.cause, taken.end], [reason, "done"]);
  }
});

Deno.test("a run that is aborted before it starts opens no lane and pulls nothing", async () => {
  const { pool, made } = poolOf();
  const signal = AbortSignal.abort("too late");
  const outcomes = await mapSettled(pool, ["a", "b"], { signal }).toArray();
  assertEquals(endings(outcomes), ["0 cancelled", "1 cancelled"]);
  const items = {
    [Symbol.iterator]: () => {
      throw new Error("it was pulled from");
    },
  };
  assertEquals(await mapSettled(pool, items, { signal }).toArray(), []);
  const thrown = await map(pool, ["a"], { signal }).toArray().catch((error) => error);
  assertEquals([thrown, made], ["too late", []]);
});

Deno.test("closing the pool ends each of its runs, and waits until what they started has stopped", async () => {
  using time = new VirtualTime();
  const { pool, lane, on } = laneOf(2);
  let closed = 0;
  const endless = (function* () {
    try {
      for (;;) yield "x";
    } finally {
      closed++;
    }
  })();
  const settled = take(mapSettled(pool, ["a", "b"], { chunk: 1 }));
  const values = take(map(pool, endless, { chunk: 1 }));
  lane.finish(on(0));
  await settle();
  const [first, second] = lane.batches;
  for (const batch of [first!, second!]) lane.start(batch);
  let isClosed = false;
  const closing = pool.close().then(() => isClosed = true);
  lane.end(first!, "cancelled", "stopped");
  time.pass(99);
  await settle();
  assertEquals([isClosed, lane.isClosed], [false, false]);
  time.pass(1);
  await closing;
  assertEquals(lane.log.slice(-2).map((line) => line.replace(/\d+/, "…")), ["force …", "close"]);
  assertEquals(endings(settled.got), ["0 fulfilled", "1 cancelled"]);
  assertEquals([settled.end, values.end, closed], ["done", "failed", 1]);
  assertInstanceOf(values.error, TypeError);
  assertEquals([values.error.message, time.timers], ["The executor was closed", 0]);
});

Deno.test("a pool that is being closed pulls and sends nothing more, not even of the runs that are stopped last", async () => {
  const { pool, lane } = laneOf(1);
  let pulled = 0;
  const items = function* () {
    for (;;) yield pulled++;
  };
  const runs = [1, 2, 3].map(() => take(mapSettled(pool, items(), { chunk: 1, buffer: 0 })));
  assertEquals([pulled, lane.log], [1, ["send 0"]]);
  await pool.close();
  assertEquals([pulled, lane.log], [1, ["send 0", "recall 0", "close"]]);
  assertEquals(runs.map(({ got }) => endings(got)), [["0 cancelled"], [], []]);
});

Deno.test("an item that was on its way from the input when the run was stopped has an outcome, too", async () => {
  for (const how of ["abort", "close"]) {
    const { pool, lane, on } = laneOf(2);
    const controller = new AbortController();
    const late = Promise.withResolvers<string>();
    const items = (async function* () {
      yield "a";
      yield await late.promise;
      yield "c";
    })();
    let told: unknown;
    const taken = take(mapSettled(pool, items, {
      signal: controller.signal,
      chunk: 1,
      onProgress: (progress) => void (told = progress),
    }));
    await settle();
    lane.finish(on(0));
    if (how === "abort") controller.abort();
    else pool.close().catch(() => {});
    await settle();
    assertEquals([endings(taken.got), taken.end], [["0 fulfilled"], "open"]);
    late.resolve("b");
    await settle();
    assertEquals(endings(taken.got), ["0 fulfilled", "1 cancelled"]);
    assertEquals([taken.got[1]!.item, taken.end], ["b", how === "abort" ? "done" : "failed"]);
    assertEquals(told, { pulled: 2, settled: 2, rejected: 1, total: undefined });
  }
});

Deno.test("a run that is stopped takes back what waits before it asks the rest to stop", async () => {
  const { pool, lane } = laneOf(2);
  const controller = new AbortController();
  const run = take(mapSettled(pool, ["a", "b"], { chunk: 1, signal: controller.signal }));
  lane.start(lane.batches[0]!);
  controller.abort();
  await settle();
  assertEquals(lane.log, ["send 0", "send 1", "keep 0", "recall 1", "ask 0 cancel"]);
  lane.finish(lane.batches[0]!);
  await settle();
  assertEquals(endings(run.got), ["0 fulfilled", "1 cancelled"]);
});

Deno.test("runs on one pool share its slots, and the end of one leaves the other as it is", async () => {
  const { pool, lane, on } = laneOf(2);
  const one = take(map(pool, ["a", "b"], { chunk: 1 }));
  const other = mapSettled(pool, ["c", "d"], { chunk: 1 }, { module: "other:", export: "default" });
  const taken = take(other);
  const [a, b] = lane.batches;
  lane.finish(a!, "failed", new RangeError("a"));
  assertEquals(lane.batches.map(({ task }) => task.module), ["other:", "other:"]);
  await settle();
  assertEquals([one.end, lane.log.includes(`recall ${b!.firstIndex}`)], ["failed", true]);
  for (const index of [0, 1]) lane.finish(on(index));
  await settle();
  assertEquals([endings(taken.got), taken.end], [["0 fulfilled", "1 fulfilled"], "done"]);
});

Deno.test("a run that has ended gives the place back that was kept for it, at once", async () => {
  const { pool, made, lane } = laneOf(2);
  const controller = new AbortController();
  const endless = (function* () {
    for (;;) yield "x";
  })();
  const options = { chunk: 1, buffer: 0, signal: controller.signal };
  const one = take(mapSettled(pool, endless, options));
  void take(mapSettled(pool, ["a", "b"], { chunk: 1 }, { module: "b:", export: "default" }));
  lane.finish(lane.batches[0]!); // the next turn is the other run's
  await settle();
  for (const batch of lane.batches) lane.start(batch);
  lane.die(); // each batch may be the cause, and must run alone
  const modules = () => made[1]!.batches.map(({ task }) => task.module);
  assertEquals(modules(), ["b:"]);
  controller.abort();
  await settle();
  assertEquals([one.end, modules()], ["done", ["b:", "b:"]]);
  await pool.close();
});

Deno.test("who leaves is told what the input throws when it is closed, once", async () => {
  const { pool } = laneOf(1);
  const next = () => ({ value: "x", done: false });
  const clean = () => Promise.reject(new RangeError("in return()"));
  const items = {
    [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(next()), return: clean }),
  };
  const results = mapSettled(pool, items as never);
  const first = results.next();
  await settle();
  await assertRejects(() => results.return(), RangeError, "in return()");
  await first;
  assertEquals((await results.return()).done, true);
  assertEquals((await results.next()).done, true);
});

Deno.test("who stays is told what the input throws when it is closed, after all outcomes", async () => {
  const { pool, lane, on } = laneOf(1);
  const controller = new AbortController();
  const items = (function* () {
    try {
      for (;;) yield "x";
    } finally {
      // deno-lint-ignore no-unsafe-finally
      throw new RangeError("in finally");
    }
  })();
  const taken = take(mapSettled(pool, items, { signal: controller.signal, buffer: 0 }));
  lane.start(on(0));
  controller.abort();
  lane.end(on(0));
  await settle();
  assertEquals([endings(taken.got), taken.end], [["0 fulfilled"], "failed"]);
  assertInstanceOf(taken.error, RangeError);
});

Deno.test("a run that nobody waits for listens to no signal, and yet stops soon when it is aborted", async () => {
  using time = new VirtualTime();
  const { pool, lane, on } = laneOf(1);
  let isClosed = false;
  const items = (function* () {
    try {
      for (;;) yield "x";
    } finally {
      isClosed = true;
    }
  })();
  const controller = new AbortController();
  const results = mapSettled(pool, items, { signal: controller.signal, buffer: 0 });
  const first = results.next();
  lane.finish(on(0));
  await first;
  lane.finish(on(1));
  time.pass(250);
  controller.abort();
  await settle();
  assertEquals(isClosed, false);
  time.pass(100);
  await settle();
  assertEquals([isClosed, endings(await results.toArray())], [true, ["1 fulfilled"]]);
  await pool.close();
});

Deno.test("an input that waits for ever holds a run that stops up only for its grace", async () => {
  using time = new VirtualTime();
  const { pool, lane, on } = laneOf(1, { graceMs: 250 });
  const items = (async function* () {
    yield "a";
    await new Promise(() => {});
  })();
  const results = mapSettled(pool, items);
  const first = results.next();
  for (let turn = 0; turn < 5; turn++) {
    await settle();
    time.turn();
  }
  lane.finish(on(0));
  assertEquals((await first).value.index, 0);
  let hasLeft = false;
  const leaving = results.return().then(() => hasLeft = true);
  await settle();
  time.pass(249);
  await settle();
  assertEquals(hasLeft, false);
  time.pass(1);
  await leaving;
  assertEquals(time.timers, 0);
});

Deno.test("a run that stops asks its input for nothing more", async () => {
  using time = new VirtualTime();
  const { pool, lane, on } = laneOf(1);
  const controller = new AbortController();
  const gates: PromiseWithResolvers<IteratorResult<string>>[] = [];
  const iterator = {
    next: () => {
      gates.push(Promise.withResolvers());
      return gates.at(-1)!.promise;
    },
  };
  const items = { [Symbol.asyncIterator]: () => iterator };
  const options = { chunk: 3, signal: controller.signal };
  const taken = take(mapSettled(pool, items, options));
  const give = async (value: string) => {
    gates.at(-1)!.resolve({ value, done: false });
    await settle();
    time.turn();
  };
  await give("a");
  lane.start(on(0));
  controller.abort();
  const asked = gates.length;
  await give("b");
  assertEquals([gates.length, taken.end], [asked, "open"]);
  lane.end(on(0), "cancelled", "stopped");
  await settle();
  time.pass(100);
  await settle();
  assertEquals(taken.end, "done");
});

Deno.test("items of an async input that are there together travel together", async () => {
  using time = new VirtualTime();
  const { pool, lane } = laneOf(1);
  const items = (async function* () {
    yield* ["a", "b", "c"];
    await new Promise(() => {});
  })();
  const results = mapSettled(pool, items, { chunk: 5 });
  const first = results.next();
  await settle();
  assertEquals(lane.batches, []);
  time.turn();
  assertEquals(lane.batches.map(({ items }) => items), [["a", "b", "c"]]);
  lane.finish(lane.batches[0]!);
  await first;
  void results.return();
  await settle();
  time.pass(100);
});

Deno.test("a deadline counts from when a task is sent, whatever another run's onOutcome took just before", async () => {
  using time = new VirtualTime();
  const { pool, lane, on } = laneOf(1, { remote: false });
  const slow = take(mapSettled(pool, ["a"], { onOutcome: () => void (time.nowMs += 50) }));
  const timed = map(pool, ["b"], { timeoutMs: 100 }).toArray();
  const endedMs = time.nowMs;
  lane.finish(on(0));
  assertEquals(on(0).sentAtMs, endedMs + 50);
  lane.finish(on(0));
  assertEquals(await timed, [valueOf("b")]);
  await settle();
  assertEquals(slow.end, "done");
});
