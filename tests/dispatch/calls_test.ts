import { assert, assertEquals, assertRejects } from "@std/assert";
import { Calls } from "../../lib/dispatch/calls.ts";
import { CrashedError, QueueFullError, TaskLoadError } from "../../lib/lanes/errors.ts";
import { poolOf, valueOf } from "./fake_lane.ts";
import { FAKE_TASK, laneOf, map } from "./start.ts";
import { settle, VirtualTime } from "./virtual_time.ts";

/** A lane with `slots` slots, and the calls that share it. */
function calling(slots = 1, maxQueued = Infinity) {
  const parts = laneOf(slots);
  const calls = new Calls(parts.pool, maxQueued);
  const call = (item: string, options?: Parameters<typeof calls.run>[2]) =>
    calls.run(FAKE_TASK, item, options);
  const { lane } = parts;
  const items = () => lane.batches.flatMap(({ items }) => items);
  const on = (item: string) => lane.batches.find(({ items: [first] }) => first === item)!;
  const finish = (item: string, ...how: [how?: "ok" | "failed", reason?: unknown]) =>
    lane.finish(on(item), ...how);
  return { ...parts, calls, call, items, on, finish };
}

Deno.test("a call is sent at once if a slot is free, and the others as they came", async () => {
  const { call, items, finish } = calling(2);
  const all = ["a", "b", "c", "d"].map((item) => call(item));
  assertEquals(items(), ["a", "b"]);
  finish("b");
  assertEquals(items(), ["a", "c"]);
  finish("a");
  finish("c");
  finish("d");
  assertEquals(await Promise.all(all), ["a", "b", "c", "d"].map(valueOf));
});

Deno.test("what a task throws is what its call rejects with, the very same", async () => {
  const { call, finish } = calling();
  for (const thrown of [new RangeError("no"), undefined, null, "a word"]) {
    const promise = call("a");
    finish("a", "failed", thrown);
    const [end] = await Promise.allSettled([promise]);
    assert(end?.status === "rejected" && end.reason === thrown);
  }
});

Deno.test("a call that is tried again waits behind those that came meanwhile", async () => {
  using time = new VirtualTime();
  const { call, items, finish } = calling();
  const retries = { limit: 1, baseMs: 10, jitter: false };
  const again = call("a", { retries });
  const next = call("b");
  finish("a", "failed", new Error("once"));
  const last = call("c");
  time.pass(10);
  finish("b");
  assertEquals(items(), ["c"]);
  finish("c");
  assertEquals(items(), ["a"]);
  finish("a");
  const values: unknown[] = await Promise.all([again, next, last]);
  assertEquals(values, ["a", "b", "c"].map(valueOf));
  assertEquals(time.timers, 0);
});

Deno.test("calls that come back unstarted go before those that wait, in their order", async () => {
  for (const how of ["paused", "lost"]) {
    const { pool, made } = poolOf({ slots: 2, quick: false });
    const calls = new Calls(pool, Infinity);
    const all = ["a", "b", "c"].map((item) => calls.run(FAKE_TASK, item, undefined));
    if (how === "lost") made[0]!.die("exited with code 1", { starting: true });
    else {
      pool.pause();
      pool.resume();
    }
    const lane = made.at(-1)!;
    assertEquals(lane.batches.flatMap(({ items }) => items), ["a", "b"]);
    while (lane.batches.length > 0) {
      const [batch] = lane.batches;
      lane.loaded(batch!);
      lane.finish(batch!);
    }
    assertEquals(await Promise.all(all), ["a", "b", "c"].map(valueOf));
  }
});

Deno.test("more calls than may wait are refused at once, and counted anew when some have left", async () => {
  const { calls, call, finish } = calling(1, 1);
  const first = call("a");
  const second = call("b");
  await assertRejects(() => call("c"), QueueFullError, "maxQueued allows, which is 1");
  finish("a");
  const third = call("d");
  await assertRejects(() => call("e"), QueueFullError);
  finish("b");
  finish("d");
  await Promise.all([first, second, third]);
  assertEquals([calls.open, calls.onLanes], [0, 0]);
});

Deno.test("where none may wait, as many calls as there are slots are taken", async () => {
  const { call, finish } = calling(2, 0);
  const all = [call("a"), call("b")];
  await assertRejects(() => call("c"), QueueFullError, "maxQueued allows, which is 0");
  for (const item of ["a", "b"]) finish(item);
  await Promise.all(all);
});

Deno.test("a call that waits for its next try counts among those that wait", async () => {
  using time = new VirtualTime();
  const { call, finish } = calling(1, 1);
  const failing = call("a", { retries: { limit: 1, baseMs: 10, jitter: false } });
  finish("a", "failed", new Error("once"));
  const running = call("b");
  await assertRejects(() => call("c"), QueueFullError);
  finish("b");
  time.pass(10);
  finish("a");
  await Promise.all([failing, running]);
});

