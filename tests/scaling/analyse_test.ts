import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { resultOf, trialOf } from "./measured.ts";
import { SIZES } from "./synthetic.ts";
import { analyse, checkLittle, failingSizes, recommendedSize } from "../../lib/scaling/analyse.ts";
import {
  failingSentences,
  failureSentences,
  forecastSentences,
  kneeSentence,
  takeLines,
} from "../../lib/report/scaling/sweep_words.ts";
import type { SweepPoint } from "../../lib/scaling/sweep_result.ts";
import type { TrialResult } from "../../lib/timing/spec.ts";
import { sweepReport } from "../../lib/report/scaling/sweep_report.ts";

const plateau = (slots: number) => 50 * Math.min(slots, 8);
const any = await resultOf(plateau);

Deno.test("analyse() gives knee, best, efficiency and Little's law of a known curve", async () => {
  const { points, knee, best } = await resultOf(plateau);
  assertEquals(knee?.size, 8);
  assert(best!.throughputPerSecond >= 400);
  const at = (size: number) => points.find((point) => point.size === size)!;
  assertEquals(Math.round(at(4).efficiency * 100), 100);
  assertEquals(Math.round(at(64).efficiency * 1000), 125);
  assert(points.every(({ little }) => little!.holds), "every slot was taken all the time");
});

Deno.test("analyse() foretells by the USL where κ shows, and by Amdahl where it doesn't", async () => {
  const usl = await resultOf({ lambda: 50, sigma: 0.05, kappa: 1e-3 });
  assertEquals(usl.chosen, "usl");
  const fit = usl.fits.find(({ name }) => name === "usl")!;
  assert(fit.peakSize.low! <= 30.8 && 30.8 <= fit.peakSize.high!, "√(0.95/0.001) = 30.8");
  assert(usl.forecasts.every(({ refusal }) => refusal === null));
  assert(usl.forecasts[0]!.gain < 1, "ten times as many are slower");
  const amdahl = await resultOf({ lambda: 50, sigma: 0.05, kappa: 0 });
  assertEquals(amdahl.chosen, "amdahl");
  assert(amdahl.forecasts[0]!.gain > 1);
});

Deno.test("analyse() finds no knee on a flat curve, whatever noise draws on it", async () => {
  const { knee } = await resultOf((slots) => 100 + (slots === 8 ? 6 : 0));
  assertEquals(knee, null);
});

Deno.test("analyse() refuses to foretell from a cliff", async () => {
  const { forecasts } = await resultOf((slots) => slots <= 8 ? 50 * slots : 60);
  assertEquals(forecasts.length, 2);
  assert(forecasts.every(({ refusal }) => refusal!.includes("misses")));
});

const pointsOf = (failed: readonly number[]) =>
  failed.map((count, i) => ({
    size: 2 ** i,
    rounds: [{ failed: count, succeeded: 100 - count }],
  })) as unknown as SweepPoint[];

/** A server that answers `bears` requests at once in 20 ms each, and refuses the others at once. */
function sizesOf(bears: number) {
  return SIZES.map((size) => ({
    size,
    model: { model: "limited" } as const,
    refined: false,
    trials: [0, 1, 2].map((round) => {
      const share = Math.min(1, bears / size);
      // Refusals are quick, so the tasks seem fast on average.
      const perSecond = 50 * size / share;
      const trial = trialOf({ model: "limited", round, slots: size } as never, perSecond, 1000);
      const succeeded = Math.round(1000 * share);
      const failed = 1000 - succeeded;
      return { ...trial, round: { ...trial.round, succeeded, failed, reasons: { "429": failed } } };
    }),
  }));
}

const on = { axis: "slots", cores: 2 } as const;

Deno.test("failingSizes() names the size from which on more tasks fail", () => {
  assertEquals(failingSizes(pointsOf([0, 0, 0, 0])).from, null);
  assertEquals(failingSizes(pointsOf([0, 0, 5, 80])).from, { size: 4, failed: 5, of: 100 });
  assertEquals([...failingSizes(pointsOf([0, 0, 5, 80])).sizes], [4, 8]);
  assertEquals(failingSizes([]).from, null);
});

