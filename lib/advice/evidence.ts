/**
 * What advice is asked for, and what was found before it is put into words.
 *
 * @module
 */

import type { JobSpec, TimingEvent } from "../timing/spec.ts";
import type { OrderFound } from "./probe/order_probe.ts";
import type { Profiled } from "./profile/job_profile.ts";
import type { Probed } from "./probe/probe.ts";
import type { Race } from "./race/race.ts";
import type { Planned } from "./race/race_plan.ts";

/** What is asked. */
export interface AdviseOptions {
  readonly job: JobSpec;
  /** How the person named the module. */
  readonly typed: string;
  /** Items to take at most; undefined for all. */
  readonly items: number | undefined;
  /** How long it may take, in milliseconds. */
  readonly budgetMs: number;
  /** Seeds the order of rounds. */
  readonly seed: number;
  /** How many CPUs there are. */
  readonly cores: number;
  readonly signal: AbortSignal;
  /** The library's entry, for the code. */
  readonly library: string;
  readonly onEvent?: (event: TimingEvent) => void;
  /** Told what comes next, in a few words. */
  readonly onPhase?: (phase: string) => void;
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
export interface Evidence extends Planned {
  readonly options: AdviseOptions;
  readonly probed: Probed;
  /** The race, if there was one. */
  readonly race: Race | undefined;
  /** A run of so many items from last to first, if there was one. */
  readonly backwards: OrderFound & { readonly items: number } | undefined;
  /** Where the time goes; undefined where nobody would ask. */
  readonly profile?: Profiled | undefined;
  /** What a refusing server lets through; undefined if none refused anything. */
  readonly pace?: Pace | undefined;
}
