/** The options of advice, and what was found before it is put into words. */

import { type Model } from "../models.ts";
import { type Planned } from "./race/race_plan.ts";
import { type Race } from "./race/runner.ts";
import type { JobSpec, ModelSpec, TimingEvent } from "../timing/spec.ts";
import type { SharedState } from "./job/shared_state.ts";
import type { Machine } from "./prediction/machine.ts";
import type { OrderFound } from "./probe/order_probe.ts";
import type { Profiled } from "./profile/job_profile.ts";
import type { Probed } from "./probe/probe.ts";
import type { AutoFound } from "./race/auto_trial.ts";

export interface AdviseOptions {
  readonly job: JobSpec;
  readonly typed: string;
  /** The most items to take; undefined for all. */
  readonly items: number | undefined;
  readonly budgetMs: number;
  /** Whether the budget is the default, so that advice on a short job may take less. */
  readonly isSoon?: boolean | undefined;
  readonly seed: number;
  readonly cores: number;
  readonly signal: AbortSignal;
  readonly library: string;
  /** The models that may be raced beside the plain loop; by default the usual ones and other machines. */
  readonly models?: readonly Model[] | undefined;
  /** The server where other machines meet, and those of their lanes that can run the job's tasks. */
  readonly server?: ModelSpec["server"] | undefined;
  readonly joined?: Machine["joined"] | undefined;
  /** Whether `auto` runs once on what the recommended model ran in the race, if there is time. */
  readonly withAuto?: boolean | undefined;
  readonly bounds?: ModelSpec["bounds"];
  readonly onEvent?: (event: TimingEvent) => void;
  readonly onPhase?: (phase: string) => void;
}

/** The measured pace of a server that refuses. */
export interface ServerPace {
  /** Items a second; null if nothing was refused this time, or too few items ran to tell. */
  readonly perSecond: number | null;
  /** Whether the server refused even one by one, so that its limit decides and not the model. */
  readonly ofPlainLoop: boolean;
}

export interface Evidence extends Planned {
  readonly options: AdviseOptions;
  readonly probed: Probed;
  /** State that all tasks share on one event loop; each lane would have its own. */
  readonly shared?: SharedState | undefined;
  readonly race: Race | undefined;
  /** The run from last to first, with its number of items, if there was one. */
  readonly backwards:
    | (OrderFound & { readonly items: number; readonly timesRun: number })
    | undefined;
  readonly profile?: Profiled | undefined;
  readonly pace?: ServerPace | undefined;
  /** How many items a second sample and the search for a pace ran in all, and how often each at most. */
  readonly again?: { readonly items: number; readonly timesRun: number };
  readonly auto?: AutoFound | undefined;
}
