import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { recommendedSize } from "../../lib/scaling/recommended_size.ts";
import { takeLines } from "../../lib/report/scaling/sweep_words.ts";
import { sweepReport } from "../../lib/report/scaling/sweep_report.ts";
import { resultOf } from "./measured.ts";

Deno.test("recommendedSize() takes the smallest size that is as good as the best", async () => {
  const result = await resultOf((slots) => 100 * Math.min(slots, 8));
  const found = recommendedSize(result)!;
  assertEquals(found.point.size, 8);
  assert(found.gain !== null && found.gain.low > 7 && found.largerGainsLittle);
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
  // One lane elsewhere is what was measured, and the plain loop isn't.
  const one = { ...flat, axis: "lanes" as const, model: "workers" };
  assertEquals(takeLines(one).at(-1), "await using executor = workers({ lanes: 1 });");
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
  assert(found.unsure !== undefined && found.unsure.gain.low < 1);
  const [text] = takeLines({ ...result, points });
  assertStringIncludes(text!, "an interval that spans 1; more rounds tell");
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
  // Half of the time it waits: four lanes keep two cores busy.
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
  // 10 items take 100 ms one by one, 50 at 2 slots, and each slot 100 ms to start.
  assertEquals([of(10).point.size, of(10).gain], [1, null]);
  assertEquals(of(100).point.size, 4);
});

Deno.test("so many times as many slots gain no more than that, or their items were others", async () => {
  const found = recommendedSize(await resultOf((slots) => 100 * slots * (slots > 1 ? 1.15 : 1)))!;
  assertEquals([found.point.size, found.gain], [1, null]);
  assertEquals(found.impossible?.most, found.impossible?.point.size);
  const whole = recommendedSize(await resultOf((slots) => 100 * slots))!;
  assert(whole.gain !== null && whole.impossible === undefined);
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
  assertEquals(recommendedSize({ ...result, points: bare })!.point.size, next);
  const largest = points.filter(({ size }) => size < 8).at(-1)!.size;
  const failing = points.map((point) => ({
    ...point,
    rounds: point.rounds.map((of) => point.size < 8 ? of : { ...of, failed: 30 }),
  }));
  assertEquals(recommendedSize({ ...result, points: failing })!.point.size, largest);
});

Deno.test("recommendedSize() of one size says nothing of others, and of a twentieth no doubt", async () => {
  const result = await resultOf((slots) => slots === 1 ? 100 : 104);
  const { points } = result;
  const alone = recommendedSize({ ...result, points: points.slice(0, 1) })!;
  assertEquals([alone.gain, alone.largerGainsLittle, alone.unsure], [null, false, undefined]);
  assertEquals(recommendedSize({ ...result, points })!.unsure, undefined);
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