Deno.test("failingSizes() takes a size that failed by chance out, but not for the beginning", () => {
  const { sizes, from } = failingSizes(pointsOf([0, 7, 0, 0]));
  assertEquals([[...sizes], from], [[2], null]);
  const later = failingSizes(pointsOf([0, 7, 0, 30]));
  assertEquals([[...later.sizes], later.from?.size], [[2, 8], 8]);
});

Deno.test("failingSizes() doesn't blame sizes for items that fail at each of them", () => {
  const { sizes, from } = failingSizes(pointsOf([10, 10, 11, 10]));
  assertEquals([sizes.size, from], [0, null]);
  // Of 100 items each, a tenth may by chance be a fifth elsewhere.
  assertEquals(failingSizes(pointsOf([10, 9, 17, 20])).from, null);
  assertEquals(failingSizes(pointsOf([10, 9, 17, 25])).from?.size, 8);
});

Deno.test("a server that refuses from 16 slots on isn't fitted, nor foretold, beyond 8", () => {
  const sizes = sizesOf(8);
  const analysis = analyse({ sizes }, 1, on);
  assertEquals(analysis.failsFrom, { size: 16, failed: 1500, of: 3000 });
  assertEquals(analysis.best, { size: 8, throughputPerSecond: 400 });
  // The sizes up to 8 scale perfectly; a fit through all sizes would give another law.
  assert(analysis.fits.every(({ sigma }) => sigma.value < 1e-6));
  assertEquals(analysis.knee, null);
  const said = { ...any, ...analysis, axis: on.axis };
  assertEquals(kneeSentence(said), "No knee up to 8 slots: throughput was highest there.");
  assertStringIncludes(
    failingSentences(said)[0]!,
    "from 16 slots on, 1500 of 3000 there: 8 slots is",
  );
  assertEquals(forecastSentences(said), [
    "10× and 1,000×, 640 slots and 64,000 slots: no forecast, since tasks fail from 16 slots on.",
  ]);
});

Deno.test("what failed isn't counted as throughput", () => {
  const { points } = analyse({ sizes: sizesOf(8) }, 1, on);
  // Each slot got 50 answers a second, however fast the others were refused.
  for (const { size, throughputPerSecond, latencyMs } of points) {
    assertEquals(Math.round(throughputPerSecond.median), 50 * size);
    assert(latencyMs !== null);
  }
});

Deno.test("a job of which everything fails from the first size on has nothing to conclude", () => {
  const sizes = sizesOf(0);
  const analysis = analyse({ sizes }, 1, on);
  const failsFrom = { size: 1, failed: 3000, of: 3000 };
  assertEquals([analysis.best, analysis.knee, analysis.failsFrom], [null, null, failsFrom]);
  assertEquals(analysis.fits, []);
});

Deno.test("a server that refuses at the smallest size already tells nothing of sizes; the pace is advice's", () => {
  const refused = sizesOf(8).map((one) => ({
    ...one,
    trials: one.trials.map((trial) => ({
      ...trial,
      round: {
        ...trial.round,
        succeeded: 900,
        failed: 100,
        reasons: { Error: 100 },
        examples: { Error: "item 1, HTTP 429" },
      },
    })),
  }));
  const analysis = analyse({ sizes: refused }, 1, on);
  assertEquals([analysis.failsFrom?.size, analysis.fits, analysis.best], [1, [], null]);
  const said = { ...any, ...analysis, axis: on.axis };
  assertEquals(kneeSentence(said), "No knee: tasks fail at 1 slot already.");
  assertStringIncludes(failingSentences(said)[0]!, "deno task advise measures the pace");
  assertEquals(takeLines(said), []);
  const texts = failureSentences({ ...said, openLoop: [] });
  assertStringIncludes(texts[0]!, "At 1: 300 of 3,000 tasks failed: 300 Error (item 1, HTTP 429).");
});

Deno.test("checkLittle() says when slots stood empty, and when times can't be right", () => {
  assertEquals(checkLittle(400, 20, 8).ratio, 1);
  assert(checkLittle(400, 20, 8).meaning === null);
  const empty = checkLittle(200, 20, 8);
  assert(!empty.holds && empty.meaning!.includes("empty 50%"));
  const over = checkLittle(800, 20, 8);
  assert(!over.holds && over.meaning!.includes("more was in flight"));
});

