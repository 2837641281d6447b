/** Measures every model on a job, and says how much longer the recommended model takes than the best one. */

import { type Candidate, nameOf } from "../../lib/advice/prediction/candidate.ts";
import { formatDuration } from "../../lib/text/format.ts";
import { shuffled } from "../../lib/timing/random.ts";
import type { JobSpec, TrialRunner } from "../../lib/timing/spec.ts";
import { median } from "../../lib/timing/statistics.ts";

/** After one round, a model this many times as slow as the best is not measured again. */
const HOPELESS = 2;

/** How many rounds the best model, the recommended ones and `auto` run against each other at the end. */
const FINAL_ROUNDS = 5;

/** Wall times by model and round, in milliseconds; a model that failed on some item is left out. */
export type Times = ReadonlyMap<string, readonly number[]>;

export interface Measured {
  /** The times of every model, from which the best is chosen. */
  readonly all: Times;
  readonly best: string;
  /**
   * The times of the best model, the recommended ones and `auto`, measured again: the least of a dozen noisy
   * times is below its true time, since the winner was lucky too (the optimizer's curse: Smith and Winkler,
   * Management Science 52, 2006).
   */
  readonly final: Times;
}

interface MeasureOptions {
  readonly rounds: number;
  readonly random: () => number;
  readonly runTrial: TrialRunner;
  /** Stops the measuring; times measured before are kept. */
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

/** `auto` is compared with the best of the fixed models and can't be that best itself. */
const AUTO: Candidate = { model: "auto", lanes: 1, slots: 1 };

/**
 * Measures every model on a job, in rounds of shuffled order, then the best against the recommended ones and
 * `auto`. A model that can't be the best any more runs only once.
 */
export async function measureModels(
  job: JobSpec,
  recommended: readonly Candidate[],
  { rounds, random, runTrial, signal }: MeasureOptions,
): Promise<Measured> {
  const candidates = [...everyModel(), ...recommended, AUTO];
  const always = new Set(["sequential", AUTO.model, ...recommended.map(nameOf)]);

  async function measure(named: readonly string[], rounds: number): Promise<Map<string, number[]>> {
    const models = new Map(candidates.map((candidate) => [nameOf(candidate), candidate] as const));
    for (const name of models.keys()) if (!named.includes(name)) models.delete(name);
    const times = new Map<string, number[]>([...models.keys()].map((name) => [name, []]));
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

  const all = await measure(candidates.map(nameOf), rounds);
  const lasting = new Map(
    [...all].filter(([name, of]) => name !== AUTO.model && of.length === rounds),
  );
  while (lasting.size > 0) {
    const best = bestOf(lasting);
    const finalists = [best, AUTO.model, ...recommended.map(nameOf)].filter((name) =>
      all.has(name)
    );
    const final = await measure(finalists, FINAL_ROUNDS);
    if (final.has(best)) return { all, best, final };
    // The best model failed on some item now, so the next best is tried.
    lasting.delete(best);
  }
  return { all, best: "sequential", final: new Map() };
}

/** How long a program takes to start, in milliseconds: it is added to both times that regret compares. */
const PROGRAM_MS = 30;

function bestOf(times: Times): string {
  return [...times.keys()].reduce((a, b) => median(times.get(b)!) < median(times.get(a)!) ? b : a);
}

/**
 * How much longer a model takes than the best one, as a share of the best one's time, paired by round because
 * other load slows both. Infinite for a model that failed on some item.
 */
function regretOf(chosen: string, { best, final }: Measured): number {
  if (chosen === best) return 0;
  const own = final.get(chosen) ?? [];
  const least = final.get(best) ?? [];
  const excess = own.slice(0, least.length).map((ms, round) =>
    (ms + PROGRAM_MS) / (least[round]! + PROGRAM_MS)
  );
  return excess.length === 0 ? Infinity : median(excess) - 1;
}

/** The result of a recommended model beside the best, `auto` and the plain loop. */
export interface Held {
  readonly wallMs: number;
  /** The name of the best model, with its time. */
  readonly best: string;
  readonly regret: number;
  /** The regret of `auto`; null if it failed on some item, as every model fails that asks a server too much. */
  readonly autoRegret: number | null;
  readonly plainMs: number;
  /** How many times as long as the plain loop `auto` takes. */
  readonly autoToPlain: number;
  /** The plain loop's time over that of the model; 0 if the model has none, NaN if the loop has none. */
  readonly gain: number;
}

export function heldOf(chosen: string, measured: Measured): Held {
  const { all, best, final } = measured;
  // A model that wasn't measured, or that failed on some item, has no time.
  const timeOf = (name: string) => {
    const ms = [...all.get(name) ?? [], ...final.get(name) ?? []];
    return ms.length > 0 ? median(ms) : Infinity;
  };
  const [wallMs, plainMs] = [timeOf(chosen), timeOf("sequential")];
  return {
    ...{ wallMs, plainMs },
    best: `${best} ${formatDuration(timeOf(best))}`,
    regret: regretOf(chosen, measured),
    autoRegret: final.has(AUTO.model) ? regretOf(AUTO.model, measured) : null,
    autoToPlain: timeOf(AUTO.model) / plainMs,
    gain: Number.isFinite(plainMs / wallMs) ? plainMs / wallMs : NaN,
  };
}
