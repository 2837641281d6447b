import fc from "../../properties.ts";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { Candidate } from "../../../lib/advice/prediction/candidate.ts";
import {
  classByShare,
  classFor,
  cpuShareOf,
  listSchedule,
  predict,
  saturationSlots,
  totalMs,
} from "../../../lib/advice/prediction/predict.ts";
import { MACHINE, probedOf, sampleFor } from "../fixture.ts";
import { sampleOf } from "../../../lib/advice/probe/sample.ts";

Deno.test("listSchedule() gives each item to the slot that is free first", () => {
  assertEquals(listSchedule([4, 2, 2, 4], 2), { endMs: 8, fullMs: 4 });
  assertEquals(listSchedule([4, 2, 2, 4], 1), { endMs: 12, fullMs: 12 });
  assertEquals(listSchedule([4, 2, 2, 4], 4), { endMs: 4, fullMs: 2 });
  assertEquals(listSchedule([4, 2, 2, 4], Infinity), { endMs: 4, fullMs: 0 });
  assertEquals(listSchedule([], 3), { endMs: 0, fullMs: 0 });
});

Deno.test("listSchedule() keeps Graham's bound", () => {
  const times = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1 });
  fc.assert(fc.property(times, fc.integer({ min: 1, max: 20 }), (of, slots) => {
    const sum = of.reduce((a, b) => a + b, 0);
    const most = Math.max(...of);
    const { endMs: took, fullMs } = listSchedule(of, slots);
    return fullMs <= sum / slots + 1e-6 && took >= Math.max(most, sum / slots) - 1e-6 &&
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

Deno.test("predict() expects each lane to find cold what the first item did", () => {
  const sample = sampleFor({ computeMs: 10, items: 30 });
  const [, ...others] = sample.walls;
  const cold = { count: 1, wallMs: 600, cpuMs: 600, sourceMs: 0 };
  const { wallMs, sourceMs } = sample;
  const rest = { wallMs, cpuMs: wallMs, sourceMs };
  const of = { ...sample, wallMs: wallMs + 20, cpuMs: wallMs + 20, walls: [cold, ...others], rest };
  const ms = (candidate: Candidate) => totalMs(predict(of, candidate, 60, MACHINE));
  // Every lane spends the 600 ms of the first item; the plain loop spends them once in 1,190 ms.
  const gained = ms(SEQUENTIAL) / ms(WORKERS);
  assert(gained > 1.15 && gained < 1.4, String(gained));
});

Deno.test("predict() slows an item down that outlasts all others only while these run beside it", () => {
  const { walls, ...of } = evenSample({ computeMs: 10, items: 41 });
  const [even] = walls as [typeof walls[number]];
  const long = { ...even, count: 1, wallMs: 80 * even.wallMs, cpuMs: 80 * even.cpuMs! };
  const mean = (ms: number) => 120 / 41 * ms;
  const sample = {
    ...{ ...of, wallMs: mean(of.wallMs), cpuMs: mean(of.cpuMs), loopMs: mean(of.loopMs) },
    walls: [{ ...even, count: 25 }, long, { ...even, count: 15 }],
  };
  const itemsAt = (ceiling: number) =>
    predict(sample, WORKERS, 41, { ...MACHINE, ceiling }).runMs / even.wallMs;
  // The long item begins after 12 others on its lane.
  assertAlmostEquals(itemsAt(2), 92, 1);
  assertAlmostEquals(itemsAt(1), 120, 1);
});

Deno.test("predict() takes the copying of large payloads off a lane's gain", () => {
  const large = { computeMs: 5, transfer: { cloneMs: 4 } };
  assert(gain(large, WORKERS) < 1 && gain({ computeMs: 5 }, WORKERS) > 1.5);
  // A lane has to read its items itself; no other thread does that for it.
  assert(gain(large, { model: "workers", lanes: 1, slots: 1 }) < 0.9);
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

Deno.test("predict() expects tasks on a lane elsewhere to wait together, the less of it the more slots", () => {
  const mixed = { computeMs: 5, waitMs: 5 };
  const lanes = (slots: number): Candidate => ({ model: "workers", lanes: 2, slots });
  const more = gain(mixed, lanes(16), 1000) / gain(mixed, lanes(4), 1000);
  assert(more > 1.05 && more < 1.25, String(more));
});

/** A sample whose items all take the same time. */
function evenSample(of: Parameters<typeof sampleFor>[0]) {
  const sample = sampleFor(of);
  const { wallMs, cpuMs, sourceMs, items } = sample;
  return { ...sample, variation: 0, walls: [{ count: items, wallMs, cpuMs, sourceMs }] };
}

Deno.test("predict() adds up tasks, their source and their set-up in the plain loop", () => {
  const sample = { ...evenSample({ computeMs: 5, waitMs: 5, sourceMs: 2 }), laneMs: 300 };
  const { startMs, runMs, lowMs, highMs } = predict(sample, SEQUENTIAL, 1000, MACHINE);
  assertEquals(startMs, 301);
  assertAlmostEquals(runMs, 1000 * (sample.wallMs + 2 + 0.0006), 1e-6);
  assertAlmostEquals(lowMs, runMs, 1e-6);
  assertAlmostEquals(highMs, runMs, 1e-6);
  // The module is already loaded where its items are made; each lane loads it again.
  const loads = { ...sample, loadMs: 200 };
  const starts = [SEQUENTIAL, CONCURRENT, WORKERS].map((of) =>
    predict(loads, of, 9, MACHINE).startMs
  );
  assertEquals(starts, [101, 101, 320]);
  // 25 uneven items may be off by two fifths of their deviation; the low end is at least half.
  const uneven = { ...sample, variation: 1, items: 25 };
  const ends = predict(uneven, SEQUENTIAL, 1000, MACHINE);
  assertAlmostEquals(ends.lowMs / ends.runMs, 0.6, 1e-9);
  assertAlmostEquals(ends.highMs / ends.runMs, 1.4, 1e-9);
  const wild = predict({ ...uneven, variation: 4 }, SEQUENTIAL, 1000, MACHINE);
  assertAlmostEquals(wild.lowMs / wild.runMs, 0.5, 1e-9);
});

Deno.test("classFor() sees no gain in lanes that take longer to load than they could save", () => {
  const noGain = (of: Parameters<typeof sampleFor>[0], loadMs: number) => {
    const sample = { ...sampleFor({ items: 60, ...of }), laneMs: loadMs, loadMs };
    return classFor(sample, MACHINE, 60).noGain?.why;
  };
  const computes = { computeMs: 30 };
  assertEquals([noGain(computes, 1300), noGain(computes, 500)], ["loading", undefined]);
  // Tasks that wait, or that compute on threads of their own, gain from slots.
  assertEquals(noGain({ waitMs: 30 }, 1300), undefined);
  assertEquals(noGain({ ...computes, onLoop: 0.1 }, 1300), undefined);
});

Deno.test("predict() starts as many lanes as there are, in half the time and a part each", () => {
  const startMs = (lanes: number) =>
    predict(sampleFor({ computeMs: 9 }), { ...WORKERS, lanes }, 100, MACHINE).startMs;
  assertEquals([startMs(1), startMs(2), startMs(4)], [15, 20, 30]);
});

Deno.test("predict() shares the cores' ceiling among lanes that compute, and lets more lanes share what waits", () => {
  const gainWith = (of: Parameters<typeof sampleFor>[0], lanes: number, cores = 2) => {
    const sample = evenSample({ ...of, transfer: { cloneMs: 0 } });
    const machine = { ...MACHINE, cores, ceiling: 0.95 * cores };
    const plain = predict(sample, SEQUENTIAL, 240, machine).runMs;
    return plain / predict(sample, { model: "workers", lanes, slots: 1 }, 240, machine).runMs;
  };
  assertAlmostEquals(gainWith({ computeMs: 40 }, 2), 1.9, 0.03);
  assertAlmostEquals(gainWith({ computeMs: 40 }, 4), 1.9, 0.03);
  // With four cores, 2 and 3 lanes gain one and two thirds of the way from 1 to 3.8.
  assertAlmostEquals(gainWith({ computeMs: 40 }, 2, 4), 1 + 2.8 / 3, 0.03);
  assertAlmostEquals(gainWith({ computeMs: 40 }, 3, 4), 1 + 2 * 2.8 / 3, 0.05);
  const blocks = { computeMs: 0.1, waitMs: 40, blocks: true };
  assertAlmostEquals(gainWith(blocks, 8), 8, 0.2);
});

Deno.test("predict() never goes below what an event loop, its source or its cores must do", () => {
  const runMs = (of: Parameters<typeof sampleFor>[0], candidate: Candidate, items = 100) =>
    predict(evenSample(of), candidate, items, MACHINE).runMs;
  const loop = evenSample({ computeMs: 2, waitMs: 8 });
  assertAlmostEquals(
    runMs({ computeMs: 2, waitMs: 8 }, CONCURRENT),
    100 * (2 * loop.wallMs / 10 + 0.0006) + 8 * loop.wallMs / 10,
    1,
  );
  assertAlmostEquals(runMs({ waitMs: 1, sourceMs: 5 }, CONCURRENT), 500, 3);
  // Threads beside the loop can use all cores, but not more.
  const beside = { computeMs: 20, onLoop: 0.05 };
  assertAlmostEquals(runMs(beside, { model: "limited", lanes: 1, slots: 8 }), 2000 / 1.9, 15);
});

Deno.test("predict() lets tasks computing off their thread take the cores' time, as on an idle CPU", () => {
  // The 5 ms counted stand for 10 ms of computing: others had the CPU for half of the time.
  const sample = { ...sampleFor({ waitMs: 20 }), loopMs: 0, cpuMs: 5, cpuShare: 0.5, sourceMs: 0 };
  const all = predict(sample, CONCURRENT, 100, MACHINE);
  assertAlmostEquals(all.runMs, 100 * 10 / 1.9, 15);
});

Deno.test("predict() gives more items than are simulated the time of as many rounds of them", () => {
  const sample = evenSample({ waitMs: 10 });
  const few: Candidate = { model: "limited", lanes: 1, slots: 10 };
  const of = (items: number) => predict(sample, few, items, MACHINE).runMs;
  assertAlmostEquals(of(200_000) / of(20_000), 10, 0.1);
  assertAlmostEquals(of(20_000), 20_000, 200);
});

Deno.test("predict() takes no computing elsewhere for waiting where the first items waited by chance", () => {
  const sample = sampleFor({ computeMs: 4.6, onLoop: 0, items: 120 });
  const walls = [
    { count: 10, wallMs: 4.9, cpuMs: 4.6, sourceMs: 0 },
    { count: 110, wallMs: 4.6, cpuMs: 4.6, sourceMs: 0 },
  ];
  const chance = { ...sample, wallMs: 4.625, cpuMs: 4.6, walls };
  const two: Candidate = { model: "limited", lanes: 1, slots: 2 };
  const perItem = (items: number) => predict(chance, two, items, MACHINE).runMs / items;
  assertAlmostEquals(perItem(10) / perItem(120), 1, 0.1);
});

Deno.test("cpuShareOf() weighs the first items by what they computed and waited", () => {
  const sample = sampleFor({ computeMs: 5, waitMs: 5, items: 2 });
  const walls = [
    { count: 1, wallMs: 9, cpuMs: 1, sourceMs: 0 },
    { count: 1, wallMs: 11, cpuMs: 9, sourceMs: 0 },
  ];
  const uneven = { ...sample, wallMs: 10, cpuMs: 5, cpuShare: 0.5, walls };
  assertAlmostEquals(cpuShareOf(uneven, 2), 0.5, 1e-9);
  assertAlmostEquals(cpuShareOf(uneven, 1), 1 / 9, 1e-9);
  assertAlmostEquals(cpuShareOf(uneven, 3), (1 + 9 + 1) / (9 + 11 + 9), 1e-9);
});

const CASES = [
  { computeMs: 0.2, waitMs: 20, bound: "io" },
  { computeMs: 3, waitMs: 9, bound: "io" },
  { computeMs: 5, waitMs: 5, bound: "mixed" },
  { computeMs: 6.5, waitMs: 3.5, bound: "mixed" },
  { computeMs: 9, waitMs: 1, bound: "cpu" },
  { computeMs: 20, waitMs: 0, bound: "cpu" },
] as const;

for (const { computeMs, waitMs, bound } of CASES) {
  Deno.test(`classFor() calls tasks that compute ${computeMs} ms and wait ${waitMs} ms ${bound}`, () => {
    const classified = classFor(sampleFor({ computeMs, waitMs }), MACHINE, 100);
    assertEquals(classified.bound, bound);
    assert(classified.confidence > 0.9);
  });
}

Deno.test("classFor() calls a job small if lanes would take longer to start than it takes", () => {
  assertEquals(classFor(sampleFor({ computeMs: 0.1 }), MACHINE, 100).bound, "small");
  assertEquals(classFor(sampleFor({ waitMs: 5, items: 3 }), MACHINE, 3).bound, "small");
});

Deno.test("classFor() calls tasks small that are shorter than sending them, however many they are", () => {
  assertEquals(classFor(sampleFor({ computeMs: 0.0005 }), MACHINE, 1e7).bound, "small");
});

Deno.test("classByShare() is less sure near a bound", () => {
  const near = classByShare({ cpuShare: 0.36, cpuShareError: 0.02, items: 50 });
  const far = classByShare({ cpuShare: 0.55, cpuShareError: 0.02, items: 50 });
  assert(near.confidence < far.confidence);
});

Deno.test("classByShare() is less sure where others compute", () => {
  const found = { cpuShare: 0.54, cpuShareError: 0.02, items: 50 };
  const sure = [1, 0.9, 0.4].map((available) => classByShare({ ...found, available }).confidence);
  assert(sure[0]! >= sure[1]! && sure[1]! > 0.9 && sure[2]! < 0.8, sure.join());
  assertEquals(classByShare(found).confidence, sure[0]);
});

/** A sample for which the system counted the process's share of a core. */
function countedSample(of: { computeMs: number; waitMs: number; available: number }) {
  const probed = probedOf({ items: 60, ...of });
  return sampleOf({
    ...probed,
    // The probe's own loop happened to run while others paused.
    done: { ...probed.done!, available: 1 },
    load: {
      available: of.available,
      queuedMs: 0,
      childrenCpuMs: 0,
      countedShare: 1,
      uncountedCpuMs: 0,
      others: { used: 2 * (1 - of.available), cores: 2 },
    },
  });
}

Deno.test("classFor() gives the class of an idle machine on a busy one, or is unsure", () => {
  fc.assert(fc.property(
    fc.double({ min: 0.1, max: 30, noNaN: true }),
    fc.double({ min: 0, max: 30, noNaN: true }),
    fc.double({ min: 0.2, max: 1, noNaN: true }),
    (computeMs, waitMs, available) => {
      const idle = classFor(sampleFor({ items: 60, computeMs, waitMs }), MACHINE, 10_000);
      const busy = classFor(countedSample({ computeMs, waitMs, available }), MACHINE, 10_000);
      assert(busy.bound === idle.bound || busy.confidence < 0.8, JSON.stringify([idle, busy]));
    },
  ));
});

Deno.test("classFor() gives the class of programs on an idle machine, or is unsure where others use the cores", () => {
  fc.assert(fc.property(
    fc.double({ min: 1, max: 30, noNaN: true }),
    fc.double({ min: 0, max: 30, noNaN: true }),
    fc.double({ min: 0, max: 2, noNaN: true }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    (programMs, sleepMs, othersUse, queued) => {
      const of = (queuedMs: number, othersUse: number) => {
        const waitMs = programMs + sleepMs + queuedMs;
        const sample = sampleFor({ items: 60, computeMs: 0.1, waitMs, programMs, othersUse });
        return classFor(sample, MACHINE, 10_000);
      };
      // A program queues at most while others use all cores.
      const alone = 1 - othersUse / 2;
      const mostMs = alone > 0.01 ? (programMs + sleepMs) * (1 / alone - 1) : 100;
      const [idle, busy] = [of(0, 0), of(queued * mostMs, othersUse)];
      assert(busy.bound === idle.bound || busy.confidence < 0.8, JSON.stringify([idle, busy]));
    },
  ));
});
