import { assertEquals } from "@std/assert";
import { poolOf } from "./fake_lane.ts";
import { FakeRun } from "./fake_run.ts";
import { FAKE_TASK, map } from "./start.ts";
import { settle, VirtualTime } from "./virtual_time.ts";

Deno.test("a pause takes back what wasn't started, and lets go on what was", () => {
  const { pool, made } = poolOf({ slots: 1, takesAhead: true });
  const run = new FakeRun().has(3);
  run.ahead = 1;
  run.join(pool);
  const [lane] = made;
  const [first, ...others] = lane!.batches;
  assertEquals(others.length, 1);
  lane!.start(first!);
  pool.pause();
  assertEquals([lane!.batches, run.queue.length, pool.freeSlots], [[first], 2, 0]);
  lane!.finish(first!);
  new FakeRun("b").has(1).join(pool);
  assertEquals(lane!.batches, []);
  pool.resume();
  assertEquals([lane!.batches.length, pool.freeSlots], [2, 0]);
});

Deno.test("slots that are added are filled at once, and what runs beyond fewer goes on", () => {
  const { pool, made } = poolOf({ slots: 1, remote: false });
  const run = new FakeRun().has(9).join(pool);
  const [lane] = made;
  pool.resize(() => 4);
  assertEquals([lane!.batches.length, pool.slots], [4, 4]);
  pool.resize(() => 2);
  for (let left = 4; left > 2; left--) {
    lane!.finish(lane!.batches[0]!);
    assertEquals(lane!.batches.length, left - 1);
  }
  lane!.finish(lane!.batches[0]!);
  assertEquals([lane!.batches.length, run.sent.length], [2, 5]);
});

Deno.test("what a run held back for want of room is sent when slots are added", async () => {
  const { pool, made } = poolOf({ slots: 1, remote: false });
  const results = map(pool, [1, 2, 3].values(), { buffer: 0 });
  const first = results.next();
  await settle();
  assertEquals(made[0]!.batches.length, 1);
  pool.resize(() => 3);
  await settle();
  assertEquals(made[0]!.batches.length, 3);
  for (const batch of made[0]!.batches) made[0]!.finish(batch);
  await first;
  await results.return();
});

Deno.test("a lane that was given its number of tasks is replaced, and closed when they have ended", () => {
  const { pool, made } = poolOf({ slots: 2, tasksPerLane: 3 });
  const run = new FakeRun();
  run.queue.push(run.batch(["a", "b"]), run.batch(["c", "d"], { firstIndex: 12 }));
  run.join(pool);
  const [one] = made;
  // The second batch is cut, because only one more task may run on this lane.
  assertEquals(one!.batches.map(({ items }) => items), [["a", "b"], ["c"]]);
  assertEquals(run.queue.map(({ items, firstIndex }) => [items, firstIndex]), [[["d"], 13]]);
  assertEquals([made.length, one!.isClosed], [1, false]);
  one!.finish(one!.batches[0]!);
  const [, two] = made;
  assertEquals([two!.batches.map(({ items }) => items), one!.isClosed], [[["d"]], false]);
  one!.finish(one!.batches[0]!);
  assertEquals([one!.isClosed, two!.isClosed], [true, false]);
});

Deno.test("what a pause takes back unstarted uses up none of a lane's tasks", () => {
  const { pool, made } = poolOf({ tasksPerLane: 1 });
  const run = new FakeRun().has(2).join(pool);
  for (let pauses = 0; pauses < 3; pauses++) {
    pool.pause();
    assertEquals([run.queue.length, made[0]!.batches, made[0]!.isClosed], [2, [], false]);
    pool.resume();
  }
  assertEquals([made.length, made[0]!.batches.length], [1, 1]);
  made[0]!.finish(made[0]!.batches[0]!);
  assertEquals([made.length, made[0]!.isClosed], [2, true]);
});

Deno.test("a lane that was idle for so long is closed, and opened again when it is needed", async () => {
  using time = new VirtualTime();
  const { pool, made } = poolOf({ lanes: 2, idleMs: 100 });
  const runs = ["a", "b"].map((name) => new FakeRun(name).has(1).join(pool));
  const [one, two] = made;
  time.pass(1_000);
  assertEquals([one!.isClosed, two!.isClosed], [false, false]);
  one!.finish(one!.batches[0]!);
  time.pass(60);
  two!.finish(two!.batches[0]!);
  assertEquals(time.timers, 1);
  time.pass(39);
  assertEquals([one!.isClosed, two!.isClosed], [false, false]);
  time.pass(1);
  assertEquals([one!.isClosed, two!.isClosed, pool.openLanes.length], [true, false, 1]);
  // The lane is used again, so its idle time starts anew when its batch ends.
  runs[0]!.has(1, 30);
  pool.wake(runs[0]!);
  time.pass(70);
  two!.finish(two!.batches[0]!);
  time.pass(99);
  assertEquals(two!.isClosed, false);
  time.pass(1);
  assertEquals([two!.isClosed, time.timers], [true, 0]);
  runs[0]!.has(1, 40);
  pool.wake(runs[0]!);
  assertEquals(made[2]!.batches.length, 1);
  await pool.close();
  assertEquals(time.timers, 0);
});

