/** `deno task sweep`: how far a job scales, and what would stop it. */

import { SERVER_HELP } from "../lib/children/server_arguments.ts";
import { command } from "../lib/cli/command.ts";
import { printError } from "../lib/text/print.ts";
import { jobModule, loadJob } from "../lib/advice/job/load_job.ts";
import { PERMISSION_HELP, takePermissions } from "../lib/advice/job/job_permissions.ts";
import { sharedWords } from "../lib/advice/job/shared_state.ts";
import { orderProbe } from "../lib/advice/probe/order_probe.ts";
import { JobError } from "../lib/advice/probe/probe.ts";
import { heldMs, sampleOf } from "../lib/advice/probe/sample.ts";
import { compareKernel, holdAgainstSample } from "../lib/scaling/against_sample.ts";
import {
  computes,
  readSweepOptions,
  type SweepOptionValues,
} from "../lib/scaling/sweep_options.ts";
import { choosePlan, type SweepPlan, withinItems } from "../lib/scaling/sweep_plan.ts";
import { measureOpenLoop, type MeasureOptions, measureSweep } from "../lib/scaling/measure.ts";
import { printReport } from "../lib/cli/result_files.ts";
import type { SweepResult } from "../lib/scaling/sweep_result.ts";
import { anyFailed } from "../lib/report/scaling/sweep_words.ts";
import { downloads, itemsFor, ownJob, sums, type SweptJob } from "../lib/scaling/swept_job.ts";
import { MODEL_TABLE, needsKernel } from "../lib/models.ts";
import { counted } from "../lib/text/format.ts";
import { userPath } from "../lib/files/user_files.ts";
import { script } from "../lib/cli/script.ts";
import { startSite } from "../lib/site/start.ts";
import { limitedTo } from "../lib/timing/job_items.ts";
import { NoLaneError, trialProcesses } from "../lib/timing/run_trial.ts";
import { type Meter, startMeter } from "../lib/timing/meter/meter.ts";

const sweep = command(
  "sweep",
  `
Measures throughput, latency and efficiency with more and more slots or lanes, finds where more
stops paying, and says what stops it.

A lane is a place where tasks really run; a slot is room for one task in flight on a lane. Slots are
concurrency, lanes are parallelism: tasks that wait gain from slots, tasks that compute from lanes.
A quarter of a GPU's slots are computed together, while the results of the others are on their way.

  knee     up to there each pays most, beyond it less (Kneedle)
  σ        contention: the share of the work that can't overlap; it alone is Amdahl's law
  κ        coherence: what each pair costs by keeping up with each other; it makes more slower than
           less (Gunther's Universal Scalability Law), from a peak at √((1 − σ)/κ) on
  N = X·R  Little's law: tasks in flight are throughput times time in flight, a check of the figures

With --rate, requests come on schedule whether or not earlier ones were answered, as users do: an
open loop. Response times then count from when a request was due. A client that waits for its slots
and counts from the real start leaves out the slow ones: coordinated omission. Both are shown.`
    .trim(),
)
  .argument("<target>", "io (a test site, 20 ms to answer), cpu or gpu (sums), or a job module")
  .option(
    "--slots <list>",
    "slots to measure: these and no others (default: 1,2,4,… while it pays)",
  )
  .option(
    "--lanes <list>",
    "lanes to measure (default: 1 to twice the cores); --slots is then of each",
  )
  .option("--refine", "add sizes around the bend to a list of yours, as is done without one")
  .option("--model <name>", "limited or gpu (slots), workers, processes or cluster (lanes)")
  .option("--servers <list>", `of cluster: ${SERVER_HELP.servers}`)
  .option("--user <name>", SERVER_HELP.user)
  .option("--creds <file>", SERVER_HELP.creds)
  .option("--tls-ca <file>", SERVER_HELP.tlsCa)
  .option("--rounds <n>", "how often each is measured (default: 3; with --rate 2)")
  .option("--rate <list>", "open loop: requests a second, such as 100,200,400")
  .option("--duration <time>", "how long a trial takes (io: 600ms, cpu: 900ms; with --rate 3s)")
  .option("--latency <time>", "how long the test site takes to answer (default: 20ms)")
  .option(
    "--items <n>",
    "how many of a module's items to run, at every size (default: so many as take 4.5 s one by one)",
  )
  .option("--export <name>", "the task's export in a module (default: default)")
  .option("--timeout <time>", "how long a module's task may take (default: 30s)")
  .option("--seed <n>", "order of the trials, and the resampling (default: drawn, and printed)")
  .option("--json <file>", "write all that was measured")
  .option("--csv <file>", "write a table of all rounds")
  .option("--markdown <file>", "write a table for an issue or a pull request")
  .option("--html <file>", "write one page with the chart; it opens without a network");
