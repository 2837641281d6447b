/**
 * How often the intervals of a sweep contain the true values: sweeps are generated from known laws with noise,
 * over many seeds. The numbers printed are percentages of the sweeps.
 */

import { assert } from "@std/assert";
import {
  drawsOf,
  estimateOf,
  fittedLaws,
  forecasts,
  type Law,
  type Series,
  throughputAt,
} from "../../lib/scaling/laws.ts";
import type { Estimate } from "../../lib/scaling/sweep_result.ts";
import { findKnee, kneeOf } from "../../lib/scaling/knee.ts";
import { curveOf, SIZES, synthetic } from "./synthetic.ts";

const SEEDS = 100;
const RESAMPLES = 100;
/** With 100 seeds, a true rate of 95 % gives less than this one time in 20,000 (binomial). */
const LEAST = 86;

/** Laws that a sweep may follow: linear, contention only, a peak at 34 slots, a peak far beyond 64. */
const TRUE_LAWS: Readonly<Record<string, Law>> = {
  "linear": { lambda: 50, sigma: 0, kappa: 0 },
  "Amdahl": { lambda: 50, sigma: 0.05, kappa: 0 },
  "USL": { lambda: 50, sigma: 0.05, kappa: 8e-4 },
  "USL, hardly bent": { lambda: 50, sigma: 0.01, kappa: 1e-4 },
};

const holds = ({ low, high }: Pick<Estimate, "low" | "high">, truth: number) =>
  low <= truth * (1 + 1e-9) && truth <= high * (1 + 1e-9);