Deno.test("a lane isn't idle while a pause holds back what it would do", async () => {
  using time = new VirtualTime();
  const { pool, made } = poolOf({ idleMs: 10 });
  const run = new FakeRun().has(1).join(pool);
  pool.pause();
  assertEquals([run.queue.length, made[0]!.batches], [1, []]);
  time.pass(50);
  assertEquals(made[0]!.isClosed, false);
  // After resume() the lane runs the waiting batch, and is idle once that has ended.
  pool.resume();
  pool.pause();
  pool.resume();
  assertEquals([made.length, made[0]!.batches.length], [1, 1]);
  made[0]!.start(made[0]!.batches[0]!);
  pool.pause();
  made[0]!.finish(made[0]!.batches[0]!);
  time.pass(50);
  assertEquals(made[0]!.isClosed, false);
  pool.remove(run);
  assertEquals(made[0]!.isClosed, true);
  await pool.close();
  assertEquals(time.timers, 0);
});

Deno.test("a pool that is closed while its lanes are idle leaves no timer", async () => {
  using time = new VirtualTime();
  const { pool, made } = poolOf({ lanes: 2, idleMs: 100 });
  new FakeRun().has(2).join(pool);
  for (const lane of made) lane.finish(lane.batches[0]!);
  await pool.close();
  assertEquals(time.timers, 0);
});

Deno.test("a lane that somebody waits for isn't idle before he has it", async () => {
  using time = new VirtualTime();
  const { pool, made } = poolOf({ quick: false, idleMs: 10 });
  const loaded = Promise.withResolvers<void>();
  const opening = pool.openAll(FAKE_TASK, 10_000);
  made[0]!.loads = () => loaded.promise;
  made[0]!.becomeReady();
  await settle();
  time.pass(50);
  assertEquals(made[0]!.isClosed, false);
  loaded.resolve();
  await opening;
  time.pass(10);
  assertEquals(made[0]!.isClosed, true);
  await pool.close();
});

Deno.test("what runs is told, with what is known of it", () => {
  const { pool, made } = poolOf({ lanes: 2, slots: 2, tells: false });
  const run = new FakeRun();
  run.queue.push(
    run.batch(["a", "b", "c"], { firstIndex: 20, attempt: 3 }),
    run.batch(["d"], { firstIndex: 30 }),
    run.batch(["e", "f"], { firstIndex: 40, alone: false }),
  );
  run.join(pool);
  const sent = run.sent;
  for (const batch of sent) made[batch.openLane!.number]!.start(batch, 7);
  made[sent[0]!.openLane!.number]!.endOnly(sent[0]!);
  made[sent[0]!.openLane!.number]!.report(sent[0]!);
  sent[0]!.reported = 1;
  const told = pool.inFlight.running.map(({ index, item, attempt, startedAtMs }) => [
    index,
    item,
    attempt,
    startedAtMs,
  ]).toSorted();
  assertEquals(told, [
    [21, "b", 3, sent[0]!.sentAtMs],
    [30, "d", 1, sent[1]!.sentAtMs],
    [40, "e", 1, sent[2]!.sentAtMs],
  ]);
});

Deno.test("what a lane gives back without having started it uses up none of its tasks", async () => {
  const { pool, made } = poolOf({ tasksPerLane: 3 });
  const values = map(pool, ["a", "b", "c"], { chunk: 3 }).toArray();
  const [lane] = made;
  const [batch] = lane!.batches;
  lane!.start(batch!);
  lane!.endOnly(batch!);
  lane!.report(batch!, true);
  assertEquals([made.length, lane!.batches.map(({ items }) => items)], [1, [["b", "c"]]]);
  lane!.finish(lane!.batches[0]!);
  assertEquals((await values).length, 3);
  assertEquals([made.length, lane!.isClosed], [1, true]);
  // Nor does what can't be loaded there.
  const other = poolOf({ tasksPerLane: 1 });
  const run = new FakeRun().has(1).join(other.pool);
  other.made[0]!.unloadable(run.sent[0]!, new Error("no such file"));
  assertEquals([other.made.length, other.made[0]!.isClosed], [1, false]);
});