/** A size with made-up trials, and all figures that they give of their tasks. */
function sizeOf(
  size: number,
  trials: readonly {
    readonly runMs?: number;
    readonly succeeded?: number;
    readonly failed?: number;
    readonly slots?: number | null;
    readonly tasks?: readonly (readonly [startedMs: number, endedMs: number, status: string])[];
  }[],
) {
  return {
    size,
    refined: false,
    trials: trials.map((
      { runMs = 1000, succeeded = 100, failed = 0, slots = size, tasks },
      round,
    ): TrialResult => {
      const { timeline: usual, ...trial } = trialOf({ round, slots: size } as never, 100);
      const timeline = tasks && {
        ...usual!,
        startedMs: tasks.map(([startedMs]) => startedMs),
        endedMs: tasks.map(([, endedMs]) => endedMs),
        status: tasks.map(([, , status]) => status),
      };
      return {
        ...trial,
        slots,
        round: { ...trial.round, runMs, succeeded, failed },
        ...(timeline && { timeline }),
      };
    }),
  };
}

function pointOf(...of: Parameters<typeof sizeOf>): SweepPoint {
  return analyse({ sizes: [sizeOf(...of)] }, 1, on).points[0]!;
}

Deno.test("latencies are of tasks that succeeded, mean times in flight of all that were started", () => {
  const tasks = [[0, 10, "fulfilled"], [0, 30, "failed"], [NaN, 5, "cancelled"]] as const;
  const { latencyMs, rounds: [round] } = pointOf(1, [{ tasks }]);
  assertEquals([latencyMs!.tasks, latencyMs!.median, round!.meanLatencyMs], [1, 10, 20]);
  const unknown = pointOf(1, [{}]);
  assertEquals([unknown.latencyMs, unknown.rounds[0]!.meanLatencyMs], [null, null]);
});

Deno.test("Little's law is checked on all tasks of the round in the middle, where times are known", () => {
  const lasting = (ms: number) => ({
    succeeded: 50,
    failed: 50,
    tasks: [[0, ms, "fulfilled"]] as const,
  });
  const { little } = pointOf(1, [lasting(9), lasting(5), lasting(8)]);
  // 100 tasks of 8 ms each ran in a second.
  assert(Math.abs(little!.ratio - 0.8) < 1e-9);
  assertEquals(pointOf(1, [{ ...lasting(9), runMs: 0 }]).little, null);
  assertEquals(pointOf(1, [{}]).little, null);
  assertEquals(pointOf(1, [{ ...lasting(9), slots: null }]).slots, 1);
});

Deno.test("rounds that are alike leave a throughput's interval all the same", () => {
  const { median, low, high } = pointOf(1, [{}, {}]).throughputPerSecond;
  assertEquals(median, 100);
  assert(low < 100 && high > 100, `${low} to ${high}`);
});

Deno.test("a round without throughput has none, and no size is the best or efficient by it", () => {
  const { throughputPerSecond } = pointOf(1, [{}, { succeeded: 0 }, {}]);
  assertEquals(throughputPerSecond, { median: 100, low: 0, high: 100 });
  const idle = analyse({ sizes: [sizeOf(1, [{ succeeded: 0 }]), sizeOf(2, [{}])] }, 1, on);
  assertEquals(idle.points.map(({ efficiency }) => efficiency), [0, 0]);
  assertEquals(analyse({ sizes: [sizeOf(1, [{ succeeded: 0 }])] }, 1, on).best, null);
});

Deno.test("efficiency counts from the smallest size that was swept", () => {
  const sizes = [sizeOf(2, [{}]), sizeOf(4, [{ runMs: 500 }]), sizeOf(8, [{ runMs: 500 }])];
  const { points } = analyse({ sizes }, 1, on);
  assertEquals(points.map(({ efficiency }) => efficiency), [1, 1, 0.5]);
});

