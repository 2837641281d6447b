import { assertEquals } from "@std/assert";
import type { Batch, BatchSettings } from "../../lib/dispatch/batch.ts";
import type { InFlight } from "../../lib/dispatch/in_flight.ts";
import type { BatchProgress } from "../../lib/lanes/lane.ts";
import { FakeLane, poolOf } from "./fake_lane.ts";
import { FakeRun, openLane, sendTo } from "./fake_run.ts";
import { VirtualTime } from "./virtual_time.ts";

/** A batch of three items that has just been sent, what keeps its deadlines, and their actions with times. */
function watching(
  { timeoutMs = Infinity, loadTimeoutMs = 2000, graceMs = 100, ...more }:
    & Partial<Pick<InFlight, "force">>
    & { readonly graceMs?: number }
    & Partial<Pick<BatchSettings, "timeoutMs" | "loadTimeoutMs">> = {},
) {
  const lane = new FakeLane();
  const { pool } = poolOf({ graceMs });
  const deadlines = pool.inFlight;
  const inFlight = deadlines.watched;
  const batch = sendTo(
    openLane(lane),
    new FakeRun("a", { timeoutMs, loadTimeoutMs }).batch(["a", "b", "c"]),
  );
  inFlight.add(batch);
  const done: string[] = [];
  const note = (what: string) => (batch: Batch) => {
    done.push(`${what} at ${performance.now()}`);
    inFlight.delete(batch);
  };
  Object.assign(deadlines, {
    force: note("forced"),
    giveUpLoading: note("loads too long"),
    giveUpLane: note("lane given up"),
    ...more,
  });
  let inTurn = 0;
  Object.assign(pool, {
    do(action: () => void) {
      inTurn++;
      action();
    },
  });
  const asked = () => lane.log.filter((line) => line.startsWith("ask"));
  const stands = (at: BatchProgress) => lane.held(batch).at = at;
  const runs = (offset: number, sinceMs: number) => stands({ state: "running", offset, sinceMs });
  return { batch, deadlines, done, asked, stands, runs, inFlight, turns: () => inTurn };
}

const TIMEOUT = "ask 10 timeout";
const CANCEL = "ask 10 cancel";

Deno.test("a deadline counts from the task's own start, however long it waited before", () => {
  using time = new VirtualTime();
  const { deadlines, asked, runs, turns } = watching({ timeoutMs: 300 });
  deadlines.lookIn(300);
  time.pass(5000);
  assertEquals([asked(), turns()], [[], 16]);
  runs(0, time.nowMs);
  time.pass(299);
  assertEquals(asked(), []);
  time.pass(1);
  assertEquals(asked(), [TIMEOUT]);
  deadlines.stop();
  assertEquals(time.timers, 0);
});

Deno.test("a task that goes on after its deadline is forced when its grace is over, not before", () => {
  using time = new VirtualTime();
  const { batch, deadlines, asked, done, runs, turns } = watching({ timeoutMs: 300 });
  runs(0, time.nowMs);
  deadlines.lookIn(300);
  time.pass(300);
  assertEquals([asked(), done], [[TIMEOUT], []]);
  assertEquals(batch.asked, { atMs: 1300, why: "timeout", offset: 0 });
  time.pass(99);
  assertEquals(done, []);
  time.pass(1);
  assertEquals(done, ["forced at 1400"]);
  assertEquals([time.timers, turns()], [0, 2]);
});

Deno.test("once the asked item has stopped, the next one has a deadline of its own", () => {
  using time = new VirtualTime();
  const { deadlines, asked, done, runs } = watching({ timeoutMs: 300 });
  runs(0, time.nowMs);
  deadlines.lookIn(300);
  time.pass(350);
  runs(1, time.nowMs);
  time.pass(299);
  assertEquals([asked(), done], [[TIMEOUT], []]);
  time.pass(2);
  assertEquals(asked(), [TIMEOUT, TIMEOUT]);
  time.pass(98);
  assertEquals(done, []);
  time.pass(2);
  assertEquals(done.length, 1);
});

