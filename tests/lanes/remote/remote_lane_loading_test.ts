import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { TaskLoadError } from "../../../lib/lanes/errors.ts";
import {
  BATCH_COUNT,
  BATCH_TASK,
  FromLane,
  readBatch,
  ToLane,
} from "../../../lib/lanes/remote/channel.ts";
import { sealEnvelope } from "../../../lib/lanes/remote/envelope.ts";
import type { Task } from "../../../lib/lanes/task.ts";
import { VirtualTime } from "../../dispatch/virtual_time.ts";
import { batchOf, DOUBLE, settle } from "../batch.ts";
import { laneOver, lastId, readyLane, reportHeadOf } from "./fake_channel.ts";
import { toThread } from "./ways.ts";

const OTHER: Task = { module: "file:///jobs/other.ts", export: "default" };

Deno.test("a batch is held until its lane is ready and has loaded its task", async () => {
  const { lane, channel, told } = laneOver();
  const batch = batchOf([1, 2]);
  lane.send(batch);
  assertEquals([channel.sent, batch.sentCount], [[], 0]);
  channel.saysReady();
  assert(await lane.ready >= 0);
  assertEquals(channel.sent, [
    { kind: ToLane.load, head: [1], payload: { ...DOUBLE, isProgram: false } },
  ]);
  channel.says(FromLane.loaded, [1]);
  assertEquals(channel.kinds, [ToLane.load, ToLane.batch]);
  const { head, payload } = channel.sent[1]!;
  const { id, firstIndex } = readBatch(head, [], DOUBLE);
  const [task, count] = [head[BATCH_TASK], head[BATCH_COUNT]];
  assertEquals([task, count, firstIndex, payload, batch.sentCount], [1, 2, 10, [1, 2], 2]);
  channel.says(FromLane.report, reportHeadOf(id, { count: 2 }), [3, 4]);
  assertEquals(await told.values(batch), [3, 4]);
});

Deno.test("a task is loaded once, whoever asks for it and by whichever name", async () => {
  const { lane, channel } = laneOver();
  const loads = [lane.load(DOUBLE), lane.load({ ...DOUBLE })];
  lane.send(batchOf([1]));
  channel.saysReady();
  lane.send(batchOf([2]));
  assertEquals(channel.kinds, [ToLane.load]);
  channel.says(FromLane.loaded, [1]);
  await Promise.all(loads);
  await lane.load({ ...DOUBLE });
  lane.send(batchOf([3]));
  assertEquals(channel.kinds, [ToLane.load, ToLane.batch, ToLane.batch, ToLane.batch]);
});

Deno.test("what waits behind a module that nobody waits for any more is to go elsewhere", async () => {
  for (const isBegun of [false, true]) {
    const { lane, channel, told } = laneOver();
    const taken = batchOf([1], { task: OTHER });
    lane.send(taken);
    lane.send(batchOf([2]));
    channel.saysReady();
    if (isBegun) channel.says(FromLane.loading, [1, 0]);
    await settle();
    assertEquals(told.leavings, 0);
    lane.recall(taken);
    if (!isBegun) channel.says(FromLane.loading, [1, 0]);
    await settle();
    assertEquals(told.leavings, 1);
  }
});

Deno.test("nothing leaves a lane for a module that somebody waits for, or with all that waited taken back", async () => {
  const awaited = laneOver();
  void awaited.lane.load(OTHER);
  awaited.lane.send(batchOf([2]));
  awaited.channel.saysReady();
  awaited.channel.says(FromLane.loading, [1, 0]);
  const paused = laneOver();
  const batches = [batchOf([1], { task: OTHER }), batchOf([2])];
  for (const batch of batches) paused.lane.send(batch);
  paused.channel.saysReady();
  paused.channel.says(FromLane.loading, [1, 0]);
  for (const batch of batches) paused.lane.recall(batch);
  await settle();
  assertEquals([awaited.told.leavings, paused.told.leavings], [0, 0]);
});

Deno.test("each task waits for its own module, in the order of its batches", () => {
  const { lane, channel } = laneOver();
  channel.saysReady();
  lane.send(batchOf(["first"], { task: OTHER }));
  lane.send(batchOf(["second"]));
  lane.send(batchOf(["third"], { task: OTHER }));
  assertEquals(channel.sent.map(({ head }) => head), [[1], [2]]);
  channel.says(FromLane.loaded, [2]);
  channel.says(FromLane.loaded, [1]);
  const batches = channel.sent.filter(({ kind }) => kind === ToLane.batch);
  assertEquals(batches.map(({ payload }) => payload), [["second"], ["first"], ["third"]]);
});

