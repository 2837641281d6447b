/** Measures a sweep from options to result, shows its progress, and watches the site and the machine. */

import { titleOf } from "../lanes/task.ts";
import { MODEL_TABLE, needsServer } from "../models.ts";
import { printError } from "../text/print.ts";
import { createProgress, stderrOutput } from "../progress/progress.ts";
import { type Site, SiteWatch } from "../site/start.ts";
import { type Meter, othersBetween } from "../timing/meter/meter.ts";
import { trialProcesses } from "../timing/run_trial.ts";
import type { ModelSpec, TimingEvent, TrialSpec, Watching } from "../timing/spec.ts";
import { fit, plain } from "../text/plain.ts";
import { counted } from "../text/format.ts";
import { describeMachine } from "../timing/environment.ts";
import { busyWarnings } from "../timing/warnings.ts";
import { median } from "../timing/statistics.ts";
import { analyse } from "./analyse.ts";
import { runOpenLoop } from "./open_loop.ts";
import { OPEN_LOOP_MS, type SweepOptionValues, type SweepPlan } from "./sweep_options.ts";
import { type MeasuredSize, runSweep } from "./run_sweep.ts";
import { sizeText, type SweepResult } from "./sweep_result.ts";
import type { SweptJob } from "./swept_job.ts";

export interface MeasureOptions {
  /** Aborted by Ctrl-C; finished measurements are kept. */
  readonly signal: AbortSignal;
  /** The test site, if it is this program's own, so that its load can be watched. */
  readonly site?: Pick<Site, "stats">;
  /** Reads what other programs do meanwhile, and how much of the machine may be used. */
  readonly meter?: Meter;
}

const GUARD_MS = 300_000;
const SHORT_MS = 50;
/** A trial is cut off after this many times the time one by one, plus a deadline. */
const SLOWER = 3;
/** The least time to wait for answers after the schedule, in milliseconds. */
const LEAST_DRAIN_MS = 1_000;
/** Requests run before the schedule, to open connections and compile code. */
const OPEN_LOOP_WARMUP = 16;
/** Columns of a job's name beside the moving bar; they leave room for the time left on a line of 80. */
const BAR_NAME = 18;

/** Prints a line to stderr if no bar is moving there. */
function sayInPipe(line: string): void {
  if (!stderrOutput().isTerminal) printError(line);
}

function shortTrials(sizes: readonly MeasuredSize[], axis: "slots" | "lanes"): string[] {
  const short = sizes.filter(({ trials }) =>
    median(trials.map(({ round }) => round.runMs)) < SHORT_MS
  ).map(({ size }) => size);
  return short.length === 0 ? [] : [
    `Trials with ${sizeText(axis, ...short)} took less than ${SHORT_MS} ms: ` +
    `with more items the figures are surer.`,
  ];
}

type Measured = Omit<SweepResult, "schemaVersion" | "kind" | "environment" | "job">;

interface Measuring {
  readonly model: ModelSpec;
  readonly axis: "slots" | "lanes" | "rates";
  /** The sizes in words, printed after the number of rounds. */
  readonly sizes: string;
  readonly rounds: number;
  readonly trials: number;
  readonly seed: number;
  readonly nameOf: (trial: TrialSpec) => string;
  readonly measure: (
    watching: Watching,
    environment: SweepResult["environment"],
  ) => Promise<Measured>;
}

/** Runs a measurement with progress, and adds the machine and its warnings to the result. */
async function measured(
  { name, total, at }: SweptJob,
  { model, axis, sizes, rounds, trials, seed, nameOf, measure }: Measuring,
  { meter, site, signal }: MeasureOptions,
): Promise<SweepResult> {
  const environment = { ...await describeMachine(meter), seed };
  const before = await meter?.read();
  const watch = new SiteWatch(site);
  // In a pipe a separate line is printed instead, which names sizes.
  const progress = createProgress({ ...stderrOutput(), writeLine: () => {} });
  const begin = (trials: number) =>
    progress.begin({ job: fit(plain(name), BAR_NAME), models: [model], rounds: trials });
  sayInPipe(`${name}: ${counted(rounds, "round")} of ${sizes} …`);
  begin(trials);
  let planned = trials;
  const onEvent = (event: TimingEvent) => {
    if (event.type === "trial-started") {
      const { number, of } = event;
      // The first sizes showed that more are needed, so the time left is estimated again.
      if (of > planned) {
        progress.end();
        begin(of - planned);
        sayInPipe(`${name}: trials ${number} to ${of}, with further ${axis} …`);
        planned = of;
      }
      watch.restart();
    }
    progress.onEvent(event);
    if (event.type === "trial-ended") {
      watch.sample(nameOf(event.trial), event.result.round.runMs);
    }
  };
  try {
    const found = await measure({ signal, onEvent }, environment);
    const { task: { module }, options } = at(1);
    const task = titleOf({ module, export: "default" });
    const others = othersBetween(before, await meter?.read());
    return {
      schemaVersion: 1,
      kind: "sweep",
      environment,
      job: { name, task, options, total },
      ...found,
      ...(others && { others }),
      warnings: [...found.warnings, ...await watch.warnings(), ...busyWarnings(others)],
    };
  } finally {
    progress.end();
  }
}

