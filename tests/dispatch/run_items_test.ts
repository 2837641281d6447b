import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import type { MapOptions } from "../../lib/dispatch/map_options.ts";
import { CrashedError, TaskLoadError, TimeoutError } from "../../lib/lanes/errors.ts";
import { type FakeLane, poolOf } from "./fake_lane.ts";
import { endings, indexesOn, laneOf, mapSettled, take } from "./start.ts";
import { settle, VirtualTime } from "./virtual_time.ts";

Deno.test("what a lane gives back of a batch is sent again, and counts as never started there", async () => {
  const { pool, lane, on } = laneOf(1);
  const taken = take(mapSettled(pool, ["a", "b", "c"], { chunk: 3 }));
  lane.start(on(0));
  lane.end(on(0));
  lane.report(on(0), true);
  assertEquals(lane.batches.map(({ firstIndex, items, attempt }) => [firstIndex, items, attempt]), [
    [1, ["b", "c"], 1],
  ]);
  lane.finish(on(1));
  await settle();
  assertEquals(taken.got.map(({ attempts }) => attempts), [1, 1, 1]);
});

Deno.test("with rerun: false an item whose lane was lost beside another's ends as crashed", async () => {
  for (const rerun of [false, true]) {
    const { pool, made, lane } = laneOf(2);
    const taken = take(mapSettled(pool, ["a", "b"], { chunk: 1, rerun }));
    for (const batch of lane.batches) lane.start(batch);
    lane.die();
    await settle();
    if (!rerun) {
      assertEquals(endings(taken.got), ["0 crashed", "1 crashed"]);
      for (const outcome of taken.got) {
        assert(outcome.status === "rejected" && outcome.attempts === 1);
        assertInstanceOf(outcome.reason, CrashedError);
      }
      continue;
    }
    for (let left = 2; left > 0; left--) {
      const [alone, ...others] = made[1]!.batches;
      assertEquals(others, []);
      made[1]!.finish(alone!);
    }
    await settle();
    assertEquals(taken.got.map(({ status, attempts }) => [status, attempts]), [
      ["fulfilled", 2],
      ["fulfilled", 2],
    ]);
  }
});

Deno.test("an item that is tried again waits first, and its values come in their order", async () => {
  using time = new VirtualTime();
  const { pool, lane, on } = laneOf(2);
  const retries = { limit: 1, baseMs: 50, jitter: false };
  const taken = take(mapSettled(pool, ["a", "b"], { chunk: 1, retries }));
  lane.finish(on(0), "failed", new Error("once"));
  lane.finish(on(1));
  time.pass(49);
  await settle();
  assertEquals([taken.got, lane.batches], [[], []]);
  time.pass(1);
  assertEquals(on(0).attempt, 2);
  lane.finish(on(0));
  await settle();
  assertEquals(taken.got.map(({ index, attempts, status }) => [index, attempts, status]), [
    [0, 2, "fulfilled"],
    [1, 1, "fulfilled"],
  ]);
});

Deno.test("a task that can't be loaded fails its items, and isn't tried again by itself", async () => {
  const { pool, lane, on } = laneOf(1, { quick: false });
  const taken = take(mapSettled(pool, ["a", "b"], { chunk: 1, retries: 3 }));
  lane.unloadable(on(0), new TaskLoadError("no such module"));
  lane.unloadable(on(1), new TaskLoadError("no such module"));
  await settle();
  assertEquals([endings(taken.got), taken.end], [["0 failed", "1 failed"], "done"]);
});

Deno.test("three loads in a row that fail end the run; one that works in between saves it", async () => {
  using time = new VirtualTime();
  for (const saved of [false, true]) {
    const { pool, lane, on } = laneOf(1, { quick: false });
    const taken = take(mapSettled(pool, ["a", "b", "c", "d", "e", "f"], { chunk: 1 }));
    for (let index = 0; index < 4; index++) {
      if (saved && index === 2) {
        lane.loaded(on(index));
        lane.finish(on(index));
      } else if (lane.batches.length > 0) lane.unloadable(on(index), new TaskLoadError(`${index}`));
    }
    // The task has run there, so the lane only rests from it.
    if (saved) {
      time.pass(1000);
      lane.unloadable(on(3), new TaskLoadError("again"));
    }
    await settle();
    if (saved) assertEquals([taken.end, indexesOn(lane)], ["open", [4]]);
    else {
      const failed = ["0 failed", "1 failed", "2 failed"];
      assertEquals(endings(taken.got), [...failed, "3 cancelled", "4 cancelled", "5 cancelled"]);
      assertEquals([taken.end, (taken.error as Error).message], ["failed", "2"]);
    }
    await pool.close();
  }
});

