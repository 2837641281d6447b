import { assert, assertEquals, assertThrows } from "@std/assert";
import type { LaneBatch } from "../../../lib/lanes/lane.ts";
import { Cells, SEVERAL } from "../../../lib/lanes/remote/cells.ts";
import { FromLane, ToLane } from "../../../lib/lanes/remote/channel.ts";
import { structuredCloning } from "../../../lib/lanes/remote/clone.ts";
import { openEnvelope, sealEnvelope } from "../../../lib/lanes/remote/envelope.ts";
import { MOVE_BYTES } from "../../../lib/lanes/remote/buffers.ts";
import { batchOf } from "../batch.ts";
import { laneOver, lastId, readyLane, reportHeadOf } from "./fake_channel.ts";

/** A lane over a thread's channel, and the thread's view of its cells. */
function threadLane() {
  const cells = new Cells(1);
  return { ...readyLane({ cells }), thread: new Cells(1, cells.buffer) };
}

// Taking back

Deno.test("a batch that waits for its task can be taken back, and is not sent any more", () => {
  const { lane, channel } = laneOver();
  const [batch, other] = [batchOf([1]), batchOf([2])];
  lane.send(batch);
  lane.send(other);
  channel.saysReady();
  assertEquals(lane.recall(batch), true);
  channel.says(FromLane.loaded, [1]);
  assertEquals(channel.sent.at(-1)!.payload, [2]);
  assertEquals(channel.kinds, [ToLane.load, ToLane.batch]);
});

Deno.test("what was sent to a lane without shared memory can't be taken back", () => {
  const { lane } = readyLane();
  const batch = batchOf([1]);
  lane.send(batch);
  assertEquals(lane.recall(batch), false);
});

Deno.test("what was sent to a thread can be taken back until it has started, and then not", async () => {
  const over = threadLane();
  const { lane, channel, thread, told } = over;
  const [waits, runs] = [batchOf([1]), batchOf([2])];
  lane.send(waits);
  const waitingId = lastId(over);
  lane.send(runs);
  thread.take(lastId(over));
  assertEquals([lane.recall(waits), lane.recall(runs)], [true, false]);
  assertEquals(thread.take(waitingId), false);
  channel.says(FromLane.report, reportHeadOf(waitingId), [2]);
  channel.says(FromLane.report, reportHeadOf(lastId(over)), [4]);
  await told.last(runs);
  assertEquals(told.reports.map(({ batch }) => batch), [runs]);
});

Deno.test("what has moved can't be taken back", () => {
  const { lane } = threadLane();
  const batch = batchOf([new Uint8Array(MOVE_BYTES)], { movesItems: true });
  lane.send(batch);
  assertEquals([batch.moved, lane.recall(batch)], [true, false]);
});

// How far a batch is

Deno.test("a lane tells how far it is with a batch, as well as its kind can", () => {
  const starting = laneOver();
  const held = batchOf([1]);
  starting.lane.send(held);
  const { state } = starting.lane.progress(held);
  const plain = readyLane();
  const [unmarked, marked] = [batchOf([1, 1]), batchOf([2, 3], { tellsStarts: true })];
  plain.lane.send(unmarked);
  plain.lane.send(marked);
  const states = [unmarked, marked].map((batch) => plain.lane.progress(batch).state);
  assertEquals([state, ...states], ["loading", "unknown", "waiting"]);
  plain.channel.says(FromLane.started, [lastId(plain), 1, 5]);
  assertEquals(plain.lane.progress(marked), { state: "running", offset: 1, sinceMs: 5 });
});

Deno.test("an item that is the first on its lane, and what a lane's last words leave out, has not begun", () => {
  const over = readyLane();
  const { lane, channel } = over;
  const stateOf = (batch: LaneBatch) => lane.progress(batch).state;
  const first = batchOf([1]);
  lane.send(first);
  assertEquals(stateOf(first), "waiting");
  channel.says(FromLane.started, [lastId(over), 0, 5]);
  assertEquals(stateOf(first), "running");
  channel.says(FromLane.report, reportHeadOf(lastId(over)), [2]);
  const [runs, waits] = [batchOf([2]), batchOf([3])];
  for (const batch of [runs, waits]) lane.send(batch);
  assertEquals([runs, waits].map(stateOf), ["unknown", "unknown"]);
  channel.says(FromLane.started, [lastId(over) - 1, 0, 6]);
  channel.says(FromLane.ending, [], { how: "called Deno.exit(1)" });
  assertEquals([runs, waits].map(stateOf), ["running", "waiting"]);
});

