/** Measures a sweep from options to result, with progress, and the site and the machine watched. */

import { titleOf } from "../lanes/task.ts";
import { MODEL_TABLE } from "../models.ts";
import { printError } from "../text/print.ts";
import { createProgress, type Progress, stderrOutput } from "../progress/progress.ts";
import { type Site, SiteWatch } from "../site/start.ts";
import { type Meter, othersBetween } from "../timing/meter/meter.ts";
import { trialProcesses } from "../timing/run_trial.ts";
import type { JobSpec, TimingEvent, TrialSpec } from "../timing/spec.ts";
import { fit, plain } from "../text/plain.ts";
import { counted } from "../text/format.ts";
import { describeMachine } from "../timing/environment.ts";
import { busyWarnings } from "../timing/warnings.ts";
import { median } from "../timing/statistics.ts";
import { analyse } from "./analyse.ts";
import { runOpenLoop } from "./open_loop.ts";
import { OPEN_LOOP_MS, type SweepOptionValues, type SweepPlan } from "./sweep_plan.ts";
import { type MeasuredSize, runSweep } from "./run_sweep.ts";
import { sizeText, type SweepResult } from "./sweep_result.ts";
import type { SweptJob } from "./swept_job.ts";

export interface MeasureOptions {
  /** Aborted by Ctrl-C: what was measured is kept. */
  readonly signal: AbortSignal;
  /** The site that is downloaded from, if it is ours: its load is watched. */
  readonly site?: Pick<Site, "stats">;
  /** Tells what others do to the machine meanwhile, and how much of it may be used. */
  readonly meter?: Meter;
}

const GUARD_MS = 300_000;
const SHORT_MS = 50;
/** A size that takes so many times as long as one by one, and a deadline more, isn't waited for. */
const SLOWER = 3;
/** How long after the schedule answers are waited for at least. */
const LEAST_DRAIN_MS = 1_000;
/** Requests run before the schedule, to open connections and compile code. */
const OPEN_LOOP_WARMUP = 16;
/** Of a job's name beside the moving bar, in columns: it leaves room for the time left on a line of 80. */
const BAR_NAME = 18;

/** Prints a line to stderr where no bar moves. */
function sayInPipe(line: string): void {
  if (!stderrOutput().isTerminal) printError(line);
}

function shortTrials(sizes: readonly MeasuredSize[], axis: string): string[] {
  const short = sizes.filter(({ trials }) =>
    median(trials.map(({ round }) => round.runMs)) < SHORT_MS
  ).map(({ size }) => size);
  return short.length === 0 ? [] : [
    `Trials with ${short.join(", ")} ${axis} took less than ${SHORT_MS} ms: ` +
    `with more items the figures are surer.`,
  ];
}

type Measured = Omit<SweepResult, "schemaVersion" | "kind" | "environment" | "job">;

/** Has something measured of a job, and says on which machine, and what was noticed meanwhile. */
async function measured(
  job: SweptJob,
  spec: JobSpec,
  seed: number,
  { meter, site }: MeasureOptions,
  measure: (
    progress: Progress,
    /** What trials are told to, each by a name. */
    watched: (nameOf: (trial: TrialSpec) => string) => (event: TimingEvent) => void,
    environment: SweepResult["environment"],
  ) => Promise<Measured>,
): Promise<SweepResult> {
  const environment = { ...await describeMachine(meter), seed };
  const before = await meter?.read();
  const watch = new SiteWatch(site);
  // In a pipe there is a line of its own instead, which speaks of sizes.
  const progress = createProgress({ ...stderrOutput(), writeLine: () => {} });
  const watched = (nameOf: (trial: TrialSpec) => string) => (event: TimingEvent) => {
    if (event.type === "trial-started") watch.restart();
    progress.onEvent(event);
    if (event.type === "trial-ended") {
      watch.sample(nameOf(event.trial), event.result.round.runMs);
    }
  };
  try {
    const found = await measure(progress, watched, environment);
    const { task: { module }, options } = spec;
    const task = titleOf({ module, export: "default" });
    const busy = busyWarnings(othersBetween(before, await meter?.read()));
    return {
      schemaVersion: 1,
      kind: "sweep",
      environment,
      job: { name: job.name, task, options, total: job.total },
      ...found,
      warnings: [...found.warnings, ...await watch.warnings(), ...busy],
    };
  } finally {
    progress.end();
  }
}

