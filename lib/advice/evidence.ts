/**
 * What advice is asked for, and what was found before it is put into words.
 *
 * @module
 */

import type { RewrittenFile } from "../children/file_audit.ts";
import type { JobSpec, TimingEvent } from "../timing/spec.ts";
import type { Predicted } from "./prediction/choose_candidates.ts";
import type { Machine } from "./prediction/machine.ts";
import type { Profiled } from "./profile/job_profile.ts";
import type { Probed } from "./probe/probe.ts";
import type { Race } from "./race/race.ts";
import type { Sample } from "./probe/sample.ts";

/** What is asked. */
export interface AdviseOptions {
  /** The job to advise on. */
  readonly job: JobSpec;
  /** How the person named the module. */
  readonly typed: string;
  /** Items to take at most; undefined for all. */
  readonly items: number | undefined;
  /** How long it may take, in milliseconds. */
  readonly budgetMs: number;
  /** Seeds the order of rounds and the bootstrap. */
  readonly seed: number;
  /** How many CPUs there are. */
  readonly cores: number;
  /** Stops it. */
  readonly signal: AbortSignal;
  /** The library's entry, for the code. */
  readonly library: string;
  /** Told what is measured. */
  readonly onEvent?: (event: TimingEvent) => void;
  /** Told what comes next, in a few words. */
  readonly onPhase?: (phase: string) => void;
}

/** A run of the first items from last to first. */
interface Backwards {
  /** How many items. */
  readonly items: number;
  /** Whether their results were others; undefined if the run failed. */
  readonly orderMatters: boolean | undefined;
  /** A file that was read and written as many times as there were tasks, or more. */
  readonly rewritten?: RewrittenFile | undefined;
}

/** What a server that refuses some items lets through. */
export interface Pace {
  /** Items a second; null if nothing was refused this time, or too few to tell. */
  readonly perSecond: number | null;
  /** How many items went through. */
  readonly items: number;
  /** Whether the server refused already what ran one by one, so that its limit decides and not the model. */
  readonly ofPlainLoop: boolean;
}

/** What was found, before it is put into words. */
export interface Evidence {
  /** What was asked. */
  readonly options: AdviseOptions;
  /** What the probe found. */
  readonly probed: Probed;
  /** The sample in figures. */
  readonly sample: Sample;
  /** What the machine does. */
  readonly machine: Machine;
  /** The number of items that times are for. */
  readonly horizon: number;
  /** How many items the job has; null if unknown. */
  readonly total: number | null;
  /** All models and their predictions. */
  readonly predicted: readonly Predicted[];
  /** The race, if there was one. */
  readonly race: Race | undefined;
  /** A run of some items from last to first, if there was one. */
  readonly backwards: Backwards | undefined;
  /** Where the time goes; undefined where nobody would ask. */
  readonly profile?: Profiled | undefined;
  /** What a refusing server lets through; undefined if none refused anything. */
  readonly pace?: Pace | undefined;
  /** Why there was no race, or no whole one. */
  readonly missing: string | undefined;
}
