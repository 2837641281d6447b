import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { Candidate } from "../../../lib/advice/prediction/candidate.ts";
import {
  listScheduleMs,
  predict,
  saturationSlots,
  totalMs,
} from "../../../lib/advice/prediction/predict.ts";
import { MACHINE, sampleFor } from "../fixture.ts";
import fc from "fast-check";

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

Deno.test("saturationSlots() counts the slots that keep a lane busy", () => {
  assertEquals(saturationSlots(5, 20), 4);
  assertEquals(saturationSlots(0, 20), Infinity);
  assertEquals(saturationSlots(20, 20), 1);
});

const SEQUENTIAL: Candidate = { model: "sequential", lanes: 1, slots: 1 };
const CONCURRENT: Candidate = { model: "concurrent", lanes: 1, slots: Infinity };
const WORKERS: Candidate = { model: "workers", lanes: 2, slots: 1 };

function gain(of: Parameters<typeof sampleFor>[0], candidate: Candidate, items = 100): number {
  const sample = sampleFor(of);
  return totalMs(predict(sample, SEQUENTIAL, items, MACHINE)) /
    totalMs(predict(sample, candidate, items, MACHINE));
}

Deno.test("predict() expects slots to fill waits, up to the event loop's own work", () => {
  assert(gain({ waitMs: 20 }, CONCURRENT) > 60);
  assertAlmostEquals(gain({ computeMs: 1, waitMs: 9 }, CONCURRENT), 10, 2);
  assertAlmostEquals(gain({ waitMs: 20 }, { model: "limited", lanes: 1, slots: 5 }), 5, 0.3);
});

Deno.test("predict() expects nothing of slots where tasks compute", () => {
  assertAlmostEquals(gain({ computeMs: 20 }, CONCURRENT), 1, 0.05);
});

Deno.test("predict() expects lanes to gain what the machine's ceiling allows, less their start", () => {
  const gained = gain({ computeMs: 20 }, WORKERS);
  assert(gained > 1.75 && gained <= MACHINE.ceiling, String(gained));
  assert(gain({ computeMs: 0.1 }, WORKERS) < 0.5);
});

Deno.test("predict() expects lanes with slots to gain most where tasks wait and compute", () => {
  const mixed = { computeMs: 5, waitMs: 5 };
  const both = gain(mixed, { model: "workers", lanes: 2, slots: 4 });
  assert(both > gain(mixed, WORKERS) && both > gain(mixed, CONCURRENT));
});

Deno.test("predict() takes the copying of large payloads off a lane's gain", () => {
  const large = { computeMs: 5, transfer: { cloneMs: 4 } };
  assert(gain(large, WORKERS) < gain({ computeMs: 5 }, WORKERS) - 0.2);
});

Deno.test("predict() counts getting the items as the serial part that no lane can share", () => {
  const gained = gain({ computeMs: 5, sourceMs: 5 }, WORKERS);
  assert(gained > 1.2 && gained <= 2, String(gained));
  assert(gain({ computeMs: 1, sourceMs: 9 }, WORKERS) < 1.15);
});

Deno.test("predict() puts its likely time between its ends", () => {
  const sample = sampleFor({ computeMs: 4, waitMs: 6 });
  for (const slots of [1, 2, 5, 50]) {
    const { lowMs, runMs, highMs } = predict(
      sample,
      { model: "limited", lanes: 1, slots },
      100,
      MACHINE,
    );
    assert(lowMs <= runMs && runMs <= highMs);
  }
});

Deno.test("predict() counts waking a thread only as often as it sleeps", () => {
  const waking = { computeMs: 0.3, waitMs: 15 };
  assert(gain({ ...waking, wakeMs: 0.2 }, CONCURRENT) > 1.3 * gain(waking, CONCURRENT));
  const few: Candidate = { model: "limited", lanes: 1, slots: 2 };
  assertAlmostEquals(gain({ ...waking, wakeMs: 0.2 }, few), gain(waking, few), 0.05);
});

Deno.test("predict() expects tasks on a lane elsewhere to wait together, the less of it the more slots", () => {
  const mixed = { computeMs: 5, waitMs: 5 };
  const lanes = (slots: number): Candidate => ({ model: "workers", lanes: 2, slots });
  const more = gain(mixed, lanes(16), 1000) / gain(mixed, lanes(4), 1000);
  assert(more > 1.05 && more < 1.25, String(more));
});