Deno.test("what waited for a failed load is tried again, and fails a run that is sent on meanwhile", async () => {
  using time = new VirtualTime();
  const { pool, lane } = laneOf(2, { quick: false });
  const taken = take(mapSettled(pool, "abcdefghijklmn", { chunk: 1 }));
  for (let ended = 0; ended < 5; ended++) {
    time.pass(1);
    lane.unloadable(lane.batches[0]!, new TaskLoadError("no such module"));
  }
  await settle();
  const failed = endings(taken.got).filter((ending) => ending.endsWith("failed"));
  assertEquals([taken.end, failed.length], ["failed", 3]);
  await pool.close();
});

Deno.test("a run waits for what waited for a failed load and is tried again", async () => {
  using time = new VirtualTime();
  const { pool, lane, on } = laneOf(2, { quick: false });
  const taken = take(mapSettled(pool, ["a", "b"], { chunk: 1 }));
  time.pass(1);
  for (const batch of lane.batches) lane.unloadable(batch, new TaskLoadError("not now"));
  await settle();
  assertEquals([taken.end, indexesOn(lane)], ["open", [1]]);
  lane.loaded(on(1));
  lane.finish(on(1));
  await settle();
  assertEquals([taken.end, endings(taken.got)], ["done", ["0 failed", "1 fulfilled"]]);
});

Deno.test("a lane that can't load a task gives its items to others, and rests from it; the last one fails them", async () => {
  using time = new VirtualTime();
  const { error } = console;
  const told: string[] = [];
  console.error = (line) => told.push(line);
  try {
    const { pool, made } = poolOf({ lanes: 3, quick: false });
    const taken = take(mapSettled(pool, [..."abcdefghij"], { chunk: 1, loadTimeoutMs: 9e9 }));
    const [one, two, three] = made;
    const fail = (lane: FakeLane) => {
      lane.stage = undefined;
      lane.unloadable(lane.batches[0]!, new TaskLoadError("too many\x1b\rconnections"));
    };
    // While others may still load it, or have loaded it, an item only goes on to one of them.
    fail(one!);
    two!.loaded(two!.batches[0]!);
    fail(three!);
    assertEquals(made.map(indexesOn), [[], [1], []]);
    two!.finish(two!.batches[0]!);
    assertEquals(made.map(indexesOn), [[], [2], []]);
    time.pass(999);
    assertEquals(made.map(indexesOn), [[], [2], []]);
    time.pass(1);
    assertEquals(made.map(indexesOn), [[0], [2], [3]]);
    one!.stage = "loading";
    fail(one!);
    three!.loaded(three!.batches[0]!);
    three!.finish(three!.batches[0]!);
    assertEquals(made.map(indexesOn), [[], [2], [0]]);
    const why = "takes no such items for now: too many connections";
    assertEquals(told, [`warning: lane 0 ${why}`, `warning: lane 2 ${why}`]);
    // Nobody else has it any more: where it ran it is tried once more, and then the items fail, and with the
    // third the run.
    two!.stage = undefined;
    three!.stage = undefined;
    fail(three!);
    assertEquals(made.map(indexesOn), [[], [2], []]);
    time.pass(1000);
    for (const lane of [three!, three!, three!]) fail(lane);
    await settle();
    const failed = endings(taken.got).filter((ending) => ending.endsWith("failed"));
    assertEquals([failed.length, taken.end, told.length], [3, "failed", 2]);
    await pool.close();
  } finally {
    console.error = error;
  }
});

