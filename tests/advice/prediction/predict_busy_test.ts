import { assertEquals } from "@std/assert";
import { busyMatters, wasBusy } from "../../../lib/advice/prediction/predict.ts";
import { MACHINE, sampleFor } from "../fixture.ts";

Deno.test("wasBusy() is told by any of three signs, and busyMatters() asks whether tasks compute", () => {
  const calm = { available: 0.85, others: { used: 0.2, cores: 2 } };
  const machine = { ...MACHINE, ceiling: 1.5 };
  assertEquals(wasBusy(calm, machine), false);
  assertEquals(wasBusy({ available: 0.85, others: undefined }, machine), false);
  assertEquals(wasBusy({ ...calm, others: { used: 0.3, cores: 2 } }, machine), true);
  assertEquals(wasBusy({ ...calm, available: 0.84 }, machine), true);
  // The tasks queued for a core, but hardly any other program used one.
  const alone = { available: 0.5, others: { used: 0.09, cores: 2 } };
  assertEquals(wasBusy(alone, machine), false);
  assertEquals(wasBusy({ ...alone, others: undefined }, machine), true);
  assertEquals(wasBusy({ ...calm, others: undefined }, { ...machine, ceiling: 1.49 }), true);
  // The ceiling is low, but no other program held up the independent processes.
  assertEquals(wasBusy(calm, { ...machine, ceiling: 1.08 }), false);
  const shared = { name: "cache", module: "file:///job.ts", line: 1 };
  const minds = (cpuShare: number, othersUse: number, more: { shared?: typeof shared } = {}) =>
    busyMatters({
      sample: { ...sampleFor({ computeMs: 5, othersUse }), cpuShare },
      machine,
      horizon: 100,
      ...more,
    });
  assertEquals(minds(0.9, 1, { shared }), false, "they stay on one event loop");
  assertEquals([minds(0.9, 1), minds(0.36, 1), minds(0.35, 1), minds(0.9, 0)], [
    true,
    true,
    false,
    false,
  ]);
});
