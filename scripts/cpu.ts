/** `deno task cpu`: computes under every model and compares them. The lesson about computing. */

import { command } from "../lib/cli/command.ts";
import { task } from "../lib/lanes/task.ts";
import { modelLines, needsKernel } from "../lib/models.ts";
import { oneOf, positiveInteger, UsageError } from "../lib/text/option_values.ts";
import { requireDistinct } from "../lib/files/named_files.ts";
import { print } from "../lib/text/print.ts";
import type { PlannedComparison } from "../lib/cli/run_comparisons.ts";
import {
  addComparisonOptions,
  type ComparisonOptions,
  type RawComparisonOptions,
  readComparisonOptions,
  specOf,
} from "../lib/cli/comparison_options.ts";
import { namedFiles, replaceableFile } from "../lib/files/output_files.ts";
import { userPath } from "../lib/files/user_files.ts";
import { script } from "../lib/cli/script.ts";
import { styleOfStdout } from "../lib/report/terminal.ts";
import { wrap } from "../lib/text/plain.ts";
import {
  awaitCost,
  calibrate,
  CPU_TASK_NAMES,
  CPU_TASKS,
  type CpuTask,
  scaleTo,
  type Size,
  SizeError,
} from "../lib/tasks/catalogue.ts";
import type { MandelbrotRow } from "../lib/tasks/mandelbrot.ts";
import { computingJob } from "../lib/timing/ready_jobs.ts";
import type { ResultFile } from "../lib/timing/result.ts";
import type { ItemSource, JobSpec } from "../lib/timing/spec.ts";

/**
 * The second size, in milliseconds: long enough that lanes pay, short enough for five models in half a minute.
 * It is chosen by a short burst, so the run can come out up to about 15 % shorter or longer.
 */
const LARGE_MS = 1_600;

const listed = (name: string, text: string) => `  ${name.padEnd(12)} ${text}`;

const taskLines = CPU_TASK_NAMES
  .map((name) => listed(name, CPU_TASKS[name].description)).join("\n");

const startLines = CPU_TASK_NAMES
  .map((name) => listed(name, CPU_TASKS[name].startMeans)).join("\n");

const cpu = command(
  "cpu",
  `
Computes under every concurrency model and compares them: the article's 20 numbers from 5,000,000,
then the same at a size that keeps one core busy for about two seconds.

A lane is a place where tasks really run; a slot is room for one task in flight on a lane.
Slots are concurrency, lanes are parallelism. A task that computes never waits, so more slots on one
lane change nothing: concurrent and limited run on one event loop, like asyncio on one thread. Only
more lanes help, up to the cores, and only if the work outweighs starting them.

${modelLines("cpu")}`.trim(),
)
  .option("--task <name>", `what to compute: ${CPU_TASK_NAMES.join(", ")} (default: sum-squares)`)
  .option("--start <n>", "where the items start, see below; that size alone is run")
  .option("--count <n>", "how many items; that size alone is run")
  .option("--out <file>", "with --task mandelbrot: write the picture as PNG");
addComparisonOptions(cpu, "cpu");
cpu.addHelpText(
  "after",
  `
Tasks:
${taskLines}

--start means:
${startLines}

Examples:
  deno task cpu                                       the lesson, in half a minute at most
  deno task cpu --start 5000000 --count 20            the article's size alone
  deno task cpu --task mandelbrot --out set.png       uneven work, and a picture
  deno task cpu --task fib-async                      what it costs to await what never waits
  deno task cpu --models sequential,workers --lanes 4 --html cpu.html

Exit codes: 0 done, 1 a task failed or results differ, 2 bad option, 3 slower than the baseline
allows, 130 interrupted.`,
);

type Raw = ReturnType<typeof cpu.opts> & RawComparisonOptions;

