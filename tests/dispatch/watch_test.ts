import { assertEquals } from "@std/assert";
import { type Sent, SentList } from "../../lib/dispatch/sent.ts";
import { STUCK_MS, Watch } from "../../lib/dispatch/watch.ts";
import { pieceOf, seatWith, sentTo, StubLane } from "./fake_sent.ts";
import { VirtualTime } from "./virtual_time.ts";

/** A watch over one chunk of three items that has just been sent. */
function watched(timeoutMs: number, graceMs = 100, hasIdleLane = true) {
  const lane = new StubLane();
  const inFlight = new SentList("runPlace");
  const forced: number[] = [];
  const recalled: number[] = [];
  const sent = sentTo(seatWith(lane), pieceOf(["a", "b", "c"]), {}, timeoutMs);
  inFlight.add(sent);
  const take = (list: number[]) => (sent: Sent) => {
    list.push(performance.now());
    inFlight.delete(sent);
  };
  const watch = new Watch(
    { inFlight, options: { timeoutMs }, recovery: { force: take(forced), recall: take(recalled) } },
    { options: { graceMs }, hasIdleLane },
  );
  return { lane, sent, watch, forced, recalled };
}

Deno.test("a deadline counts from the task's own start, however long it waited before", () => {
  using time = new VirtualTime();
  const { lane, watch } = watched(300);
  watch.arm(300);
  time.pass(5000);
  assertEquals(lane.asked, []);
  lane.at = { state: "running", offset: 0, sinceMs: time.nowMs };
  time.pass(299);
  assertEquals(lane.asked, []);
  time.pass(301);
  assertEquals(lane.asked, ["timeout"]);
  watch.stop();
  assertEquals(time.timers, 0);
});

Deno.test("a task that goes on after its deadline is forced when its grace is over, not before", () => {
  using time = new VirtualTime();
  const { lane, watch, forced } = watched(300, 100);
  lane.at = { state: "running", offset: 0, sinceMs: time.nowMs };
  watch.arm(300);
  time.pass(300);
  assertEquals([lane.asked, forced], [["timeout"], []]);
  time.pass(99);
  assertEquals(forced, []);
  time.pass(1);
  assertEquals(forced, [1400]);
  assertEquals(time.timers, 0);
});

Deno.test("once the asked item has stopped, the next one has a deadline of its own", () => {
  using time = new VirtualTime();
  const { lane, watch, forced } = watched(300, 100);
  lane.at = { state: "running", offset: 0, sinceMs: time.nowMs };
  watch.arm(300);
  time.pass(350);
  lane.at = { state: "running", offset: 1, sinceMs: time.nowMs };
  time.pass(299);
  assertEquals([lane.asked, forced], [["timeout"], []]);
  time.pass(2);
  assertEquals(lane.asked, ["timeout", "timeout"]);
  time.pass(98);
  assertEquals(forced, []);
  time.pass(2);
  assertEquals(forced.length, 1);
});

Deno.test("what was cancelled is asked once, and forced when its grace is over", () => {
  using time = new VirtualTime();
  const { lane, sent, watch, forced } = watched(Infinity, 50);
  lane.at = { state: "running", offset: 0, sinceMs: time.nowMs };
  watch.ask(sent, "cancel");
  watch.ask(sent, "cancel");
  watch.ask(sent, "timeout", 0);
  assertEquals(lane.asked, ["cancel"]);
  time.pass(49);
  assertEquals(forced, []);
  time.pass(1);
  assertEquals(forced, [1050]);
});

Deno.test("a cancelled chunk is forced even if it never started", () => {
  using time = new VirtualTime();
  const { sent, watch, forced } = watched(Infinity, 50);
  watch.ask(sent, "cancel");
  time.pass(50);
  assertEquals(forced.length, 1);
});

Deno.test("a chunk stuck behind another is taken back when a lane has nothing to do", () => {
  for (const idle of [true, false]) {
    using time = new VirtualTime();
    const { lane, watch, recalled } = watched(Infinity, 100, idle);
    lane.takesAhead = true;
    watch.arm(STUCK_MS);
    time.pass(STUCK_MS - 1);
    assertEquals(recalled, []);
    time.pass(10 * STUCK_MS);
    assertEquals(recalled, idle ? [1000 + STUCK_MS] : []);
    watch.stop();
  }
});

Deno.test("deadlines farther away than any timer holds are looked after all the same", () => {
  const days = 86_400_000;
  using time = new VirtualTime();
  const { lane, watch, forced } = watched(100 * days, Infinity);
  lane.at = { state: "running", offset: 0, sinceMs: time.nowMs };
  watch.arm(100 * days);
  time.pass(99 * days);
  assertEquals(lane.asked, []);
  time.pass(days);
  assertEquals(lane.asked, ["timeout"]);
  time.pass(1000 * days);
  assertEquals(forced, []);
  assertEquals(time.timers, 1);
});

Deno.test("many deadlines near each other share one timer, and the nearest counts", () => {
  using time = new VirtualTime();
  const { lane, watch } = watched(300);
  lane.at = { state: "running", offset: 0, sinceMs: time.nowMs };
  for (const waitMs of [500, 400, 300, 450, 5000]) watch.arm(waitMs);
  assertEquals(time.timers, 1);
  time.pass(300);
  assertEquals(lane.asked, ["timeout"]);
  watch.stop();
  assertEquals(time.timers, 0);
});
