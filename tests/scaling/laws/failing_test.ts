import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { analyse } from "../../../lib/scaling/laws/analyse.ts";
import { failingSizes } from "../../../lib/scaling/laws/failing.ts";
import {
  failingSentences,
  forecastSentences,
} from "../../../lib/report/scaling/sweep_sentences.ts";
import type { SweepPoint } from "../../../lib/scaling/sweep_result.ts";
import { kneeSentence } from "../../../lib/scaling/sweep_words.ts";
import { trialOf } from "../measured.ts";
import { SIZES } from "../synthetic.ts";

const pointsOf = (failed: readonly number[]) =>
  failed.map((count, i) => ({
    size: 2 ** i,
    rounds: [{ failed: count, succeeded: 100 - count }],
  })) as unknown as SweepPoint[];

/** A server that answers so many at once in 20 ms each, and refuses the others at once. */
function sizesOf(bears: number) {
  return SIZES.map((size) => ({
    size,
    model: { model: "limited" } as const,
    refined: false,
    trials: [0, 1, 2].map((round) => {
      const share = Math.min(1, bears / size);
      // Refusals are fast: all together the tasks seem to fly.
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
});

Deno.test("a server that refuses from 16 slots on isn't fitted, nor foretold, beyond 8", () => {
  const sizes = sizesOf(8);
  const analysis = analyse({ sizes, partial: false, warnings: [] }, 1, on);
  assertEquals(analysis.failsFrom, { size: 16, failed: 1500, of: 3000 });
  assertEquals(analysis.best, { size: 8, throughputPerSecond: 400 });
  // Perfect up to 8; through all sizes the law would be another one.
  assert(analysis.fits.every(({ sigma }) => sigma.value < 1e-6));
  assertEquals(analysis.knee, null);
  const said = { ...analysis, axis: on.axis };
  assertEquals(kneeSentence(said), "No knee up to 8 slots: throughput was still rising.");
  assertStringIncludes(
    failingSentences(said)[0]!,
    "from 16 slots on, 1500 of 3000 there: 8 slots is",
  );
  assertEquals(forecastSentences(said), [
    "10× and 1,000×, 640 slots and 64,000 slots: no forecast, since tasks fail from 16 slots on.",
  ]);
});

Deno.test("what failed isn't counted as throughput", () => {
  const { points } = analyse({ sizes: sizesOf(8), partial: false, warnings: [] }, 1, on);
  // 50 a second and slot were answered, however fast the others were refused.
  for (const { size, throughputPerSecond, latencyMs } of points) {
    assertEquals(Math.round(throughputPerSecond.median), 50 * size);
    assert(latencyMs !== null);
  }
});

Deno.test("a job of which everything fails from the first size on has nothing to conclude", () => {
  const sizes = sizesOf(0);
  const analysis = analyse({ sizes, partial: false, warnings: [] }, 1, on);
  assertEquals([analysis.best, analysis.knee, analysis.failsFrom], [null, null, null]);
  assertEquals(analysis.fits, []);
});
