import { assert, assertEquals } from "@std/assert";
import fc from "../properties.ts";
import { Bag, type Batch } from "../../lib/dispatch/batch.ts";
import { FakeLane } from "./fake_lane.ts";
import { FakeRun, openLane, sendTo } from "./fake_run.ts";

const run = new FakeRun();

Deno.test("a part of a batch has its items, indexes and history, and its run's settings", () => {
  const whole = run.batch(["a", "b", "c"], { firstIndex: 40, attempt: 3, reruns: 1, kills: 1 });
  const part = whole.part(1, 3, { attempt: 4, alone: true });
  assertEquals([part.firstIndex, part.items], [41, ["b", "c"]]);
  assertEquals([part.attempt, part.history.reruns, part.history.kills, part.alone], [
    4,
    1,
    1,
    true,
  ]);
  assertEquals([part.queuedAtMs, part.run, part.task], [5, run, run.task]);
  assert(whole.part(0, 3).items === whole.items, "the items were copied for nothing");
  assertEquals(whole.part(3, 3).items, []);
});

Deno.test("a part of a batch knows nothing of the lane that the whole was on", () => {
  const whole = sendTo(openLane(new FakeLane()), run.batch(["a", "b"]));
  whole.reported = 1;
  whole.asked = { atMs: 0, why: "cancel", offset: -1 };
  const part = whole.part(0, 2);
  assertEquals([part.on, part.note, part.asked], [undefined, undefined, undefined]);
  assertEquals([part.sentCount, part.reported, part.place], [0, 0, -1]);
});

/** What can be done to a bag, and to a set that stands for it. */
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

Deno.test("a bag may change while it is gone through", () => {
  const { inFlight, ...on } = openLane(new FakeLane());
  const batches = [1, 2, 3].map(() => run.batch(["x"]));
  for (const batch of batches) inFlight.add(batch);
  const seen: Batch[] = [];
  for (const batch of inFlight) {
    seen.push(batch);
    inFlight.delete(batch);
  }
  assertEquals([seen, inFlight.size, on.retired], [batches, 0, false]);
});