Deno.test("what was cancelled is asked once, and forced when its grace is over", () => {
  using time = new VirtualTime();
  const { batch, deadlines, asked, done, runs } = watching({ graceMs: 50 });
  runs(0, time.nowMs);
  deadlines.ask(batch, "cancel");
  deadlines.ask(batch, "cancel");
  deadlines.ask(batch, "timeout", undefined, 0);
  assertEquals(asked(), [CANCEL]);
  time.pass(49);
  assertEquals(done, []);
  time.pass(1);
  assertEquals(done, ["forced at 1050"]);
});

Deno.test("a task past its deadline is asked once more if its run is cancelled, with a grace of its own", () => {
  using time = new VirtualTime();
  const { batch, deadlines, asked, done, runs } = watching({ timeoutMs: 300, graceMs: 50 });
  runs(0, time.nowMs);
  deadlines.lookIn(300);
  time.pass(340);
  deadlines.ask(batch, "cancel");
  assertEquals(asked(), [TIMEOUT, CANCEL]);
  time.pass(49);
  assertEquals(done, []);
  time.pass(1);
  assertEquals(done, ["forced at 1390"]);
});

Deno.test("a cancelled batch is forced even if it never started", () => {
  using time = new VirtualTime();
  const { batch, deadlines, done } = watching({ graceMs: 50 });
  deadlines.ask(batch, "cancel");
  time.pass(50);
  assertEquals(done, ["forced at 1050"]);
});

Deno.test("loading has a deadline of its own, from when it began", () => {
  using time = new VirtualTime();
  const { deadlines, asked, done, stands } = watching({ timeoutMs: 300 });
  stands({ state: "loading", sinceMs: time.nowMs - 500 });
  deadlines.lookIn(300);
  time.pass(1499);
  assertEquals([asked(), done], [[], []]);
  time.pass(1);
  assertEquals([asked(), done], [[], ["loads too long at 2500"]]);
  assertEquals(time.timers, 0);
});

Deno.test("a task that runs soon after a long load has its whole time", () => {
  using time = new VirtualTime();
  const { deadlines, asked, done, runs, stands } = watching({ timeoutMs: 300 });
  stands({ state: "loading", sinceMs: time.nowMs });
  deadlines.lookIn(300);
  time.pass(1900);
  runs(0, time.nowMs);
  time.pass(299);
  assertEquals(asked(), []);
  time.pass(1);
  assertEquals([asked(), done], [[TIMEOUT], []]);
});

Deno.test("a deadline is kept to the millisecond though loading took longer than it", () => {
  using time = new VirtualTime();
  const { deadlines, asked, runs, stands } = watching({ timeoutMs: 300 });
  stands({ state: "loading", sinceMs: time.nowMs });
  deadlines.lookIn(300);
  time.pass(310);
  runs(0, time.nowMs);
  time.pass(299);
  assertEquals(asked(), []);
  time.pass(1);
  assertEquals(asked(), [TIMEOUT]);
});

Deno.test("an endless loading is waited for if the caller says so", () => {
  using time = new VirtualTime();
  const { deadlines, done, stands } = watching({ loadTimeoutMs: Infinity });
  stands({ state: "loading", sinceMs: time.nowMs });
  deadlines.lookIn(Infinity);
  time.pass(1e12);
  assertEquals([done, time.timers], [[], 1]);
});

Deno.test("deadlines farther away than any timer holds are kept all the same", () => {
  const days = 86_400_000;
  using time = new VirtualTime();
  const { deadlines, asked, done, runs } = watching({ timeoutMs: 100 * days, graceMs: Infinity });
  runs(0, time.nowMs);
  deadlines.lookIn(100 * days);
  time.pass(99 * days);
  assertEquals(asked(), []);
  time.pass(days);
  assertEquals(asked(), [TIMEOUT]);
  time.pass(1000 * days);
  assertEquals(done, []);
  assertEquals(time.timers, 1);
});

