import { assert, assertEquals, assertRejects } from "@std/assert";
import { TaskLoadError } from "../../lib/lanes/errors.ts";
import { EventLoopLane } from "../../lib/lanes/event_loop.ts";
import type { Task } from "../../lib/lanes/task.ts";
import { batchOf, settle } from "./batch.ts";
import { Told } from "./remote/fake_channel.ts";
import { openGate } from "./remote/tasks.ts";

const MODULE = new URL("./remote/tasks.ts", import.meta.url).href;
const same: Task = { module: MODULE, export: "same" };
const gated: Task = { module: MODULE, export: "gated" };

/** A task that can't be loaded, with a new URL each time. */
function missing(): Task {
  return { module: `data:text/javascript,no code ${crypto.randomUUID()}`, export: "default" };
}

Deno.test("a batch runs once its task is loaded, and at once from then on", async () => {
  const told = new Told();
  const lane = new EventLoopLane(told);
  assertEquals(await lane.ready, 0);
  const task: Task = {
    module: "data:text/javascript,export default (s) => s + '!'",
    export: "default",
  };
  const [first, second] = [batchOf(["a", "b"], { task }), batchOf(["c"], { task })];
  lane.send(first);
  assertEquals([first.sentCount, lane.progress(first).state], [0, "loading"]);
  assertEquals(await told.values(first), ["a!", "b!"]);
  assertEquals(first.sentCount, 2);
  await lane.load({ ...task });
  lane.send(second);
  assertEquals(told.reports.length, 2);
  assertEquals(await told.values(second), ["c!"]);
  await lane.close();
});

Deno.test("a running batch tells which item runs since when, and is asked to stop", async () => {
  const told = new Told();
  const lane = new EventLoopLane(told);
  const batch = batchOf(["left shut", "never"], { task: gated });
  await lane.load(gated);
  lane.send(batch);
  const progress = lane.progress(batch);
  assert(progress.state === "running" && progress.offset === 0 && progress.sinceMs >= 0);
  lane.ask(batch, "cancel", new Error("enough"));
  assertEquals(await told.fates(batch), ["cancelled: enough"]);
  assertEquals(lane.progress(batch).state, "waiting");
});

Deno.test("only what hasn't started can be taken back, and it starts no more", async () => {
  const told = new Told();
  const lane = new EventLoopLane(told);
  const task: Task = { module: "data:text/javascript,export default () => 1", export: "default" };
  const early = batchOf([1], { task });
  lane.send(early);
  assertEquals(lane.recall(early), true);
  const running = batchOf(["recalled"], { task: gated });
  await lane.load(gated);
  lane.send(running);
  assertEquals(lane.recall(running), false);
  openGate("recalled");
  await told.last(running);
  await lane.load(task);
  assertEquals(told.reports.map(({ batch }) => batch), [running]);
});

Deno.test("a task that can't be loaded is told with its batch, unless that was taken back", async () => {
  const told = new Told();
  const lane = new EventLoopLane(told);
  const [batch, recalled] = [batchOf([1], { task: missing() }), batchOf([1], { task: missing() })];
  lane.send(recalled);
  lane.recall(recalled);
  lane.send(batch);
  await assertRejects(() => lane.load(recalled.task), TaskLoadError);
  await assertRejects(() => lane.load(batch.task), TaskLoadError);
  assertEquals(told.unloadables.map(({ batch }) => batch), [batch]);
});

Deno.test("a task that goes on when it was to stop goes on, and is not reported", async () => {
  const told = new Told();
  const lane = new EventLoopLane(told);
  const [stuck, next] = [batchOf(["stuck"], { task: gated }), batchOf(["x"], { task: same })];
  await Promise.all([lane.load(gated), lane.load(same)]);
  lane.send(stuck);
  assertEquals(lane.force(stuck), "goes on");
  openGate("stuck");
  lane.send(next);
  assertEquals(await told.values(next), ["x"]);
  await settle();
  assertEquals(told.reports.map(({ batch }) => batch), [next]);
});

Deno.test("this event loop uses nothing of its own", async () => {
  const lane = new EventLoopLane(new Told());
  assertEquals(await lane.usage(), { cpuMs: undefined, peakRssBytes: undefined });
  lane.hold();
  await lane.close();
});