Deno.test("a task that can't be loaded is told with each batch held for it, and no other", async () => {
  const { lane, channel, told } = laneOver();
  const held = [batchOf([1]), batchOf([2])];
  const other = batchOf([3], { task: OTHER });
  for (const batch of [...held, other]) lane.send(batch);
  const loading = lane.load(DOUBLE);
  channel.saysReady();
  channel.says(
    FromLane.unloadable,
    [1],
    sealEnvelope(new TaskLoadError("no such file"), toThread()),
  );
  assertEquals(told.unloadables.map(({ batch }) => batch), held);
  for (const { error } of told.unloadables) {
    assertInstanceOf(error, TaskLoadError);
    assertEquals(error.message, "no such file");
  }
  await assertRejects(() => loading, TaskLoadError, "no such file");
  channel.says(FromLane.loaded, [2]);
  assertEquals(channel.kinds, [ToLane.load, ToLane.load, ToLane.batch]);
  assertEquals(other.sentCount, 1);
});

Deno.test("a task that couldn't be loaded may be mended, and is loaded anew", async () => {
  const { lane, channel, told } = laneOver();
  channel.saysReady();
  lane.send(batchOf([1]));
  channel.says(
    FromLane.unloadable,
    [1],
    sealEnvelope(new TaskLoadError("no such file"), toThread()),
  );
  const batch = batchOf([2]);
  lane.send(batch);
  assertEquals(channel.sent.map(({ kind, head }) => [kind, head]), [
    [ToLane.load, [1]],
    [ToLane.load, [2]],
  ]);
  channel.says(FromLane.loaded, [2]);
  await lane.load(DOUBLE);
  assertEquals([batch.sentCount, told.unloadables.length], [1, 1]);
});

Deno.test("a task that is the program itself says so to its lane, and in the error if it can't be loaded", async () => {
  const task: Task = { module: Deno.mainModule, export: "default" };
  const { lane, channel } = laneOver();
  const loading = lane.load(task);
  channel.saysReady();
  assertEquals(channel.sent[0]!.payload, { ...task, isProgram: true });
  channel.ends("exited with code 3");
  await assertRejects(() => loading, TaskLoadError, "behind import.meta.main");
});

Deno.test("a lane that dies while it loads a task couldn't load it, whatever the reason", async () => {
  const { lane, channel, told } = laneOver();
  const batches = [batchOf([1]), batchOf([2])];
  channel.saysReady();
  for (const batch of batches) lane.send(batch);
  const loading = lane.load(DOUBLE);
  channel.says(FromLane.loading, [1, 0]);
  channel.ends("exited with code 3");
  assertEquals(told.unloadables.map(({ batch }) => batch), batches);
  assertStringIncludes(
    told.unloadables[0]!.error.message,
    "the lane exited with code 3 while it was loaded",
  );
  await assertRejects(() => loading, TaskLoadError, "exited with code 3");
  assertEquals(told.deaths, [{ how: "exited with code 3", starting: false }]);
});

Deno.test("only the task that was just being loaded is blamed; those behind it are loaded elsewhere", () => {
  const { lane, channel, told } = laneOver();
  const [first, second] = [batchOf([1]), batchOf([2], { task: OTHER })];
  channel.saysReady();
  lane.send(first);
  lane.send(second);
  channel.says(FromLane.loading, [1, 0]);
  channel.ends("exited with code 3");
  assertEquals(told.unloadables.map(({ batch }) => batch), [first]);
  const after = laneOver();
  after.channel.saysReady();
  after.lane.send(first);
  after.lane.send(second);
  after.channel.says(FromLane.loading, [1, 0]);
  after.channel.says(FromLane.loaded, [1]);
  after.channel.says(FromLane.loading, [2, 0]);
  after.channel.ends("exited with code 3");
  assertEquals(after.told.unloadables.map(({ batch }) => batch), [second]);
});

Deno.test("no task is blamed for the end of a lane that hasn't come to load it", () => {
  const { lane, channel, told } = laneOver();
  lane.send(batchOf([1]));
  channel.saysReady();
  channel.ends("was ended by SIGINT");
  assertEquals([told.unloadables, told.deaths], [
    [],
    [{ how: "was ended by SIGINT", starting: false }],
  ]);
});

Deno.test("a lane that dies before it is ready has loaded nothing, and nothing is said of its tasks", async () => {
  const { lane, channel, told } = laneOver();
  lane.send(batchOf([1]));
  const loading = lane.load(DOUBLE);
  channel.ends("exited with code 3");
  assertEquals(await lane.ready, NaN);
  await assertRejects(() => loading, TaskLoadError);
  assertEquals([told.unloadables, told.deaths], [
    [],
    [{ how: "exited with code 3", starting: true }],
  ]);
});

