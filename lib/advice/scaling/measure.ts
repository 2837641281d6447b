/**
 * Measures a sweep from options to result: progress while it runs, the site watched, all put together.
 *
 * @module
 */

import { createProgress, type Progress, stderrOutput } from "../../reporting/progress.ts";
import { type SiteSample, siteWarnings } from "../../site/bottleneck.ts";
import type { Site } from "../../site/start.ts";
import { describeEnvironment } from "../../timing/environment.ts";
import { trialProcesses } from "../../timing/run_trial.ts";
import type { JobSpec, ModelSpec, TimingEvent, TrialRunner } from "../../timing/spec.ts";
import { analyse } from "./analyse.ts";
import { runOpenLoop } from "./open_loop.ts";
import { OPEN_LOOP_MS, planFor, type SweepOptionValues, type SweepPlan } from "./sweep_options.ts";
import { runSweep } from "./sweep_points.ts";
import type { SweepResult } from "./sweep_result.ts";
import type { SweptJob } from "./swept_job.ts";

/** What measuring needs beside job and options. */
export interface MeasureOptions {
  /** Aborted by Ctrl-C: what was measured is kept. */
  readonly signal: AbortSignal;
  /** The site that is downloaded from, if it is ours: its load is watched. */
  readonly site?: Pick<Site, "stats">;
  /** Told what is about to be measured, in one line; default standard error, unless a bar moves there. */
  readonly say?: (line: string) => void;
  /** Runs a trial; default in a fresh process. */
  readonly runTrial?: TrialRunner;
}

/** From this CPU share on a sequential run computes more than it waits. */
const COMPUTES = 0.5;
/** A trial may take long, but not for ever, in milliseconds. */
const GUARD_MS = 300_000;
/** How long after the schedule answers are waited for at least, in milliseconds. */
const LEAST_DRAIN_MS = 1_000;
/** Requests run before the schedule, to open connections and compile code. */
const OPEN_LOOP_WARMUP = 16;

const runner = (options: MeasureOptions) =>
  options.runTrial ?? trialProcesses({ guardMs: GUARD_MS });

/** Asks the site for its load around each trial. */
class SiteWatch {
  readonly #site: Pick<Site, "stats"> | undefined;
  readonly #samples: Promise<SiteSample | undefined>[] = [];

  constructor(site: Pick<Site, "stats"> | undefined) {
    this.#site = site;
  }

  restart(): void {
    // The trial's process takes far longer to start than the counters to restart.
    this.#site?.stats({ restart: true }).catch(() => {});
  }

  sample(model: string, runMs: number): void {
    if (this.#site === undefined) return;
    this.#samples.push(
      this.#site.stats().then(({ cpuMs }) => ({ model, siteCpuMs: cpuMs, runMs }), () => undefined),
    );
  }

