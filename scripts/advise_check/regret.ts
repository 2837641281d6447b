/**
 * Measures every model on a job, and says what it costs to have taken the recommended one instead of the
 * best.
 */

import { type Candidate, nameOf } from "../../lib/advice/prediction/candidate.ts";
import { formatDuration } from "../../lib/text/format.ts";
import { shuffled } from "../../lib/timing/random.ts";
import type { JobSpec, TrialRunner } from "../../lib/timing/spec.ts";
import { median } from "../../lib/timing/statistics.ts";

/** After one round, a model this many times as slow as the best can't be the best any more. */
const HOPELESS = 2;

/** So often the best, those recommended and `auto` run against each other, once the best is known. */
const FINAL_ROUNDS = 5;

/** Wall times by model and round, in milliseconds; a model that failed has none. */
export type Times = ReadonlyMap<string, readonly number[]>;

export interface Measured {
  /** Of every model: says which is the best. */
  readonly all: Times;
  readonly best: string;
  /**
   * Of the best, those recommended and `auto`, measured anew: the least of a dozen noisy times is below its
   * true time, since the winner was lucky too (the optimizer's curse: Smith and Winkler, Management
   * Science 52, 2006).
   */
  readonly final: Times;
}

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
 * Measures every model on a job, in rounds whose order is shuffled (those that can't be the best any more
 * only once), and then the best against those recommended and `auto`.
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
    // It loses items now and then.
    lasting.delete(best);
  }
  return { all, best: "sequential", final: new Map() };
}

/** Whoever leaves a program sequential still waits for Deno to start, in milliseconds. */
const PROGRAM_MS = 30;

function bestOf(times: Times): string {
  return [...times.keys()].reduce((a, b) => median(times.get(b)!) < median(times.get(a)!) ? b : a);
}

/**
 * How much longer a model takes than the best one, as a share of the best one's time: paired by round,
 * because neighbours slow both. Infinite for a model that failed on some item.
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

/** What a recommended model came to, beside the best, `auto` and the plain loop. */
export interface Held {
  readonly wallMs: number;
  /** The model that was best, with its time. */
  readonly best: string;
  readonly regret: number;
  /** That of `auto`; null if it failed on some item, as every model fails that asks a server too much. */
  readonly autoRegret: number | null;
  readonly plainMs: number;
  /** How many times as long as the plain loop `auto` takes. */
  readonly autoToPlain: number;
  /** How many times as long as the recommended model the plain loop takes; NaN if either lost items. */
  readonly gain: number;
}

export function heldOf(chosen: string, measured: Measured): Held {
  const { all, best, final } = measured;
  // What wasn't measured, or lost items, has no time.
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
