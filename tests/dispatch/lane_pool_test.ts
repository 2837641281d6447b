import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "../properties.ts";
import { type FakeLane, poolOf } from "./fake_lane.ts";
import { FakeRun } from "./fake_run.ts";
import { settle, VirtualTime } from "./virtual_time.ts";

/** The number of batches on each lane. */
function loads(made: readonly FakeLane[]): number[] {
  return made.map(({ batches }) => batches.length);
}

Deno.test("what is to be done is done in order, each when the one before is done", () => {
  const { pool } = poolOf();
  const done: string[] = [];
  pool.do(() => {
    pool.do(() => {
      done.push("inner");
      pool.do(() => void done.push("innermost"));
    });
    pool.do(() => void done.push("second"));
    done.push("outer");
  });
  assertEquals(done, ["outer", "inner", "second", "innermost"]);
});

Deno.test("one that throws doesn't keep the others from being done", () => {
  const { pool } = poolOf();
  const run = new FakeRun().has(1);
  const errors: unknown[] = [];
  const note = (event: ErrorEvent) => {
    event.preventDefault();
    errors.push(event.error);
  };
  addEventListener("error", note);
  const error = new Error("a mistake of ours");
  pool.do(() => {
    pool.do(() => pool.add(run));
    throw error;
  });
  removeEventListener("error", note);
  assertEquals([errors, run.sent.length], [[error], 1]);
});

Deno.test("what is asked for while a run is asked for its items is done when it has given them", () => {
  const { pool, made } = poolOf({ lanes: 2 });
  const [one, other] = [new FakeRun("a").has(1), new FakeRun("b").has(1, 20)];
  one.onTake = () => {
    other.join(pool);
    assertEquals([made.length, other.sent], [0, []]);
  };
  one.join(pool);
  assertEquals(loads(made), [1, 1]);
});

Deno.test("a lane is opened when it is first needed, for its task and those known to load", () => {
  const { pool, made } = poolOf({ lanes: 4 });
  const [a, b, c] = ["a", "b", "c"].map((name) => new FakeRun(name));
  for (const run of [a!, b!, c!]) run.join(pool);
  assertEquals(made.length, 0);
  a!.has(1);
  pool.wake(a!);
  b!.has(1, 20);
  pool.wake(b!);
  made[0]!.finish(made[0]!.batches[0]!);
  c!.has(2, 30);
  pool.wake(c!);
  assertEquals(made.map(({ number, tasks }) => [number, tasks]), [
    [0, ["a:"]],
    [1, ["b:"]],
    [2, ["c:", "a:"]],
  ]);
});

Deno.test("a new lane loads the 32 tasks that were last seen to load, and none that could not be", () => {
  using _time = new VirtualTime();
  const { pool, made } = poolOf({ lanes: 3 });
  for (let n = 0; n < 40; n++) {
    const run = new FakeRun(`t${n}`).has(1).join(pool);
    made[0]!.finish(made[0]!.batches[0]!);
    pool.remove(run);
  }
  const again = new FakeRun("t10").has(1).join(pool);
  made[0]!.finish(made[0]!.batches[0]!);
  const gone = new FakeRun("t20").has(1).join(pool);
  // As it has run, it is tried on another lane.
  made[0]!.unloadable(made[0]!.batches[0]!, new Error("gone"));
  assertEquals([made.length, gone.told], [2, ["10 put back"]]);
  new FakeRun("new").has(2).join(pool);
  const { tasks } = made[2]!;
  const known = Array.from({ length: 40 }, (_, n) => `t${n}:`).slice(8);
  const wanted = ["new:", ...known.filter((name) => name !== "t10:" && name !== "t20:"), "t10:"];
  assertEquals([tasks, again.told], [wanted, ["10 ended"]]);
});

Deno.test("as many batches are sent as there are slots, and those that may wait there", () => {
  const sent = (takesAhead: boolean, ahead: number) => {
    const { pool } = poolOf({ lanes: 2, slots: 2, takesAhead });
    const run = new FakeRun().has(99);
    run.ahead = ahead;
    run.join(pool);
    return [run.sent.length, run.told.filter((line) => line.endsWith("waits")).length];
  };
  assertEquals(sent(true, 0), [4, 0]);
  assertEquals(sent(true, 1), [8, 4]);
  assertEquals(sent(false, 1), [4, 0]);
});

