/**
 * What advice is asked for, and what was found before it is put into words.
 *
 * @module
 */

import type { JobSpec, TimingEvent } from "../timing/spec.ts";
import type { Predicted } from "./candidates.ts";
import type { Machine } from "./predict.ts";
import type { Probed } from "./probe.ts";
import type { Race } from "./race.ts";
import type { Sample } from "./sample.ts";

/** What is asked. */
export interface AdviseOptions {
  readonly job: JobSpec;
  /** How the person named the module. */
  readonly typed: string;
  /** Items to take at most; undefined for all. */
  readonly items: number | undefined;
  /** How long it may take, in milliseconds. */
  readonly budgetMs: number;
  readonly seed: number;
  readonly cores: number;
  readonly signal: AbortSignal;
  /** The library's entry, for the code. */
  readonly library: string;
  readonly onEvent?: (event: TimingEvent) => void;
  /** Told what comes next, in a few words. */
  readonly onPhase?: (phase: string) => void;
}

/** What was found, before it is put into words. */
export interface Findings {
  readonly options: AdviseOptions;
  readonly probed: Probed;
  readonly sample: Sample;
  readonly machine: Machine;
  readonly horizon: number;
  /** How many items the job has; null if unknown. */
  readonly total: number | null;
  readonly predicted: readonly Predicted[];
  readonly race: Race | undefined;
  /** Why there was no race, or no whole one. */
  readonly missing: string | undefined;
}