/** Counts how often a statement was true, in percent of the times it was checked. */
class Tally {
  readonly #of = new Map<string, [held: number, asked: number]>();
  add(name: string, held: boolean): void {
    const [before, asked] = this.#of.get(name) ?? [0, 0];
    this.#of.set(name, [before + Number(held), asked + 1]);
  }
  get percents(): Record<string, number> {
    return Object.fromEntries(
      [...this.#of].map(([name, [held, asked]]) => [name, Math.round(held / asked * 100)]),
    );
  }
}

for (const [name, law] of Object.entries(TRUE_LAWS)) {
  Deno.test(`intervals hold the truth in about 95 of 100 sweeps: ${name}, 3% of noise`, () => {
    const tally = new Tally();
    const given = new Tally();
    for (let seed = 0; seed < SEEDS; seed++) {
      const series = synthetic(law, { noise: 0.03, seed });
      const laws = fittedLaws(series, seed, RESAMPLES);
      for (const { fit } of laws.fitted) {
        // Amdahl's law has no κ, so its fit isn't checked if the true law has one.
        if (fit.name === "amdahl" && law.kappa > 0) continue;
        tally.add(`${fit.name} λ`, holds(fit.lambda, law.lambda));
        tally.add(`${fit.name} σ`, holds(fit.sigma, law.sigma));
        if (fit.name === "usl") tally.add("usl κ", holds(fit.kappa, law.kappa));
      }
      const { chosen } = laws;
      const foretold = forecasts({
        law: chosen!.law,
        drawn: drawsOf(laws),
        refusal: chosen!.fit.refusal,
        largest: 64,
        bestPerSecond: 1,
      });
      for (const { factor, size, throughputPerSecond, refusal } of foretold) {
        given.add(`${factor}× given`, refusal === null);
        if (refusal !== null) continue;
        tally.add(`${factor}×`, holds(throughputPerSecond, throughputAt(law, size)));
      }
    }
    console.log(name, { ...tally.percents, ...given.percents });
    for (const [what, percent] of Object.entries(tally.percents)) {
      // A forecast that is seldom given says little about how often it is right.
      const asked = given.percents[`${what} given`] ?? 100;
      assert(asked < 20 || percent >= LEAST, `${what}: ${percent}`);
    }
  });
}

Deno.test("a knee's range holds the true knee in 95 of 100 sweeps, and names few sizes", () => {
  const curves: Readonly<Record<string, (size: number) => number>> = {
    "plateau from 8 on": (size) => 50 * Math.min(size, 8),
    "USL": (size) => throughputAt(TRUE_LAWS["USL"]!, size),
    "Amdahl": (size) => throughputAt(TRUE_LAWS["Amdahl"]!, size),
  };
  for (const [name, at] of Object.entries(curves)) {
    const truth = findKnee(curveOf(SIZES.map((size) => [size, at(size)])))!;
    const tally = new Tally();
    for (let seed = 0; seed < SEEDS; seed++) {
      const noise = synthetic({ lambda: 1, sigma: 1, kappa: 0 }, { noise: 0.03, seed });
      const series = noise.map(({ size, throughputs }) => ({
        size,
        throughputs: throughputs.map((x) => x * at(size)),
      }));
      const knee = kneeOf(series, seed);
      tally.add("found", knee !== null);
      tally.add("held", knee !== null && holds(knee, truth));
      tally.add("exact", knee?.size === truth);
      tally.add("three sizes at most", knee !== null && knee.high / knee.low <= 4);
    }
    console.log(`knee of ${name}, ${truth}`, tally.percents);
    for (const what of ["found", "held", "three sizes at most"]) {
      assert(tally.percents[what]! >= 95, `${name}, ${what}: ${tally.percents[what]}`);
    }
  }
});

const LAWLESS_SEEDS = 40;

/** Throughputs that follow no law: by size, and by round if rounds differ. */
const LAWLESS: Readonly<Record<string, (size: number, round: number) => number>> = {
  "a step: twice as fast from 8 on": (size) => size < 8 ? 100 : 200,
  "a cliff: all but refused beyond 16": (size) => size <= 16 ? 50 * size : 60,
  "two modes: every other size at a third": (size) =>
    50 * size / (Math.log2(size) % 2 === 0 ? 1 : 3),
  "a wall at 32 of what was perfect until then": (size) => size > 32 ? 800 : 50 * size,
  "a plateau from 8 on": (size) => 50 * Math.min(size, 8),
  "faster than perfect": (size) => 50 * size ** 1.6,
};

for (const [name, at] of Object.entries(LAWLESS)) {
  Deno.test(`what follows no law isn't foretold in any of ${LAWLESS_SEEDS} sweeps: ${name}`, () => {
    const refused = new Tally();
    for (let seed = 0; seed < LAWLESS_SEEDS; seed++) {
      const noise = synthetic({ lambda: 1, sigma: 1, kappa: 0 }, { noise: 0.03, seed });
      const series: Series[] = noise.map(({ size, throughputs }) => ({
        size,
        throughputs: throughputs.map((x, round) => x * at(size, round)),
      }));
      const laws = fittedLaws(series, seed, 20);
      refused.add("refused", laws.chosen!.fit.refusal !== null);
    }
    assert(refused.percents["refused"] === 100, JSON.stringify(refused.percents));
  });
}

Deno.test("rounds of two kinds, as far apart as two machines, aren't foretold", () => {
  let foretold = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    // Each round is randomly fast or a third as fast, so its median can be either.
    const coin = synthetic({ lambda: 1, sigma: 1, kappa: 0 }, { noise: 1, seed });
    const series = coin.map(({ size, throughputs }) => ({
      size,
      throughputs: throughputs.map((x) => 50 * size / (x > 1 ? 1 : 3)),
    }));
    const laws = fittedLaws(series, seed, 50);
    const { chosen } = laws;
    const [ten] = forecasts({
      law: chosen!.law,
      drawn: drawsOf(laws),
      refusal: chosen!.fit.refusal,
      largest: 64,
      bestPerSecond: 1,
    });
    if (ten!.refusal === null) foretold++;
  }
  assert(foretold <= 5, `${foretold}`);
});

Deno.test("an estimate's ends are quantiles of what was drawn, around its value", () => {
  const law = { lambda: 5, sigma: 0, kappa: 0 };
  const drawn = Array.from({ length: 1001 }, (_, i) => ({ ...law, lambda: i }));
  const { value, low, high } = estimateOf(law, drawn, ({ lambda }) => lambda);
  assert(value === 5 && low === 5 && high === 975, `${low} ${high}`);
});