Deno.test("failingSizes() gives up where more than half fails from the beginning", () => {
  assertEquals(failingSizes(pointsOf([50, 50])).from, null);
  assertEquals(failingSizes(pointsOf([51, 51])).from?.size, 1);
});

Deno.test("recommendedSize() takes the smallest size that is as good as the best", async () => {
  const result = await resultOf((slots) => 100 * Math.min(slots, 8));
  const found = recommendedSize(result)!;
  assertEquals(found.point.size, 8);
  assert(found.gain !== null && found.gain.low > 7 && found.largerGainsLittle);
});

Deno.test("recommendedSize() takes more lanes of other machines than this one has cores", async () => {
  const linear = await resultOf((lanes) => 100 * lanes);
  const lanes = { ...linear, axis: "lanes", computingShare: 1 } as const;
  assertEquals(recommendedSize({ ...lanes, model: "workers" })!.point.size, 2);
  const { point, impossible } = recommendedSize({ ...lanes, model: "cluster" })!;
  assertEquals([point.size, impossible], [64, undefined]);
});

Deno.test("recommendedSize() takes off how the machine drifted until larger sizes were tried", async () => {
  let trials = 0;
  // The machine is a fifth faster once the first sizes are measured.
  const drifting = (slots: number) =>
    50 * Math.min(slots, 100) * (++trials > 3 * SIZES.length ? 1.2 : 1);
  const result = await resultOf(drifting, { extendTo: 1024, refineSteps: 0 });
  const found = recommendedSize(result)!;
  assertEquals(found.point.size, 128);
  assertAlmostEquals(found.gain!.median, 100, 2);
  assertStringIncludes(takeLines(result)[0]!, "Take 128 slots: round by round 100× ");
});

Deno.test("recommendedSize() stays at one where nothing is gained, or only by a twentieth", async () => {
  for (const gain of [1, 1.04, 0.5]) {
    const found = recommendedSize(await resultOf((slots) => slots === 1 ? 100 : 100 * gain))!;
    assertEquals([found.point.size, found.gain], [1, null]);
  }
});

Deno.test("takeLines() ends with the line of code", async () => {
  const result = await resultOf((slots) => 100 * Math.min(slots, 8));
  assertEquals(takeLines(result).at(-1), "await using executor = limited({ slots: 8 });");
  const flat = await resultOf(() => 100);
  assertEquals(takeLines(flat).at(-1), "await using executor = sequential();");
  assertEquals(takeLines({ ...result, points: [] }), []);
  const lanes = {
    ...result,
    axis: "lanes" as const,
    model: "workers",
    points: result.points.map((point) => ({ ...point, lanes: point.size, slots: 2 })),
  };
  assertEquals(takeLines(lanes).at(-1), "await using executor = workers({ lanes: 8, slots: 2 });");
  // Only one lane was measured, not the plain loop; the code takes the plain loop all the same.
  const one = { ...flat, axis: "lanes" as const, model: "workers" };
  assertEquals(takeLines(one).at(-1), "await using executor = sequential();");
});

Deno.test("sweepReport() says what to take before it speaks of laws", async () => {
  const text = sweepReport(await resultOf((slots) => 100 * Math.min(slots, 8))).text({
    columns: 100,
    colour: false,
  });
  assertStringIncludes(text, "limited({ slots: 8 })");
  assert(text.indexOf("Take 8 slots") < text.indexOf("λ"));
});

Deno.test("recommendedSize() shows a gain that it doesn't trust", async () => {
  const result = await resultOf((slots) => 100 * Math.min(slots, 2));
  const points = result.points.map((point, place) => ({
    ...point,
    rounds: point.rounds.map((of, turn) => ({
      ...of,
      throughputPerSecond: (place === 0 ? 100 : 130) * [1, 0.5, 1.6][(turn + place) % 3]!,
    })),
  }));
  const found = recommendedSize({ ...result, points })!;
  assertEquals(found.point.size, 1);
  assert(found.open !== undefined && found.open.gain.low < 1);
  const [text] = takeLines({ ...result, points });
  assertStringIncludes(text!, "slots may gain a tenth on that (1.");
  assertStringIncludes(
    text!,
    "so that advice, which measures anew, may take it; more --rounds tell.",
  );
});

