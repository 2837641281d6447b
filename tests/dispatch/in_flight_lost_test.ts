import { assertEquals } from "@std/assert";
import type { Batch } from "../../lib/dispatch/batch.ts";
import type { Forced } from "../../lib/lanes/lane.ts";
import { poolOf } from "./fake_lane.ts";
import { FakeRun } from "./fake_run.ts";

Deno.test("a lane that died is closed and replaced, and its batches are judged together", () => {
  const { pool, made } = poolOf({ slots: 2 });
  const [run, other] = [new FakeRun("a").has(1), new FakeRun("b").has(1, 20)];
  for (const one of [run, other]) one.join(pool);
  const [lane] = made;
  for (const batch of lane!.batches) lane!.start(batch);
  lane!.die("exited with code 3");
  assertEquals([run.told, other.told], [
    ["10 lost, suspect: exited with code 3"],
    ["20 lost, suspect: exited with code 3"],
  ]);
  assertEquals([lane!.isClosed, pool.openLanes], [true, []]);
  pool.wake(run.has(1, 30));
  assertEquals([made.length, made[1]!.number, run.sent.length], [2, 0, 2]);
});

Deno.test("what a lane says after its death does its successor no harm", () => {
  const { pool, made } = poolOf();
  const run = new FakeRun().has(1).join(pool);
  made[0]!.die("exited");
  pool.wake(run.has(1, 20));
  made[0]!.die("exited again");
  made[0]!.report(run.sent[0]!, true);
  assertEquals(run.told, ["10 lost, unstarted: exited"]);
  assertEquals([pool.openLanes[0]!.lane === made[1], made[1]!.isClosed], [true, false]);
  assertEquals(made[1]!.batches, [run.sent[1]!]);
});

Deno.test("a place whose lane died while a batch had it for itself is for all again", () => {
  const { pool, made } = poolOf({ slots: 2 });
  const run = new FakeRun().has(1, 10, { alone: true }).join(pool);
  made[0]!.die();
  pool.wake(run.has(2, 20));
  assertEquals(made[1]!.batches.length, 2);
});

/** A lane with two slots: one run's batch 10 and another's 20 run, and a third's 30 waits. */
function busy() {
  const parts = poolOf({ slots: 2, takesAhead: true });
  const [mine, other, third] = ["a", "b", "c"].map((name) => new FakeRun(name));
  third!.ahead = 1;
  for (const [at, run] of [mine!, other!, third!].entries()) {
    run.has(1, 10 + 10 * at).join(parts.pool);
  }
  third!.ahead = 0;
  const lane = parts.made[0]!;
  for (const { sent } of [mine!, other!]) lane.start(sent[0]!);
  const ask = (...asked: FakeRun[]) => {
    for (const { sent } of asked) sent[0]!.asked = { atMs: 0, why: "cancel", offset: -1 };
  };
  const force = (forced: Forced, { sent } = mine!) => {
    lane.forces = () => forced;
    parts.pool.do(() => parts.pool.inFlight.force(sent[0]!));
  };
  ask(mine!);
  return { ...parts, lane, mine: mine!, other: other!, third: third!, ask, force };
}

const GIVEN_UP = "was ended, for another task on it ignored that it was to stop";

Deno.test("if a lane is ended with a task, what else ran there is its victim, and what waited is innocent", () => {
  for (const forced of ["stopped", "abandoned"] as const) {
    const { made, lane, mine, other, third, force } = busy();
    force(forced);
    assertEquals(mine.told, [`10 ${forced} at 0, beside others`]);
    assertEquals(other.told, [`20 lost, victim: ${GIVEN_UP}`]);
    assertEquals(third.told, ["30 waits", `30 lost, innocent: ${GIVEN_UP}`]);
    assertEquals([lane.isClosed, made.length], [true, 1]);
    assertEquals(lane.log.slice(-2), ["force 10 beside others", "close"]);
  }
});

Deno.test("if a lane is ended with a task, others there that went on as well are forced with it", () => {
  const { lane, mine, other, third, ask, force } = busy();
  ask(other);
  force("stopped");
  assertEquals([mine.told, other.told], [
    ["10 stopped at 0, beside others"],
    ["20 stopped at 0, beside others"],
  ]);
  assertEquals([third.told.at(-1), lane.isClosed], [`30 lost, innocent: ${GIVEN_UP}`, true]);
});

