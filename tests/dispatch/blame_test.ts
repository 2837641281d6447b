import { assertEquals } from "@std/assert";
import fc from "../properties.ts";
import { blame } from "../../lib/dispatch/blame.ts";
import type { BatchProgress } from "../../lib/lanes/lane.ts";
import { FakeLane } from "./fake_lane.ts";
import { FakeRun, kindOf, openLane, sendTo } from "./fake_run.ts";

/** A batch on a lane that reports this progress of it. */
function lostAt(at: BatchProgress, items = 3, reported = 0, sentCount = items) {
  const lane = new FakeLane();
  const batch = sendTo(openLane(lane), new FakeRun().batch(new Array(items).fill("x")));
  lane.held(batch).at = at;
  batch.reported = reported;
  batch.sentCount = sentCount;
  return batch;
}

const running = { state: "running", offset: 1, sinceMs: 40 } as const;

Deno.test("the only item that ran when a lane died is the culprit", () => {
  const verdicts = blame([lostAt({ state: "waiting" }), lostAt(running)]);
  assertEquals(verdicts, [
    { at: { state: "waiting" }, fault: "perhaps" },
    { at: running, fault: "certain" },
  ]);
});

Deno.test("items that ran beside each other are all suspect", () => {
  const verdicts = blame([lostAt(running), lostAt(running)]);
  const suspect = { at: running, fault: "perhaps" } as const;
  assertEquals(verdicts, [suspect, suspect]);
});

Deno.test("where a lane can't tell which item ran, each unreported one may have been it", () => {
  assertEquals(blame([lostAt({ state: "unknown" })]).map(kindOf), ["suspects"]);
  const beside = blame([lostAt({ state: "unknown" }), lostAt(running)]).map(kindOf);
  assertEquals(beside, ["suspects", "suspect"]);
});

Deno.test("the only item left on a lane is the one that ran, even where the lane can't tell", () => {
  const [last] = blame([lostAt({ state: "unknown" }, 3, 2)]);
  assertEquals(last, { at: { state: "running", offset: 2, sinceMs: NaN }, fault: "certain" });
  const [onlySent] = blame([lostAt({ state: "unknown" }, 3, 0, 1)]);
  assertEquals(onlySent, { at: { state: "running", offset: 0, sinceMs: NaN }, fault: "certain" });
});

Deno.test("if another is known to be to blame, what ran is a victim, and no suspect", () => {
  const lost = [lostAt(running), lostAt({ state: "waiting" }), lostAt({ state: "unknown" })];
  assertEquals(blame(lost, true).map(kindOf), ["victim", "innocent", "victims"]);
});

Deno.test("where it is known whose task did it, the others are victims, and all are if it had ended", () => {
  const lost = [lostAt(running), lostAt(running), lostAt({ state: "unknown" })];
  assertEquals(blame(lost, false, undefined, lost[1]).map(kindOf), [
    "victim",
    "culprit",
    "victims",
  ]);
  assertEquals(blame(lost, false, undefined, "ended").map(kindOf), ["victim", "victim", "victims"]);
  const [again] = lost;
  Object.assign(again!, { history: { ...again!.history, reruns: 3 } });
  assertEquals(blame([again!], false, undefined, "ended").map(kindOf), ["culprit"]);
  assertEquals(blame([again!, lost[1]!], false, undefined, lost[1]).map(kindOf), [
    "victim",
    "culprit",
  ]);
});

Deno.test("who loses its machine is suspected, and to blame if it was alone for that before", () => {
  const kindsOf = (...lost: ReturnType<typeof lostAt>[]) =>
    blame(lost, false, "slight").map(kindOf);
  const rerun = (at: BatchProgress, changes: object) => {
    const batch = lostAt(at);
    return Object.assign(batch, { history: { ...batch.history, ...changes } });
  };
  const loading = { state: "loading", sinceMs: 0 } as const;
  assertEquals(kindsOf(lostAt(running), lostAt(loading)), ["suspect", "innocent"]);
  assertEquals(kindsOf(rerun(running, { alone: true })), ["culprit"]);
  assertEquals(kindsOf(lostAt({ state: "unknown" })), ["victims"]);
  assertEquals(kindsOf(rerun({ state: "unknown" }, { reruns: 1 })), ["suspects"]);
  // Leaving never counts against a task, however often a machine leaves with it.
  const left = [rerun(running, { alone: true, reruns: 2 })];
  assertEquals(blame(left, false, "none").map(kindOf), ["victim"]);
});

Deno.test("what a lost machine was sent may have been started, and nothing of that been heard", () => {
  const kindAt = (items: number, alone: boolean) => {
    const batch = lostAt({ state: "waiting" }, items);
    Object.assign(batch, { history: { ...batch.history, alone } });
    return kindOf(blame([batch], false, "slight")[0]!);
  };
  assertEquals([kindAt(3, false), kindAt(1, false), kindAt(1, true)], [
    "victims",
    "suspect",
    "culprit",
  ]);
});

Deno.test("no batch that waited or was being loaded is blamed, and at most one is the culprit", () => {
  const progress = fc.constantFrom<BatchProgress>(
    { state: "waiting" },
    { state: "loading", sinceMs: 0 },
    { state: "unknown" },
    running,
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(progress, fc.nat({ max: 2 })), { maxLength: 6 }), (lost) => {
      const verdicts = blame(lost.map(([at, reported]) => lostAt(at, 3, reported)));
      assertEquals(verdicts.length, lost.length);
      const isActive = lost.map(([{ state }]) => state === "running" || state === "unknown");
      const active = isActive.filter(Boolean).length;
      for (const [at, kind] of verdicts.map(kindOf).entries()) {
        assertEquals(kind === "unstarted", !isActive[at]);
        if (kind === "culprit") assertEquals(active, 1);
      }
    }),
  );
});
