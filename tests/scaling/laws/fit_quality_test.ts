import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fitLaw } from "../../../lib/scaling/laws/fit_law.ts";
import { judgeFit } from "../../../lib/scaling/laws/fit_quality.ts";
import { forecasts } from "../../../lib/scaling/laws/forecast.ts";
import { synthetic } from "../synthetic.ts";

const LAW = { lambda: 50, sigma: 0.05, kappa: 8e-4 };

Deno.test("judgeFit() believes a law in at least 95 of 100 sweeps with 3% of noise", () => {
  let believed = 0;
  for (let seed = 0; seed < 100; seed++) {
    const series = synthetic(LAW, { noise: 0.03, seed });
    if (judgeFit(fitLaw("usl", series), series).refusal === null) believed++;
  }
  assert(believed >= 95, `${believed}`);
});

Deno.test("judgeFit() refuses a cliff, and names the size that is missed most", () => {
  const series = [50, 100, 200, 400, 60, 60].map((x, i) => ({ size: 2 ** i, throughputs: [x] }));
  const { refusal, worstSize } = judgeFit(fitLaw("usl", series), series);
  assertStringIncludes(refusal!, `at ${worstSize} by`);
});

Deno.test("judgeFit() refuses a fit that doesn't foretell the largest size from the others", () => {
  // Perfect until 32, then a wall: a law that bends enough misses little, but had not foretold it.
  const series = [50, 98, 190, 370, 700, 1300, 1500].map((x, i) => ({
    size: 2 ** i,
    throughputs: [x],
  }));
  const { foretoldMiss, refusal } = judgeFit(fitLaw("usl", series), series);
  assert(foretoldMiss! > 0.2);
  assert(refusal !== null);
});

Deno.test("judgeFit() refuses as many numbers as sizes, since nothing is left to check", () => {
  const series = synthetic(LAW, { noise: 0, seed: 1, sizes: [1, 2, 4] });
  assertStringIncludes(judgeFit(fitLaw("usl", series), series).refusal!, "3 sizes are too few");
  assertEquals(judgeFit(fitLaw("amdahl", series), series).foretoldMiss === null, false);
});

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