Deno.test("a lane that is being ended gets nothing more, and is judged when its death is told", () => {
  const { pool, made, lane, mine, other, third, force } = busy();
  force("ends");
  // The waiting batch doesn't fit into the place's new lane while this lane uses both slots.
  assertEquals([mine.told, other.told, third.told], [[], [], ["30 waits", "30 put back"]]);
  assertEquals([lane.isClosed, pool.openLanes.length, third.sent.length], [false, 0, 1]);
  lane.end(other.sent[0]!); // the batch has ended just in time
  lane.die("was ended by SIGKILL");
  assertEquals([mine.told, other.told], [["10 stopped at 0"], ["20 ended"]]);
  assertEquals([lane.isClosed, made[1]!.batches], [true, [third.sent[1]!]]);
});

Deno.test("when a lane that is being ended dies, what else ran there is a victim, and nobody a suspect", () => {
  const { lane, mine, other, force } = busy();
  force("ends");
  lane.die("was ended by SIGKILL");
  assertEquals([mine.told, other.told], [
    ["10 stopped at 0, beside others"],
    ["20 lost, victim: was ended by SIGKILL"],
  ]);
});

Deno.test("a task that goes on where it harms nobody leaves its lane as it is, and its slot free", () => {
  const { pool, lane, mine, other, third, force } = busy();
  force("goes on");
  assertEquals(mine.told, ["10 goes on at 0, beside others"]);
  pool.wake(other.has(1, 40));
  assertEquals([lane.isClosed, other.told, third.told], [false, [], ["30 waits"]]);
  assertEquals(lane.batches.map(({ firstIndex }) => firstIndex), [20, 30]);
  lane.finish(other.sent[0]!);
  assertEquals(lane.batches.map(({ firstIndex }) => firstIndex), [30, 40]);
});

Deno.test("a lane whose task goes on for now gets nothing more, and is closed when the others have ended", () => {
  const { pool, made, lane, mine, other, third, force } = busy();
  force("goes on for now");
  assertEquals(mine.told, ["10 goes on for now at 0, beside others"]);
  // The waiting batch goes to the place's new lane, which has one slot until the other lane ends.
  assertEquals([third.told, made.length], [["30 waits", "30 put back"], 2]);
  assertEquals(made[1]!.batches, [third.sent[1]!]);
  pool.wake(other.has(1, 40));
  assertEquals([other.sent.length, lane.isClosed], [1, false]);
  lane.finish(other.sent[0]!);
  assertEquals([other.told, lane.isClosed, made[1]!.isClosed], [["20 ended"], true, false]);
  assertEquals(made[1]!.batches, [third.sent[1]!, other.sent[1]!]);
});

Deno.test("what is sent ahead to a place's new lane doesn't run beside what fills the slots on the old one", () => {
  const { pool, made, lane, mine, other, third, force } = busy();
  force("goes on for now");
  const tiny = new FakeRun("tiny").has(3, 50);
  tiny.ahead = 1;
  tiny.join(pool);
  // The new lane has two slots too, and starts the batches it is sent while one is free.
  const running = lane.batches.length + Math.min(2, made[1]!.batches.length);
  assertEquals([mine, other, third].map(({ sent }) => sent.length), [1, 1, 2]);
  assertEquals(running, 2, `${running} batches run in a place of two slots`);
});

Deno.test("a lane that was retired is forced before it is closed, not after", () => {
  const { lane, other, ask, force } = busy();
  force("goes on for now");
  ask(other);
  force("stopped", other);
  assertEquals([lane.log.slice(-2), other.told], [["force 20", "close"], ["20 stopped at 0"]]);
});

Deno.test("a batch is taken back only if nothing of it has been started; then its slot is free", () => {
  const { pool, made } = poolOf();
  const run = new FakeRun().has(2).join(pool);
  const [lane] = made;
  let answer: boolean | undefined;
  const recall = (batch: Batch) => pool.do(() => answer = pool.inFlight.takeBack(batch));
  lane!.start(run.sent[0]!);
  recall(run.sent[0]!);
  assertEquals([answer, run.sent.length, lane!.log], [false, 1, ["send 10", "keep 10"]]);
  lane!.held(run.sent[0]!).at = { state: "waiting" };
  recall(run.sent[0]!);
  assertEquals([answer, run.sent.length], [true, 2]);
  assertEquals(lane!.batches, [run.sent[1]!]);
});

Deno.test("a lane elsewhere that doesn't come to the end of a loading is retired; this event loop isn't", () => {
  for (const remote of [true, false]) {
    const { pool, made } = poolOf({ quick: false, slots: 2, remote });
    const [run, other] = [new FakeRun("a").has(1), new FakeRun("b").has(1, 20)];
    for (const one of [run, other]) one.join(pool);
    const [lane] = made;
    lane!.loaded(other.sent[0]!);
    lane!.start(other.sent[0]!);
    pool.do(() => pool.inFlight.giveUpLoading(run.sent[0]!));
    assertEquals(lane!.batches, [other.sent[0]!]);
    pool.wake(run.has(1, 30));
    assertEquals(run.sent[1]!.openLane!.lane === lane, !remote);
    lane!.finish(other.sent[0]!);
    assertEquals([lane!.isClosed, other.told], [remote, ["20 ended"]]);
  }
});