  async warnings(): Promise<string[]> {
    return siteWarnings((await Promise.all(this.#samples)).filter((one) => one !== undefined));
  }
}

/** The shared drawer of progress, whose one line in a pipe speaks of models and rounds, not of sizes. */
function progressFor(options: MeasureOptions, line: string): Progress {
  const output = stderrOutput();
  const say = options.say ?? ((text) => console.error(text));
  if (!output.isTerminal) say(line);
  return createProgress({ ...output, writeLine: () => {} });
}

/**
 * Decides what to sweep for a job of which nothing is known, by one sequential run: lanes if it
 * computes more than half of the time, else slots.
 *
 * @param job The job.
 * @param options How to run it.
 * @returns The plan, and why.
 * @throws What running the job threw.
 *
 * @example
 * ```ts
 * import { choosePlan } from "./measure.ts";
 *
 * console.log(choosePlan.length); // 2
 * ```
 */
export async function choosePlan(
  job: JobSpec,
  options: MeasureOptions & { readonly timeoutMs: number },
): Promise<{ plan: SweepPlan; why: string }> {
  const progress = progressFor(options, `${job.name}: one sequential run, to see what to sweep …`);
  progress.begin({ job: job.name, models: [{ model: "sequential" }], rounds: 1 });
  try {
    const trial = { model: "sequential", job, round: 0, timeoutMs: options.timeoutMs } as const;
    progress.onEvent({ type: "trial-started", trial, number: 1, of: 1 });
    const { round } = await runner(options)(trial, {
      signal: options.signal,
      onEvent: progress.onEvent,
    });
    const share = round.runMs > 0 ? Math.min(1, (round.runCpuMs ?? round.cpuMs) / round.runMs) : 0;
    const percent = Math.round(share * 100);
    return share >= COMPUTES
      ? {
        plan: planFor("workers", {}),
        why: `it computes ${percent}% of the time, so lanes are swept`,
      }
      : {
        plan: planFor("limited", {}),
        why: `it waits ${100 - percent}% of the time, so slots are swept`,
      };
  } finally {
    progress.end();
  }
}

function modelAt({ axis, model, slotsPerLane }: SweepPlan, size: number): ModelSpec {
  return axis === "slots"
    ? { model, lanes: 1, slots: size }
    : { model, lanes: size, slots: slotsPerLane };
}

function taskName({ task }: JobSpec): string {
  return task.module.slice(task.module.lastIndexOf("/") + 1);
}

/**
 * Sweeps a job along slots or lanes.
 *
 * @param job The job.
 * @param plan Model and sizes.
 * @param values Rounds, seed and such.
 * @param options A signal, and the site.
 * @returns The result; partial if the signal was aborted.
 * @throws What the first trial threw, if there is none that gave a result.
 *
 * @example
 * ```ts
 * import { measureSweep } from "./measure.ts";
 *
 * console.log(measureSweep.length); // 4
 * ```
 */
export async function measureSweep(
  job: SweptJob,
  plan: SweepPlan,
  values: Pick<SweepOptionValues, "rounds" | "seed" | "timeoutMs">,
  options: MeasureOptions,
): Promise<SweepResult> {
  const { rounds, seed, timeoutMs } = values;
  const { axis, model, sizes, slotsPerLane } = plan;
  const places = (size: number) => axis === "slots" ? size : size * slotsPerLane;
  const environment = await describeEnvironment(seed);
  const watch = new SiteWatch(options.site);
  const progress = progressFor(
    options,
    `${job.name}: ${rounds} round${rounds === 1 ? "" : "s"} of ${model} with ${sizes.join(", ")} ` +
      `${axis}, then more around the bend …`,
  );
  progress.begin({ job: job.name, models: [{ model }], rounds: rounds * sizes.length });
  const onEvent = (event: TimingEvent) => {
    progress.onEvent(event);
    if (event.type === "trial-started") watch.restart();
    else if (event.type === "trial-ended") {
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
      timeoutMs,
      // Items that travel together would leave lanes without any near the end.
      chunk: 1,
    }, { runTrial: runner(options), signal: options.signal, onEvent });
    const first = job.at(1);
    return {
      schemaVersion: 1,
      kind: "sweep",
      environment,
      ...(measured.partial && { partial: true }),
      job: { name: job.name, task: taskName(first), options: first.options },
      model,
      axis,
      ...analyse(measured, seed),
      openLoop: [],
      warnings: [...measured.warnings, ...await watch.warnings()],
    };
  } finally {
    progress.end();
  }
}

/**
 * Applies open-loop load to a job.
 *
 * @param job The job.
 * @param load Rates and model.
 * @param values Rounds, seed, duration.
 * @param options A signal, and the site.
 * @returns The result; partial if the signal was aborted.
 * @throws What the first trial threw, if there is none that gave a result.
 *
 * @example
 * ```ts
 * import { measureOpenLoop } from "./measure.ts";
 *
 * console.log(measureOpenLoop.length); // 4
 * ```
 */
export async function measureOpenLoop(
  job: SweptJob,
  load: NonNullable<SweepOptionValues["openLoop"]>,
  values: Pick<SweepOptionValues, "rounds" | "seed" | "durationMs">,
  options: MeasureOptions,
): Promise<SweepResult> {
  const { rounds, seed, durationMs = OPEN_LOOP_MS } = values;
  const environment = await describeEnvironment(seed);
  const watch = new SiteWatch(options.site);
  const { model } = load.model;
  const spec = job.at(OPEN_LOOP_WARMUP);
  const progress = progressFor(
    options,
    `${job.name}: ${rounds} round${rounds === 1 ? "" : "s"} of ${
      load.rates.join(", ")
    } requests a ` +
      `second, on schedule …`,
  );
  progress.begin({ job: job.name, models: [load.model], rounds: rounds * load.rates.length });
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
        const trial = { ...load.model, job: spec, round: 0 };
        progress.onEvent({ type: "trial-started", trial, number, of });
      },
      onTrace: (rate, { endMs }) => watch.sample(`${rate} requests a second`, endMs),
    });
    return {
      schemaVersion: 1,
      kind: "sweep",
      environment,
      ...(partial && { partial: true }),
      job: { name: job.name, task: taskName(spec), options: spec.options },
      model: load.model.slots === undefined ? model : `${model}, ${load.model.slots} slots`,
      axis: "rate",
      ...analyse({ sizes: [], partial, warnings: [] }, seed),
      openLoop: points,
      warnings: [...warnings, ...await watch.warnings()],
    };
  } finally {
    progress.end();
  }
}