Deno.test("of what waits on a busy lane, each batch is asked back for one free slot", () => {
  const { pool, made } = poolOf({ lanes: 2, slots: 2, takesAhead: true });
  const run = new FakeRun().has(99);
  run.ahead = 1;
  run.join(pool);
  const [busy, idle] = made;
  busy!.givesBackAtOnce = idle!.givesBackAtOnce = false;
  run.ahead = 0;
  run.queue.length = 0;
  for (const batch of [...busy!.batches].slice(0, 2)) busy!.start(batch);
  const asked = () => busy!.log.splice(0).filter((line) => line.startsWith("ask back"));
  asked();
  const rounds = [...idle!.batches].map((batch) => {
    idle!.finish(batch);
    return asked();
  });
  const [second, first] = [...busy!.batches].slice(2).map((batch) =>
    `ask back ${batch.firstIndex}`
  );
  assertEquals(rounds, [[], [], [first], [first, second]]);
});

Deno.test("a batch's last report frees its slot; one of a batch that is gone is ignored", () => {
  const { pool, made } = poolOf({ quick: false });
  const run = new FakeRun();
  run.queue.push(run.batch(["x", "y"]), run.batch(["z"], { firstIndex: 20 }));
  run.join(pool);
  const [lane] = made;
  const [batch] = run.sent;
  lane!.loaded(batch!);
  lane!.start(batch!);
  lane!.end(batch!);
  lane!.report(batch!);
  assertEquals([run.sent.length, pool.freeSlots], [1, 0]);
  lane!.end(batch!);
  assertEquals([run.sent.length, batch!.openLane!.inFlight.size], [2, 1]);
  lane!.report(batch!, true);
  lane!.unloadable(batch!, new Error("late"));
  assertEquals(run.told, ["10 goes on", "10 ended"]);
});

Deno.test("idle lanes come first, then places without a lane, then the least busy", () => {
  const { pool, made } = poolOf({ lanes: 3, slots: 2, takesAhead: true });
  const run = new FakeRun().has(6).join(pool);
  run.ahead = 9;
  const [first, second, third] = made;
  first!.finish(first!.batches[0]!);
  second!.die();
  for (const batch of third!.batches) third!.finish(batch);
  assertEquals(pool.openLanes.map(({ number, inFlight }) => [number, inFlight.size]), [
    [0, 1],
    [2, 0],
  ]);
  const chosen = [20, 21, 22, 23, 24, 25, 26, 27].map((index) => {
    pool.wake(run.has(1, index));
    return run.sent.at(-1)!.openLane!.number;
  });
  assertEquals(chosen, [2, 1, 0, 1, 2, 0, 1, 2]);
});

Deno.test("batches one by one fill every lane alike", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 60 }),
      async (lanes, slots, batches) => {
        const { pool, made } = poolOf({ lanes, slots, takesAhead: true });
        await pool.openAll(undefined, 1000);
        const run = new FakeRun().join(pool);
        run.ahead = 20;
        for (let at = 0; at < batches; at++) pool.wake(run.has(1, at));
        const all = loads(made);
        assertEquals(run.sent.length, Math.min(batches, lanes * slots * 21));
        assert(Math.max(...all) - Math.min(...all) <= 1, all.join());
      },
    ),
  );
});

Deno.test("a batch that must run alone waits until its lane is empty, and keeps others off it", () => {
  const { pool, made } = poolOf({ slots: 2 });
  const [run, other] = [new FakeRun("a"), new FakeRun("b").has(1)];
  other.join(pool);
  run.has(1, 20, { alone: true }).join(pool);
  const [lane] = made;
  pool.wake(other.has(2, 30));
  assertEquals(run.sent.length + other.sent.length, 1);
  lane!.finish(other.sent[0]!);
  assertEquals([run.sent.length, other.sent.length], [1, 1]);
  lane!.finish(run.sent[0]!);
  assertEquals(other.sent.length, 3);
});

Deno.test("a place that was kept for a lone batch is for all again once that is not what its run sends next", () => {
  const { pool } = poolOf({ slots: 2 });
  const run = new FakeRun("a");
  const other = new FakeRun("b").has(1).join(pool);
  run.has(1, 20, { alone: true }).join(pool);
  pool.wake(other.has(1, 30));
  assertEquals([run.sent.length, other.sent.length], [0, 1]);
  run.queue.unshift(run.batch(["y"], { firstIndex: 40 }));
  pool.wake(run);
  assertEquals(run.sent.length + other.sent.length, 2);
});

Deno.test("a lone batch that found another lane lets go of the one that it waited for", () => {
  const { pool, made } = poolOf({ lanes: 2, slots: 2 });
  const [run, other] = [new FakeRun("a"), new FakeRun("b").has(4)];
  other.join(pool);
  run.has(1, 20, { alone: true }).join(pool);
  // The lone batch waits for the first lane, but the second becomes free.
  const [first, second] = made;
  for (const batch of second!.batches) second!.finish(batch);
  assertEquals([loads(made), run.sent[0]?.openLane?.number], [[2, 1], 1]);
  first!.finish(first!.batches[0]!);
  pool.wake(other.has(2, 30));
  assertEquals(loads(made), [2, 1]);
});

