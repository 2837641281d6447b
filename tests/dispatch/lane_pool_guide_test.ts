import { assertEquals } from "@std/assert";
import { Calls } from "../../lib/dispatch/calls.ts";
import type { PoolGuide } from "../../lib/dispatch/lane_pool.ts";
import { poolOf, valueOf } from "./fake_lane.ts";
import { FakeRun } from "./fake_run.ts";
import { VirtualTime } from "./virtual_time.ts";

/** A pool with a guide, on this event loop only, and the calls that the guide received. */
function guided(more: Partial<PoolGuide> = {}, slots = 2, lanes = 1) {
  const told: string[] = [];
  const guide: PoolGuide = {
    fidelity: "as sent",
    gapMs: 0,
    isBraking: false,
    pace: () => {
      throw new Error("nothing has a key");
    },
    tasks: {
      mostThere: () => Infinity,
      hasRunHere: () => true,
      staysHere: () => true,
      keeps: () => false,
    },
    together: () => false,
    held: () => {},
    reported: () => {},
    lost: () => {},
    unloadable: () => false,
    noLanes: () => {},
    begin: () => void told.push("begins"),
    rest: () => void told.push("rests"),
  };
  // The options are copied with their getters; a spread would read each getter once.
  Object.defineProperties(guide, Object.getOwnPropertyDescriptors(more));
  return { told, ...poolOf({ remote: false, slots, lanes, guide }) };
}

Deno.test("a guide is told when there is something to do, and when all is done, not of each run", () => {
  const { pool, told } = guided();
  const [one, other] = [new FakeRun("a").join(pool), new FakeRun("b").join(pool)];
  assertEquals(told, ["begins"]);
  pool.do(() => pool.remove(one));
  assertEquals(told, ["begins"]);
  pool.do(() => pool.remove(other));
  assertEquals(told, ["begins", "rests"]);
  new FakeRun("c").join(pool);
  assertEquals(told, ["begins", "rests", "begins"]);
});

Deno.test("tasks are started no closer together than a guide says, and not at all while it brakes", () => {
  using time = new VirtualTime();
  const brakes = { now: false };
  const { pool } = guided({
    gapMs: 30,
    get isBraking() {
      return brakes.now;
    },
  }, 3);
  const run = new FakeRun().has(3).join(pool);
  assertEquals(run.sent.length, 1);
  time.pass(29);
  assertEquals(run.sent.length, 1);
  time.pass(1);
  assertEquals(run.sent.length, 2);
  brakes.now = true;
  time.pass(100);
  assertEquals(run.sent.length, 2);
  brakes.now = false;
  pool.wakeAll();
  assertEquals(run.sent.length, 3);
  time.pass(1); // a turn of the event loop
  // When runs are removed, the timer that they waited for is cleared.
  const other = new FakeRun("b").has(1).join(pool);
  assertEquals([other.sent.length, time.timers], [0, 1]);
  for (const one of [run, other]) pool.remove(one);
  assertEquals(time.timers, 0);
});

Deno.test("lanes are shared only while there are several runs", () => {
  const { pool } = poolOf();
  const shared = [pool.isShared];
  const runs = ["a", "b"].map((name) => {
    const run = new FakeRun(name).join(pool);
    shared.push(pool.isShared);
    return run;
  });
  pool.do(() => pool.remove(runs[0]!));
  assertEquals([...shared, pool.isShared], [false, false, true, false]);
});

Deno.test("a call that may run in this event loop starts at once, whatever waits for its place elsewhere", async () => {
  const { pool, made } = guided(
    {
      tasks: {
        mostThere: () => 1,
        hasRunHere: () => false,
        staysHere: ({ module }) => module === "here:",
        keeps: () => false,
      },
    },
    1,
    3,
  );
  pool.resize((lane) => lane === 0 ? 0 : 1);
  // One of its batches is tried on a lane, and until that has ended no other may start.
  new FakeRun("there").has(2).join(pool);
  assertEquals(made.map(({ number, batches }) => [number, batches.length]), [[1, 1]]);
  const value = new Calls(pool, Infinity).run({ module: "here:", export: "default" }, "x", {});
  const here = made.find(({ number }) => number === 0)!;
  here.finish(here.batches[0]!);
  assertEquals(await value, valueOf("x"));
});
