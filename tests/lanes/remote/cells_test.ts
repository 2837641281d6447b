import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../../properties.ts";
import { Cells, SEVERAL } from "../../../lib/lanes/remote/cells.ts";
import { granted } from "../../granted.ts";

/** Both sides' views of the same memory. */
function sides(slots = 1): { parent: Cells; thread: Cells } {
  const parent = new Cells(slots);
  return { parent, thread: new Cells(slots, parent.buffer) };
}

Deno.test("both sides of the shared memory see which item of a batch runs, and whether it waits", () => {
  const { parent, thread } = sides();
  const [id, other] = [parent.offer(), parent.offer()];
  assertEquals(parent.state(id), undefined);
  assertEquals(thread.take(id), true);
  thread.starting(id, 5, 1.5);
  assertEquals(parent.state(id), { offset: 5, sinceMs: 1.5, waits: false });
  thread.waiting(id);
  assertEquals(parent.state(id), { offset: 5, sinceMs: 1.5, waits: true });
  thread.starting(id, 6, 2.5);
  assertEquals(parent.state(id), { offset: 6, sinceMs: 2.5, waits: false });
  assertEquals(parent.state(other), undefined);
});

Deno.test("a cancelled batch is seen by the thread, and no other", () => {
  const { parent, thread } = sides();
  const ids = [parent.offer(), parent.offer(), parent.offer()];
  parent.cancel(ids[1]!);
  assertEquals(ids.map((id) => thread.isCancelled(id)), [false, true, false]);
});

Deno.test("who cancels a batch sees what ran then, and nothing more of it is started", () => {
  for (const offset of [0, 1, 8191]) {
    const { parent, thread } = sides();
    const id = parent.offer();
    thread.take(id);
    assertEquals(thread.starting(id, offset, 1), false);
    thread.waiting(id);
    parent.cancel(id);
    parent.cancel(id);
    assertEquals(parent.state(id), { offset, sinceMs: 1, waits: true });
    assertEquals(thread.starting(id, offset + 1, 2), true);
  }
});

Deno.test("a thread that ends can say so of a batch that was cancelled", () => {
  const { parent, thread } = sides();
  const id = parent.offer();
  thread.take(id);
  parent.cancel(id);
  thread.starting(id, SEVERAL, 1);
  assertEquals(parent.state(id)?.offset, SEVERAL);
});

Deno.test("a thread that still has a batch which was released is to give it up, and spoils no other's cell", () => {
  const { parent, thread } = sides();
  const id = parent.offer();
  assertEquals([thread.take(id), thread.isCancelled(id)], [true, false]);
  parent.release(id);
  assertEquals(thread.isCancelled(id), true);
  let next = id;
  while (next % 64 !== id % 64 || next === id) {
    parent.release(next);
    next = parent.offer();
  }
  assertEquals(thread.take(next), true);
  thread.starting(next, 2, 1);
  thread.starting(id, 7, 9);
  assertEquals(parent.state(next), { offset: 2, sinceMs: 1, waits: false });
  assertEquals([thread.isCancelled(id), thread.isCancelled(next)], [true, false]);
});

Deno.test("a batch is taken once, by the thread to start it or by the parent to have it back", () => {
  for (const first of ["parent", "thread"] as const) {
    const both = sides();
    const id = both.parent.offer();
    assertEquals(both[first].take(id), true);
    assertEquals([both.parent.take(id), both.thread.take(id)], [false, false]);
  }
});

Deno.test("what was taken back and released is nothing that a thread can take", () => {
  const { parent, thread } = sides();
  const id = parent.offer();
  parent.take(id);
  parent.release(id);
  assertEquals(thread.take(id), false);
});

Deno.test("as many batches as there are cells are on a lane, and not one more", () => {
  for (const [slots, most] of [[1, 64], [4, 64], [5, 128], [100, 2048]] as const) {
    const { parent } = sides(slots);
    const ids = Array.from({ length: most }, () => parent.offer());
    assertEquals(new Set(ids).size, most);
    assertThrows(() => parent.offer(), RangeError, `${most} batches`);
    parent.release(ids[7]!);
    const again = parent.offer();
    assert(!ids.includes(again));
    assertThrows(() => parent.offer(), RangeError);
  }
});

