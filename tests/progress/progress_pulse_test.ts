import { assertEquals } from "@std/assert";
import { type Pulse, TrialPulses } from "../../lib/progress/progress.ts";
import { VirtualTime } from "../dispatch/virtual_time.ts";
import type { TimingEvent, TrialPulse, TrialResult, TrialSpec } from "../../lib/timing/spec.ts";

const trial = { model: "workers" } as TrialSpec;
const now: TrialPulse = {
  lanes: [1, 0],
  slots: 4,
  latencyMs: { median: 5, most: 9 },
  runMs: 500,
  settled: 10,
  failed: 2,
  total: 40,
};

function ended(failures?: TrialResult["failures"]): TimingEvent {
  return { type: "trial-ended", trial, result: { failures } as TrialResult };
}

Deno.test("each trial is a part of its own, with the rate since its first item", () => {
  const shown: Pulse[] = [];
  using time = new VirtualTime();
  const pulses = new TrialPulses((pulse) => shown.push(pulse));
  time.pass(250);
  pulses.take("pages", { type: "trial-started", trial, number: 2, of: 15 });
  pulses.take("pages", { type: "pulse", pulse: now });
  pulses.take("pages", { type: "progress", settled: 10, total: 40 });
  pulses.take("pages", ended());
  const { runMs: _, total = null, ...rest } = now;
  const part = "pages: workers, trial 2 of 15";
  assertEquals(shown, [{ ...rest, total, atMs: 250, part, perSecond: 20, reasons: [] }]);
});

Deno.test("reasons of failure are counted over all trials, the most frequent first", () => {
  const shown: Pulse[] = [];
  const pulses = new TrialPulses((pulse) => shown.push(pulse));
  const failure = { count: 2, index: 0, message: "no" };
  pulses.take("pages", { type: "trial-started", trial, number: 1, of: 2 });
  const { total: _, ...unknown } = now;
  pulses.take("pages", { type: "pulse", pulse: { ...unknown, runMs: 0 } });
  pulses.take("pages", ended([{ ...failure, reason: "reset" }]));
  pulses.take("pages", { type: "trial-started", trial, number: 2, of: 2 });
  pulses.take("pages", ended([{ ...failure, reason: "HTTP 503", status: 503, count: 3 }]));
  assertEquals(shown.map(({ perSecond, total }) => [perSecond, total]), Array(3).fill([0, null]));
  assertEquals(shown.map(({ reasons }) => reasons), [
    [],
    [{ reason: "reset", count: 2 }],
    [{ reason: "HTTP 503", count: 3 }, { reason: "reset", count: 2 }],
  ]);
});
