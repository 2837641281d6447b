import { assert, assertEquals } from "@std/assert";
import type { Batch } from "../../lib/dispatch/batch.ts";
import type { LaneBatch } from "../../lib/lanes/lane.ts";
import { type FakePool, poolOf } from "./fake_lane.ts";
import { FakeRun } from "./fake_run.ts";
import { mapSettled } from "./start.ts";
import { VirtualTime } from "./virtual_time.ts";

/** Finishes the batches on the lanes until none is left. */
function finishAll({ made }: FakePool): void {
  for (let batch: Batch | undefined; (batch = made[0]!.batches[0] as Batch | undefined);) {
    made[batch.openLane!.number]!.finish(batch);
  }
}

/** The names of runs in the order in which their batches were sent. */
function orderOf(runs: readonly FakeRun[]): string[] {
  const order: string[] = [];
  for (const run of runs) {
    const note = run.onSend.bind(run);
    run.onSend = (batch) => {
      order.push(run.task.module.slice(0, -1));
      note(batch);
    };
  }
  return order;
}

Deno.test("runs take turns", () => {
  const parts = poolOf();
  const [a, b, c] = ["a", "b", "c"].map((name) => new FakeRun(name));
  const order = orderOf([a!, b!, c!]);
  a!.has(3);
  b!.has(2);
  parts.pool.do(() => [a!, b!, c!].forEach((run) => parts.pool.add(run)));
  finishAll(parts);
  assertEquals(order.join(""), "ababa");
});

Deno.test("a run that is woken often has no more turns than the others", () => {
  const parts = poolOf();
  const [a, b] = ["a", "b"].map((name) => new FakeRun(name).has(3));
  const order = orderOf([a!, b!]);
  parts.pool.do(() => [a!, b!].forEach((run) => parts.pool.add(run)));
  for (let woken = 0; woken < 5; woken++) parts.pool.wake(a!);
  finishAll(parts);
  assertEquals(order.join(""), "ababab");
});

Deno.test("runs whose tasks can't share a lane take turns, and end no lane before it did what it was sent", () => {
  // The lanes take time to start, so a batch that wasn't started could be taken back.
  const { pool, made } = poolOf({ quick: false });
  const runs = ["a", "b"].map((name) => new FakeRun(name).has(3));
  pool.do(() => runs.forEach((run) => pool.add(run)));
  const order: string[] = [];
  for (let turn = 0; turn < 6; turn++) {
    const lane = made.at(-1)!;
    lane.accepting = ({ module }) => module === lane.tasks[0];
    for (const run of runs) pool.wake(run);
    assertEquals(made.length, turn + 1);
    const [batch] = lane.batches as Batch[];
    order.push(lane.tasks[0]!);
    lane.becomeReady();
    lane.loaded(batch!);
    lane.finish(batch!);
  }
  assertEquals(order, ["a:", "b:", "a:", "b:", "a:", "b:"]);
});

Deno.test("a thousand runs of one item each run in the order of their arrival", () => {
  const parts = poolOf();
  const names = Array.from({ length: 1000 }, (_, n) => `run ${n}`);
  const runs = names.map((name) => new FakeRun(name).has(1));
  const order = orderOf(runs);
  for (const run of runs) run.join(parts.pool);
  finishAll(parts);
  assertEquals(order, names);
});

Deno.test("real runs, too, have their turns in the order of their arrival, and all come to their end", async () => {
  const parts = poolOf();
  const tasks = Array.from(
    { length: 1000 },
    (_, n) => ({ module: `run-${n}:`, export: "default" }),
  );
  const all = tasks.map((task) => mapSettled(parts.pool, ["x"], {}, task).toArray());
  const order: string[] = [];
  for (let batch: LaneBatch | undefined; (batch = parts.made[0]!.batches[0]) !== undefined;) {
    order.push(batch.task.module);
    parts.made[0]!.finish(batch);
  }
  assertEquals(order, tasks.map(({ module }) => module));
  for (const outcomes of await Promise.all(all)) assertEquals(outcomes.length, 1);
});

Deno.test("a run that comes back goes behind those that wait", () => {
  const parts = poolOf();
  const runs = ["a", "b", "c"].map((name) => new FakeRun(name).has(1));
  const order = orderOf(runs);
  for (const run of runs) run.join(parts.pool);
  parts.made[0]!.finish(runs[0]!.sent[0]!);
  parts.pool.wake(runs[0]!.has(1, 20));
  finishAll(parts);
  assertEquals(order.join(""), "abca");
});

for (const takesAhead of [false, true]) {
  Deno.test(`however many runs there are, each is asked only a few times (${takesAhead ? "" : "not "}sending ahead)`, () => {
    for (const count of [100, 1000]) {
      const parts = poolOf({ takesAhead });
      const runs = Array.from({ length: count }, (_, n) => new FakeRun(`run ${n}`).has(2));
      for (const run of runs) run.join(parts.pool);
      finishAll(parts);
      const peeks = runs.reduce((sum, run) => sum + run.peeks, 0);
      assert(runs.every(({ sent }) => sent.length === 2));
      // A run is asked twice per batch, once at the end, and once when it is added.
      assert(peeks <= 8 * count, `${peeks} times for ${count} runs of two batches`);
    }
  });
}

Deno.test("runs that wait while one has a lane for itself are not asked again and again", () => {
  const { pool, made } = poolOf({ lanes: 2, slots: 2 });
  const lone = new FakeRun("lone").has(1, 10, { alone: true }).join(pool);
  const busy = new FakeRun("busy").has(300).join(pool);
  const others = Array.from({ length: 100 }, (_, n) => new FakeRun(`run ${n}`).has(1));
  for (const run of others) run.join(pool);
  const before = others.reduce((sum, { peeks }) => sum + peeks, 0);
  busy.queue.length = 200;
  pool.wake(busy);
  const [, lane] = made;
  for (let ended = 0; ended < 50; ended++) lane!.finish(lane!.batches[0]!);
  const peeks = others.reduce((sum, { peeks }) => sum + peeks, 0) - before;
  assertEquals(lone.told, []);
  assert(peeks <= 8 * 50, `${peeks} times while 50 batches ended`);
});

