import { assert, assertEquals } from "@std/assert";
import type { Batch } from "../../lib/dispatch/batch.ts";
import { Lines } from "../../lib/dispatch/queue.ts";
import { FakeRun } from "./fake_run.ts";
import { VirtualTime } from "./virtual_time.ts";

const run = new FakeRun();
const batchOf = (key: string | number | undefined, firstIndex = 0) =>
  run.batch(["x"], { key, firstIndex });

/** Takes what is next, and notes that it is sent. */
function take(lines: Lines): Batch {
  const batch = lines.take()!;
  lines.limitOf(batch)?.take(batch);
  return batch;
}

Deno.test("keys take turns, and each keeps its order", () => {
  const lines = new Lines({ slots: 9 }, () => {});
  for (let at = 0; at < 6; at++) lines.add(batchOf(at % 2 === 0 ? "even" : "odd", at));
  lines.putBack(batchOf("odd", 7));
  assertEquals([lines.waiting, lines.fresh], [7, 6]);
  assertEquals(Array.from({ length: 7 }, () => take(lines).firstIndex), [0, 7, 2, 1, 4, 3, 5]);
  assertEquals([lines.waiting, lines.fresh, lines.next], [0, 0, undefined]);
});

Deno.test("what has no key has no limit, and the latest that came back goes first", () => {
  const lines = new Lines({ slots: 1 }, () => {});
  for (const at of [1, 2, 3]) lines.putBack(batchOf(undefined, at));
  assertEquals([take(lines), take(lines), take(lines)].map((batch) => batch.firstIndex), [3, 2, 1]);
});

Deno.test("a key is forgotten when nothing of it waits, runs, or counts any more", () => {
  using time = new VirtualTime();
  const lines = new Lines({ rate: { limit: 1, perMs: 100 } }, () => {});
  for (let key = 0; key < 10_000; key++) {
    lines.add(batchOf(key));
    const batch = take(lines);
    batch.sentCount = 1;
    batch.sentAtMs = time.nowMs;
    lines.limitOf(batch)!.sent(batch);
    lines.leave(batch, time.nowMs);
    time.pass(1);
    assert(lines.keys <= 200, `${lines.keys} keys are remembered`);
  }
  const slots = new Lines({ slots: 1 }, () => {});
  for (let key = 0; key < 100; key++) {
    slots.add(batchOf(key));
    slots.leave(take(slots), NaN);
    assertEquals(slots.keys, 0);
  }
});

Deno.test("a key in a pause is remembered, whatever others come and go", () => {
  using time = new VirtualTime();
  let more = 0;
  const lines = new Lines({ slots: 1 }, () => more++);
  lines.add(batchOf("a"));
  const paused = take(lines);
  lines.leave(paused, NaN);
  lines.limitOf(paused)!.pause(time.nowMs + 1_000);
  for (const key of ["b", "c", "d", "e", "a"]) {
    lines.add(batchOf(key));
    if (key === "a") break;
    lines.leave(take(lines), NaN);
  }
  assertEquals([lines.next, more], [undefined, 0]);
  time.pass(1_000);
  assertEquals([lines.next?.history.key, more], ["a", 1]);
});

Deno.test("given up, lines give all that waits, and set no timer more", () => {
  using time = new VirtualTime();
  const lines = new Lines({ slots: 1 }, () => {});
  for (const key of ["a", "a", undefined]) lines.add(batchOf(key));
  lines.limitOf(batchOf("a"))!.pause(time.nowMs + 10);
  assertEquals([take(lines).history.key, lines.next, time.timers], [undefined, undefined, 1]);
  assertEquals(lines.drop().map(({ history }) => history.key), ["a", "a"]);
  assertEquals([lines.waiting, lines.keys, time.timers], [0, 0, 0]);
});

Deno.test("a key that waits again isn't forgotten when another one is idle", () => {
  using time = new VirtualTime();
  const lines = new Lines({ rate: { limit: 1, perMs: 100 } }, () => {});
  const send = (key: string) => {
    lines.add(batchOf(key));
    const batch = take(lines);
    batch.sentCount = 1;
    batch.sentAtMs = time.nowMs;
    lines.limitOf(batch)!.sent(batch);
    return batch;
  };
  const other = send("b");
  lines.leave(send("a"), time.nowMs);
  lines.add(batchOf("a"));
  const limit = lines.limitOf(batchOf("a"));
  assertEquals(lines.next, undefined);
  time.pass(100);
  lines.leave(other, time.nowMs);
  assert(lines.limitOf(batchOf("a")) === limit, "the key was forgotten");
  assertEquals([lines.waiting, lines.next?.history.key], [1, "a"]);
});
