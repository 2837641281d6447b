/**
 * Runs a labelled job under every model, to know which one it would have been best to take.
 *
 * @module
 */

import { type Candidate, nameOf } from "../../lib/advice/prediction/candidate.ts";
import { shuffled } from "../../lib/timing/random.ts";
import type { JobSpec, TrialRunner } from "../../lib/timing/spec.ts";

/** After one round, a model this many times as slow as the best can't be the best any more. */
const HOPELESS = 2;

/** Wall times by model and round, in milliseconds; a model that failed has none. */
export type Times = ReadonlyMap<string, readonly number[]>;

/** How the models are measured. */
export interface MeasureOptions {
  /** How often. */
  readonly rounds: number;
  /** Draws the order. */
  readonly random: () => number;
  /** Runs one trial. */
  readonly runTrial: TrialRunner;
  /** Stops it; what was measured is kept. */
  readonly signal: AbortSignal;
}

function everyModel(cores: number): Candidate[] {
  const lanes = (model: "workers" | "processes", lanes: number, slots: number): Candidate => ({
    model,
    lanes,
    slots,
  });
  return [
    { model: "sequential", lanes: 1, slots: 1 },
    { model: "concurrent", lanes: 1, slots: Infinity },
    ...[2, 4, 8, 16, 64].map((slots): Candidate => ({ model: "limited", lanes: 1, slots })),
    lanes("workers", cores, 1),
    lanes("workers", cores, 4),
    lanes("workers", 4 * cores, 1),
    lanes("processes", cores, 1),
  ];
}

/**
 * Measures every model on a job, in rounds whose order is shuffled.
 *
 * @param job The job.
 * @param recommended The model that was recommended, measured beside the others in any case.
 * @param cores How many CPUs there are.
 * @param options How often, and with what.
 * @returns The times.
 */
export async function measureModels(
  job: JobSpec,
  recommended: Candidate,
  cores: number,
  { rounds, random, runTrial, signal }: MeasureOptions,
): Promise<Times> {
  const models = new Map(
    [...everyModel(cores), recommended].map((candidate) => [nameOf(candidate), candidate]),
  );
  const times = new Map<string, number[]>([...models.keys()].map((name) => [name, []]));
  const always = new Set(["sequential", nameOf(recommended)]);
  for (let round = 0; round < rounds; round++) {
    for (const [name, { model, lanes, slots }] of shuffled([...models], random)) {
      if (signal.aborted) return times;
      const size = model === "concurrent" ? { model } : { model, lanes, slots };
      const { round: measured } = await runTrial({ ...size, job, round }, { signal });
      if (measured.failed > 0) {
        models.delete(name);
        times.delete(name);
      } else {
        times.get(name)!.push(measured.wallMs);
      }
    }
    const best = Math.min(...[...times.values()].map((of) => of.at(-1) ?? Infinity));
    for (const [name, of] of times) {
      if (!always.has(name) && of.at(-1)! > HOPELESS * best) models.delete(name);
    }
  }
  return times;
}
