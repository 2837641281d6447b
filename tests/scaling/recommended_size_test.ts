import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { recommendedSize } from "../../lib/scaling/recommended_size.ts";
import { takeLines } from "../../lib/scaling/sweep_words.ts";
import { sweepText } from "../../lib/report/scaling/sweep_text.ts";
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
});

Deno.test("sweepText() says what to take before it speaks of laws", async () => {
  const text = sweepText(await resultOf((slots) => 100 * Math.min(slots, 8)), {
    columns: 100,
    colour: false,
  });
  assertStringIncludes(text, "limited({ slots: 8 })");
  assert(text.indexOf("Take 8 slots") < text.indexOf("λ"));
});

Deno.test("recommendedSize() shows a gain that it doesn't trust", async () => {
  const { points } = await resultOf((slots) => 100 * Math.min(slots, 2));
  const noisy = points.map((point, place) => ({
    ...point,
    rounds: point.rounds.map((of, turn) => ({
      ...of,
      throughputPerSecond: (place === 0 ? 100 : 130) * [1, 0.5, 1.6][(turn + place) % 3]!,
    })),
  }));
  const found = recommendedSize({ points: noisy })!;
  assertEquals(found.point.size, 1);
  assert(found.unsure !== undefined && found.unsure.gain.low < 1);
  const [text] = takeLines({ points: noisy, axis: "slots", model: "limited" });
  assertStringIncludes(text!, "an interval that spans 1; more rounds tell");
});
