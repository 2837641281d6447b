import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { loadsTooLong } from "../../lib/dispatch/places.ts";
import { LaneStartError, NoneFreeError, TaskLoadError } from "../../lib/lanes/errors.ts";
import { type FakePool, type FakePoolOptions, poolOf } from "./fake_lane.ts";
import { FakeRun } from "./fake_run.ts";
import { settle, VirtualTime } from "./virtual_time.ts";

const TASK = new FakeRun("a").task;
const REST_MS = 1000;

/** A pool in which lanes with certain numbers fail to start, until the test changes that. */
function failing(numbers: number[], more: FakePoolOptions = {}) {
  const tried: number[] = [];
  const error = new Error("no descriptors left");
  const broken = new Set(numbers);
  const parts = poolOf({
    ...more,
    beforeMaking(number) {
      tried.push(number);
      if (broken.has(number)) throw error;
    },
  });
  return { ...parts, tried, broken, error };
}

Deno.test("every lane is opened on demand, for a task, which it loads; it is told how long each took", async () => {
  const { pool, made } = poolOf({ lanes: 3, quick: false });
  const opening = pool.openAll(TASK, 1000);
  for (const [at, lane] of made.entries()) lane.becomeReady(3 + at);
  await opening;
  assertEquals(made.map(({ number, tasks, log }) => [number, tasks, log]), [
    [0, ["a:"], ["load a:"]],
    [1, ["a:"], ["load a:"]],
    [2, ["a:"], ["load a:"]],
  ]);
  assertEquals(pool.openLanes.map(({ startMs }) => startMs), [3, 4, 5]);
  await pool.openAll(undefined, 1000);
  assertEquals(made.length, 3);
});

Deno.test("no lane is opened that has no slots", async () => {
  const { pool, made } = poolOf({ lanes: 3 });
  pool.resize((lane) => lane === 1 ? 0 : 1);
  await pool.openAll(TASK, 1000);
  assertEquals(made.map(({ number }) => number), [0, 2]);
});

Deno.test("a task that every lane has loaded is loaded by new ones from the start", async () => {
  const { pool, made } = poolOf();
  await pool.openAll(TASK, 1000);
  made[0]!.die();
  new FakeRun("b").has(1).join(pool);
  assertEquals(made[1]!.tasks, ["b:", "a:"]);
});

Deno.test("opening resolves only when every lane that can be started is ready and has the task", async () => {
  const { pool, made } = poolOf({ lanes: 2, quick: false });
  const loading = Promise.withResolvers<void>();
  let isOpen = false;
  const opening = pool.openAll(TASK, 1000).then(() => isOpen = true);
  made[1]!.loads = () => loading.promise;
  made[0]!.becomeReady();
  await settle();
  assertEquals(made[0]!.log, []);
  made[1]!.becomeReady();
  await settle();
  assertEquals([isOpen, made[1]!.log], [false, ["load a:"]]);
  loading.resolve();
  await opening;
});

Deno.test("opening fails only if no lane can be started, and says why", async () => {
  using _time = new VirtualTime();
  const one = failing([0, 2], { lanes: 3 });
  await one.pool.openAll(TASK, 1000);
  assertEquals(one.pool.openLanes.map(({ number }) => number), [1]);
  await one.pool.close();
  const none = failing([0, 1], { lanes: 2 });
  const says = "Cannot start a lane: no descriptors left";
  const thrown = await assertRejects(() => none.pool.openAll(TASK, 1000), LaneStartError, says);
  assert(thrown.cause === none.error);
  const dying = poolOf({ quick: false });
  const opening = dying.pool.openAll(TASK, 1000);
  dying.made[0]!.die("exited with code 1", { starting: true });
  await assertRejects(() => opening, LaneStartError, "it exited with code 1");
});

Deno.test("opening fails if a lane can't load the task, or not in time", async () => {
  using time = new VirtualTime();
  const broken = poolOf({ quick: false });
  const opening = broken.pool.openAll(TASK, 500);
  broken.made[0]!.loads = () => Promise.reject(new TaskLoadError("no such export"));
  broken.made[0]!.becomeReady();
  await assertRejects(() => opening, TaskLoadError, "no such export");
  const slow = poolOf({ quick: false });
  const waiting = slow.pool.openAll(TASK, 500);
  slow.made[0]!.loads = () => new Promise(() => {});
  slow.made[0]!.becomeReady();
  await settle();
  assertEquals(time.timers, 1);
  time.pass(500);
  await assertRejects(
    () => waiting,
    TaskLoadError,
    "Cannot load task module a:: it has not been loaded after 500 ms",
  );
  assertEquals(time.timers, 0);
});

Deno.test("opening succeeds if one lane can load the task, as items go there, and waits for the others in vain", async () => {
  using time = new VirtualTime();
  for (
    const other of [() => Promise.reject(new TaskLoadError("no")), () => new Promise(() => {})]
  ) {
    const { pool, made } = poolOf({ lanes: 2 });
    const opening = pool.openAll(TASK, 500);
    made[0]!.loads = other as () => Promise<void>;
    await settle();
    time.pass(500);
    await opening;
    assertEquals(time.timers, 0);
  }
});