Deno.test("loading counts from when the lane was asked for it", () => {
  const { lane } = laneOver();
  const before = performance.now();
  const batch = batchOf([1]);
  lane.send(batch);
  const at = lane.progress(batch);
  assert(at.state === "loading" && at.sinceMs >= before && at.sinceMs <= performance.now());
});

Deno.test("a thread's cells tell which item runs, even if it never yields", () => {
  const over = threadLane();
  const batch = batchOf([1, 2]);
  over.lane.send(batch);
  assertEquals(over.lane.progress(batch).state, "waiting");
  over.channel.saysReady(50);
  over.thread.take(lastId(over));
  over.thread.starting(lastId(over), 1, 7);
  assertEquals(over.lane.progress(batch), { state: "running", offset: 1, sinceMs: 57 });
});

Deno.test("what waits for nothing else is next, unless others' tasks may run there", () => {
  const over = threadLane();
  const [first, second] = [batchOf([1]), batchOf([2])];
  over.lane.send(first);
  const id = lastId(over);
  over.lane.send(second);
  const next = { state: "waiting", isNext: true } as const;
  assertEquals([first, second].map((batch) => over.lane.progress(batch)), [next, next]);
  over.thread.take(id);
  over.thread.starting(id, 0, 7);
  assertEquals(over.lane.progress(second), { state: "waiting" });
  const elsewhere = readyLane({ isLeased: true });
  const batch = batchOf([1], { tellsStarts: true });
  elsewhere.lane.send(batch);
  assertEquals(elsewhere.lane.progress(batch), { state: "waiting" });
});

Deno.test("where several items ran when a lane ended, none of them is named", () => {
  const over = threadLane();
  const batch = batchOf([1, 2, 3]);
  over.channel.saysReady();
  over.lane.send(batch);
  over.thread.take(lastId(over));
  over.thread.starting(lastId(over), SEVERAL, 7);
  assertEquals(over.lane.progress(batch), { state: "unknown" });
});

// Asking to stop

Deno.test("a task is asked to stop by a message, and cancelled in shared memory too", () => {
  const over = threadLane();
  const { lane, channel, thread } = over;
  const batch = batchOf([1]);
  lane.send(batch);
  const id = lastId(over);
  lane.ask(batch, "timeout", undefined, 3);
  assertEquals([channel.sent.at(-1), thread.isCancelled(id)], [
    { kind: ToLane.ask, head: [id, 0, 3], payload: undefined },
    false,
  ]);
  lane.ask(batch, "cancel", new RangeError("enough"));
  const { kind, head, payload } = channel.sent.at(-1)!;
  assertEquals([kind, head, thread.isCancelled(id)], [ToLane.ask, [id, 1, 0], true]);
  assertEquals(String(openEnvelope(payload as never)), "RangeError: enough");
});

Deno.test("a batch that wasn't sent yet needs no asking", () => {
  const { lane, channel } = laneOver();
  const batch = batchOf([1]);
  lane.send(batch);
  lane.ask(batch, "cancel");
  assertEquals(channel.sent, []);
});

// Ending a task that doesn't stop

Deno.test("a lane that can be ended by force is, and tells its death, and before it what had ended", async () => {
  const { lane, channel, told } = readyLane({ stopsByForce: true });
  const [stuck, other] = [batchOf([1], { tellsStarts: true }), batchOf([2])];
  lane.send(stuck);
  lane.send(other);
  const used = lane.usage();
  assertEquals(lane.force(stuck, true), "ends");
  assertEquals([channel.done, told.deaths], [["kill"], []]);
  channel.says(FromLane.started, [1, 0, 5]);
  channel.says(FromLane.report, reportHeadOf(2), [4]);
  channel.ends("was ended by SIGKILL");
  assertEquals(await used, { cpuMs: undefined, peakRssBytes: undefined });
  assertEquals(told.reports.map(({ batch }) => batch), [other]);
  assertEquals(told.deaths, [{ how: "was ended by SIGKILL", starting: false }]);
  assertEquals(lane.progress(stuck), { state: "running", offset: 0, sinceMs: 5 });
  channel.says(FromLane.report, reportHeadOf(1), [2]);
  assertEquals(told.reports.length, 1);
});

Deno.test("a thread in a loop is abandoned; one that has read the question can be stopped", () => {
  const loops = threadLane();
  const turns = threadLane();
  for (const over of [loops, turns]) {
    const { lane, channel, thread } = over;
    const batch = batchOf([1]);
    lane.send(batch);
    thread.take(lastId(over));
    lane.ask(batch, "cancel");
    if (over === turns) channel.says(FromLane.asked, [lastId(over)]);
    assertEquals(lane.force(batch, false), over === turns ? "stopped" : "abandoned");
    assertEquals(channel.done, ["kill"]);
  }
});

