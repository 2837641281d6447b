import { assert, assertEquals } from "@std/assert";
import type { Batch } from "../../lib/dispatch/batch.ts";
import { KeyQueues } from "../../lib/dispatch/queue.ts";
import { FakeRun } from "./fake_run.ts";
import { VirtualTime } from "./virtual_time.ts";

const run = new FakeRun();
const batchOf = (key: string | number | undefined, firstIndex = 0) =>
  run.batch(["x"], { key, firstIndex });

/** Takes the next batch, and counts it as sent. */
function take(queues: KeyQueues): Batch {
  const batch = queues.take()!;
  queues.limitOf(batch)?.take(batch);
  return batch;
}

Deno.test("keys take turns, and each keeps its order", () => {
  const queues = new KeyQueues({ slots: 9 }, () => {});
  for (let at = 0; at < 6; at++) queues.add(batchOf(at % 2 === 0 ? "even" : "odd", at));
  queues.putBack(batchOf("odd", 7));
  assertEquals([queues.waiting, queues.fresh], [7, 6]);
  assertEquals(Array.from({ length: 7 }, () => take(queues).firstIndex), [0, 7, 2, 1, 4, 3, 5]);
  assertEquals([queues.waiting, queues.fresh, queues.next], [0, 0, undefined]);
});

Deno.test("what has no key has no limit, and the latest that came back goes first", () => {
  const queues = new KeyQueues({ slots: 1 }, () => {});
  for (const at of [1, 2, 3]) queues.putBack(batchOf(undefined, at));
  assertEquals([take(queues), take(queues), take(queues)].map((batch) => batch.firstIndex), [
    3,
    2,
    1,
  ]);
});

Deno.test("a key is forgotten when nothing of it waits, runs, or counts any more", () => {
  using time = new VirtualTime();
  const queues = new KeyQueues({ rate: { limit: 1, perMs: 100 } }, () => {});
  for (let key = 0; key < 10_000; key++) {
    queues.add(batchOf(key));
    const batch = take(queues);
    batch.sentCount = 1;
    batch.sentAtMs = time.nowMs;
    queues.limitOf(batch)!.sent(batch);
    queues.leave(batch, time.nowMs);
    time.pass(1);
    assert(queues.keys <= 200, `${queues.keys} keys are remembered`);
  }
  const slots = new KeyQueues({ slots: 1 }, () => {});
  for (let key = 0; key < 100; key++) {
    slots.add(batchOf(key));
    slots.leave(take(slots), NaN);
    assertEquals(slots.keys, 0);
  }
});

Deno.test("a key in a pause is remembered, whatever others come and go", () => {
  using time = new VirtualTime();
  let more = 0;
  const queues = new KeyQueues({ slots: 1 }, () => more++);
  queues.add(batchOf("a"));
  const paused = take(queues);
  queues.leave(paused, NaN);
  queues.limitOf(paused)!.pause(time.nowMs + 1_000);
  for (const key of ["b", "c", "d", "e", "a"]) {
    queues.add(batchOf(key));
    if (key === "a") break;
    queues.leave(take(queues), NaN);
  }
  assertEquals([queues.next, more], [undefined, 0]);
  time.pass(1_000);
  assertEquals([queues.next?.history.key, more], ["a", 1]);
});

Deno.test("after a pause its key's others follow by and by, though none waits when the first has ended", () => {
  using time = new VirtualTime();
  const queues = new KeyQueues({}, () => {});
  const send = () => {
    queues.putBack(batchOf("a"));
    return take(queues);
  };
  const refused = send();
  queues.limitOf(refused)!.pause(time.nowMs + 100);
  queues.leave(refused, NaN);
  time.pass(100);
  queues.leave(send(), NaN);
  send();
  queues.putBack(batchOf("a"));
  assertEquals(queues.next, undefined);
  time.pass(200);
  take(queues);
  queues.putBack(batchOf("a"));
  assertEquals(queues.next, undefined);
  queues.drop();
});

Deno.test("given up, queues give all that waits, and set no timer more", () => {
  using time = new VirtualTime();
  const queues = new KeyQueues({ slots: 1 }, () => {});
  for (const key of ["a", "a", undefined]) queues.add(batchOf(key));
  queues.limitOf(batchOf("a"))!.pause(time.nowMs + 10);
  assertEquals([take(queues).history.key, queues.next, time.timers], [undefined, undefined, 1]);
  assertEquals(queues.drop().map(({ history }) => history.key), ["a", "a"]);
  assertEquals([queues.waiting, queues.keys, time.timers], [0, 0, 0]);
});

Deno.test("a key that waits again isn't forgotten when another one is idle", () => {
  using time = new VirtualTime();
  const queues = new KeyQueues({ rate: { limit: 1, perMs: 100 } }, () => {});
  const send = (key: string) => {
    queues.add(batchOf(key));
    const batch = take(queues);
    batch.sentCount = 1;
    batch.sentAtMs = time.nowMs;
    queues.limitOf(batch)!.sent(batch);
    return batch;
  };
  const other = send("b");
  queues.leave(send("a"), time.nowMs);
  queues.add(batchOf("a"));
  const limit = queues.limitOf(batchOf("a"));
  assertEquals(queues.next, undefined);
  time.pass(100);
  queues.leave(other, time.nowMs);
  assert(queues.limitOf(batchOf("a")) === limit, "the key was forgotten");
  assertEquals([queues.waiting, queues.next?.history.key], [1, "a"]);
});