Deno.test("a lane that can't set up what ran there before tries it once more, with all that it was sent", async () => {
  using time = new VirtualTime();
  const { error } = console;
  console.error = () => {};
  try {
    for (const remote of [true, false]) {
      const { pool, lane, on } = laneOf(2, { quick: false, remote });
      const taken = take(mapSettled(pool, [..."abcdef"], { chunk: 1, buffer: 0 }));
      for (const batch of lane.batches) lane.loaded(batch);
      lane.finish(on(0));
      lane.finish(on(1));
      await settle();
      for (let down = 0; down < 2; down++) {
        const indexes = indexesOn(lane).toSorted();
        for (const batch of lane.batches) lane.unloadable(batch, new TaskLoadError("not now"));
        time.pass(999);
        assertEquals(lane.batches, []);
        time.pass(1);
        assertEquals(indexesOn(lane).toSorted(), indexes);
        for (const batch of lane.batches) lane.loaded(batch);
        lane.finish(lane.batches[0]!);
        await settle();
      }
      lane.unloadable(lane.batches[0]!, new TaskLoadError("not now"));
      time.pass(1000);
      for (let again = 0; again < 2; again++) {
        lane.unloadable(lane.batches[0]!, new TaskLoadError("gone for good"));
      }
      await settle();
      const ended = endings(taken.got).map((ending) => ending.split(" ")[1]);
      assertEquals(ended, [...Array(4).fill("fulfilled"), "failed", "failed"]);
      await pool.close();
    }
  } finally {
    console.error = error;
  }
});

Deno.test("an item that waits for a lane to load its task goes to one that has loaded it and has nothing to do", async () => {
  for (const takesAhead of [false, true]) {
    const { pool, made } = poolOf({ lanes: 2, slots: 2, takesAhead, quick: false });
    const taken = take(mapSettled(pool, [..."abcdef"], { chunk: 1, buffer: 0 }));
    const [one, two] = made;
    assertEquals(made.map(indexesOn), [[0, 2], [1, 3]]);
    for (const batch of two!.batches) two!.loaded(batch);
    two!.finish(two!.batches[0]!);
    await settle();
    // The other lane is busy still, and the input's order holds its result back.
    assertEquals(made.map(indexesOn), [[0, 2], [3]]);
    two!.finish(two!.batches[0]!);
    assertEquals(made.map(indexesOn), [[0], [2]]);
    for (const index of [2, 0, 4, 5]) {
      await settle();
      const batch = two!.batches.find(({ firstIndex }) => firstIndex === index);
      two!.loaded(batch!);
      two!.finish(batch!);
    }
    await settle();
    assertEquals([taken.end, endings(taken.got).length], ["done", 6]);
    const left = (index: number) => `recall ${index}, loading on`;
    assertEquals(one!.log, ["send 0", "send 2", left(2), left(0), "send 5", left(5)]);
    await pool.close();
  }
});

Deno.test("loading that takes too long fails its items, and nothing else is sent to that lane", async () => {
  using time = new VirtualTime();
  const { pool, made, lane } = laneOf(1, { quick: false });
  const options = { chunk: 1, loadTimeoutMs: 3000, timeoutMs: 10 };
  const taken = take(mapSettled(pool, ["a", "b"], options));
  time.pass(2999);
  await settle();
  assertEquals([taken.got, made.length], [[], 1]);
  time.pass(1);
  await settle();
  const [outcome] = taken.got;
  assert(outcome?.status === "rejected" && outcome.ended === "failed");
  assertInstanceOf(outcome.reason, TaskLoadError);
  assert(outcome.reason.message.includes("fake:: it has not been loaded after 3000 ms"));
  assertEquals([lane.isClosed, made.length, indexesOn(made[1]!)], [true, 2, [1]]);
  made[1]!.loaded(made[1]!.batches[0]!);
  made[1]!.finish(made[1]!.batches[0]!);
  await settle();
  assertEquals([endings(taken.got), time.timers], [["0 failed", "1 fulfilled"], 0]);
});