Deno.test("a lane that is gone loads nothing any more, and says so", async () => {
  for (const end of ["closed", "closing", "dead"] as const) {
    const { lane, channel } = readyLane();
    // There is something to dispose of, so it is closed only once that is done.
    if (end === "closing") channel.says(FromLane.loading, [1, 1]);
    const closed = end === "dead" ? channel.ends("exited with code 3") : lane.close();
    if (end === "closed") await closed;
    const answer = await Promise.race([
      lane.load(OTHER).then(() => "loaded", () => "refused"),
      settle().then(() => "nothing"),
    ]);
    assertEquals([end, answer], [end, "refused"]);
    if (end === "closing") channel.says(FromLane.disposed, [], []);
    await closed;
  }
});

Deno.test("a task that is loaded for nobody may never be, so its lane takes no other meanwhile", () => {
  const { lane, channel } = laneOver();
  assertEquals(lane.accepts(OTHER), true);
  channel.saysReady();
  void lane.load(DOUBLE);
  assertEquals(lane.accepts(OTHER), true);
  channel.says(FromLane.loading, [1, 0]);
  assertEquals([lane.accepts(DOUBLE), lane.accepts(OTHER)], [true, false]);
  lane.send(batchOf([1]));
  assertEquals(lane.accepts(OTHER), true);
  channel.says(FromLane.loaded, [1]);
  assertEquals([lane.accepts(DOUBLE), lane.accepts(OTHER)], [true, true]);
});

Deno.test("a task whose batch went to another lane goes on loading, and its lane takes others", () => {
  for (const goesOn of [false, true]) {
    const { lane, channel } = laneOver();
    const batch = batchOf([1]);
    channel.saysReady();
    lane.send(batch);
    channel.says(FromLane.loading, [1, 0]);
    assertEquals(lane.recall(batch, goesOn), true);
    assertEquals([lane.accepts(DOUBLE), lane.accepts(OTHER)], [true, goesOn]);
  }
});

Deno.test("how long a task is being loaded counts from when its lane has come to it", () => {
  using time = new VirtualTime();
  const { lane, channel } = laneOver();
  const [first, second] = [batchOf([1]), batchOf([2], { task: OTHER })];
  const stand = () => [first, second].map((batch) => lane.progress(batch));
  lane.send(first);
  time.pass(5);
  // A lane that takes long to start doesn't make the task late.
  assertEquals(lane.progress(first), { state: "loading", sinceMs: 1005 });
  channel.saysReady();
  lane.send(second);
  time.pass(5);
  assertEquals(stand(), Array(2).fill({ state: "loading", sinceMs: 1010 }));
  time.pass(50);
  channel.says(FromLane.loading, [1, 0]);
  time.pass(5);
  channel.says(FromLane.loading, [1, 1]);
  assertEquals(stand(), [{ state: "loading", sinceMs: 1060 }, { state: "waiting" }]);
  channel.says(FromLane.loaded, [1]);
  time.pass(5);
  channel.says(FromLane.loading, [2, 0]);
  assertEquals(lane.progress(second), { state: "loading", sinceMs: 1070 });
});

Deno.test("a lane that doesn't come to start is late with its tasks at last", () => {
  using time = new VirtualTime();
  const { lane } = laneOver();
  const batch = batchOf([1]);
  lane.send(batch);
  time.pass(30_000);
  assertEquals(lane.progress(batch), { state: "loading", sinceMs: 1000 });
});

Deno.test("what waits for a task that is not loaded yet isn't next while another runs", () => {
  const over = readyLane();
  const { lane, channel } = over;
  const [runs, waits] = [batchOf([1]), batchOf([2], { task: OTHER })];
  lane.send(runs);
  lane.send(waits);
  assertEquals(lane.stageOf(OTHER), "not begun");
  channel.says(FromLane.started, [lastId(over), 0, 5]);
  assertEquals(lane.progress(waits), { state: "waiting" });
  channel.says(FromLane.report, reportHeadOf(lastId(over)), [2]);
  assertEquals(lane.progress(waits), { state: "waiting", isNext: true });
});

Deno.test("what waits behind a module that no batch waits for is next, so that its lane is replaced at last", () => {
  for (const how of ["asked for alone", "wanted after its batch has gone"]) {
    const { lane, channel } = laneOver();
    const [other, waits] = [batchOf([1], { task: OTHER }), batchOf([2])];
    channel.saysReady();
    if (how === "asked for alone") void lane.load(OTHER);
    else lane.send(other);
    lane.send(waits);
    channel.says(FromLane.loading, [1, 0]);
    if (how !== "asked for alone") {
      assertEquals(lane.progress(waits), { state: "waiting" });
      lane.recall(other, true);
    }
    assertEquals([how, lane.progress(waits)], [how, { state: "waiting", isNext: true }]);
  }
});
