/**
 * Measures a sweep from options to result: progress while it runs, the site watched, all put together.
 *
 * @module
 */

import { MODEL_TABLE } from "../models.ts";
import { printError } from "../text/print.ts";
import { createProgress, type Progress, stderrOutput } from "../progress/progress.ts";
import type { Site } from "../site/start.ts";
import type { Meter } from "../timing/meter/meter.ts";
import { trialProcesses } from "../timing/run_trial.ts";
import type { JobSpec, ModelSpec, TimingEvent, TrialResult } from "../timing/spec.ts";
import { fit, plain } from "../text/plain.ts";
import { describeEnvironment } from "../timing/environment.ts";
import { othersBetween } from "../timing/meter/reading.ts";
import { busyWarnings } from "../timing/warnings.ts";
import { median } from "../timing/statistics.ts";
import { analyse } from "./analyse.ts";
import { runOpenLoop } from "./open_loop/open_loop.ts";
import type { OpenLoopTrace } from "./open_loop/trial.ts";
import { SiteWatch } from "../site/bottleneck.ts";
import { OPEN_LOOP_MS, type SweepOptionValues } from "./sweep_options.ts";
import type { SweepPlan } from "./sweep_plan.ts";
import { type MeasuredSize, runSweep } from "./run_sweep.ts";
import { sizeText, type SweepResult } from "./sweep_result.ts";
import type { SweptJob } from "./swept_job.ts";

/** What measuring needs beside job and options. */
export interface MeasureOptions {
  /** Aborted by Ctrl-C: what was measured is kept. */
  readonly signal: AbortSignal;
  /** The site that is downloaded from, if it is ours: its load is watched. */
  readonly site?: Pick<Site, "stats">;
  /** Tells what others do to the machine meanwhile, and how much of it may be used. */
  readonly meter?: Meter;
}

/** A trial may take long, but not for ever, in milliseconds. */
const GUARD_MS = 300_000;

/** A progress bar; in a pipe a first line instead, which speaks of sizes. */
function progressWith(line: string): Progress {
  sayInPipe(line);
  return createProgress({ ...stderrOutput(), writeLine: () => {} });
}

/** Prints a line to stderr where no bar moves. */
function sayInPipe(line: string): void {
  if (!stderrOutput().isTerminal) printError(line);
}

/** A trial shorter than this says little, in milliseconds. */
const SHORT_MS = 50;
/** How long after the schedule answers are waited for at least, in milliseconds. */
const LEAST_DRAIN_MS = 1_000;
/** Requests run before the schedule, to open connections and compile code. */
const OPEN_LOOP_WARMUP = 16;
/** Of a job's name beside the moving bar, in columns. */
const BAR_NAME = 18;

function modelAt({ axis, model, slotsPerLane }: SweepPlan, size: number): ModelSpec {
  return axis === "slots"
    ? { model, lanes: 1, slots: size }
    : { model, lanes: size, slots: slotsPerLane };
}

/** Trials so short that starting and ending them is most of what was measured. */
function shortTrials(sizes: readonly MeasuredSize[], axis: string): string[] {
  const short = sizes.filter(({ trials }) =>
    median(trials.map(({ round }) => round.runMs)) < SHORT_MS
  );
  if (short.length === 0) return [];
  return [
    `Trials with ${
      short.map(({ size }) => size).join(", ")
    } ${axis} took less than ${SHORT_MS} ms: ` +
    `with more items the figures are surer.`,
  ];
}

/** As much of a name as leaves room for the time left on a line of 80 columns. */
function barName({ name }: SweptJob): string {
  return fit(plain(name), BAR_NAME);
}

function taskName({ task }: JobSpec): string {
  return task.module.slice(task.module.lastIndexOf("/") + 1);
}

/** How many items a job has, as far as that is known without making them. */
function commonOf({ items }: JobSpec): number {
  return items.kind === "values"
    ? items.values.length
    : Math.min(items.limit ?? Infinity, Number.MAX_SAFE_INTEGER);
}

/**
 * Sweeps a job along slots or lanes.
 *
 * @returns The result; partial if the signal was aborted.
 * @throws What the first trial threw, if there is none that gave a result.
 */