Deno.test("of the program itself it is told why it may not come to the end of its loading", () => {
  const own = { module: Deno.mainModule, export: "default" };
  for (const [isHere, remedy] of [[false, "put it behind"], [true, "give the function"]] as const) {
    const { message } = loadsTooLong(own, 500, ["loading"], isHere);
    assert(
      message.includes(`it is the program itself, whose top level waits for this; ${remedy}`),
      message,
    );
  }
  assert(!loadsTooLong(TASK, 500, ["loading"]).message.includes("the program itself"));
});

Deno.test("of a lane that is busy it is told that it is, not that the module is slow", () => {
  assertEquals(
    loadsTooLong(TASK, 500, ["not begun", undefined]).message,
    "Cannot load task module a:: no lane came to that after 500 ms: they start, or are busy",
  );
});

Deno.test("a set-up that doesn't end is told as that", () => {
  assertEquals(
    loadsTooLong({ module: Deno.mainModule, export: "default" }, 500, ["loading", "setting up"])
      .message,
    `Cannot set up task module ${Deno.mainModule}: its setup has not ended after 500 ms`,
  );
});

Deno.test("a pool that is closed meanwhile says so to who opens it", async () => {
  const { pool } = poolOf({ quick: false });
  const opening = pool.openAll(TASK, 1000);
  const refused = assertRejects(
    () => opening,
    TypeError,
    "Cannot start lanes: the executor is closed",
  );
  await pool.close();
  await refused;
});

Deno.test("a place where no lane can be started is left alone for a second, while others work", () => {
  using time = new VirtualTime();
  const { pool, made, tried, broken } = failing([1], { lanes: 2 });
  const run = new FakeRun().has(5).join(pool);
  assertEquals([tried, run.sent.length, run.told], [[0, 1], 1, ["11 put back"]]);
  assertEquals(pool.freeSlots, 0);
  made[0]!.finish(run.sent[0]!);
  time.pass(REST_MS - 1);
  pool.wake(run);
  assertEquals([tried, run.sent.length], [[0, 1], 2]);
  time.pass(1);
  assertEquals(tried, [0, 1, 1]);
  broken.clear();
  time.pass(REST_MS);
  assertEquals([tried, run.sent.length, time.timers], [[0, 1, 1, 1], 3, 0]);
  assertEquals(made.map(({ batches }) => batches.length), [1, 1]);
});

Deno.test("each place is tried again once it has rested itself, but by no timer while nothing is to be done", () => {
  using time = new VirtualTime();
  const { pool, made, tried, broken } = failing([1], { lanes: 3 });
  const run = new FakeRun().has(3).join(pool);
  assertEquals(tried, [0, 1, 2]);
  time.pass(REST_MS / 2);
  broken.add(2);
  made[1]!.die();
  pool.wake(run.has(1, 20));
  assertEquals(tried, [0, 1, 2, 2]);
  time.pass(REST_MS / 2);
  assertEquals(tried, [0, 1, 2, 2, 1]);
  time.pass(REST_MS / 2);
  assertEquals(tried, [0, 1, 2, 2, 1, 2]);
  assertEquals(time.timers, 1);
  pool.remove(run);
  assertEquals(time.timers, 0);
  new FakeRun().has(9).join(pool);
  assertEquals([tried.length, time.timers], [6, 1]);
  time.pass(REST_MS / 2);
  assertEquals(tried.slice(6), [1]);
});

Deno.test("a place whose lane dies while it starts is left alone in the same way", () => {
  using time = new VirtualTime();
  const { pool, made } = poolOf({ lanes: 2, quick: false });
  const run = new FakeRun().has(2).join(pool);
  made[0]!.loaded(run.sent[0]!);
  made[1]!.die("exited with code 1", { starting: true });
  assertEquals(run.told, ["11 lost, innocent: exited with code 1"]);
  pool.wake(run.has(1, 20));
  assertEquals(made.length, 2);
  time.pass(REST_MS);
  assertEquals([made.length, made[2]!.number, made[1]!.isClosed], [3, 1, true]);
});

Deno.test("three lanes in a row that can't be started, and no other open, fail every run with the cause", () => {
  const { pool, tried, error } = failing([0, 1], { lanes: 2 });
  const runs = ["a", "b"].map((name) => new FakeRun(name).has(1));
  runs[1]!.queue.length = 0;
  for (const run of runs.toReversed()) run.join(pool);
  assertEquals(tried.length, 3);
  for (const { failures: [failure, ...others] } of runs) {
    assertInstanceOf(failure, LaneStartError);
    assertEquals([failure.message, others], ["Cannot start a lane: no descriptors left", []]);
    assert(failure.cause === error);
  }
});