Deno.test("a run that has ended gives back the place that was reserved for it", () => {
  const { pool } = poolOf({ slots: 2 });
  const [run, other] = [new FakeRun("a"), new FakeRun("b").has(1)];
  other.join(pool);
  run.has(1, 20, { alone: true }).join(pool);
  pool.wake(other.has(1, 30));
  assertEquals(other.sent.length, 1);
  run.queue.length = 0;
  pool.do(() => pool.remove(run));
  pool.wake(other);
  assertEquals(other.sent.length, 2);
});

Deno.test("a lane that becomes idle, and for which nothing is queued, gets what waits on another", () => {
  const { pool, made } = poolOf({ lanes: 3, takesAhead: true });
  const run = new FakeRun().has(6);
  run.ahead = 1;
  run.join(pool);
  const [one, two, three] = made;
  for (const lane of made) lane.start(lane.batches[0]!);
  two!.finish(two!.batches[0]!);
  two!.start(two!.batches[0]!);
  three!.finish(three!.batches[0]!);
  three!.start(three!.batches[0]!);
  assertEquals(made.map(({ batches }) => batches.length), [2, 1, 1]);
  two!.finish(two!.batches[0]!);
  assertEquals(made.map(({ batches }) => batches.length), [1, 1, 1]);
  assertEquals(run.told.filter((line) => line.endsWith("put back")), ["13 put back"]);
  // Running batches stay where they are, and so does a batch that could only return to its own lane.
  two!.finish(two!.batches[0]!);
  assertEquals([one!.batches.length, run.queue.length], [1, 0]);
});

Deno.test("what can't be taken back at once is asked for, no more of it than there are slots free", () => {
  const { pool, made } = poolOf({ lanes: 2, takesAhead: true });
  const run = new FakeRun().has(5);
  run.ahead = 2;
  run.join(pool);
  const [one, two] = made;
  for (const lane of made) lane.start(lane.batches[0]!);
  one!.givesBackAtOnce = false;
  assertEquals(made.map(({ batches }) => batches.length), [3, 2]);
  two!.finish(two!.batches[0]!);
  const asked = () => one!.log.filter((line) => line.startsWith("ask back"));
  assertEquals(asked(), []);
  two!.finish(two!.batches[0]!);
  assertEquals(asked(), ["ask back 14"]);
  assertEquals([one!.batches.length, pool.freeSlots], [3, 1]);
});

Deno.test("what is held up by others' tasks is asked for once, when a slot is free elsewhere", () => {
  const { pool, made } = poolOf({ lanes: 2, takesAhead: true });
  const run = new FakeRun().has(3);
  run.join(pool);
  const [one, two] = made;
  one!.givesBackAtOnce = false;
  const asked = () => one!.log.filter((line) => line.startsWith("ask back"));
  one!.holdUp(one!.batches[0]!);
  assertEquals(asked(), []);
  two!.finish(two!.batches[0]!);
  assertEquals([asked(), run.queue.length], [[], 0]);
  two!.finish(two!.batches[0]!);
  assertEquals(asked(), ["ask back 10"]);
  pool.wake(run);
  assertEquals(asked().length, 1);
  // The next batch goes to the other lane, though both lanes are idle.
  one!.report(one!.batches[0]!, true);
  pool.wake(run.has(1));
  assertEquals(made.map(({ batches }) => batches.length), [0, 1]);
});

Deno.test("a lane whose machine is about to leave ends what runs, and gets nothing more", () => {
  const { pool, made } = poolOf({ lanes: 1, takesAhead: true });
  const run = new FakeRun().has(2);
  run.ahead = 1;
  run.join(pool);
  const [one] = made;
  one!.start(one!.batches[0]!);
  assertEquals(one!.batches.length, 2);
  // The machine reports again and again that it is leaving.
  one!.leave();
  one!.leave();
  assertEquals([one!.log.includes("recall 11"), one!.batches.length, one!.isClosed], [
    true,
    1,
    false,
  ]);
  one!.finish(one!.batches[0]!);
  assertEquals([one!.isClosed, made.length, made[1]!.batches.length], [true, 2, 1]);
});

