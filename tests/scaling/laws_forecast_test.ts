import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { analyse } from "../../lib/scaling/analyse.ts";
import { capacityOf, endsBefore, forecasts } from "../../lib/scaling/laws.ts";
import { capacitySentences, forecastSentences } from "../../lib/report/scaling/sweep_words.ts";
import type { SweepPoint } from "../../lib/scaling/sweep_result.ts";
import type { MeasuredSize } from "../../lib/scaling/run_sweep.ts";
import { resultOf, trialOf } from "./measured.ts";

/** A machine on which an item takes this much CPU time and waiting, in milliseconds. */
interface Job {
  readonly cpuMs: number;
  readonly waitMs: number;
  /** The share of the CPUs that other programs leave, 0 to 1; default 1. */
  readonly left?: number;
}

const ROUNDS = [0, 1, 2];
const any = await resultOf((slots) => slots);

/** A size's trials on `cores` cores: throughput grows with lanes or slots until the CPUs are full. */
function sizeOf(
  axis: "lanes" | "slots",
  size: number,
  { cpuMs, waitMs, left = 1 }: Job,
  cores: number,
): MeasuredSize {
  const units = (axis === "slots" ? 1 : cores) * left;
  const perSecond = 1000 * Math.min(size / (waitMs + cpuMs / left), units / cpuMs);
  const trials = ROUNDS.map((round) => {
    const slots = axis === "slots" ? size : 1;
    const lanes = axis === "lanes" ? size : 1;
    const items = 200;
    const trial = trialOf({ model: "limited", round, slots } as never, perSecond, items);
    const runCpuMs = items * cpuMs * (1 + 0.01 * round);
    return {
      ...trial,
      lanes,
      round: {
        ...trial.round,
        runCpuMs,
        cpuMs: runCpuMs + 20,
        ...(axis === "slots" && { loopCpuMs: runCpuMs }),
      },
    };
  });
  return { size, refined: false, trials };
}

function analysed(axis: "lanes" | "slots", sizes: readonly number[], job: Job, cores: number) {
  const measured = sizes.map((size) => sizeOf(axis, size, job, cores));
  const analysis = analyse({ sizes: measured }, 1, { axis, cores });
  const said = [
    ...capacitySentences({ ...any, ...analysis, axis }),
    ...forecastSentences({ ...analysis, axis }),
  ].join("\n");
  return { ...analysis, said };
}

const COMPUTES: Job = { cpuMs: 8, waitMs: 0 };

Deno.test("analyse() takes CPU time on other machines for no limit of this one's cores", () => {
  const sizes = [1, 2, 4].map((size) => sizeOf("lanes", size, COMPUTES, 4));
  assertEquals(analyse({ sizes }, 1, { axis: "lanes", cores: undefined }).capacity, null);
});

Deno.test("a job that computes isn't foretold beyond the cores, however good the fit", () => {
  // Two lanes on two cores fit a straight line perfectly.
  for (const sizes of [[1, 2], [1, 2, 3, 4], [1, 2, 4, 8]]) {
    const { capacity, forecasts, said } = analysed("lanes", sizes, COMPUTES, 2);
    assertEquals([capacity?.by, capacity?.units, capacity?.reached], ["cores", 2, true]);
    assertEquals(Math.round(capacity!.limitPerSecond), 248, "2 cores, 8.08 ms an item");
    assert(forecasts.length > 0);
    for (const { cores, refusal } of forecasts) {
      assertEquals([cores, refusal], [null, "computing ends at this machine's 2 cores"]);
    }
    assertStringIncludes(said, "more lanes can't help here");
  }
});

Deno.test("a job that computes keeps its end at the cores when other programs use them too", () => {
  const job = { ...COMPUTES, left: 0.7 };
  // A single lane that gets at most 70% of a core looks the same as one that waits.
  const held = analysed("lanes", [1, 2, 3, 4], job, 2);
  assertEquals(Math.round(held.capacity!.busy * 100), 71);
  const calm = analysed("lanes", [1, 2, 3, 4], { ...COMPUTES, left: 0.82 }, 2);
  assert(calm.capacity!.busy < 0.85);
  assertEquals(calm.capacity!.reached, true);
  assertStringIncludes(calm.said, "other programs, or lanes that stood empty, took the rest");
  for (const { forecasts } of [held, calm]) {
    assert(forecasts.every(({ refusal }) => refusal !== null));
  }
});

Deno.test("what is foretold of no size for one reason is told once, and older files' machines not at all", () => {
  const { forecasts, said } = analysed("lanes", [1, 2, 4, 8, 16], COMPUTES, 8);
  const none = /10× and 1,000×, 160 lanes and 16,000 lanes: no forecast, since computing ends/;
  assertMatch(said, none);
  const elsewhere = forecasts.map((of) => ({ ...of, cores: 160, refusal: null }));
  const told = forecastSentences({ forecasts: [...forecasts, ...elsewhere], axis: "lanes" });
  assertEquals(told.length, 1);
  assertMatch(told[0]!, none);
});

Deno.test("a job that computes is foretold up to the cores where fewer were measured", () => {
  const { capacity, forecasts } = analysed("lanes", [1, 2, 3, 4], COMPUTES, 64);
  assertEquals(capacity?.reached, false);
  assertEquals(forecasts.map(({ size }) => size), [40, 4000]);
  assertEquals(forecasts[0]!.refusal, null, "40 lanes have a core each");
  assertMatch(
    forecasts[1]!.refusal!,
    /would end before: 7\d{3}\/s would fill this machine's 64 cores/,
  );
});

