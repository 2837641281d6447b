/** `deno task sweep`: measures how far a job scales, and says what would limit it. */

import { PERMISSION_HELP, takePermissions } from "../lib/advice/job/job_permissions.ts";
import { SERVER_HELP } from "../lib/children/model_arguments.ts";
import { command } from "../lib/cli/command.ts";
import { script } from "../lib/cli/script.ts";
import { readSweepOptions } from "../lib/scaling/sweep_options.ts";

const sweep = command(
  "sweep",
  `
Measures throughput, latency and efficiency with more and more slots or lanes, finds where more
stops paying, and says what stops it.

A lane is a place where tasks really run; a slot is room for one task in flight on a lane. Slots are
concurrency, lanes are parallelism: tasks that wait gain from slots, tasks that compute from lanes.

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
  .option(
    "--refine",
    "add sizes around the knee to a list that you give; without one they are added anyway",
  )
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
    "how many of a module's items each size runs (default: as many as take 4.5 s one by one)",
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
and, if it needs them, reset(), which restores the initial state before each trial, and
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

await script("sweep", async (signal, args) => {
  const { permissions, rest } = takePermissions(args);
  sweep.parse(rest, { from: "user" });
  const [target] = sweep.processedArgs;
  const values = await readSweepOptions(target, sweep.opts(), permissions);
  const { sweepTarget } = await import("./sweep/sweep_target.ts");
  return await sweepTarget(target, values, signal);
});
