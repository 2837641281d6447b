/** Advice on made-up jobs on a simulated noisy machine, for which the truth is known. */

import { advise } from "../../lib/advice/advise.ts";
import { type Candidate, nameOf } from "../../lib/advice/prediction/candidate.ts";
import { predict } from "../../lib/advice/prediction/predict.ts";
import { seededRandom } from "../../lib/timing/random.ts";
import type { TrialResult, TrialSpec } from "../../lib/timing/spec.ts";
import { MACHINE, probedOf, roundOf, sampleFor } from "./fixture.ts";

/** The settings of the simulated machine. */
export interface Simulated {
  readonly made: Parameters<typeof probedOf>[0];
  /** The seed of all random numbers. */
  readonly seed: number;
  /** A trial's noise, as a standard deviation of the logarithm; it drifts, and is the share of outliers too. */
  readonly noise: number;
  /** The error of predictions, as a standard deviation of the logarithm. */
  readonly misprediction: number;
}

/** The quality of the advice. */
export interface SimulatedAdvice {
  /** How much longer the recommended model takes than the best one by their true times, as a share. */
  readonly regret: number;
  /** The cost of the advice, in sequential runs. */
  readonly runs: number;
}

/** How long a program takes to start, in milliseconds. */
const PROGRAM_MS = 30;

/** Gives advice on the simulated machine. */
export async function simulate(
  { made, seed, noise, misprediction }: Simulated,
): Promise<SimulatedAdvice> {
  const random = seededRandom(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const [probed, sample] = [probedOf(made), sampleFor(made)];
  const factors = new Map<string, number>();
  const factorOf = (candidate: Candidate) => {
    const name = nameOf(candidate);
    if (!factors.has(name)) {
      const factor = name === "sequential" ? 1 : Math.exp(misprediction * normal());
      // Work beside the event loop has the same cores under all models, and no model computes it faster.
      factors.set(name, made.onLoop === undefined ? factor : Math.max(1, factor));
    }
    return factors.get(name)!;
  };
  let [atMs, drift] = [0, 0];
  const runTrial = (trial: TrialSpec): Promise<TrialResult> => {
    const items = trial.job.items.kind === "values" ? 0 : trial.job.items.limit!;
    const { model, lanes = 1, slots = Infinity, round, mostMs = Infinity } = trial;
    const truth = predict(sample, { model, lanes, slots }, items, MACHINE);
    drift = 0.6 * drift + 0.8 * noise * normal();
    const disturbed = Math.exp(drift) * (random() < noise ? 1 + random() : 1);
    const runMs = truth.runMs * factorOf({ model, lanes, slots }) * disturbed;
    const cut = runMs > mostMs;
    const measured = roundOf({
      round,
      startMs: truth.startMs * disturbed,
      runMs: Math.min(runMs, mostMs),
      succeeded: cut ? 0 : items,
      failed: cut ? items : 0,
      ...(cut && { reasons: { cancelled: items } }),
    });
    atMs += measured.wallMs;
    return Promise.resolve({ round: measured, lanes, slots: null, warnings: [], stopped: cut });
  };
  const { advice, evidence } = await advise({
    job: {
      name: "made up",
      task: { module: "file:///job.ts", export: "default" },
      items: { kind: "module", module: "file:///job.ts", export: "items" },
      options: {},
    },
    typed: "job.ts",
    items: undefined,
    budgetMs: 30_000,
    seed,
    cores: 2,
    signal: new AbortController().signal,
    library: "file:///lib/mod.ts",
  }, {
    now: () => atMs,
    pause: (ms) => Promise.resolve(atMs += ms),
    measureMachine: () => Promise.resolve(MACHINE),
    probe: () => Promise.resolve(probed),
    orderProbe: () => Promise.resolve({ orderMatters: undefined }),
    runTrial,
  });
  const truthOf = (candidate: Candidate) => {
    const { startMs, runMs } = predict(sample, candidate, evidence.horizon, MACHINE);
    return PROGRAM_MS + startMs + runMs * factorOf(candidate);
  };
  const { recommended, cost } = advice;
  const known = [...evidence.predicted, ...evidence.race?.runners ?? []];
  const best = Math.min(...known.map(({ candidate }) => truthOf(candidate)));
  const chosen = truthOf({ ...recommended, slots: recommended.slots ?? Infinity });
  return { regret: chosen / best - 1, runs: cost.sequentialRuns };
}