Deno.test("more lanes than the cores have work for are not taken, nor is a gain that the cores can't give", async () => {
  const on = (cpus: number, throughput: (lanes: number) => number, computingShare: number) =>
    resultOf(throughput).then((result) => ({
      ...result,
      axis: "lanes" as const,
      model: "workers",
      computingShare,
      environment: { ...result.environment, cpus, lanesAvailable: cpus },
    }));
  const still = await on(2, (lanes) => 100 * Math.min(lanes, 4), 1);
  assertEquals(recommendedSize(still)!.point.size, 2);
  // The tasks wait half of the time, so four lanes keep two cores busy.
  assertEquals(recommendedSize({ ...still, computingShare: 0.5 })!.point.size, 4);
  const jump = await on(2, (lanes) => lanes === 1 ? 100 : 300, 1);
  const found = recommendedSize(jump)!;
  assertEquals([found.point.size, found.gain, found.impossible?.point.size], [1, null, 2]);
  assertStringIncludes(takeLines(jump)[0]!, "can't be right: 2.00× is the most that it can give");
  assertEquals(takeLines(jump).length, 1, "no line of code for what can't be right");
});

Deno.test("a size at which the same items give other results is not taken, and that is said", async () => {
  const result = await resultOf((slots) => 100 * Math.min(slots, 8));
  const lines = takeLines({ ...result, differsAt: 2 });
  assertStringIncludes(lines[0]!, "Stay at 1 slot: with 2 slots the same items gave other results");
  assertEquals(lines.at(-1), "await using executor = sequential();");
});

Deno.test("recommendedSize() counts starting where the number of items is known, as advice does", async () => {
  const result = await resultOf((slots) => 100 * Math.min(slots, 8));
  const points = result.points.map((point) => ({
    ...point,
    rounds: point.rounds.map((of) => ({ ...of, startMs: 100 * point.size })),
  }));
  const of = (total?: number) =>
    recommendedSize({
      ...result,
      points,
      job: { ...result.job, ...(total !== undefined && { total }) },
    })!;
  assertEquals([of().point.size, of(10_000).point.size], [8, 8]);
  // 10 items take 100 ms one by one and 50 ms with 2 slots, but each slot takes 100 ms to start.
  assertEquals([of(10).point.size, of(10).gain], [1, null]);
  assertEquals(of(100).point.size, 4);
});

Deno.test("so many times as many slots gain no more than that, or their items were others", async () => {
  const found = recommendedSize(await resultOf((slots) => 100 * slots * (slots > 1 ? 1.15 : 1)))!;
  assertEquals([found.point.size, found.gain], [1, null]);
  assertEquals(found.impossible?.most, found.impossible?.point.size);
  const all = await resultOf((slots) => 100 * slots);
  const whole = recommendedSize(all)!;
  assert(whole.gain !== null && whole.impossible === undefined);
  // If tasks leave an event loop no time, slots gain nothing either; others used the cores.
  const known = (computingShare: number, freeShare: number) =>
    recommendedSize({ ...all, computingShare, freeShare })!;
  assertEquals([known(1, 0).point.size, known(1, 0).impossible?.most], [1, 1]);
  assertEquals(known(0, 1).impossible, undefined);
});

Deno.test("the largest size that still gains is not called the best", async () => {
  const rising = await resultOf((slots) => 100 * slots ** 0.9);
  assert(recommendedSize(rising)!.mayGainMore);
  // More slots than items can't be filled.
  const few = (total: number) => ({ ...rising, job: { ...rising.job, total } });
  const { size } = recommendedSize(rising)!.point;
  assertEquals([size, size + 1].map((of) => recommendedSize(few(of))!.mayGainMore), [false, true]);
  assertStringIncludes(
    takeLines(rising)[0]!,
    "the largest size of limited that was measured, and l",
  );
  const flat = await resultOf((slots) => 100 * Math.min(slots, 8));
  assert(!recommendedSize(flat)!.mayGainMore);
  assertStringIncludes(takeLines(flat)[0]!, "the best of the sizes of limited");
});

