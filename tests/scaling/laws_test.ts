import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "../properties.ts";
import {
  bootstrapFit,
  estimateOf,
  fitLaw,
  judgeFit,
  type Law,
  limitOf,
  peakOf,
  type Series,
  throughputAt,
} from "../../lib/scaling/laws.ts";
import { median } from "../../lib/timing/statistics.ts";
import { synthetic } from "./synthetic.ts";

const anyLaw = fc.record({
  lambda: fc.double({ min: 0.5, max: 1e5, noNaN: true }),
  sigma: fc.double({ min: 0, max: 0.9, noNaN: true }),
  kappa: fc.oneof(fc.constant(0), fc.double({ min: 1e-5, max: 0.05, noNaN: true })),
});

Deno.test("fitLaw() finds the numbers of any law from throughputs without noise", () => {
  fc.assert(fc.property(anyLaw, (law) => {
    const found = fitLaw("usl", synthetic(law, { noise: 0, seed: 1 })).law;
    assertAlmostEquals(found.lambda / law.lambda, 1, 1e-5);
    assertAlmostEquals(found.sigma, law.sigma, 1e-5);
    assertAlmostEquals(found.kappa, law.kappa, 1e-6);
  }));
});

Deno.test("fitLaw() finds Amdahl's numbers from throughputs without noise", () => {
  fc.assert(fc.property(anyLaw, (any) => {
    const law = { ...any, kappa: 0 };
    const found = fitLaw("amdahl", synthetic(law, { noise: 0, seed: 1 })).law;
    assertAlmostEquals(found.lambda / law.lambda, 1, 1e-5);
    assertAlmostEquals(found.sigma, law.sigma, 1e-5);
    assertEquals(found.kappa, 0);
  }));
});

/** The distance of a law from the measurements, as fitting defines it. */
function squaresOf(law: Law, series: readonly Series[]): number {
  return series.map(({ size, throughputs }) =>
    (median(throughputs) / throughputAt(law, size) - 1) ** 2
  ).reduce((a, b) => a + b);
}

Deno.test("fitLaw() keeps σ within 0 to 1 and κ at 0 or above whatever was measured", () => {
  const series = fc.uniqueArray(
    fc.record({
      size: fc.integer({ min: 1, max: 1000 }),
      throughputs: fc.array(fc.double({ min: 0.01, max: 1e6, noNaN: true }), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
    { minLength: 3, maxLength: 10, selector: ({ size }) => size },
  );
  fc.assert(fc.property(series, (of) => {
    const amdahl = fitLaw("amdahl", of);
    const usl = fitLaw("usl", of);
    for (const { law } of [amdahl, usl]) {
      assert(law.lambda > 0 && Number.isFinite(law.lambda));
      assert(law.sigma >= 0 && law.sigma <= 1);
      assert(law.kappa >= 0);
    }
    // The law with more parameters can't fit worse, except for digits lost in the normal equations.
    assert(squaresOf(usl.law, of) <= squaresOf(amdahl.law, of) * (1 + 1e-4) + 1e-12);
  }));
});

Deno.test("fitLaw() has no law nearby that fits better", () => {
  const law = { lambda: 50, sigma: 0.05, kappa: 8e-4 };
  for (let seed = 0; seed < 20; seed++) {
    const series = synthetic(law, { noise: 0.1, seed });
    const { law: found } = fitLaw("usl", series);
    const squares = squaresOf(found, series);
    for (const by of [0.999, 1.001]) {
      for (const name of ["lambda", "sigma", "kappa"] as const) {
        assert(squaresOf({ ...found, [name]: by * found[name] }, series) >= squares);
      }
    }
  }
});

Deno.test("bootstrapFit()'s intervals hold σ and κ in at least 90 of 100 noisy sweeps", () => {
  const law = { lambda: 50, sigma: 0.05, kappa: 8e-4 };
  let [sigmas, kappas] = [0, 0];
  for (let seed = 0; seed < 100; seed++) {
    const series = synthetic(law, { noise: 0.03, seed });
    const fit = fitLaw("usl", series);
    const drawn = bootstrapFit(fit, series, { seed, resamples: 100 });
    const sigma = estimateOf(fit.law, drawn, (one) => one.sigma);
    const kappa = estimateOf(fit.law, drawn, (one) => one.kappa);
    if (sigma.low <= law.sigma && law.sigma <= sigma.high) sigmas++;
    if (kappa.low <= law.kappa && law.kappa <= kappa.high) kappas++;
  }
  assert(sigmas >= 90, `σ in ${sigmas}`);
  assert(kappas >= 90, `κ in ${kappas}`);
});

Deno.test("bootstrapFit() doesn't find a κ where there is none in at least 90 of 100 sweeps", () => {
  let zero = 0;
  for (let seed = 0; seed < 100; seed++) {
    const series = synthetic({ lambda: 50, sigma: 0.03, kappa: 0 }, { noise: 0.03, seed });
    const fit = fitLaw("usl", series);
    const drawn = bootstrapFit(fit, series, { seed, resamples: 100 });
    if (estimateOf(fit.law, drawn, (one) => one.kappa).low === 0) zero++;
  }
  assert(zero >= 90, `${zero}`);
});

Deno.test("bootstrapFit() repeats itself with the same seed, and estimateOf() holds its value", () => {
  const series = synthetic({ lambda: 9, sigma: 0.1, kappa: 0 }, { noise: 0.05, seed: 3 });
  const fit = fitLaw("usl", series);
  assertEquals(
    bootstrapFit(fit, series, { seed: 5, resamples: 10 }),
    bootstrapFit(fit, series, { seed: 5, resamples: 10 }),
  );
  const drawn = bootstrapFit(fit, series, { seed: 5 });
  const { value, low, high } = estimateOf(fit.law, drawn, (law) => peakOf(law)?.size ?? Infinity);
  assert(low <= value && value <= high);
  assertEquals(high, Infinity, "some laws drawn have no peak");
});

Deno.test("peakOf() and limitOf() bound the throughput", () => {
  fc.assert(fc.property(anyLaw, fc.integer({ min: 1, max: 100_000 }), (law, size) => {
    assert(throughputAt(law, size) <= limitOf(law) * (1 + 1e-9));
    const peak = peakOf(law);
    if (peak !== null && peak.size > 1.01) {
      assert(throughputAt(law, peak.size * 1.01) <= peak.throughputPerSecond);
      assert(throughputAt(law, peak.size / 1.01) <= peak.throughputPerSecond);
    }
  }));
});

Deno.test("fitLaw() isn't bent by one disturbed round of three", () => {
  const law = { lambda: 50, sigma: 0.05, kappa: 8e-4 };
  const series = synthetic(law, { noise: 0.01, seed: 2 });
  const disturbed = series.map((one, i) =>
    i === 3 ? { ...one, throughputs: [one.throughputs[0]! / 5, ...one.throughputs.slice(1)] } : one
  );
  const { sigma, kappa } = fitLaw("usl", disturbed).law;
  assertAlmostEquals(sigma, law.sigma, 0.01);
  assertAlmostEquals(kappa, law.kappa, 2e-4);
});

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
  // Throughput is perfect until 32, then hits a wall: a law that bends fits well, but hadn't predicted it.
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