Deno.test("an answer to an older question is none to the last", () => {
  const over = threadLane();
  const batch = batchOf([1]);
  over.lane.send(batch);
  over.lane.ask(batch, "timeout");
  over.channel.says(FromLane.asked, [lastId(over)]);
  over.lane.ask(batch, "cancel");
  assertEquals(over.lane.force(batch, false), "abandoned");
});

Deno.test("a task that has read the question goes on for now, if others run beside it", () => {
  const over = threadLane();
  const { lane, channel, told } = over;
  const [stuck, other] = [batchOf([1]), batchOf([2])];
  lane.send(stuck);
  const id = lastId(over);
  lane.send(other);
  lane.ask(stuck, "cancel");
  channel.says(FromLane.asked, [id]);
  assertEquals(lane.force(stuck, true), "goes on for now");
  channel.says(FromLane.report, reportHeadOf(id), [2]);
  channel.says(FromLane.report, reportHeadOf(lastId(over)), [4]);
  assertEquals([channel.done, told.reports.map(({ batch }) => batch)], [[], [other]]);
});

Deno.test("what is on a thread that is ended stays as far as it was then, and goes no farther", () => {
  const over = threadLane();
  const { lane, thread } = over;
  const [stuck, runs, waits] = [batchOf([1]), batchOf([2, 3]), batchOf([4])];
  const ids: number[] = [];
  for (const batch of [stuck, runs, waits]) {
    lane.send(batch);
    ids.push(lastId(over));
  }
  for (const id of ids.slice(0, 2)) {
    thread.take(id);
    thread.starting(id, 0, 1);
  }
  lane.ask(stuck, "cancel");
  lane.force(stuck, false);
  // The thread still runs for a while.
  assertEquals(ids.map((id) => thread.isCancelled(id)).slice(0, 2), [true, true]);
  assertEquals(thread.take(ids[2]!), false);
  thread.starting(ids[1]!, 1, 2);
  assertEquals([stuck, runs, waits].map((batch) => lane.progress(batch)), [
    { state: "running", offset: 0, sinceMs: 1 },
    { state: "running", offset: 0, sinceMs: 1 },
    { state: "waiting" },
  ]);
});

Deno.test("a task that waits is not ended for another that never yields; that one is", () => {
  const over = threadLane();
  const { lane, thread, channel } = over;
  const [waits, loops] = [batchOf([1]), batchOf([2])];
  for (const batch of [waits, loops]) {
    lane.send(batch);
    thread.take(lastId(over));
    thread.starting(lastId(over), 0, 1);
    if (batch === waits) thread.waiting(lastId(over));
    lane.ask(batch, "cancel");
  }
  assertEquals([lane.force(waits, true), channel.done], ["goes on for now", []]);
  assertEquals([lane.force(loops, true), channel.done], ["abandoned", ["kill"]]);
});

Deno.test("a batch's number is free again once it is done with, taken back or forced", () => {
  const cells = new Cells(1);
  const over = readyLane({ cells });
  for (let round = 0; round < 100; round++) {
    const [done, recalled] = [batchOf([1]), batchOf([2])];
    over.lane.send(done);
    over.channel.says(FromLane.report, reportHeadOf(lastId(over)), [2]);
    over.lane.send(recalled);
    over.lane.recall(recalled);
    over.lane.send(batchOf([() => 1]));
    over.lane.send(batchOf([new Proxy({}, {})])); // that it can't be sent shows only once it has a number
  }
  const ids = Array.from({ length: 64 }, () => cells.offer());
  assertEquals(new Set(ids).size, 64);
});

Deno.test("what a lane says of items that it wasn't sent counts for nothing", () => {
  const reason = sealEnvelope(new Error("no"), structuredCloning);
  const failed = (offset: number) => ({
    values: [],
    failures: [{ offset, ended: "failed", reason }],
  });
  for (
    const [count, payload] of [
      [3],
      [-1],
      [0.5],
      [2, failed(2)],
      [2, failed(-1)],
      [2, failed(0.5)],
    ] as const
  ) {
    const over = readyLane();
    const batch = batchOf([1, 2, 3]);
    over.lane.send(batch);
    const says = (count: number, last: boolean, payload?: unknown) =>
      over.channel.says(FromLane.report, reportHeadOf(lastId(over), { count, last }), payload);
    says(1, false, [2]);
    assertThrows(() => says(count, true, payload), TypeError, "was not sent");
    assertEquals(over.told.reports.length, 1);
    for (const offset of [0, 3, -1, 1.5]) {
      over.channel.says(FromLane.started, [lastId(over), offset, 5]);
      assertEquals(over.lane.progress(batch).state, "unknown");
    }
    says(2, true, [4, 6]);
  }
});