export async function measureSweep(
  job: SweptJob,
  plan: SweepPlan,
  values: Pick<SweepOptionValues, "rounds" | "seed" | "timeoutMs">,
  options: MeasureOptions,
): Promise<SweepResult> {
  const { rounds, seed, timeoutMs } = values;
  const { axis, model, sizes, slotsPerLane, refine, extendTo } = plan;
  const places = (size: number) => axis === "slots" ? size : size * slotsPerLane;
  const environment = await describeEnvironment(seed, Date.now, options.meter?.quota);
  const before = await options.meter?.read();
  const watch = new SiteWatch(options.site);
  const progress = progressWith(
    `${job.name}: ${rounds} round${rounds === 1 ? "" : "s"} of ${model} with ${
      sizes.length === 1 ? sizeText(axis, sizes[0]!) : `${sizes.join(", ")} ${axis}`
    }${refine ? ", then more where it bends" : ""} …`,
  );
  let planned = rounds * sizes.length;
  progress.begin({ job: barName(job), models: [{ model }], rounds: planned });
  const onEvent = (event: TimingEvent) => {
    if (event.type === "trial-started") {
      watch.restart();
      const { number, of } = event;
      // What the first sizes showed asks for more: the time left is counted anew.
      if (of > planned) {
        progress.end();
        progress.begin({ job: barName(job), models: [{ model }], rounds: of - planned });
        sayInPipe(`${job.name}: trials ${number} to ${of}, with further ${axis} …`);
        planned = of;
      }
    }
    progress.onEvent(event);
    if (event.type === "trial-ended") {
      const at = modelAt(plan, axis === "slots" ? event.trial.slots ?? 1 : event.trial.lanes ?? 1);
      watch.sample(`${model} with ${at[axis]} ${axis}`, event.result.round.runMs);
    }
  };
  try {
    const measured = await runSweep({
      sizes,
      modelAt: (size) => modelAt(plan, size),
      jobAt: (size) => job.at(places(size)),
      warmupAt: (size) => job.warmupAt(places(size)),
      rounds,
      seed,
      ...(!refine && { refineSteps: 0 }),
      extendTo,
      timeoutMs,
      chunkAt: (size) => MODEL_TABLE[model].together ? size : job.chunk,
      common: commonOf(job.at(places(Math.min(...sizes)))),
    }, { runTrial: trialProcesses({ guardMs: GUARD_MS }), signal: options.signal, onEvent });
    const first = job.at(1);
    return {
      schemaVersion: 1,
      kind: "sweep",
      environment,
      ...(measured.partial && { partial: true }),
      job: { name: job.name, task: taskName(first), options: first.options },
      model,
      axis,
      ...(job.computingShare !== undefined && { computingShare: job.computingShare }),
      ...analyse(measured, seed, {
        axis,
        cores: Math.min(environment.cpus, environment.lanesAvailable),
      }),
      openLoop: [],
      warnings: [
        ...measured.warnings,
        ...shortTrials(measured.sizes, axis),
        ...await watch.warnings(),
        ...busyWarnings(othersBetween(before, await options.meter?.read())),
      ],
    };
  } finally {
    progress.end();
  }
}

/** A model with its size, such as "workers, 2 lanes, 1 slot". */
function modelText({ model, lanes, slots }: ModelSpec): string {
  return [
    model,
    ...(lanes === undefined ? [] : [sizeText("lanes", lanes)]),
    ...(slots === undefined ? [] : [sizeText("slots", slots)]),
  ].join(", ");
}

/** What progress is told of a trial on schedule: how long it took, and what became of it. */
function trialResultOf({ endedMs, failed, endMs }: OpenLoopTrace): TrialResult {
  const answered = endedMs.filter((at) => at !== null).length;
  const counts = { succeeded: answered - failed.length, failed: failed.length, checksum: "" };
  const times = { startMs: 0, runMs: endMs, wallMs: endMs, cpuMs: NaN, peakRssBytes: NaN };
  return { round: { round: 0, ...times, ...counts }, lanes: 1, slots: null, warnings: [] };
}

/**
 * Applies open-loop load to a job.
 *
 * @returns The result; partial if the signal was aborted.
 * @throws What the first trial threw, if there is none that gave a result.
 */
export async function measureOpenLoop(
  job: SweptJob,
  load: NonNullable<SweepOptionValues["openLoop"]>,
  values: Pick<SweepOptionValues, "rounds" | "seed" | "durationMs">,
  options: MeasureOptions,
): Promise<SweepResult> {
  const { rounds, seed, durationMs = OPEN_LOOP_MS } = values;
  const environment = await describeEnvironment(seed, Date.now, options.meter?.quota);
  const before = await options.meter?.read();
  const watch = new SiteWatch(options.site);
  const spec = job.at(OPEN_LOOP_WARMUP);
  const trial = { ...load.model, job: spec, round: 0 };
  const progress = progressWith(
    `${job.name}: ${rounds} round${rounds === 1 ? "" : "s"} of ${
      load.rates.join(", ")
    } requests a ` +
      `second, on schedule …`,
  );
  progress.begin({ job: barName(job), models: [load.model], rounds: rounds * load.rates.length });
  try {
    const { points, partial, warnings } = await runOpenLoop({
      ...load.model,
      job: spec,
      rates: load.rates,
      rounds,
      seed,
      durationMs,
      drainMs: Math.max(LEAST_DRAIN_MS, durationMs),
      warmup: Math.min(OPEN_LOOP_WARMUP, job.warmupAt(OPEN_LOOP_WARMUP)),
    }, {
      signal: options.signal,
      onTrial: (_, number, of) => {
        watch.restart();
        progress.onEvent({ type: "trial-started", trial, number, of });
      },
      onTrace: (rate, trace) => {
        watch.sample(`${rate} requests a second`, trace.endMs);
        progress.onEvent({ type: "trial-ended", trial, result: trialResultOf(trace) });
      },
    });
    return {
      schemaVersion: 1,
      kind: "sweep",
      environment,
      ...(partial && { partial: true }),
      job: { name: job.name, task: taskName(spec), options: spec.options },
      model: modelText(load.model),
      axis: "rate",
      ...analyse({ sizes: [], partial, warnings: [] }, seed, { axis: "rate", cores: 1 }),
      openLoop: points,
      warnings: [
        ...warnings,
        ...await watch.warnings(),
        ...busyWarnings(othersBetween(before, await options.meter?.read())),
      ],
    };
  } finally {
    progress.end();
  }
}
