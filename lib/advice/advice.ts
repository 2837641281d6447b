/**
 * The advice as data: what reports are made from, and what `--json` writes. All numbers are finite;
 * what isn't known is null or not there, as each field says. Change it only together with
 * advice_schema.ts and advice.schema.json.
 *
 * @module
 */

import type { Interval, ResultFile, Verdict } from "../timing/result.ts";
import type { Finding } from "./finding.ts";
import type { Candidate } from "./prediction/candidate.ts";
import type { Machine } from "./prediction/machine.ts";
import type { Profiled } from "./profile/job_profile.ts";
import type { Decision } from "./race/recommend.ts";
import type { Sample } from "./probe/sample.ts";

/** A thing to mind, in words, with the figures that they are made of. */
export interface Hazard {
  /** Which kind of thing it is. */
  readonly kind: Finding["kind"];
  /** What to tell, in a sentence or two. */
  readonly text: string;
  /** Its figures and names; not in older files. */
  readonly figures?: Readonly<Record<string, unknown>> | undefined;
}

/** One model: what was predicted and what was measured. Times are for the whole job, in milliseconds. */
export interface ModelAdvice {
  /** `slots` is null where all items are in flight at once. */
  readonly model: string;
  /** How many lanes. */
  readonly lanes: number;
  /** Slots on each lane; null where all items are in flight at once. */
  readonly slots: number | null;
  /** Such as "limited (8 slots)". */
  readonly name: string;
  /** Predicted start and work together. */
  readonly predictedMs: number;
  /** Against sequential, as predicted. */
  readonly predictedGain: number;
  /** The ends of the prediction's range. */
  readonly predictedGainLow: number;
  /** The upper end. */
  readonly predictedGainHigh: number;
  /** Undefined for a model that wasn't raced. */
  readonly measured?: {
    readonly items: number;
    readonly rounds: number;
    readonly totalMs: number;
    readonly startMs: number;
    /** Against sequential, paired by round; null if the two share no round. */
    readonly gain: Interval | null;
    readonly peakRssBytes: number;
    readonly failed: number;
  } | undefined;
  /** Why it was taken out of the race. */
  readonly out?: "failures" | "results" | "slower" | "broken" | "impossible" | undefined;
}

/** Where measuring contradicted the prediction. */
export interface Surprise {
  /** The model it was wrong about. */
  readonly name: string;
  /** Against sequential, as predicted. */
  readonly predictedGain: number;
  /** Against sequential, as measured. */
  readonly measuredGain: number;
  /** What was wrong and why, in a sentence. */
  readonly text: string;
}

/** A sample's figures without the single times; what can be sent has no `uncloneable` in a file. */
export type SampleFigures = Omit<Sample, "walls" | "uncloneable"> & {
  /** What can't be sent to another lane. */
  readonly uncloneable?: string | undefined;
};

/** The whole advice on a job. */
export interface Advice {
  /** The job. */
  readonly job: {
    readonly title: string;
    readonly module: string;
    readonly export: string;
    /** How many items it has; null if that can't be told without taking them all. */
    readonly total: number | null;
  };
  /** The number of items that times and gains are for. */
  readonly horizon: number;
  /** Its class. */
  readonly bound: Verdict["bound"];
  /** The share of its time in which it computes, 0 to 1. */
  readonly cpuShare: number;
  /** How sure the class is, 0.5 to 1. */
  readonly classConfidence: number;
  /** A sentence on the class, if the race had to correct it. */
  readonly classNote?: string | undefined;
  /** The sample's figures. */
  readonly sample: SampleFigures;
  /** What the machine does. */
  readonly machine: Machine;
  /** All models that were looked at, the simplest first. */
  readonly models: readonly ModelAdvice[];
  /** Whether the prediction's own range is wide, and why; undefined if it was sure. */
  readonly unsure?: string | undefined;
  /** Where measuring contradicted the prediction. */
  readonly surprises: readonly Surprise[];
  /** Where the time goes, for tasks that compute. */
  readonly profile?: Profiled | undefined;
  /** What to do. */
  readonly recommended: Pick<Candidate, "model" | "lanes"> & {
    /** Slots on each lane; null where all items are in flight at once. */
    readonly slots: number | null;
    readonly name: string;
    readonly chunk: "auto";
    /** Against sequential, as measured; null if it wasn't. */
    readonly gain: Interval | null;
    readonly predictedGain: number;
    readonly confidence: number;
    /** What it needs more than the plain loop, in bytes; null if not measured. */
    readonly memoryBytes: number | null;
    /** From how many items on it pays; null if never. */
    readonly breakEven: number | null;
    readonly reason: string;
    /** How it was decided: a gain was shown, none is there, it can't be told, or it wasn't measured. */
    readonly decision?: Decision | undefined;
    /** How often the code tries an item again that a server refused. */
    readonly retries?: number | undefined;
  };
  /** The program, whole. */
  readonly code: string;
  /** The flags that `deno run` needs for it. */
  readonly flags: readonly string[];
  /** What to mind, the gravest first. */
  readonly hazards: readonly Hazard[];
  /** What the advice is missing, and why; undefined if it is whole. */
  readonly partial?: string | undefined;
  /** Time that tasks ran for the advice, and that over one sequential run of the sample. */
  readonly cost: {
    readonly tasksMs: number;
    readonly sequentialRuns: number;
    readonly timesRun: number;
  };
}

/** What `--json` writes. */
export interface AdviceFile {
  /** Raised when the meaning of a field changes. */
  readonly schemaVersion: 1;
  /** Tells it from other files. */
  readonly kind: "advice";
  /** On what it was measured. */
  readonly environment: ResultFile["environment"];
  /** The advice. */
  readonly advice: Advice;
}
