import { assert, assertEquals } from "@std/assert";
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
  assertEquals([part.openLane, part.laneState, part.asked], [undefined, undefined, undefined]);
  assertEquals([part.sentCount, part.reported, part.bagIndex], [0, 0, -1]);
});
