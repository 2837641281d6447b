import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { TaskLoadError, TeardownError } from "../../../lib/lanes/errors.ts";
import { FromLane, ToLane } from "../../../lib/lanes/remote/channel.ts";
import { sealEnvelope } from "../../../lib/lanes/remote/envelope.ts";
import { RemoteLane } from "../../../lib/lanes/remote/remote_lane.ts";
import type { Task } from "../../../lib/lanes/task.ts";
import { VirtualTime } from "../../dispatch/virtual_time.ts";
import { batchOf, DOUBLE, settle } from "../batch.ts";
import { FakeChannel, laneOver, readyLane, reportHeadOf, Told } from "./fake_channel.ts";
import { toThread } from "./ways.ts";

const OTHER: Task = { module: "file:///jobs/other.ts", export: "default" };

Deno.test("a death is told once, with what was thrown; nothing is told after it", async () => {
  const { lane, channel, told } = readyLane();
  const batch = batchOf([1]);
  lane.send(batch);
  channel.says(FromLane.ending, [], {
    how: "threw outside the task",
    error: sealEnvelope(new RangeError("x"), toThread()),
  });
  channel.ends("ended without a word");
  channel.says(FromLane.report, reportHeadOf(1), [3]);
  const [death, ...others] = told.deaths;
  assertEquals([death!.how, death!.starting, others], ["threw outside the task", false, []]);
  assertInstanceOf(death!.error, RangeError);
  assertEquals([told.reports, channel.done], [[], ["close"]]);
  await lane.close();
});

Deno.test("a lane that is closed tells of no death, and lets nobody wait for it", async () => {
  const { lane, channel, told } = laneOver();
  const loading = lane.load(DOUBLE);
  const closed = lane.close();
  channel.ends("exited with code 0");
  await closed;
  assertEquals([await lane.ready, told.deaths, channel.done], [NaN, [], ["close"]]);
  await assertRejects(() => loading, TaskLoadError, "the lane was closed");
});

Deno.test("times of the lane's clock are told on the caller's", async () => {
  const { lane, channel, told } = laneOver();
  const batch = batchOf([1, 2], { timed: true, tellsStarts: true });
  lane.send(batch);
  channel.saysReady(100);
  channel.says(FromLane.loaded, [1]);
  channel.says(FromLane.started, [1, 1, 7]);
  assertEquals(lane.progress(batch), { state: "running", offset: 1, sinceMs: 107 });
  const times = Float64Array.of(5, 7, 7, 9);
  const head = reportHeadOf(1, { count: 2, startedAtMs: 5, endedAtMs: 9, times });
  channel.says(FromLane.report, head, [3, 4]);
  await told.last(batch);
  const { report } = told.reports[0]!;
  assertEquals([report.startedAtMs, report.endedAtMs, ...report.times!], [
    105,
    109,
    105,
    107,
    107,
    109,
  ]);
});

Deno.test("what was used is asked for, and the last known is told of a lane that doesn't answer", async () => {
  using time = new VirtualTime();
  const { lane, channel } = laneOver();
  const nothing = { cpuMs: undefined, peakRssBytes: undefined };
  assertEquals(await lane.usage(), nothing);
  channel.saysReady();
  const [one, two] = [lane.usage(), lane.usage()];
  assertEquals([channel.kinds, time.timers], [[ToLane.usage, ToLane.usage], 2]);
  channel.says(FromLane.usage, [5, 1024]);
  assertEquals([await one, await two, time.timers], [
    { cpuMs: 5, peakRssBytes: 1024 },
    { cpuMs: 5, peakRssBytes: 1024 },
    0,
  ]);
  let late: unknown;
  void lane.usage().then((usage) => late = usage);
  time.pass(999);
  await settle();
  assertEquals(late, undefined);
  time.pass(1);
  await settle();
  assertEquals([late, time.timers], [{ cpuMs: 5, peakRssBytes: 1024 }, 0]);
  channel.says(FromLane.usage, [8, NaN]);
  const last = lane.usage();
  channel.ends("exited with code 3");
  assertEquals([await last, time.timers], [{ cpuMs: 8, peakRssBytes: undefined }, 0]);
  assertEquals(await lane.usage(), { cpuMs: 8, peakRssBytes: undefined });
});

Deno.test("whether it keeps the program alive is its channel's matter", () => {
  const { lane, channel } = readyLane();
  lane.hold(false);
  lane.hold(true);
  assertEquals(channel.done, ["hold false", "hold true"]);
});