/** Sweeps a job; throws the first trial's error if no trial gave a result. */
export async function measureSweep(
  job: SweptJob,
  plan: SweepPlan,
  values: Pick<SweepOptionValues, "rounds" | "seed" | "timeoutMs" | "server">,
  options: MeasureOptions,
): Promise<SweepResult> {
  const { rounds, seed, timeoutMs, server } = values;
  const { axis, model, sizes, slotsPerLane, refine, extendTo } = plan;
  const listed = sizeText(axis, ...sizes);
  const mostMs = job.expectedMs && timeoutMs + SLOWER * job.expectedMs;
  const places = (size: number) => axis === "slots" ? size : size * slotsPerLane;
  // All sizes run these items, so their results can be compared.
  const { items } = job.at(places(Math.min(...sizes)));
  const common = items.kind === "values"
    ? items.values.length
    : Math.min(items.limit ?? Infinity, Number.MAX_SAFE_INTEGER);
  const trialAt = (size: number) => ({
    ...{ model, server, timeoutMs, mostMs, job: job.at(places(size)) },
    ...(axis === "slots" ? { lanes: 1, slots: size } : { lanes: size, slots: slotsPerLane }),
    warmup: job.warmupAt(places(size)),
    chunk: MODEL_TABLE[model].together ? size : job.chunk,
    prefix: common,
  });
  return await measured(job, {
    model: { model },
    sizes: `${model} with ${listed}${refine ? ", then more around the knee" : ""}`,
    ...{ axis, rounds, seed, trials: rounds * sizes.length },
    nameOf: ({ [axis]: size = 1 }) => `${model} with ${sizeText(axis, size)}`,
    async measure(watching, { cpus, lanesAvailable }) {
      const nameOf = (size: number) => sizeText(axis, size);
      const spec = { sizes, trialAt, rounds, seed, extendTo, nameOf, failedShare: job.failedShare };
      const swept = await runSweep({ ...spec, refineSteps: refine ? undefined : 0 }, {
        runTrial: trialProcesses({ guardMs: GUARD_MS, meter: options.meter }),
        ...watching,
      });
      return {
        partial: swept.partial || undefined,
        unsteady: swept.unsteady,
        ...{ model, axis },
        computingShare: job.computingShare,
        freeShare: job.freeShare,
        ...analyse(swept, seed, {
          axis,
          cores: needsServer(model) ? undefined : Math.min(cpus, lanesAvailable),
        }),
        openLoop: [],
        warnings: [...swept.warnings, ...shortTrials(swept.sizes, axis)],
      };
    },
  }, options);
}

/** Applies open-loop load to a job; ends and throws as {@linkcode measureSweep} does. */
export async function measureOpenLoop(
  job: SweptJob,
  { rates, model }: NonNullable<SweepOptionValues["openLoop"]>,
  values: Pick<SweepOptionValues, "rounds" | "seed" | "durationMs">,
  options: MeasureOptions,
): Promise<SweepResult> {
  const { rounds, seed, durationMs = OPEN_LOOP_MS } = values;
  const drainMs = Math.max(LEAST_DRAIN_MS, durationMs);
  const warmup = Math.min(OPEN_LOOP_WARMUP, job.warmupAt(OPEN_LOOP_WARMUP));
  const [only, ...more] = rates;
  const requests = counted(more.length === 0 ? only! : rates.length, "request", rates.join(", "));
  return await measured(job, {
    sizes: `${requests} a second, on schedule`,
    ...{ model, axis: "rates", rounds, seed, trials: rounds * rates.length },
    nameOf: ({ arrivals }) => `${counted(arrivals!.ratePerSecond, "request")} a second`,
    async measure(watching) {
      const spec = { ...model, job: job.at(OPEN_LOOP_WARMUP), rates, rounds, seed };
      const { points, partial, warnings } = await runOpenLoop(
        { ...spec, durationMs, drainMs, warmup },
        watching,
      );
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
    },
  }, options);
}
