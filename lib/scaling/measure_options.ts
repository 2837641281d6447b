/**
 * What measuring needs beside job and sizes: how trials are run, and who is told.
 *
 * @module
 */

import { printError } from "../text/print.ts";
import { createProgress, type Progress, stderrOutput } from "../progress/progress.ts";
import type { Site } from "../site/start.ts";
import type { Meter } from "../timing/meter/meter.ts";
import { trialProcesses } from "../timing/run_trial.ts";
import type { TrialRunner } from "../timing/spec.ts";

/** What measuring needs beside job and options. */
export interface MeasureOptions {
  /** Aborted by Ctrl-C: what was measured is kept. */
  readonly signal: AbortSignal;
  /** The site that is downloaded from, if it is ours: its load is watched. */
  readonly site?: Pick<Site, "stats">;
  /** Told what is about to be measured, in one line; default standard error, unless a bar moves there. */
  readonly say?: (line: string) => void;
  /** Tells what others do to the machine meanwhile, and how much of it may be used. */
  readonly meter?: Meter;
  /** Runs a trial; default in a fresh process. */
  readonly runTrial?: TrialRunner;
}

/** A trial may take long, but not for ever, in milliseconds. */
const GUARD_MS = 300_000;

/**
 * What runs trials.
 *
 * @param options Another runner, if any.
 * @returns The runner; by default each trial gets a fresh process, for five minutes at most.
 */
export function runnerOf({ runTrial }: Pick<MeasureOptions, "runTrial">): TrialRunner {
  return runTrial ?? trialProcesses({ guardMs: GUARD_MS });
}

/**
 * The shared drawer of progress, with a first line of our own: in a pipe its own speaks of models and
 * rounds, not of sizes.
 */
export function progressFor(options: Pick<MeasureOptions, "say">, line: string): Progress {
  sayInPipe(options, line);
  return createProgress({ ...stderrOutput(), writeLine: () => {} });
}

/** Says a line where no bar moves. */
export function sayInPipe(options: Pick<MeasureOptions, "say">, line: string): void {
  const say = options.say ?? printError;
  if (!stderrOutput().isTerminal) say(line);
}
