/**
 * Measures every model on a job, and says what it costs to have taken the recommended one instead of the
 * best.
 */

import { type Candidate, nameOf } from "../../lib/advice/prediction/candidate.ts";
import { shuffled } from "../../lib/timing/random.ts";
import type { JobSpec, TrialRunner } from "../../lib/timing/spec.ts";
import { median } from "../../lib/timing/statistics.ts";

/** After one round, a model this many times as slow as the best can't be the best any more. */
const HOPELESS = 2;

/** Wall times by model and round, in milliseconds; a model that failed has none. */
export type Times = ReadonlyMap<string, readonly number[]>;

interface MeasureOptions {
  readonly rounds: number;
  readonly random: () => number;
  readonly runTrial: TrialRunner;
  /** Stops it; what was measured is kept. */
  readonly signal: AbortSignal;
}

function everyModel(): Candidate[] {
  const cores = navigator.hardwareConcurrency;
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

/** Held against the fixed models, of which it is none. */
const AUTO: Candidate = { model: "auto", lanes: 1, slots: 1 };

/**
 * Measures every model on a job, in rounds whose order is shuffled; those recommended in every round,
 * others that can't be the best any more only once.
 */
export async function measureModels(
  job: JobSpec,
  recommended: readonly Candidate[],
  { rounds, random, runTrial, signal }: MeasureOptions,
): Promise<Times> {
  const models = new Map(
    [...everyModel(), ...recommended, AUTO].map((candidate) => [nameOf(candidate), candidate]),
  );
  const times = new Map<string, number[]>([...models.keys()].map((name) => [name, []]));
  const always = new Set(["sequential", AUTO.model, ...recommended.map(nameOf)]);
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

/** Whoever leaves a program sequential still waits for Deno to start, in milliseconds. */
const PROGRAM_MS = 30;

/** Both kinds of regret: shares of the best model's time, 0 for none. */
interface Regret {
  /** Against the model that was best in the other rounds. */
  readonly fair: number;
  /** Against the least of all middle times. */
  readonly naive: number;
  /** The model with the least middle time. */
  readonly best: string;
}

function bestOf(times: ReadonlyMap<string, readonly number[]>): string {
  return [...times.keys()].reduce((a, b) => median(times.get(b)!) < median(times.get(a)!) ? b : a);
}

/**
 * Says how much longer a model takes than the best one, paired by round, because neighbours slow both.
 *
 * The least of a dozen noisy times is below its true time: the winner was lucky too (the optimizer's
 * curse: Smith and Winkler, Management Science 52, 2006). So in each round the best is the model that
 * was the best in all *other* rounds. The naive figure is given beside it.
 * Models with fewer rounds than the recommended one were too slow to be the best.
 */
export function regretOf(chosen: string, times: Times): Regret {
  const own = times.get(chosen) ?? [];
  const whole = new Map(
    [...times].filter(([name, of]) => name !== AUTO.model && of.length === own.length),
  );
  if (own.length === 0) return { fair: Infinity, naive: Infinity, best: bestOf(times) };
  const excess = (best: string, round: number) =>
    (own[round]! + PROGRAM_MS) / (whole.get(best)![round]! + PROGRAM_MS);
  const best = bestOf(whole);
  const fair = own.map((_, round) => {
    const others = new Map(
      [...whole].map(([name, of]) => [name, of.length < 2 ? of : of.toSpliced(round, 1)]),
    );
    return excess(bestOf(others), round);
  });
  return {
    fair: median(fair) - 1,
    naive: median(own.map((_, round) => excess(best, round))) - 1,
    best,
  };
}

/** The same of `auto`; null if it failed on some item, as every model fails that asks a server too much. */
export function autoRegret(times: Times): number | null {
  return times.has(AUTO.model) ? regretOf(AUTO.model, times).fair : null;
}