Deno.test("a slot that becomes free beside others, and for which nothing is queued, gets what waits too", () => {
  const { pool, made } = poolOf({ lanes: 2, slots: 2, takesAhead: true });
  const run = new FakeRun().has(6);
  run.ahead = 1;
  run.join(pool);
  const [one, two] = made;
  for (const lane of made) for (const batch of lane.batches.slice(0, 2)) lane.start(batch);
  assertEquals(made.map(({ batches }) => batches.length), [3, 3]);
  two!.finish(two!.batches[0]!);
  two!.start(two!.batches[1]!);
  assertEquals(made.map(({ batches }) => batches.length), [3, 2]);
  two!.finish(two!.batches[0]!);
  assertEquals(made.map(({ batches }) => batches.length), [2, 2]);
  one!.finish(one!.batches[0]!);
  assertEquals([pool.freeSlots, run.queue.length], [1, 0]);
});

Deno.test("what waits on a lane stays there if the run may not have the slot that is free", () => {
  const { pool, made } = poolOf({ lanes: 2, slots: 2, takesAhead: true });
  const run = new FakeRun().has(5);
  run.ahead = 1;
  run.join(pool);
  const [one, two] = made;
  for (const lane of made) for (const batch of lane.batches.slice(0, 2)) lane.start(batch);
  two!.accepting = () => false;
  two!.finish(two!.batches[0]!);
  assertEquals([one, two].map((lane) => lane!.batches.length), [3, 1]);
  assertEquals(run.told.filter((line) => line.endsWith("put back")), []);
});

Deno.test("what waits on a lane stays there while others are busy, or if it can't be taken back", () => {
  const { pool, made } = poolOf({ lanes: 2, takesAhead: true });
  const run = new FakeRun().has(3);
  run.ahead = 1;
  run.join(pool);
  const [one, two] = made;
  one!.start(one!.batches[0]!);
  assertEquals(made.map(({ batches }) => batches.length), [2, 1]);
  // The second batch has begun beside the first, as can happen on a lane that just got another slot.
  one!.start(one!.batches[1]!);
  two!.finish(two!.batches[0]!);
  assertEquals([one!.batches.length, run.sent.length], [2, 3]);
});

Deno.test("of a lane that turns out to have fewer slots others get what waits; its place's next one is asked anew", async () => {
  const { pool, made } = poolOf({ lanes: 2, slots: 2, takesAhead: true, quick: false });
  const run = new FakeRun().has(3);
  run.join(pool);
  const [one, two] = made;
  assertEquals([made.map(({ batches }) => batches.length), pool.slots], [[2, 1], 4]);
  one!.slots = 1;
  one!.becomeReady();
  await settle();
  assertEquals([made.map(({ batches }) => batches.length), pool.slots], [[1, 2], 3]);
  assertEquals(run.told.filter((line) => line.endsWith("put back")), ["12 put back"]);
  one!.die();
  assertEquals([two!.batches.length, pool.slots], [2, 4]);
});

Deno.test("lanes keep the program alive only while a run, or who opens them, waits for them", async () => {
  const { pool, made } = poolOf({ lanes: 2 });
  const opening = pool.openAll(undefined, 1000);
  assertEquals(made.map(({ holds }) => holds), [true, true]);
  await opening;
  assertEquals(made.map(({ holds }) => holds), [false, false]);
  const runs = ["a", "b"].map((name) => new FakeRun(name).join(pool));
  assertEquals(made.map(({ holds }) => holds), [true, true]);
  pool.do(() => pool.remove(runs[0]!));
  pool.do(() => pool.remove(runs[0]!));
  assertEquals(made.map(({ holds }) => holds), [true, true]);
  pool.do(() => pool.remove(runs[1]!));
  assertEquals(made.map(({ holds }) => holds), [false, false]);
});

Deno.test("a closed pool has stopped its runs, then closed its lanes, and takes no more", async () => {
  const { pool, made } = poolOf({ lanes: 2 });
  const [run, other] = [new FakeRun("a").has(1), new FakeRun("b")];
  const [running, ending] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  run.stopping = running.promise;
  run.join(pool);
  other.join(pool);
  await pool.openAll(undefined, 1000);
  made[1]!.closing = ending.promise;
  let isClosed = false;
  const closing = pool.close().then(() => isClosed = true);
  await settle();
  // Batches that no lane had started are taken back before anything is stopped that would make room for them.
  const stopped = "stopped: The executor was closed";
  assertEquals([run.told, other.told], [["10 put back", stopped], [stopped]]);
  assertEquals(made.map(({ isClosed }) => isClosed), [false, false]);
  running.resolve();
  await settle();
  assertEquals([made.map(({ isClosed }) => isClosed), isClosed], [[true, true], false]);
  ending.resolve();
  await closing;
  assertThrows(() => pool.add(new FakeRun()), TypeError, "Cannot map: the executor is closed");
  await assertRejects(() => pool.openAll(undefined, 1000), TypeError, "the executor is closed");
  await pool.close();
  assertEquals(made.map(({ log }) => log), [["send 10", "recall 10", "close"], ["close"]]);
});
