/** Runs `deno task sweep` after its options are read: measures its target at many sizes, and reports. */

import { loadJob } from "../../lib/advice/job/load_job.ts";
import { sharedWords } from "../../lib/advice/job/shared_state.ts";
import { orderProbe } from "../../lib/advice/probe/order_probe.ts";
import { JobError } from "../../lib/advice/probe/probe.ts";
import { heldMs, sampleOf } from "../../lib/advice/probe/sample.ts";
import { printReport } from "../../lib/cli/result_files.ts";
import { jobModule } from "../../lib/files/named_files.ts";
import { MODEL_TABLE, needsKernel } from "../../lib/models.ts";
import { anyFailed } from "../../lib/report/scaling/sweep_words.ts";
import { measureOpenLoop, type MeasureOptions, measureSweep } from "../../lib/scaling/measure.ts";
import {
  choosePlan,
  compareKernel,
  downloads,
  holdAgainstSample,
  itemsFor,
  ownJob,
  sums,
  type SweptJob,
} from "../../lib/scaling/swept_job.ts";
import {
  computes,
  type SweepOptionValues,
  type SweepPlan,
  withinItems,
} from "../../lib/scaling/sweep_options.ts";
import type { SweepResult } from "../../lib/scaling/sweep_result.ts";
import { startSite } from "../../lib/site/start.ts";
import { counted } from "../../lib/text/format.ts";
import { printError } from "../../lib/text/print.ts";
import { limitedTo } from "../../lib/timing/job_items.ts";
import { type Meter, startMeter } from "../../lib/timing/meter/meter.ts";
import { NoLaneError, trialProcesses } from "../../lib/timing/run_trial.ts";

/** How long the tasks of a sample should take together, in milliseconds. */
const SAMPLE_MS = 400;
/** How long a kernel may take, in milliseconds, for the sample's items whose results are compared. */
const KERNEL_GUARD_MS = 60_000;
/** The least time limit for a module to load and make its items, in milliseconds. */
const LEAST_GUARD_MS = 15_000;

/** Returns the exit code. */
export async function sweepTarget(
  target: string,
  values: SweepOptionValues,
  signal: AbortSignal,
): Promise<number> {
  await using meter = await startMeter(signal);
  const result = await measured(target, values, signal, meter);
  const wrote = await printReport("sweep", [result], values.files, result.partial);
  return !wrote || anyFailed(result) || result.differsAt !== undefined ? 1 : 0;
}

async function measured(
  target: string,
  values: SweepOptionValues,
  signal: AbortSignal,
  meter: Meter,
): Promise<SweepResult> {
  if (target === "io") {
    await using site = await startSite({ latencyMs: values.latencyMs, seed: values.seed });
    const job = downloads(site, values.latencyMs, values.durationMs);
    return await run(job, values.sweep!, values, { signal, meter, site });
  }
  if (computes(target)) {
    const plan = values.sweep!;
    const { together } = MODEL_TABLE[plan.model];
    const most = Math.max(...plan.sizes, together ? plan.extendTo : 1) * plan.slotsPerLane;
    const job = await sums(most, values.durationMs, signal, together);
    return await run(job, plan, values, { signal, meter });
  }
  return await ownMeasured(target, values, { signal, meter });
}

interface Measuring {
  readonly signal: AbortSignal;
  readonly meter: Meter;
}

/** Loads the user's own job and runs a sample of it; compares its kernel too, if a kernel is swept. */
async function loadedSample(target: string, values: SweepOptionValues, measuring: Measuring) {
  const { items, timeoutMs } = values;
  const model = values.sweep?.model ?? values.openLoop?.model.model;
  await jobModule(target);
  printError(
    `${target}: looks at it, and runs a few of its items one by one. If they change something, mind ` +
      `that each trial runs them again (--items) …`,
  );
  const loaded = await loadJob({
    ...values,
    typed: target,
    guardMs: Math.max(LEAST_GUARD_MS, timeoutMs),
    taskMs: timeoutMs,
    guardOption: "--timeout",
    model,
    sample: { items, targetMs: SAMPLE_MS },
    ...measuring,
  });
  const { job, probed } = loaded;
  if (probed.cutOff !== undefined) {
    throw new JobError(
      `Cannot sweep the job: ${probed.cutOff}; if it needs longer, raise --timeout`,
    );
  }
  if (model !== undefined && needsKernel(model)) {
    const runTrial = trialProcesses({ guardMs: KERNEL_GUARD_MS });
    const { signal } = measuring;
    const compared = await compareKernel(job, model, probed, { runTrial, signal });
    const said = compared > 0
      ? `its kernel gives what its function gives for ${counted(compared, "item")}`
      : "whether its kernel gives what its function gives can't be told: the results are too large";
    printError(`${target}: ${said} …`);
  }
  return loaded;
}

/** Measures the user's own job; its sample suggests the sizes that the options leave open. */
async function ownMeasured(
  target: string,
  values: SweepOptionValues,
  measuring: Measuring,
): Promise<SweepResult> {
  const { items } = values;
  const loaded = await loadedSample(target, values, measuring);
  const { job, probed, shared } = loaded;
  const sample = sampleOf(probed);
  const most = Math.min(items, sample.total ?? Infinity);
  const count = values.itemsGiven || values.openLoop !== undefined
    ? most
    : Math.min(most, itemsFor(sample, values.sweep, navigator.hardwareConcurrency));
  const options = { items: count, export: values.export };
  const own = ownJob({ ...limitedTo(job, count), options }, {
    computingShare: sample.cpuShare,
    freeShare: Math.max(0, 1 - heldMs(sample) / (sample.wallMs + sample.sourceMs)),
    expectedMs: count * (sample.wallMs + sample.sourceMs),
    failedShare: sample.failed / sample.items,
    ...(sample.total !== null && { total: most }),
  });
  if (values.openLoop !== undefined) return await run(own, undefined, values, measuring);
  const { plan, why } = values.sweep === undefined
    ? choosePlan(sample, count, shared)
    : { plan: withinItems(values.sweep, count), why: undefined };
  const result = await run(own, plan, values, measuring).catch((error) => {
    if (error.cause?.type !== "error" || error instanceof NoLaneError) throw error;
    const hint = "its sample ran: if it can run only once, export reset(), which brings it back";
    throw new JobError(`Cannot sweep the job: ${error.message}; ${hint}`, { cause: error });
  });
  return {
    ...await holdAgainstSample(result, loaded, orderProbe, measuring.signal),
    ...(why !== undefined && { why }),
    ...(shared !== undefined && { shared: sharedWords(shared) }),
  };
}

async function run(
  job: SweptJob,
  plan: SweepPlan | undefined,
  values: SweepOptionValues,
  options: MeasureOptions,
): Promise<SweepResult> {
  return values.openLoop === undefined
    ? await measureSweep(job, plan!, values, options)
    : await measureOpenLoop(job, values.openLoop, values, options);
}
