import { assertEquals } from "@std/assert";
import { outcomeAt, type Settled, valueAt } from "../../lib/dispatch/output.ts";
import { FakeLane } from "./fake_lane.ts";
import { FakeRun, openLane, sendTo } from "./fake_run.ts";

const history = { firstIndex: 6, attempt: 2, queuedAtMs: 10 };
const batch = sendTo(openLane(new FakeLane({}, 3)), new FakeRun().batch(["a", "b", "c"], history));
const report = {
  values: Float64Array.of(1.5, 2.5),
  startedAtMs: 20,
  endedAtMs: 30,
  times: undefined,
};
const settled: Settled = {
  batch,
  from: 1,
  count: 2,
  rejection: undefined,
  isStarted: true,
  report,
  reportFrom: 0,
};

Deno.test("items without times of their own share those of all that settled with them", () => {
  assertEquals(outcomeAt(settled, 1), {
    status: "fulfilled",
    value: 2.5,
    index: 8,
    item: "c",
    lane: 3,
    attempts: 2,
    queuedAtMs: 10,
    startedAtMs: 20,
    endedAtMs: 30,
  });
});

Deno.test("times are found where the first item stands among them", () => {
  const times = Float64Array.of(0, 1, 2, 3, 4, 5, 6, 7);
  const { startedAtMs, endedAtMs } = outcomeAt({
    ...settled,
    report: { ...report, times },
    reportFrom: 2,
  }, 1);
  assertEquals([startedAtMs, endedAtMs], [6, 7]);
});

Deno.test("values that are all undefined need not be there", () => {
  const empty = { ...settled, report: { ...report, values: undefined } };
  assertEquals([valueAt(empty, 1), valueAt(settled, 0)], [undefined, 1.5]);
  const outcome = outcomeAt(empty, 0);
  assertEquals([outcome.status, "value" in outcome], ["fulfilled", true]);
});

Deno.test("what was thrown is told even if it was undefined, and no value beside it", () => {
  const rejection = { ended: "failed", reason: undefined } as const;
  const outcome = outcomeAt({ ...settled, rejection }, 0);
  assertEquals(
    [outcome.status, "reason" in outcome, "value" in outcome],
    ["rejected", true, false],
  );
});