Deno.test("a call that waits and is aborted rejects with the reason, and is never sent", async () => {
  const { lane, call, items, finish } = calling();
  const controller = new AbortController();
  const first = call("a");
  const waiting = call("b", { signal: controller.signal });
  const last = call("c");
  controller.abort(new Error("enough"));
  await assertRejects(() => waiting, Error, "enough");
  finish("a");
  assertEquals(items(), ["c"]);
  finish("c");
  await Promise.all([first, last]);
  assertEquals(lane.log.filter((line) => line.startsWith("ask")), []);
});

Deno.test("a call that runs and is aborted is asked to stop, then forced, and no other is", async () => {
  using time = new VirtualTime();
  const { lane, call, on } = calling(2);
  const controller = new AbortController();
  const other = call("a");
  const aborted = call("b", { signal: controller.signal });
  lane.start(on("a"));
  lane.start(on("b"));
  lane.forces = () => "goes on";
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(lane.held(on("b")).asked, "cancel");
  assertEquals(lane.held(on("a")).asked, undefined);
  const ends: unknown[] = [];
  aborted.catch((error) => ends.push(error));
  time.pass(99);
  await settle();
  assertEquals(ends, []);
  time.pass(1);
  await settle();
  assert(ends[0] === reason);
  lane.end(on("a"));
  assertEquals(await other, valueOf("a"));
  assertEquals(time.timers, 0);
});

Deno.test("a call that gives its value though it was asked to stop has given it", async () => {
  const { lane, call, on } = calling();
  const controller = new AbortController();
  const promise = call("a", { signal: controller.signal });
  lane.start(on("a"));
  controller.abort();
  lane.end(on("a"));
  assertEquals(await promise, valueOf("a"));
});

Deno.test("each call has its own deadline, from its own start, and no timer stays", async () => {
  using time = new VirtualTime();
  const { lane, call, on } = calling(3);
  const slow = call("a", { timeoutMs: 500 });
  const quick = call("b", { timeoutMs: 100 });
  const free = call("c");
  for (const item of ["a", "b", "c"]) lane.start(on(item));
  time.pass(100);
  const asked = () => ["a", "b", "c"].map((item) => lane.held(on(item)).asked);
  assertEquals(asked(), [undefined, "timeout", undefined]);
  lane.end(on("b"), "timed-out", new Error("late"));
  await assertRejects(() => quick, Error, "late");
  time.pass(399);
  assertEquals(lane.held(on("a")).asked, undefined);
  time.pass(1);
  assertEquals(lane.held(on("a")).asked, "timeout");
  lane.end(on("a"), "timed-out", new Error("late too"));
  await assertRejects(() => slow, Error, "late too");
  assertEquals(time.timers, 0);
  lane.end(on("c"));
  await free;
});

Deno.test("a task that doesn't come to the end of its loading ends its call, with what to do", async () => {
  using time = new VirtualTime();
  const parts = laneOf(1, { quick: false });
  const calls = new Calls(parts.pool, Infinity);
  const promise = calls.run(FAKE_TASK, "a", { loadTimeoutMs: 300 });
  const error = assertRejects(() => promise, TaskLoadError, "has not been loaded after 300 ms");
  time.pass(300);
  await error;
  assertEquals(time.timers, 0);
});

Deno.test("a lost lane's call runs again, unless it may not; one that kills says so", async () => {
  const { made, lane, calls, call, on } = calling(2);
  const killer = call("a");
  const mayRun = call("b");
  const mustNot = call("c", { rerun: false });
  lane.start(on("a"));
  lane.start(on("b"));
  lane.end(on("a"));
  await killer;
  lane.start(on("c"));
  lane.die();
  await assertRejects(() => mustNot, CrashedError, "rerun is false");
  const next = made[1]!;
  next.finish(next.batches[0]!);
  assertEquals(await mayRun, valueOf("b"));
  const last = call("d");
  next.start(next.batches[0]!);
  next.die();
  await assertRejects(() => last, CrashedError, " lost its lane while its task ran");
  assertEquals([calls.open, calls.onLanes], [0, 0]);
});

Deno.test("calls and maps that wait get slots in turn", async () => {
  const { pool, call, items, finish } = calling();
  const mapped = map(pool, ["m0", "m1", "m2"], { chunk: 1 }).toArray();
  const called = ["a", "b"].map((item) => call(item));
  const started: unknown[] = [];
  while (items().length > 0) {
    started.push(...items());
    finish(String(items()[0]));
  }
  assertEquals(started, ["m0", "m1", "a", "b", "m2"]);
  await Promise.all([mapped, ...called]);
});

Deno.test("closing the pool rejects what waits and what runs, and waits for it", async () => {
  const { pool, lane, call, on } = calling();
  const running = call("a");
  const waiting = call("b");
  lane.start(on("a"));
  const ends = Promise.allSettled([running, waiting]);
  const closed = pool.close();
  await assertRejects(() => waiting, TypeError, "The executor was closed");
  lane.end(on("a"), "cancelled", new Error("stopped"));
  await closed;
  const [first] = await ends;
  assert(first?.status === "rejected");
  assertEquals(first.reason.message, "The executor was closed");
  await assertRejects(() => call("c"), TypeError, "Cannot run: the executor is closed");
});