Deno.test("a task past its deadline is asked to stop, then made to; what shared its lane goes again", async () => {
  using time = new VirtualTime();
  const { pool, made, lane, on } = laneOf(1);
  const taken = take(mapSettled(pool, ["a", "b", "c"], { chunk: 3, timeoutMs: 300 }));
  time.pass(50);
  lane.start(on(0));
  time.pass(299);
  assertEquals(lane.log, ["send 0"]);
  time.pass(1);
  assertEquals(lane.log, ["send 0", "ask 0 timeout"]);
  time.pass(100);
  await settle();
  assertEquals(lane.log.slice(2), ["force 0", "close"]);
  const [batch] = made[1]!.batches;
  assertEquals([batch!.firstIndex, batch!.items, batch!.attempt], [1, ["b", "c"], 1]);
  made[1]!.finish(batch!);
  await settle();
  const [first] = taken.got;
  assert(first?.status === "rejected");
  assertInstanceOf(first.reason, TimeoutError);
  assertEquals(endings(taken.got), ["0 timed-out", "1 fulfilled", "2 fulfilled"]);
  assertEquals([first.startedAtMs, time.timers], [1050, 0]);
});

Deno.test("a deadline is watched from the start of a task whose module had to be loaded first", async () => {
  using time = new VirtualTime();
  const { pool, lane, on } = laneOf(1, { quick: false });
  const taken = take(mapSettled(pool, ["a"], { timeoutMs: 300 }));
  time.pass(50);
  lane.loaded(on(0));
  lane.start(on(0));
  time.pass(299);
  assertEquals(lane.log, ["send 0"]);
  time.pass(1);
  assertEquals(lane.log, ["send 0", "ask 0 timeout"]);
  lane.end(on(0), "timed-out", new TimeoutError("late"));
  await settle();
  assertEquals([endings(taken.got), time.timers], [["0 timed-out"], 0]);
});

Deno.test("what waits behind another task goes to a lane that has become idle, at once", async () => {
  const { pool, made } = poolOf({ lanes: 2, takesAhead: true });
  const tiny = take(mapSettled(pool, ["a", "b", "c", "d"], { chunk: 1 }));
  const [one, other] = made;
  one!.finish(one!.batches[0]!);
  assertEquals([indexesOn(one!), indexesOn(other!)], [[2, 3], [1]]);
  one!.start(one!.batches[0]!);
  other!.finish(other!.batches[0]!);
  assertEquals([indexesOn(one!), indexesOn(other!)], [[2], [3]]);
  for (const lane of made) lane.finish(lane.batches[0]!);
  await settle();
  assertEquals([tiny.end, tiny.got.map(({ attempts }) => attempts)], ["done", [1, 1, 1, 1]]);
});

Deno.test("a run of tiny tasks whose input gives nothing at this moment doesn't keep the pool busy for ever", async () => {
  using time = new VirtualTime();
  const { pool, lane, on } = laneOf(1, { takesAhead: true });
  let gate = Promise.withResolvers<IteratorResult<string>>();
  const iterator = { next: () => gate.promise };
  const give = async () => {
    const { resolve } = gate;
    gate = Promise.withResolvers();
    resolve({ value: "tiny", done: false });
    await settle();
  };
  take(mapSettled(pool, { [Symbol.asyncIterator]: () => iterator }, { chunk: 1 }));
  await give();
  lane.finish(on(0));
  await settle();
  take(mapSettled(pool, ["slow", "slow"], { chunk: 1 }, { module: "slow:", export: "default" }));
  lane.start(on(0));
  let actions = 0;
  const doIt = pool.do.bind(pool);
  pool.do = (action) => {
    if (++actions < 100) doIt(action); // else the program would hang
  };
  // The tiny item is sent ahead, because the slow run can't use its turn.
  await give();
  assertEquals(indexesOn(lane), [0, 1]);
  pool.do(() => {});
  assert(actions < 100, "the input is asked again and again");
  pool.do = doIt;
  const closing = pool.close();
  await settle();
  time.pass(100);
  await closing;
});

