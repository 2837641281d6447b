import { assertEquals } from "@std/assert";
import type { Batch } from "../../lib/dispatch/batch.ts";
import { Bag, Fifo } from "../../lib/dispatch/collections.ts";
import fc from "../properties.ts";
import { FakeLane } from "./fake_lane.ts";
import { FakeRun, openLane } from "./fake_run.ts";

const run = new FakeRun();

Deno.test("what comes first is taken first, however many come and go", () => {
  const queue = new Fifo<number>();
  let [pushed, taken] = [0, 0];
  for (const [more, less] of [[3000, 1100], [10, 900], [0, 1010], [5, 5]] as const) {
    for (let n = 0; n < more; n++) queue.push(pushed++);
    for (let n = 0; n < less; n++) {
      assertEquals(queue.first, taken);
      assertEquals(queue.shift(), taken++);
    }
    assertEquals(queue.size, pushed - taken);
  }
  assertEquals([queue.first, queue.shift(), queue.size], [undefined, undefined, 0]);
});

Deno.test("those that wait can be looked at, and dropped", () => {
  const queue = new Fifo<string>();
  for (const item of ["a", "b", "c", "d"]) queue.push(item);
  queue.shift();
  assertEquals(queue.slice(1, 3), ["c", "d"]);
  queue.prepend(["y", "z"]);
  assertEquals([queue.first, queue.size, queue.slice(0, 5)], ["y", 5, ["y", "z", "b", "c", "d"]]);
  queue.filter((item) => item < "c" || item > "y");
  assertEquals([queue.shift(), queue.first, queue.size], ["z", "b", 1]);
  queue.clear();
  assertEquals([queue.size, queue.first], [0, undefined]);
});

/** An operation on a bag, and on the set that it is compared with. */
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ does: fc.constant("add"), which: fc.nat({ max: 9 }) }) },
  { weight: 5, arbitrary: fc.record({ does: fc.constant("delete"), which: fc.nat({ max: 9 }) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("clear"), which: fc.constant(0) }) },
);

Deno.test("a bag holds what a set would hold, whatever comes and goes", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const batches = Array.from({ length: 10 }, () => run.batch(["x"]));
      const bag = new Bag<Batch>();
      const model = new Set<Batch>();
      for (const { does, which } of steps) {
        const batch = batches[which]!;
        if (does === "clear") {
          bag.clear();
          model.clear();
        } else if (does === "delete") {
          bag.delete(batch);
          model.delete(batch);
        } else if (!model.has(batch)) {
          bag.add(batch);
          model.add(batch);
        }
        assertEquals(bag.size, model.size);
        assertEquals(new Set(bag), model);
        for (const batch of batches) assertEquals(bag.has(batch), model.has(batch));
      }
    }),
  );
});

Deno.test("a bag does not take what is in another for its own", () => {
  const [one, two] = [new Bag<Batch>(), new Bag<Batch>()];
  const [mine, other] = [run.batch(["x"]), run.batch(["y"])];
  one.add(mine);
  two.add(other);
  assertEquals([one.has(other), two.has(mine)], [false, false]);
  one.delete(other);
  assertEquals([one.size, two.size], [1, 1]);
});

Deno.test("a bag may be emptied while it is iterated", () => {
  const { inFlight } = openLane(new FakeLane());
  const batches = [1, 2, 3].map(() => run.batch(["x"]));
  for (const batch of batches) inFlight.add(batch);
  const seen: Batch[] = [];
  for (const batch of inFlight) {
    seen.push(batch);
    inFlight.delete(batch);
  }
  assertEquals([seen, inFlight.size], [batches, 0]);
});