Deno.test("after that, a run that comes later has three tries of its own", () => {
  const { pool, tried } = failing([0]);
  for (const name of ["a", "b"]) {
    const run = new FakeRun(name).has(1).join(pool);
    assertEquals(run.failures.length, 1);
    pool.remove(run);
  }
  assertEquals(tried.length, 6);
});

Deno.test("many that can't be started while some are starting count for nothing: those may do", async () => {
  using time = new VirtualTime();
  const { pool, made, tried } = failing(Array.from({ length: 14 }, (_, at) => at + 2), {
    lanes: 16,
    quick: false,
  });
  const run = new FakeRun().has(16).join(pool);
  assertEquals([tried.length, made.length, run.failures], [16, 2, []]);
  // Both lanes were too many for the descriptors; the one that is then tried alone starts.
  for (const lane of [...made]) lane.die("found no descriptors", { starting: true });
  pool.wake(run.has(2));
  assertEquals([made.length, run.failures], [3, []]);
  made[2]!.becomeReady();
  await settle();
  time.pass(REST_MS);
  assertEquals([run.failures, pool.openLanes.length], [[], 2]);
});

Deno.test("what says that a lane can't be started is told as it is", () => {
  const error = new LaneStartError("this program may not run deno");
  const { pool } = poolOf({
    beforeMaking() {
      throw error;
    },
  });
  assertEquals(new FakeRun().has(1).join(pool).failures, [error]);
});

/** Lets a lane die at its start several times; the batch on it is sent again each time. */
function dieAtStart({ pool, made }: FakePool, run: FakeRun, times: number): void {
  for (let time = 0; time < times; time++) {
    made.at(-1)!.die("exited with code 1", { starting: true });
    pool.wake(run.has(1));
  }
}

Deno.test("three lanes in a row that die at their start fail every run; one that starts in between saves them", async () => {
  for (const saved of [false, true]) {
    const parts = poolOf({ quick: false });
    const run = new FakeRun().has(1).join(parts.pool);
    dieAtStart(parts, run, 2);
    if (saved) parts.made.at(-1)!.becomeReady();
    await settle();
    assertEquals(run.failures, []);
    dieAtStart(parts, run, 1);
    assertEquals(
      run.failures.map((error) => (error as Error).message),
      saved ? [] : [
        "Cannot start a lane: it exited with code 1",
      ],
    );
  }
});

Deno.test("a closed pool waits for no lane to be tried again", async () => {
  using time = new VirtualTime();
  const { pool } = failing([1], { lanes: 2 });
  new FakeRun().has(5).join(pool);
  assertEquals(time.timers, 1);
  await pool.close();
  assertEquals(time.timers, 0);
});

Deno.test("a pool that is being closed has no lane tried again that dies while it starts", async () => {
  using time = new VirtualTime();
  const { pool, made } = poolOf({ lanes: 2, quick: false });
  const run = new FakeRun().has(2).join(pool);
  const stopping = Promise.withResolvers<void>();
  run.stopping = stopping.promise;
  const closing = pool.close();
  made[1]!.die("exited with code 1", { starting: true });
  stopping.resolve();
  await closing;
  assertEquals(time.timers, 0, "something keeps the program alive");
});

Deno.test("where none is free before another is closed, it is tried again then, however often", async () => {
  using time = new VirtualTime();
  let isFree = true;
  const { pool, made } = poolOf({
    tasksPerLane: 1,
    beforeMaking() {
      if (!isFree) throw new NoneFreeError("all are in use");
      isFree = false;
    },
  });
  const run = new FakeRun().has(5).join(pool);
  for (let lane = 0; lane < 5; lane++) {
    const closing = Promise.withResolvers<void>();
    made[lane]!.closing = closing.promise;
    made[lane]!.finish(made[lane]!.batches[0]!);
    for (let tries = 0; tries < 5; tries++) pool.wake(run);
    assertEquals(made.length, lane + 1);
    isFree = true;
    closing.resolve();
    await settle();
  }
  assertEquals([run.sent.length, run.failures, made.length], [5, [], 5]);
  await pool.close();
  assertEquals(time.timers, 0);
});

Deno.test("where lane after lane dies at its start, the run fails though others are always starting", () => {
  using _time = new VirtualTime();
  const { pool, made } = poolOf({ lanes: 64, quick: false });
  const run = new FakeRun().has(2).join(pool);
  for (let died = 0; run.failures.length === 0 && died < 20; died++) {
    made[died]!.die("found no machine", { starting: true });
    // The batch on the dead lane is sent again.
    if (run.failures.length === 0) pool.wake(run.has(1));
  }
  assertEquals([run.failures.length, made.length], [1, 5]);
});

Deno.test("where many of those that are started at once can't be, the others are waited for", async () => {
  using _time = new VirtualTime();
  const { pool, made } = poolOf({ lanes: 64, quick: false });
  const run = new FakeRun().has(64).join(pool);
  for (const lane of made.slice(2)) lane.die("found none free", { starting: true });
  assertEquals(run.failures, []);
  for (const lane of made.slice(0, 2)) lane.becomeReady();
  await settle();
  assertEquals(pool.openLanes.length, 2);
});
