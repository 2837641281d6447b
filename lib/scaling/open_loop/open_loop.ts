/**
 * Runs open-loop load at several rates, in interleaved, shuffled rounds.
 *
 * @module
 */

import { schedule } from "../../timing/schedule.ts";
import { openLoopFigures } from "./open_loop_figures.ts";
import type { OpenLoopTrace, OpenLoopTrial } from "./open_loop_spec.ts";
import { type OpenLoopRunner, openLoopTrial } from "./open_loop_trial.ts";
import type { OpenLoopPoint } from "../sweep_result.ts";

/** What is run. */
export interface OpenLoopSpec extends Omit<OpenLoopTrial, "ratePerSecond"> {
  /** Requests a second. */
  readonly rates: readonly number[];
  /** How often each rate is run. */
  readonly rounds: number;
  /** Decides the order. */
  readonly seed: number;
}

/** What running it needs. */
export interface OpenLoopOptions {
  /** Default: a fresh process for each trial. */
  readonly runTrial?: OpenLoopRunner;
  /** Ends it; what was measured is kept. */
  readonly signal?: AbortSignal;
  /** Told before each trial. */
  readonly onTrial?: (ratePerSecond: number, number: number, of: number) => void;
  /** Told after each trial that gave a result. */
  readonly onTrace?: (ratePerSecond: number, trace: OpenLoopTrace) => void;
}

/** What open-loop load came to. */
export interface MeasuredOpenLoop {
  /** In ascending order of rate. */
  readonly points: readonly OpenLoopPoint[];
  /** True when the signal was aborted. */
  readonly partial: boolean;
  /** One sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Applies load at each rate.
 *
 * @throws What the first trial threw, if there is none that gave a result.
 */
export async function runOpenLoop(
  spec: OpenLoopSpec,
  options: OpenLoopOptions = {},
): Promise<MeasuredOpenLoop> {
  const { rates, rounds, seed, ...common } = spec;
  const { runTrial = openLoopTrial, signal, onTrial, onTrace } = options;
  const traces = new Map<number, OpenLoopTrace[]>();
  const warnings = new Set<string>();
  let partial = false;
  let number = 0;
  for (const ratePerSecond of schedule(rates, rounds, seed).flat()) {
    partial = signal?.aborted ?? false;
    if (partial) break;
    onTrial?.(ratePerSecond, ++number, rates.length * rounds);
    try {
      const trace = await runTrial({ ...common, ratePerSecond }, { ...(signal && { signal }) });
      onTrace?.(ratePerSecond, trace);
      traces.set(ratePerSecond, [...traces.get(ratePerSecond) ?? [], trace]);
    } catch (error) {
      partial = signal?.aborted ?? false;
      if (partial) break;
      if (traces.size === 0) throw error;
      const why = error instanceof Error ? error.message : String(error);
      warnings.add(`A trial at ${ratePerSecond} a second is missing: ${why}`);
    }
  }
  const points = [...traces].toSorted(([a], [b]) => a - b).map(([ratePerSecond, of]) =>
    openLoopFigures({ ...common, ratePerSecond }, of)
  );
  return { points, partial, warnings: [...warnings] };
}