Deno.test("a lane takes no task that it wasn't made for", () => {
  const told = new Told();
  const accepts = ({ module }: Task) => module === OTHER.module;
  const lane = new RemoteLane(told, (events) => new FakeChannel(events, {}), { accepts });
  assertEquals([lane.accepts(DOUBLE), lane.accepts(OTHER)], [false, true]);
});

Deno.test("what is said of a batch that is done with is not told", async () => {
  const { lane, channel, told } = readyLane();
  const batch = batchOf([1]);
  lane.send(batch);
  const head = reportHeadOf(1);
  for (let count = 0; count < 2; count++) channel.says(FromLane.report, head, [2]);
  channel.says(FromLane.started, [1, 0, 5]);
  channel.says(FromLane.asked, [1]);
  assertEquals(await told.values(batch), [2]);
});

// Shared values, and set-ups

Deno.test("what is shared is sent once, before the first task is loaded", async () => {
  const shared = [{ a: 1 }];
  let channel!: FakeChannel;
  const lane = new RemoteLane(
    new Told(),
    (events) => channel = new FakeChannel(events, {}),
    { shared },
  );
  void lane.load(DOUBLE).catch(() => {});
  channel.saysReady();
  void lane.load(OTHER).catch(() => {});
  assertEquals(channel.kinds, [ToLane.shared, ToLane.load, ToLane.load]);
  assertEquals(channel.sent[0], { kind: ToLane.shared, head: [], payload: [{ a: 1 }] });
  await lane.close();
});

/** A lane that is being closed while its one task is loaded, or still being set up. */
function closing(isLoaded: boolean) {
  let channel!: FakeChannel;
  const lane = new RemoteLane(
    new Told(),
    (events) => channel = new FakeChannel(events, {}),
    { graceMs: 100 },
  );
  lane.load(DOUBLE).catch(() => {});
  channel.saysReady();
  channel.says(FromLane.loading, [1, 1]);
  const stage = lane.stageOf(DOUBLE);
  if (isLoaded) channel.says(FromLane.loaded, [1]);
  const closed = lane.close();
  return { lane, channel, closed, stages: [stage, lane.stageOf(DOUBLE)] };
}

Deno.test("a lane that has set something up is closed once that is disposed, and only once", async () => {
  const { lane, channel, closed, stages } = closing(true);
  assertEquals(stages, ["setting up", "loaded"]);
  assertEquals([channel.kinds.at(-1), channel.done], [ToLane.dispose, []]);
  channel.says(FromLane.disposed, [], []);
  await closed;
  await lane.close();
  assertEquals(channel.done, ["close"]);
});

Deno.test("what couldn't be disposed is told once the lane is closed", async () => {
  const { channel, closed } = closing(true);
  channel.says(FromLane.disposed, [], [sealEnvelope(new TeardownError("no"), toThread())]);
  const error = await assertRejects(() => closed, TeardownError, "no");
  assertEquals([error.name, channel.done], ["TeardownError", ["close"]]);
});

Deno.test("a lane that dies while it is closed took what it had with it", async () => {
  const { channel, closed } = closing(true);
  channel.ends("exited with code 3");
  await assertRejects(() => closed, TeardownError, "A lane exited with code 3 before all");
});

for (const isLoaded of [true, false]) {
  Deno.test(`after the grace time a lane is closed that ${isLoaded ? "disposes" : "sets up"} for ever`, async () => {
    using time = new VirtualTime();
    const { channel, closed } = closing(isLoaded);
    assertEquals(channel.done, []);
    time.pass(100);
    // A set-up that never ended has nothing to dispose; its failure is reported elsewhere.
    if (isLoaded) await assertRejects(() => closed, TeardownError, "grace time of 100 ms");
    else await closed;
    assertEquals(channel.done, ["close"]);
  });
}

Deno.test("a lane that ends in a set-up says so", async () => {
  const { lane, channel, told } = laneOver();
  const batch = batchOf([1]);
  lane.send(batch);
  channel.saysReady();
  channel.says(FromLane.loading, [1, 1]);
  channel.ends("exited with code 3");
  await settle();
  assertEquals(told.unloadables.map(({ error }) => error.message), [
    `Cannot set up task module ${DOUBLE.module}: the lane exited with code 3 in its setup`,
  ]);
});