Deno.test("progress is told whenever something has ended, and once more of all that a stop cancels", async () => {
  const { pool, lane, on } = laneOf(2);
  const controller = new AbortController();
  const told: string[] = [];
  const taken = take(mapSettled(pool, ["a", "b", "c"], {
    chunk: 1,
    buffer: 0,
    signal: controller.signal,
    onProgress: ({ settled, rejected, pulled, total }) =>
      told.push(`${settled} of ${pulled} of ${total}, ${rejected} rejected`) && undefined,
  }));
  lane.finish(on(0));
  await settle();
  lane.finish(on(1), "failed", new Error("b"));
  await settle();
  controller.abort();
  await settle();
  assertEquals(told, [
    "1 of 2 of 3, 0 rejected",
    "2 of 3 of 3, 1 rejected",
    "3 of 3 of 3, 2 rejected",
  ]);
  assertEquals(endings(taken.got), ["0 fulfilled", "1 failed", "2 cancelled"]);
});

Deno.test("an onProgress that answers later is waited for, and what it rejects with fails the run", async () => {
  const { pool, lane, on } = laneOf(1);
  const answer = Promise.withResolvers<void>();
  const onProgress = (() => answer.promise) as never;
  const taken = take(mapSettled(pool, ["a"], { onProgress }));
  lane.finish(on(0));
  await settle();
  assertEquals([endings(taken.got), taken.end], [["0 fulfilled"], "open"]);
  const error = new Error("late");
  answer.reject(error);
  await settle();
  assertEquals([taken.end, taken.error], ["failed", error]);
});

Deno.test("a retryIf that answers later fails the run", async () => {
  const { pool, lane, on } = laneOf(1);
  const retryIf = (() => Promise.reject(new Error("late"))) as never;
  const taken = take(mapSettled(pool, ["a", "b"], { chunk: 1, retries: { limit: 1, retryIf } }));
  lane.finish(on(0), "failed", new Error("a"));
  await settle();
  assertEquals([endings(taken.got), taken.end], [["0 failed", "1 cancelled"], "failed"]);
  assertInstanceOf(taken.error, TypeError);
  assert(taken.error.message.includes("retryIf must return true or false at once"));
});

Deno.test("buffers that are to move do so unless a retry would need them, and are empty afterwards", async () => {
  for (const retries of [0, 1]) {
    const { pool, lane, on } = laneOf(1, { moves: true });
    const item = { bytes: new Uint8Array(8) };
    const taken = take(mapSettled(pool, [item], { transfer: true, retries }));
    assertEquals([on(0).settings.transfer, on(0).settings.movesItems], [true, retries === 0]);
    lane.finish(on(0));
    await settle();
    assertEquals([taken.end, item.bytes.byteLength], ["done", retries === 0 ? 0 : 8]);
  }
  const { pool, lane, on } = laneOf(1, { moves: false });
  const kept = { bytes: new Uint8Array(8) };
  const taken = take(mapSettled(pool, [kept], { transfer: true }));
  assertEquals([on(0).settings.transfer, on(0).settings.movesItems], [false, false]);
  lane.finish(on(0));
  await settle();
  assertEquals([taken.end, kept.bytes.byteLength], ["done", 8]);
});

Deno.test("a lane is told to say which item it starts where that is needed, and when to give back", async () => {
  const marks = async (options: MapOptions, itemMs: number) => {
    using time = new VirtualTime();
    const { pool, lane, on } = laneOf(1);
    const taken = take(mapSettled(pool, ["a", "b"], options));
    const { tellsStarts, settings: { giveBackMs, timeoutMs } } = on(0);
    lane.start(on(0));
    time.nowMs += itemMs;
    lane.finish(on(0));
    const { tellsStarts: then } = on(1);
    lane.finish(on(1));
    await settle();
    assertEquals(taken.end, "done");
    return [tellsStarts, then, giveBackMs, timeoutMs];
  };
  assertEquals(await marks({}, 0.5), [false, false, 16, Infinity]);
  assertEquals(await marks({}, 2), [false, true, 16, Infinity]);
  assertEquals(await marks({ chunk: 1 }, 0.5), [false, false, Infinity, Infinity]);
  assertEquals(await marks({ timeoutMs: 9 }, 0.5), [true, true, 16, 9]);
});