Deno.test("slots end at one event loop, and the way on is lanes", () => {
  const job = { cpuMs: 2, waitMs: 18 };
  const { capacity, forecasts, said } = analysed("slots", [1, 2, 4, 8, 16, 32], job, 2);
  assertEquals([capacity?.by, capacity?.units, capacity?.reached], ["event loop", 1, true]);
  assertMatch(
    said,
    /one event loop, busy (9\d|100)% at \d+ slots: more slots can't help, lanes can/,
  );
  assert(forecasts.every(({ refusal }) => refusal === "computing ends at one event loop"));
});

Deno.test("slots that wait are foretold until the event loop would be full", () => {
  const job = { cpuMs: 0.02, waitMs: 20 };
  const { capacity, forecasts, said } = analysed("slots", [1, 2, 4, 8, 16, 32, 64], job, 2);
  assertEquals([capacity?.by, capacity?.reached], ["event loop", false]);
  const [ten, thousand] = forecasts;
  assertEquals(ten!.refusal, null, "640 slots do 32,000 of 50,000 a second");
  assertMatch(thousand!.refusal!, /would end before: \d+\/s would fill one event loop/);
  assertMatch(said, /the event loop was busy \d% at 64 slots/);
});

Deno.test("slots whose work is done on other threads end at the cores, not at the event loop", () => {
  const sizes = [1, 2, 4, 8].map((size) => {
    const measured = sizeOf("lanes", size, { cpuMs: 4, waitMs: 4 }, 2);
    const trials = measured.trials.map((trial) => ({
      ...trial,
      round: { ...trial.round, loopCpuMs: 20 },
    }));
    return { ...measured, trials };
  });
  const { capacity } = analyse({ sizes }, 1, {
    axis: "slots",
    cores: 2,
  });
  assertEquals([capacity?.by, capacity?.reached], ["cores", true]);
});

Deno.test("nothing is said of the CPUs where their time isn't known, or nothing was measured", () => {
  const round = { runMs: 100, runCpuMs: null, loopCpuMs: null, succeeded: 9, failed: 0 };
  const points = [{ size: 1, rounds: [round] }] as unknown as SweepPoint[];
  assertEquals(capacityOf(points, 1, "lanes", 2), null);
  assertEquals(capacityOf([], 1, "lanes", 2), null);
  assertEquals(endsBefore(null, 1e6, 1e9), false);
});

Deno.test("capacityOf() counts what programs compute that tasks run, and says so", () => {
  const rounds = [{
    runMs: 1000,
    runCpuMs: 50,
    loopCpuMs: 50,
    programsMs: 950,
    succeeded: 25,
    failed: 0,
  }];
  const points = [{ size: 1, rounds }, { size: 2, rounds }] as unknown as SweepPoint[];
  const capacity = capacityOf(points, 1, "slots", 2)!;
  assertEquals([capacity.by, capacity.cpuMsPerItem, capacity.limitPerSecond], ["cores", 40, 50]);
  const [said] = capacitySentences({ ...any, points, capacity });
  assertStringIncludes(said!, "an item takes 40.0 ms of CPU with the programs that it runs");
});

const LAW = { lambda: 50, sigma: 0.05, kappa: 8e-4 };

Deno.test("forecasts() refuses what a bad fit says, and gives the reason", () => {
  const refused = forecasts({
    law: LAW,
    drawn: [[LAW]],
    refusal: "it misses",
    largest: 64,
    bestPerSecond: 400,
  });
  assertEquals(refused.map(({ factor, size, refusal }) => [factor, size, refusal]), [
    [10, 640, "it misses"],
    [1000, 64_000, "it misses"],
  ]);
});

Deno.test("forecasts() refuses an interval that spans more than a factor of three", () => {
  const other = { ...LAW, kappa: 0 };
  const [ten] = forecasts({
    law: LAW,
    drawn: [[LAW, other]],
    refusal: null,
    largest: 64,
    bestPerSecond: 400,
  });
  assertStringIncludes(ten!.refusal!, "anything from");
  const narrow = forecasts({
    law: LAW,
    drawn: [[LAW, LAW]],
    refusal: null,
    largest: 64,
    bestPerSecond: 400,
  });
  assertEquals(narrow.map(({ refusal }) => refusal), [null, null]);
  assert(narrow[1]!.gain < narrow[0]!.gain, "beyond the peak more is slower");
});

Deno.test("endsBefore() ends where lanes that only compute are more than the cores, or near the limit", () => {
  const capacity = {
    by: "cores" as const,
    units: 2,
    size: 2,
    busy: 0.5,
    cpuMsPerItem: 10,
    limitPerSecond: 200,
    computingShare: 0.8,
    reached: false,
  };
  const ends = (over: Partial<typeof capacity>, size: number, perSecond: number) =>
    endsBefore({ ...capacity, ...over }, size, perSecond);
  assertEquals([ends({}, 2, 100), ends({}, 3, 100)], [false, true]);
  assertEquals(ends({ computingShare: 0.79 }, 3, 100), false);
  assertEquals([ends({}, 2, 190), ends({}, 2, 191)], [false, true]);
  assertEquals(ends({ reached: true }, 1, 1), true);
});
