import { assertAlmostEquals, assertEquals } from "@std/assert";
import { runningShares } from "../../../lib/report/html/running_share.ts";

const timeline = (cpuShare: number | null, spans: readonly [number, number][]) => ({
  round: 0,
  lanes: [{ lane: 0, startMs: 0, cpuShare }],
  index: spans.map((_, i) => i),
  lane: spans.map(() => 0),
  queuedMs: spans.map(() => 0),
  startedMs: spans.map(([from]) => from),
  endedMs: spans.map(([, to]) => to),
  status: spans.map(() => "fulfilled"),
});

Deno.test("a task alone on its lane runs for its lane's CPU share", () => {
  assertAlmostEquals(runningShares(timeline(0.9, [[0, 10], [10, 30]])).get(0)!, 0.9);
});

Deno.test("tasks in flight together on one lane never run more than one at a time", () => {
  assertAlmostEquals(runningShares(timeline(0.9, [[0, 10], [0, 10], [0, 10]])).get(0)!, 1 / 3);
});

Deno.test("a lane whose CPU time couldn't be told has no running share", () => {
  assertEquals(runningShares(timeline(null, [[0, 10]])).size, 0);
});