await script("cpu", async (signal, args) => {
  cpu.parse(args, { from: "user" });
  const raw: Raw = cpu.opts();
  const chosen = CPU_TASKS[oneOf("--task", raw.task ?? "sum-squares", CPU_TASK_NAMES)];
  const options = await readComparisonOptions(raw, "cpu");
  if (!chosen.hasKernel && options.models.some(({ model }) => needsKernel(model))) {
    const able = CPU_TASK_NAMES.filter((name) => CPU_TASKS[name].hasKernel).join(", ");
    const remedy = `leave gpu out, or choose --task ${able}`;
    throw new UsageError("--models", raw.models!, `${chosen.name} has no kernel for a GPU`, remedy);
  }
  const out = raw.out === undefined
    ? undefined
    : await checkedPicture(raw.out, chosen, raw, options);
  const given = raw.start !== undefined || raw.count !== undefined;
  const first: Size = {
    start: raw.start === undefined ? chosen.defaults.start : positiveInteger("--start", raw.start),
    count: raw.count === undefined ? chosen.defaults.count : positiveInteger("--count", raw.count),
  };
  let largest = specOf(jobOf(chosen, first), options);
  async function* plan(): AsyncGenerator<PlannedComparison> {
    yield { spec: largest };
    if (signal.aborted) return;
    const large = sizeIn(options.baseline?.result, chosen) ??
      scaleTo(chosen, await calibrate(chosen, { signal }), LARGE_MS);
    largest = specOf(jobOf(chosen, large), options);
    yield { spec: largest };
  }
  const { compareAndReport } = await import("../lib/cli/run_comparisons.ts");
  const code = await compareAndReport("cpu", given ? [{ spec: largest }] : plan(), options, signal);
  if (chosen.name === "fib-async" && !signal.aborted) {
    const { awaitCostText } = await import("../lib/report/comparison/comparison_report.ts");
    const costs = await awaitCost(signal);
    print(`\n${wrap(awaitCostText(costs), styleOfStdout().columns)}`);
  }
  if (out !== undefined && !signal.aborted) {
    await writePicture(out, largest.job.items, signal);
    print(`Wrote ${out}`);
  }
  return code;
});

async function checkedPicture(
  typed: string,
  { name }: CpuTask,
  { baseline }: Raw,
  { files }: ComparisonOptions,
): Promise<string> {
  if (name !== "mandelbrot") {
    throw new UsageError("--out", typed, `${name} makes no picture`, "add --task mandelbrot");
  }
  const path = await replaceableFile("--out", typed, "picture");
  const read = baseline === undefined ? [] : [{ option: "--baseline", path: userPath(baseline) }];
  await requireDistinct([...namedFiles(files), { option: "--out", path }], read);
  return path;
}

/** The larger size that the baseline was measured at, because only equal sizes can be compared. */
function sizeIn(baseline: ResultFile | undefined, { name }: CpuTask): Size | undefined {
  const [, large] = (baseline?.comparisons ?? []).filter(({ job }) => job.options.task === name);
  const { start, count } = large?.job.options ?? {};
  return typeof start === "number" && typeof count === "number" ? { start, count } : undefined;
}

function jobOf(chosen: CpuTask, size: Size): JobSpec {
  try {
    return computingJob(chosen, size);
  } catch (error) {
    if (!(error instanceof SizeError)) throw error;
    const { part, value, problem, remedy } = error;
    throw new UsageError(`--${part}`, String(value), problem, remedy);
  }
}

/** Computes the rows once more, because a trial reports only their checksum, and saves them as a picture. */
async function writePicture(path: string, items: ItemSource, signal: AbortSignal): Promise<void> {
  if (items.kind !== "values") return;
  const { workers } = await import("../lib/mod.ts");
  const { picture } = await import("../lib/tasks/picture.ts");
  await using lanes = workers();
  const row = task<typeof import("../lib/tasks/mandelbrot.ts")>(CPU_TASKS.mandelbrot.module);
  const rows = lanes.map(row, items.values as MandelbrotRow[], { signal });
  await Deno.writeFile(path, await picture(await rows.toArray()));
}