Deno.test("recommendedSize() takes no size of which a round failed or did nothing, whatever their order", async () => {
  const result = await resultOf((slots) => 100 * Math.min(slots, 8));
  const { points } = result;
  const sizeWith = (at: (size: number) => Partial<(typeof points)[0]["rounds"][0]>) =>
    recommendedSize({
      ...result,
      points: points.toReversed().map((point) => ({
        ...point,
        rounds: point.rounds.map((of, turn) => turn === 1 ? { ...of, ...at(point.size) } : of),
      })),
    })?.point.size;
  assertEquals(sizeWith(() => ({})), 8);
  const next = points.find(({ size }) => size > 8)!.size;
  assertEquals(sizeWith((size) => size === 8 ? { throughputPerSecond: 0 } : {}), next);
  const bare = points.map((point) => point.size === 8 ? { ...point, rounds: [] } : point);
  // The sizes that were added were only measured beside this one.
  const listed = points.find(({ size, refined }) => size > 8 && !refined)!.size;
  assertEquals(recommendedSize({ ...result, points: bare })!.point.size, listed);
  const largest = points.filter(({ size }) => size < 8).at(-1)!.size;
  const failing = points.map((point) => ({
    ...point,
    rounds: point.rounds.map((of) => point.size < 8 ? of : { ...of, failed: 30 }),
  }));
  assertEquals(recommendedSize({ ...result, points: failing })!.point.size, largest);
});

Deno.test("recommendedSize() of one size says nothing of others, and of one that gains no tenth no doubt", async () => {
  const result = await resultOf((slots) => slots === 1 ? 100 : 101);
  const { points } = result;
  const alone = recommendedSize({ ...result, points: points.slice(0, 1) })!;
  assertEquals([alone.gain, alone.largerGainsLittle, alone.open], [null, false, undefined]);
  assertEquals(recommendedSize({ ...result, points })!.open, undefined);
});

Deno.test("another size is told whose gain isn't shown, though its interval reaches a tenth", async () => {
  const of = (throughput: (slots: number) => number) =>
    resultOf(throughput, { sizes: [1, 2, 4, 8], refineSteps: 0 });
  const result = await of((slots) => slots === 1 ? 100 : slots === 4 ? 108 : 90);
  const found = recommendedSize(result)!;
  assertEquals([found.point.size, found.gain, found.open?.point.size], [1, null, 4]);
  assert(found.open!.gain.median < 1.1 && found.open!.gain.high > 1.1);
  assertMatch(
    takeLines(result)[0]!,
    / 4 slots may gain a tenth on that \(1\.08× \S+\), so that advice/,
  );
  // The other size is also named beside one that is taken for its gain.
  const taken = recommendedSize(await of((slots) => slots === 1 ? 50 : slots === 8 ? 104 : 100))!;
  assertEquals([taken.point.size, taken.open?.point.size], [2, 8]);
  // Slots are not named if one event loop has no time for them.
  const busy = recommendedSize({ ...result, computingShare: 1, freeShare: 0 })!;
  assertEquals([busy.point.size, busy.open], [1, undefined]);
});

Deno.test("a gain is held against how many times the smallest size the chosen one is", async () => {
  const from2 = async (throughput: (slots: number) => number) =>
    recommendedSize(await resultOf(throughput, { sizes: [2, 4], refineSteps: 0 }))!;
  assertEquals((await from2((slots) => slots === 2 ? 100 : 260)).impossible?.most, 2);
  const right = await from2((slots) => slots === 2 ? 100 : 200);
  assertEquals([right.point.size, right.impossible], [4, undefined]);
});

Deno.test("the largest size may gain more only if it gained a tenth on the one before", async () => {
  const at = async (last: number) =>
    recommendedSize(
      await resultOf((slots) => slots === 64 ? last : 10 * slots, {
        sizes: [1, 2, 4, 8, 16, 32, 64],
        refineSteps: 0,
      }),
    )!;
  const little = await at(345), more = await at(380);
  assertEquals([little.point.size, little.mayGainMore], [64, false]);
  assertEquals([more.point.size, more.mayGainMore], [64, true]);
});
