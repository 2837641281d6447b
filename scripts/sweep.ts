/**
 * `deno task sweep`: how far a job scales, and what would stop it.
 *
 * @module
 */

import { command } from "../lib/command.ts";
import { jobModule } from "../lib/advice/scaling/job_module.ts";
import { choosePlan } from "../lib/advice/scaling/choose_plan.ts";
import { measureOpenLoop, measureSweep } from "../lib/advice/scaling/measure.ts";
import type { MeasureOptions } from "../lib/advice/scaling/measure_options.ts";
import { sweepRenderers } from "../lib/advice/scaling/sweep_files.ts";
import {
  readSweepOptions,
  type SweepOptionValues,
  type SweepPlan,
} from "../lib/advice/scaling/sweep_options.ts";
import type { SweepResult } from "../lib/advice/scaling/sweep_result.ts";
import { anyFailed, sweepText } from "../lib/advice/scaling/sweep_text.ts";
import { downloads, ownJob, sums, type SweptJob } from "../lib/advice/scaling/swept_job.ts";
import { UsageError } from "../lib/options.ts";
import { writeOutputFiles } from "../lib/reporting/output_files.ts";
import { styleOfStdout } from "../lib/reporting/style.ts";
import { script } from "../lib/script.ts";
import { SiteError, startSite } from "../lib/site/start.ts";
import { TrialError } from "../lib/timing/run_trial.ts";

const sweep = command(
  "sweep",
  `
Measures throughput, latency and efficiency with more and more slots or lanes, finds where more
stops paying, and says what stops it.

A lane is a place where tasks really run; a slot is room for one task in flight on a lane. Slots are
concurrency, lanes are parallelism: tasks that wait gain from slots, tasks that compute from lanes.

  knee     up to there more pays, beyond it hardly (Kneedle)
  σ        contention: the share of the work that can't overlap; it alone is Amdahl's law
  κ        coherence: what each pair costs by keeping up with each other; it makes more slower than
           less (Gunther's Universal Scalability Law), from a peak at √((1 − σ)/κ) on
  N = X·R  Little's law: tasks in flight are throughput times time in flight, a check of the figures

With --rate, requests come on schedule whether or not earlier ones were answered, as users do: an
open loop. Response times then count from when a request was due. A client that waits for its slots
and counts from the real start leaves out the slow ones: coordinated omission. Both are shown.`
    .trim(),
)
  .argument("<target>", "io (a test site, 20 ms to answer), cpu (sums), or a job module's path")
  .option("--slots <list>", "slots to measure (io: 1,2,4,…,64); with lanes, how many on each")
  .option("--lanes <list>", "lanes to measure (cpu: 1 to twice the cores)")
  .option("--model <name>", "limited (slots), workers or processes (lanes)")
  .option("--rounds <n>", "how often each is measured (default: 3; with --rate 2)")
  .option("--rate <list>", "open loop: requests a second, such as 100,200,400")
  .option("--duration <time>", "how long a trial takes (io: 600ms, cpu: 900ms; with --rate 3s)")
  .option("--latency <time>", "how long the test site takes to answer (default: 20ms)")
  .option("--items <n>", "how many of a module's items to run at most (default: 1000)")
  .option("--timeout <time>", "how long a module's task may take (default: 30s)")
  .option("--allow-net [hosts]", "what a module's task may reach")
  .option("--allow-read [paths]", "what a module's task may read")
  .option("--seed <n>", "order of the trials, and the resampling (default: drawn, and printed)")
  .option("--json <file>", "write all that was measured")
  .option("--csv <file>", "write a table of all rounds")
  .option("--html <file>", "write one page with the chart; it opens without a network");
sweep.addHelpText(
  "after",
  `
A job module exports a task as default and its items:
  export default async (url) => (await fetch(url)).status;
  export const items = ["https://example.org/1", "https://example.org/2"];

Examples:
  deno task sweep io                                  slots 1 to 64, in half a minute or so
  deno task sweep cpu --html cpu.html                 lanes, and a page with the chart
  deno task sweep io --rate 100,300,500 --slots 8     what 8 slots make of a schedule
  deno task sweep ./my_job.ts --allow-net=example.org --lanes 1,2,4

Exit codes: 0 done, 1 a task failed, 2 bad option or module, 130 interrupted; what was measured until
then is printed and written.`,
);

await script("sweep", async (signal, args) => {
  sweep.parse(args, { from: "user" });
  const [target] = sweep.processedArgs;
  const values = await readSweepOptions(target, sweep.opts());
  const result = await measured(target, values, signal);
  console.log(sweepText(result, styleOfStdout()));
  const { lines, errors } = await writeOutputFiles(sweepRenderers(result), values.files, {
    partial: result.partial,
  });
  if (lines.length > 0) console.log(`\n${lines.join("\n")}`);
  for (const error of errors) console.error(`sweep: ${error}`);
  return errors.length > 0 || anyFailed(result) ? 1 : 0;
});

async function measured(
  target: string,
  values: SweepOptionValues,
  signal: AbortSignal,
): Promise<SweepResult> {
  if (target === "io") {
    await using site = await startedSite(values);
    const job = downloads(site, values.latencyMs, values.durationMs);
    return await run(job, values.sweep!, values, { signal, site });
  }
  if (target === "cpu") {
    const plan = values.sweep!;
    const most = Math.max(...plan.sizes) * plan.slotsPerLane;
    return await run(await sums(most, values.durationMs, signal), plan, values, { signal });
  }
  const spec = await jobModule(target, { ...values, signal });
  try {
    const { plan, why } = values.sweep === undefined && values.openLoop === undefined
      ? await choosePlan(spec, { signal, timeoutMs: values.timeoutMs })
      : { plan: values.sweep, why: undefined };
    const result = await run(ownJob(spec), plan, values, { signal });
    const ran = result.points.some(({ rounds }) => rounds.some((r) => r.succeeded + r.failed > 0));
    if (result.points.length > 0 && !ran) {
      throw new UsageError("module", target, "its items are empty", "export at least one");
    }
    return why === undefined ? result : { ...result, why };
  } catch (error) {
    if (!(error instanceof TrialError)) throw error;
    const remedy = "mend the module, or grant what it lacks";
    throw new UsageError("module", target, error.message, remedy, { cause: error });
  }
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

async function startedSite({ latencyMs, seed }: SweepOptionValues) {
  try {
    return await startSite({ latencyMs, seed });
  } catch (error) {
    if (!(error instanceof SiteError)) throw error;
    const remedy = "run deno task site to try it alone";
    throw new UsageError("test site", "127.0.0.1", error.message, remedy, { cause: error });
  }
}
