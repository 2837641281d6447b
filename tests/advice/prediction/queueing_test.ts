import { assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  listScheduleMs,
  meanValueThroughput,
  saturationSlots,
} from "../../../lib/advice/prediction/queueing.ts";

Deno.test("listScheduleMs() gives each item to the slot that is free first", () => {
  assertEquals(listScheduleMs([4, 2, 2, 4], 2), 8);
  assertEquals(listScheduleMs([4, 2, 2, 4], 1), 12);
  assertEquals(listScheduleMs([4, 2, 2, 4], Infinity), 4);
  assertEquals(listScheduleMs([], 3), 0);
});

Deno.test("listScheduleMs() keeps Graham's bound", () => {
  const times = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1 });
  fc.assert(fc.property(times, fc.integer({ min: 1, max: 20 }), (of, slots) => {
    const sum = of.reduce((a, b) => a + b, 0);
    const most = Math.max(...of);
    const took = listScheduleMs(of, slots);
    return took >= Math.max(most, sum / slots) - 1e-6 &&
      took <= sum / slots + (1 - 1 / slots) * most + 1e-6;
  }));
});

Deno.test("meanValueThroughput() gives one task's time with one slot, and the CPU's limit with many", () => {
  assertAlmostEquals(meanValueThroughput(5, 15, 1), 1 / 20);
  assertAlmostEquals(meanValueThroughput(5, 15, 500), 1 / 5, 1e-3);
  assertAlmostEquals(meanValueThroughput(0, 10, 8), 0.8);
});

Deno.test("meanValueThroughput() grows with slots and stays below the asymptotic bounds", () => {
  const ms = fc.double({ min: 0.01, max: 100, noNaN: true });
  fc.assert(fc.property(ms, ms, fc.integer({ min: 1, max: 60 }), (compute, wait, slots) => {
    const throughput = meanValueThroughput(compute, wait, slots);
    return throughput <= Math.min(slots / (compute + wait), 1 / compute) * (1 + 1e-9) &&
      throughput >= meanValueThroughput(compute, wait, Math.max(1, slots - 1)) - 1e-12;
  }));
});

Deno.test("saturationSlots() counts the slots that keep a lane busy", () => {
  assertEquals(saturationSlots(5, 20), 4);
  assertEquals(saturationSlots(0, 20), Infinity);
  assertEquals(saturationSlots(20, 20), 1);
});