/** Sweeps a job; throws what the first trial threw, if there is none that gave a result. */
export async function measureSweep(
  job: SweptJob,
  plan: SweepPlan,
  values: Pick<SweepOptionValues, "rounds" | "seed" | "timeoutMs" | "server">,
  options: MeasureOptions,
): Promise<SweepResult> {
  const { rounds, seed, timeoutMs, server } = values;
  const { axis, model, sizes, slotsPerLane, refine, extendTo } = plan;
  const places = (size: number) => axis === "slots" ? size : size * slotsPerLane;
  const begin = (progress: Progress, trials: number) =>
    progress.begin({ job: fit(plain(job.name), BAR_NAME), models: [{ model }], rounds: trials });
  return await measured(job, job.at(1), seed, options, async (progress, watched, environment) => {
    const listed = sizes.length === 1 ? sizeText(axis, sizes[0]!) : `${sizes.join(", ")} ${axis}`;
    sayInPipe(
      `${job.name}: ${counted(rounds, "round")} of ${model} with ${listed}` +
        `${refine ? ", then more where it bends" : ""} …`,
    );
    let planned = rounds * sizes.length;
    begin(progress, planned);
    const watch = watched(({ [axis]: size = 1 }) => `${model} with ${size} ${axis}`);
    const onEvent = (event: TimingEvent) => {
      if (event.type === "trial-started") {
        const { number, of } = event;
        // What the first sizes showed asks for more: the time left is counted anew.
        if (of > planned) {
          progress.end();
          begin(progress, of - planned);
          sayInPipe(`${job.name}: trials ${number} to ${of}, with further ${axis} …`);
          planned = of;
        }
      }
      watch(event);
    };
    const { items } = job.at(places(Math.min(...sizes)));
    const swept = await runSweep({
      sizes,
      modelAt: (size) => ({
        model,
        ...(axis === "slots" ? { lanes: 1, slots: size } : { lanes: size, slots: slotsPerLane }),
        server,
      }),
      jobAt: (size) => job.at(places(size)),
      warmupAt: (size) => job.warmupAt(places(size)),
      rounds,
      seed,
      refineSteps: refine ? undefined : 0,
      extendTo,
      timeoutMs,
      failedShare: job.failedShare,
      mostMs: job.expectedMs && timeoutMs + SLOWER * job.expectedMs,
      chunkAt: (size) => MODEL_TABLE[model].together ? size : job.chunk,
      common: items.kind === "values"
        ? items.values.length
        : Math.min(items.limit ?? Infinity, Number.MAX_SAFE_INTEGER),
    }, {
      runTrial: trialProcesses({ guardMs: GUARD_MS, meter: options.meter }),
      signal: options.signal,
      onEvent,
    });
    const { cpus, lanesAvailable } = environment;
    return {
      partial: swept.partial || undefined,
      unsteady: swept.unsteady,
      model,
      axis,
      computingShare: job.computingShare,
      freeShare: job.freeShare,
      ...analyse(swept, seed, { axis, cores: Math.min(cpus, lanesAvailable) }),
      openLoop: [],
      warnings: [...swept.warnings, ...shortTrials(swept.sizes, axis)],
    };
  });
}

/** Applies open-loop load to a job; ends and throws as {@linkcode measureSweep} does. */
export async function measureOpenLoop(
  job: SweptJob,
  { rates, model }: NonNullable<SweepOptionValues["openLoop"]>,
  values: Pick<SweepOptionValues, "rounds" | "seed" | "durationMs">,
  options: MeasureOptions,
): Promise<SweepResult> {
  const { rounds, seed, durationMs = OPEN_LOOP_MS } = values;
  const spec = job.at(OPEN_LOOP_WARMUP);
  return await measured(job, spec, seed, options, async (progress, watched) => {
    sayInPipe(
      `${job.name}: ${counted(rounds, "round")} of ${rates.join(", ")} requests a second, on ` +
        `schedule …`,
    );
    const name = fit(plain(job.name), BAR_NAME);
    progress.begin({ job: name, models: [model], rounds: rounds * rates.length });
    const { points, partial, warnings } = await runOpenLoop({
      ...model,
      job: spec,
      rates,
      rounds,
      seed,
      durationMs,
      drainMs: Math.max(LEAST_DRAIN_MS, durationMs),
      warmup: Math.min(OPEN_LOOP_WARMUP, job.warmupAt(OPEN_LOOP_WARMUP)),
    }, {
      signal: options.signal,
      onEvent: watched(({ pace }) => `${pace!.ratePerSecond} requests a second`),
    });
    const sizes = (["lanes", "slots"] as const)
      .flatMap((axis) => model[axis] === undefined ? [] : sizeText(axis, model[axis]));
    return {
      partial: partial || undefined,
      model: [model.model, ...sizes].join(", "),
      axis: "rate",
      ...analyse({ sizes: [] }, seed, { axis: "rate", cores: 1 }),
      openLoop: points,
      warnings,
    };
  });
}