sweep.addHelpText(
  "after",
  `
A job module exports a task as default and its items:
  export default async (url) => (await fetch(url)).status;
  export const items = ["https://example.org/1", "https://example.org/2"];
and, if it needs them, reset(), which brings the first state back before each trial, and
comparable(result), what of a result must be equal at all sizes.

${PERMISSION_HELP}

Examples:
  deno task sweep io                                  slots 1 to 64, in half a minute or so
  deno task sweep cpu --html cpu.html                 lanes, and a page with the chart
  deno task sweep gpu                                 how many items a GPU is given at a time
  deno task sweep io --rate 100,300,500 --slots 8     what 8 slots make of a schedule
  deno task sweep ./my_job.ts --allow-net=example.org --lanes 1,2,4

Exit codes: 0 done, 1 a task failed, 2 bad option or module, 130 interrupted; what was measured until
then is printed and written.`,
);

/** How long the tasks of a module's sample run together, in milliseconds. */
const SAMPLE_MS = 400;
/** How long a kernel may take for the few items of the sample whose results are compared. */
const KERNEL_GUARD_MS = 60_000;
/** How long a module may take at least to load and to make its items, in milliseconds. */
const LEAST_GUARD_MS = 15_000;

await script("sweep", async (signal, args) => {
  const { permissions, rest } = takePermissions(args, userPath);
  sweep.parse(rest, { from: "user" });
  const [target] = sweep.processedArgs;
  const values = await readSweepOptions(target, sweep.opts(), permissions);
  await using meter = await startMeter(signal);
  const result = await measured(target, values, signal, meter);
  const wrote = await printReport("sweep", [result], values.files, result.partial);
  return !wrote || anyFailed(result) || result.differsAt !== undefined ? 1 : 0;
});

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
  const { items, timeoutMs } = values;
  const model = values.sweep?.model ?? values.openLoop?.model.model;
  const isKernel = model !== undefined && needsKernel(model);
  await jobModule(target, userPath);
  printError(
    `${target}: looks at it, and runs a few of its items one by one. If they change something, mind ` +
      `that each trial runs them again (--items) …`,
  );
  const loaded = await loadJob({
    ...values,
    typed: target,
    path: userPath,
    guardMs: Math.max(LEAST_GUARD_MS, timeoutMs),
    taskMs: timeoutMs,
    guardOption: "--timeout",
    model,
    sample: { items, targetMs: SAMPLE_MS },
    meter,
    signal,
  });
  const { job, probed, shared } = loaded;
  if (probed.cutOff !== undefined) {
    throw new JobError(
      `Cannot sweep the job: ${probed.cutOff}; if it needs longer, raise --timeout`,
    );
  }
  if (isKernel) {
    const runTrial = trialProcesses({ guardMs: KERNEL_GUARD_MS });
    const compared = await compareKernel(job, model, probed, { runTrial, signal });
    printError(
      `${target}: ` +
        (compared > 0
          ? `its kernel gives what its function gives for ${counted(compared, "item")} …`
          : "whether its kernel gives what its function gives can't be told: the results are too large …"),
    );
  }
  const sample = sampleOf(probed);
  const most = Math.min(items, sample.total ?? Infinity);
  const count = values.itemsGiven || values.openLoop !== undefined
    ? most
    : Math.min(most, itemsFor(sample, values.sweep, navigator.hardwareConcurrency));
  const options = { items: count, export: values.export };
  const own = ownJob({ ...limitedTo(job, count), options }, {
    computingShare: sample.cpuShare,
    freeShare: Math.max(0, 1 - heldMs(sample) / sample.wallMs),
    expectedMs: count * (sample.wallMs + sample.sourceMs),
    failedShare: sample.failed / sample.items,
    ...(sample.total !== null && { total: most }),
  });
  if (values.openLoop !== undefined) return await run(own, undefined, values, { signal, meter });
  const { plan, why } = values.sweep === undefined
    ? choosePlan(sample, count, shared)
    : { plan: withinItems(values.sweep, count), why: undefined };
  const result = await run(own, plan, values, { signal, meter }).catch((error) => {
    if (error.cause?.type !== "error" || error instanceof NoLaneError) throw error;
    const hint = "its sample ran: if it can run only once, export reset(), which brings it back";
    throw new JobError(`Cannot sweep the job: ${error.message}; ${hint}`, { cause: error });
  });
  return {
    ...await holdAgainstSample(result, loaded, orderProbe, signal),
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
