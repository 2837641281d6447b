import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { LanePool } from "../../lib/dispatch/pool.ts";
import type { Recovery } from "../../lib/dispatch/recovery.ts";
import type { Run } from "../../lib/dispatch/run.ts";
import { LaneStartError } from "../../lib/lanes/errors.ts";
import type { Chunk, Lane, LaneEvents, Report } from "../../lib/lanes/lane.ts";
import { pieceOf, sentTo, StubLane } from "./fake_sent.ts";

interface Made {
  readonly number: number;
  readonly lane: StubLane;
  readonly events: LaneEvents;
  readonly tasks: readonly string[];
}

/** A pool whose lanes are stubs, and every lane that it made. */
function poolOf(lanes: number, slots: number) {
  const made: Made[] = [];
  const pool = new LanePool({
    lanes,
    slots,
    graceMs: 100,
    makeLane: (number, events, tasks) => {
      const lane = Object.assign(new StubLane(), { ready: Promise.resolve(3), remote: true });
      made.push({ number, lane, events, tasks: tasks.map(({ module }) => module) });
      return lane as unknown as Lane;
    },
  });
  return { pool, made };
}

/** A run that sends nothing by itself, and notes what it is told. */
function runOf(module: string, dispatch = () => false) {
  const told: string[] = [];
  const run = {
    task: { module, export: "default" },
    dispatch,
    onReport: (chunk: Chunk, { then }: Report) => told.push(`${chunk.firstIndex} ${then}`),
    fail: (error: Error) => told.push(error.message),
    cancel: (error: Error) => Promise.resolve(void told.push(`cancelled: ${error.message}`)),
    recovery: {
      onLost: (chunk: Chunk, { kind }: { kind: string }) =>
        told.push(`${chunk.firstIndex} lost, ${kind}`),
    } as unknown as Recovery,
  } as unknown as Run;
  return { run, told };
}

const END = { count: 1, then: "end", startedAtMs: 0, endedAtMs: 0 } as Report;

Deno.test("a lane is made when it is first needed, and told of every task until then", () => {
  const { pool, made } = poolOf(2, 1);
  const [a, b] = [runOf("a:").run, runOf("b:").run];
  pool.add(a);
  assertEquals(made.length, 0);
  const seat = pool.seatFor(a, 0, false)!;
  sentTo(seat, pieceOf(["x"]), a);
  pool.add(b);
  pool.seatFor(b, 0, false);
  assertEquals(made.map(({ number, tasks }) => [number, tasks]), [[0, ["a:"]], [1, ["a:", "b:"]]]);
});

Deno.test("there is a seat for as many chunks as there are slots, and those sent ahead", () => {
  const { pool } = poolOf(2, 2);
  const { run } = runOf("a:");
  pool.add(run);
  const fill = (ahead: number) => {
    let count = 0;
    for (let seat; (seat = pool.seatFor(run, ahead, false)) !== undefined; count++) {
      sentTo(seat, pieceOf(["x"]), run);
    }
    return count;
  };
  assertEquals([fill(0), fill(0), fill(1)], [4, 0, 4]);
});

Deno.test("runs take turns", () => {
  const { pool } = poolOf(1, 9);
  const order: string[] = [];
  const left: Record<string, number> = {};
  for (const name of ["a", "b", "c"]) {
    const { run } = runOf(`${name}:`, () => {
      if (!left[name]) return false;
      left[name]--;
      order.push(name);
      return true;
    });
    pool.add(run);
  }
  Object.assign(left, { a: 3, b: 2 });
  pool.pump();
  assertEquals(order.join(""), "ababa");
});

Deno.test("a chunk's last report frees its slot; one from a chunk that is gone is ignored", () => {
  const { pool, made } = poolOf(1, 1);
  const { run, told } = runOf("a:");
  pool.add(run);
  const seat = pool.seatFor(run, 0, false)!;
  const sent = sentTo(seat, pieceOf(["x"]), run);
  const { events } = made[0]!;
  events.report(sent, { ...END, then: "more" });
  assertEquals([seat.inFlight.size, pool.hasIdleLane], [1, false]);
  events.report(sent, END);
  events.report(sent, END);
  assertEquals([told, seat.inFlight.size], [["10 more", "10 end"], 0]);
});

Deno.test("a lane that died is closed and replaced, and its chunks are judged together", () => {
  const { pool, made } = poolOf(1, 2);
  const { run, told } = runOf("a:");
  pool.add(run);
  const seat = pool.seatFor(run, 0, false)!;
  made[0]!.lane.at = { state: "running", offset: 0, sinceMs: 0 };
  sentTo(seat, pieceOf(["x"]), run);
  sentTo(seat, pieceOf(["y"], { firstIndex: 20 }), run);
  made[0]!.events.died({ how: "exited", starting: false });
  made[0]!.events.died({ how: "exited again", starting: false });
  assertEquals(told, ["10 lost, suspect", "20 lost, suspect"]);
  assertEquals([made[0]!.lane.closed, seat.lane], [1, undefined]);
  assert(pool.seatFor(run, 0, false) === seat);
  assertEquals(made.length, 2);
});