Deno.test("a batch that stays longer than all others keeps its cell, and a new one finds a clean cell", () => {
  const { parent, thread } = sides();
  const old = parent.offer();
  thread.take(old);
  thread.starting(old, 3, 9);
  for (let round = 0; round < 200; round++) {
    const id = parent.offer();
    assertEquals([parent.state(id), thread.isCancelled(id)], [undefined, false]);
    assertEquals(thread.take(id), true);
    thread.starting(id, round, round);
    parent.cancel(id);
    parent.release(id);
  }
  assertEquals(parent.state(old), { offset: 3, sinceMs: 9, waits: false });
  assertEquals(thread.isCancelled(old), false);
});

Deno.test("to release a batch twice takes the cell from no other", () => {
  const { parent, thread } = sides();
  const first = parent.offer();
  parent.release(first);
  for (let count = 1; count < 64; count++) parent.release(parent.offer());
  const inItsCell = parent.offer();
  assertEquals(inItsCell - first, 64);
  parent.release(first);
  assertEquals([thread.take(first), thread.take(inItsCell)], [false, true]);
});

/** A step for a batch; `at` chooses which batch. */
const step = fc.record({
  what: fc.constantFrom("offer", "start", "recall", "cancel", "release"),
  at: fc.nat(),
});

Deno.test("whatever happens to other batches on a lane, each is as if it were alone (seed 1)", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const { parent, thread } = sides();
      const live = new Map<number, { started: boolean; cancelled: boolean }>();
      for (const { what, at } of steps) {
        if (what === "offer") {
          if (live.size < 64) live.set(parent.offer(), { started: false, cancelled: false });
          continue;
        }
        const entry = [...live][at % live.size];
        if (entry === undefined) continue;
        const [id, batch] = entry;
        if (what === "start") {
          assertEquals(thread.take(id), !batch.started);
          if (!batch.started) thread.starting(id, id, id);
          batch.started = true;
        } else if (what === "cancel") {
          parent.cancel(id);
          batch.cancelled = true;
        } else if (what === "release" || parent.take(id)) {
          parent.release(id);
          live.delete(id);
        } else {
          assert(batch.started);
        }
      }
      for (const [id, { started, cancelled }] of live) {
        assertEquals(thread.isCancelled(id), cancelled);
        assertEquals(parent.state(id)?.offset, started ? id : undefined);
      }
    }),
    { seed: 1 },
  );
});

/** How many times both sides take a batch at the same moment. */
const RACES = 3000;

Deno.test({
  name: "when both sides take a batch at the same moment, exactly one has it",
  ignore: !granted("read"),
  async fn() {
    const { parent } = sides(RACES);
    const ids = Array.from({ length: RACES }, () => parent.offer());
    // The parent's and the thread's position.
    const rounds = new Int32Array(new SharedArrayBuffer(8));
    const race = (cells: Cells, ids: number[], rounds: Int32Array, me: 0 | 1) =>
      ids.filter((id, at) => {
        Atomics.store(rounds, me, at + 1);
        while (Atomics.load(rounds, 1 - me) <= at);
        return cells.take(id);
      });
    const code = `
      import { Cells } from ${
      JSON.stringify(new URL("../../../lib/lanes/remote/cells.ts", import.meta.url).href)
    };
      onmessage = ({ data: { buffer, ids, rounds } }) =>
        postMessage((${race})(new Cells(${RACES}, buffer), ids, rounds, 1));
    `;
    const worker = new Worker(`data:text/javascript,${encodeURIComponent(code)}`, {
      type: "module",
    });
    try {
      const answer = new Promise<number[]>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
      });
      worker.postMessage({ buffer: parent.buffer, ids, rounds });
      while (Atomics.load(rounds, 1) === 0) await new Promise((resolve) => setTimeout(resolve));
      const mine = race(parent, ids, rounds, 0);
      const theirs = await answer;
      assertEquals(mine.length + theirs.length, RACES);
      assertEquals(new Set([...mine, ...theirs]).size, RACES);
    } finally {
      worker.terminate();
    }
  },
});

Deno.test("cells are active while a batch was started and isn't done with", () => {
  const cells = new Cells(1);
  const [id, other] = [cells.offer(), cells.offer()];
  assertEquals(cells.areActive, false);
  cells.take(other);
  assertEquals(cells.areActive, true);
  cells.release(other);
  cells.release(id);
  assertEquals(cells.areActive, false);
});