Deno.test("an idle lane that can't run a task is replaced at once", () => {
  const { pool, made } = poolOf();
  const [run, other] = [new FakeRun("a").has(1), new FakeRun("b").has(1, 20)];
  run.join(pool);
  made[0]!.finish(run.sent[0]!);
  made[0]!.accepting = ({ module }) => module === "a:";
  other.join(pool);
  assertEquals(made.map(({ tasks, isClosed }) => [tasks, isClosed]), [
    [["a:"], true],
    [["b:", "a:"], false],
  ]);
});

Deno.test("a busy lane that can't run a task makes room when another can't be had, and does what it was sent", () => {
  const { pool, made } = poolOf({ slots: 2, takesAhead: true });
  const [run, other] = [new FakeRun("a"), new FakeRun("b").has(3, 20)];
  run.ahead = 1;
  run.has(3).join(pool);
  const [lane] = made;
  lane!.accepting = ({ module }) => module === "a:";
  for (const batch of run.sent.slice(0, 2)) lane!.start(batch);
  run.ahead = 0;
  other.join(pool);
  // The batches that run and wait there take all slots of the place.
  assertEquals([run.told, lane!.batches.length, made.length], [["12 waits"], 3, 1]);
  lane!.finish(run.sent[0]!);
  assertEquals([lane!.isClosed, made.length], [false, 1]);
  lane!.finish(run.sent[1]!);
  assertEquals([lane!.isClosed, made.length], [false, 2]);
  const [, next] = made;
  assertEquals(next!.batches.length, 1);
  lane!.finish(run.sent[2]!);
  assertEquals([lane!.isClosed, next!.batches.length], [true, 2]);
});

Deno.test("beside a lane that was replaced and goes on there is one other, and no third", () => {
  const { pool, made } = poolOf({ slots: 3 });
  const runs = ["a", "b", "c"].map((name) => new FakeRun(name).has(1));
  for (const run of runs) {
    run.join(pool);
    const lane = made.at(-1)!;
    lane.accepting = ({ module }) => module === lane.tasks[0];
  }
  assertEquals(made.map(({ tasks }) => tasks[0]), ["a:", "b:"]);
  made[0]!.finish(runs[0]!.sent[0]!);
  assertEquals(made.map(({ tasks }) => tasks[0]), ["a:", "b:", "c:"]);
  assertEquals(made.map(({ isClosed }) => isClosed), [true, false, false]);
});

Deno.test("what waited on a lane that a running task ended didn't end it before it could start", () => {
  const { pool, made } = poolOf({ slots: 2 });
  const run = new FakeRun().has(10).join(pool);
  const die = (runs: boolean) => {
    const lane = made.at(-1)!;
    if (runs) lane.start(lane.batches[0]!);
    lane.die("was killed");
  };
  for (let at = 0; at < 3; at++) die(true);
  assertEquals(run.failures, []);
  for (let at = 0; at < 2; at++) die(false);
  assertEquals(run.failures, []);
  pool.wake(run.has(2, 30));
  die(false);
  assertEquals(run.failures.map((error) => (error as Error).message), [
    "Cannot load task module a:: lanes end before a task can start: the lane was killed",
  ]);
});

Deno.test("what waits on a lane that starts nothing goes elsewhere, and counts as lost with it", () => {
  for (const forced of ["abandoned", "ends"] as const) {
    const { pool, made } = poolOf();
    const run = new FakeRun().has(1).join(pool);
    const [lane] = made;
    lane!.forces = () => forced;
    const [batch] = run.sent;
    batch!.nextSinceMs = 0;
    pool.do(() => pool.inFlight.giveUpLane(batch!));
    pool.do(() => pool.inFlight.giveUpLane(batch!));
    assertEquals(lane!.log, ["send 10", "force 10", ...(forced === "ends" ? [] : ["close"])]);
    if (forced === "ends") lane!.die();
    const how = forced === "ends" ? "was ended by SIGKILL" : "started nothing in Infinity ms";
    assertEquals([run.told, lane!.isClosed], [[`10 lost, innocent: ${how}`], true]);
    pool.wake(run.has(1, 30));
    assertEquals(made.length, 2);
  }
});