Deno.test("lanes that die at their start three times in a row fail every run; a report between saves it", () => {
  for (const reportsAfter of [Infinity, 2]) {
    const { pool, made } = poolOf(1, 1);
    const { run, told } = runOf("a:");
    pool.add(run);
    for (let death = 1; death <= 3; death++) {
      const seat = pool.seatFor(run, 0, false)!;
      if (death === reportsAfter) {
        made.at(-1)!.events.report(sentTo(seat, pieceOf(["x"]), run), END);
      }
      made.at(-1)!.events.died({ how: "exited with code 1", starting: true });
    }
    const failed = told.includes("Cannot start a lane: it exited with code 1");
    assertEquals(failed, reportsAfter === Infinity);
  }
});

Deno.test("a chunk that must run alone waits until its lane is empty, and keeps others off it", () => {
  const { pool, made } = poolOf(1, 2);
  const { run } = runOf("a:");
  const { run: other } = runOf("b:");
  pool.add(run);
  pool.add(other);
  const seat = pool.seatFor(other, 0, false)!;
  const busy = sentTo(seat, pieceOf(["x"]), other);
  assertEquals(pool.seatFor(run, 0, true), undefined);
  assertEquals(pool.seatFor(other, 0, false), undefined);
  made[0]!.events.report(busy, END);
  assert(pool.seatFor(run, 0, true) === seat);
  const alone = sentTo(seat, pieceOf(["y"], { alone: true }), run);
  seat.exclusive = true;
  assertEquals(pool.seatFor(other, 0, false), undefined);
  made[0]!.events.report(alone, END);
  assert(pool.seatFor(other, 0, false) === seat);
});

Deno.test("a lone chunk that found another lane lets go of the one that it waited for", () => {
  const { pool, made } = poolOf(2, 1);
  const [{ run }, { run: other }] = [runOf("a:"), runOf("b:")];
  pool.add(run);
  pool.add(other);
  const [first, second] = [1, 2].map(() => {
    const seat = pool.seatFor(other, 0, false)!;
    return { seat, sent: sentTo(seat, pieceOf(["x"]), other) };
  });
  assertEquals(pool.seatFor(run, 0, true), undefined);
  const waitedFor = [first!, second!].find(({ seat }) => seat.reservedFor === run)!;
  const found = waitedFor === first ? second! : first!;
  made[found.seat.number]!.events.report(found.sent, END);
  assert(pool.seatFor(run, 0, true) === found.seat);
  assertEquals(waitedFor.seat.reservedFor, undefined);
});

Deno.test("what a lane says after its death does its successor no harm", () => {
  const { pool, made } = poolOf(1, 1);
  const { run } = runOf("a:");
  pool.add(run);
  const seat = pool.seatFor(run, 0, false)!;
  made[0]!.events.died({ how: "exited", starting: false });
  pool.seatFor(run, 0, false);
  made[0]!.events.died({ how: "exited again", starting: false });
  assertEquals([seat.lane as unknown, made[1]!.lane.closed], [made[1]!.lane, 0]);
});

Deno.test("a run that is over keeps no seat for itself", () => {
  const { pool } = poolOf(1, 2);
  const [{ run }, { run: other }] = [runOf("a:"), runOf("b:")];
  pool.add(run);
  pool.add(other);
  sentTo(pool.seatFor(other, 0, false)!, pieceOf(["x"]), other);
  pool.seatFor(run, 0, true);
  pool.remove(run);
  assert(pool.seatFor(other, 0, false) !== undefined);
});

Deno.test("a lane that can't run a task is replaced at once if it is idle, else when it is", () => {
  const { pool, made } = poolOf(1, 1);
  const [{ run }, { run: other }] = [runOf("a:"), runOf("b:")];
  pool.add(run);
  const seat = pool.seatFor(run, 0, false)!;
  const sent = sentTo(seat, pieceOf(["x"]), run);
  made[0]!.lane.accepting = false;
  pool.add(other);
  assertEquals([pool.seatFor(other, 0, false), seat.retiring], [undefined, true]);
  made[0]!.events.report(sent, END);
  assertEquals(made[0]!.lane.closed, 1);
  pool.seatFor(other, 0, false);
  assertEquals(made[1]!.tasks, ["a:", "b:"]);
});

Deno.test("openAll() starts every lane, and says how one died before it was ready", async () => {
  const { pool, made } = poolOf(3, 1);
  await pool.openAll({ module: "a:", export: "default" });
  assertEquals(made.map(({ number, tasks }) => [number, tasks]), [0, 1, 2].map((n) => [n, ["a:"]]));
  assertEquals(pool.seats.map(({ startMs }) => startMs), [3, 3, 3]);
  const failing = poolOf(1, 1);
  const opening = failing.pool.openAll();
  failing.made[0]!.events.died({ how: "exited with code 1", starting: true });
  await assertRejects(() => opening, LaneStartError, "exited with code 1");
});

Deno.test("a closed pool cancels its runs, closes its lanes, and takes no more", async () => {
  const { pool, made } = poolOf(2, 1);
  const { run, told } = runOf("a:");
  pool.add(run);
  await pool.openAll();
  await pool.close();
  assertEquals(told, ["cancelled: The executor was closed"]);
  assertEquals(made.map(({ lane }) => lane.closed), [1, 1]);
  assertThrows(() => pool.add(run), TypeError, "closed");
  await assertRejects(() => pool.openAll(), TypeError, "closed");
});