Deno.test("while all slots are taken only runs of tiny tasks send more, whoever's turn it is", () => {
  const { pool, made } = poolOf({ takesAhead: true });
  const slow = new FakeRun("slow").has(3).join(pool);
  const tiny = new FakeRun("tiny").has(3, 20);
  tiny.ahead = 1;
  tiny.join(pool);
  assertEquals([slow.sent.length, tiny.sent.length], [1, 1]);
  assertEquals([tiny.told, made[0]!.batches.length], [["20 waits"], 2]);
});

Deno.test("a batch that must run alone is not sent ahead to a lane where others run", () => {
  const { pool, made } = poolOf({ takesAhead: true });
  new FakeRun("slow").has(3).join(pool);
  const tiny = new FakeRun("tiny").has(1, 20, { alone: true });
  tiny.ahead = 1;
  tiny.join(pool);
  assertEquals([tiny.sent.length, made[0]!.batches.length], [0, 1]);
});

/** A pool on this event loop with a run whose tasks each take `taskMs` milliseconds. */
function local(time: VirtualTime, count: number, taskMs: number) {
  const { pool, made } = poolOf({ remote: false, quick: true });
  const run = new FakeRun().has(count);
  // The tasks never wait: each has ended when it is sent.
  const note = run.onSend.bind(run);
  run.onSend = (batch) => {
    note(batch);
    const [lane] = made;
    lane!.send = (sent) => {
      Object.getPrototypeOf(lane).send.call(lane, sent);
      time.nowMs += taskMs;
      lane!.finish(sent);
    };
  };
  run.join(pool);
  return { pool, run, made };
}

Deno.test("tasks that never wait are stopped after 20 ms, until the event loop has turned", () => {
  using time = new VirtualTime();
  const { run } = local(time, 20, 5);
  assertEquals([run.sent.length, time.immediates], [4, 1]);
  time.turn();
  assertEquals([run.sent.length, time.immediates], [8, 1]);
});

Deno.test("after 200 ms of tasks that never wait the event loop sleeps, so that others' news come in", () => {
  using time = new VirtualTime();
  const { run } = local(time, 9, 100);
  const seen = [];
  for (let turn = 0; turn < 6; turn++) {
    seen.push([run.sent.length, time.immediates, time.timers]);
    if (time.timers > 0) time.pass(1);
    else time.turn();
  }
  assertEquals(seen, [[2, 1, 0], [4, 0, 1], [6, 1, 0], [8, 0, 1], [9, 0, 0], [9, 0, 0]]);
});

Deno.test("however often the pool is asked meanwhile, the event loop turns first", () => {
  using time = new VirtualTime();
  const { pool, run } = local(time, 9, 20);
  assertEquals(run.sent.length, 2);
  for (let asked = 0; asked < 5; asked++) pool.wake(run);
  assertEquals([run.sent.length, time.immediates], [2, 1]);
  time.turn();
  assertEquals(run.sent.length, 4);
});

Deno.test("what runs elsewhere doesn't hold this event loop up, and is sent without end", () => {
  using time = new VirtualTime();
  const { pool } = poolOf({ slots: 100 });
  const run = new FakeRun().has(50);
  const note = run.onSend.bind(run);
  run.onSend = (batch) => {
    note(batch);
    time.nowMs += 5;
  };
  run.join(pool);
  assertEquals([run.sent.length, time.immediates], [50, 0]);
});

Deno.test("a closed pool waits for no turn of the event loop", async () => {
  using time = new VirtualTime();
  const { pool } = local(time, 9, 30);
  assertEquals(time.immediates, 1);
  await pool.close();
  assertEquals(time.immediates, 0);
});

Deno.test("runs that find no place keep their turns, whatever others send meanwhile", () => {
  const { pool, made } = poolOf({ slots: 4 });
  const join = (name: string, firstIndex: number) => {
    const run = new FakeRun(name).has(1, firstIndex).join(pool);
    for (const lane of made) lane.accepting = ({ module }) => module === lane.tasks[0];
    return run;
  };
  const [first, second] = [join("a", 10), join("b", 20)];
  // The first task's lane was replaced while it runs, so there is no place for a third one.
  for (const index of [30, 31, 32]) join("c", index);
  join("b", 21);
  assertEquals([made.length, made[1]!.batches.map(({ firstIndex }) => firstIndex)], [2, [20, 21]]);
  made[0]!.finish(first!.sent[0]!);
  for (const batch of made[1]!.batches) made[1]!.finish(batch);
  assertEquals(second!.told, ["20 ended"]);
  assertEquals(made[2]!.batches.map(({ firstIndex }) => firstIndex), [30, 31, 32]);
});

Deno.test("runs that are removed while they wait are forgotten, and never asked", () => {
  const parts = poolOf();
  const { pool } = parts;
  new FakeRun("busy").has(1).join(pool);
  const runs = Array.from({ length: 100 }, (_, n) => new FakeRun(`run ${n}`).has(1));
  for (const run of runs) run.join(pool);
  const [left, ...removed] = runs;
  const before = removed.map(({ peeks }) => peeks);
  pool.do(() => removed.forEach((run) => pool.remove(run)));
  finishAll(parts);
  assertEquals([left!.told, removed.map(({ peeks }) => peeks)], [["10 ended"], before]);
});