Deno.test("many deadlines near each other share one timer, and the nearest counts", () => {
  using time = new VirtualTime();
  const { deadlines, asked, runs } = watching({ timeoutMs: 300 });
  runs(0, time.nowMs);
  for (const waitMs of [500, 400, 300, 450, 5000]) deadlines.lookIn(waitMs);
  assertEquals(time.timers, 1);
  time.pass(300);
  assertEquals(asked(), [TIMEOUT]);
  deadlines.stop();
  assertEquals(time.timers, 0);
});

Deno.test("a look is never at once, and one that ends many batches spares those that went with others", () => {
  using time = new VirtualTime();
  const { batch, deadlines, inFlight, done } = watching({
    force(batch) {
      done.push(`forced ${batch.firstIndex}`);
      for (const other of inFlight) inFlight.delete(other); // the lane of the other batches ended with it
    },
  });
  const other = sendTo(batch.openLane!, new FakeRun().batch(["d"], { firstIndex: 20 }));
  inFlight.add(other);
  for (const one of [batch, other]) deadlines.ask(one, "cancel");
  deadlines.lookIn(-5);
  assertEquals(done, []);
  time.pass(1);
  assertEquals(done, []);
  time.pass(99);
  assertEquals(done, ["forced 10"]);
});

Deno.test("a lane that starts nothing though nothing else runs there is given up after loadTimeoutMs", () => {
  using time = new VirtualTime();
  const { deadlines, asked, done, stands } = watching({ timeoutMs: 300, loadTimeoutMs: 1000 });
  stands({ state: "waiting" });
  deadlines.lookIn(300);
  time.pass(5000);
  stands({ state: "waiting", isNext: true });
  time.pass(900);
  // Another task runs there meanwhile.
  stands({ state: "waiting" });
  time.pass(300);
  stands({ state: "waiting", isNext: true });
  time.pass(1000);
  assertEquals(done, []);
  time.pass(100);
  assertEquals(done, ["lane given up at 8300"]);
  assertEquals([asked(), time.timers], [[], 0]);
});

Deno.test("so is one that doesn't come to load what it was given, whether that has a deadline or not", () => {
  using time = new VirtualTime();
  const { batch, deadlines, done, stands } = watching({ loadTimeoutMs: 1000 });
  batch.sentCount = 0;
  stands({ state: "waiting" });
  deadlines.watch(batch);
  time.pass(5000);
  assertEquals(done, []);
  stands({ state: "waiting", isNext: true });
  time.pass(1000);
  assertEquals(done, []);
  time.pass(1000);
  assertEquals(done, ["lane given up at 8000"]);
});

Deno.test("what this event loop comes too late to give up is looked at once more, when its lane was heard", () => {
  using time = new VirtualTime();
  const forced = watching({ timeoutMs: 300 });
  forced.runs(0, time.nowMs);
  forced.deadlines.lookIn(300);
  time.pass(300);
  time.nowMs += 150; // the grace is over meanwhile
  time.pass(1);
  assertEquals(forced.done, []);
  time.pass(1);
  assertEquals(forced.done, ["forced at 1452"]);
  for (const isHeard of [false, true]) {
    const loads = watching();
    loads.stands({ state: "loading", sinceMs: time.nowMs });
    loads.deadlines.lookIn(2000);
    time.nowMs += 2500;
    time.pass(1);
    assertEquals(loads.done, []);
    if (isHeard) loads.runs(0, time.nowMs);
    time.pass(1);
    assertEquals(loads.done, isHeard ? [] : [`loads too long at ${time.nowMs}`]);
    loads.deadlines.stop();
    const waits = watching();
    waits.batch.sentCount = 0;
    waits.stands({ state: "waiting", isNext: true });
    waits.deadlines.lookIn(0);
    time.pass(2);
    time.nowMs += 2500;
    time.pass(1);
    assertEquals(waits.done, []);
    if (isHeard) waits.runs(0, time.nowMs);
    time.pass(1);
    assertEquals(waits.done, isHeard ? [] : [`lane given up at ${time.nowMs}`]);
    waits.deadlines.stop();
  }
});
