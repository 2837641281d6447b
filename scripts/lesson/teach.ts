/** Runs `deno task lesson` after its options are read: measures, and prints the lesson with the results. */

import { dirname } from "node:path";
import { printReport } from "../../lib/cli/result_files.ts";
import { type PlannedComparison, runComparisons } from "../../lib/cli/run_comparisons.ts";
import type { OutputFiles } from "../../lib/files/output_files.ts";
import { passingPath } from "../../lib/files/user_files.ts";
import { startDeno } from "../../lib/lanes/subprocess/child.ts";
import { defaultLanes, type Model, takes } from "../../lib/models.ts";
import { createProgress } from "../../lib/progress/progress.ts";
import type { LessonFile } from "../../lib/report/lesson/lesson_file.ts";
import { styleOfStdout } from "../../lib/report/terminal.ts";
import { PAGE_TIMEOUT_MS } from "../../lib/site/site_options.ts";
import { startSite } from "../../lib/site/start.ts";
import { inTurn } from "../../lib/switching/experiments.ts";
import { whoIsServed } from "../../lib/switching/who_is_served.ts";
import { whoseSession } from "../../lib/switching/whose_session.ts";
import { whoseTurn } from "../../lib/switching/whose_turn.ts";
import { whoLetsGo } from "../../lib/switching/who_lets_go.ts";
import { awaitCost, calibrate, CPU_TASKS, scaleTo } from "../../lib/tasks/catalogue.ts";
import { printError } from "../../lib/text/print.ts";
import { compare } from "../../lib/timing/compare.ts";
import type { Comparison } from "../../lib/timing/result.ts";
import { describeMachine } from "../../lib/timing/environment.ts";
import { startMeter } from "../../lib/timing/meter/meter.ts";
import { computingJob, downloadJob, savingJob } from "../../lib/timing/ready_jobs.ts";
import type { ComparisonSpec, JobSpec } from "../../lib/timing/spec.ts";

/** How often each of the site's two pages is downloaded: a round then takes five seconds. */
const COPIES = 40;
const FILES = 300;
/** How long the sums take one after another, in milliseconds. */
const SUMS_MS = 1_000;
const WAITING: readonly Model[] = ["sequential", "concurrent", "limited", "workers", "processes"];
const SAVING: readonly Model[] = ["sequential", "concurrent", "workers"];
const COMPUTING: readonly Model[] = ["sequential", "concurrent", "workers", "processes"];

type Rounds = Pick<ComparisonSpec, "rounds" | "seed">;

interface Request extends Rounds, Pick<LessonFile, "language"> {
  readonly files: OutputFiles;
  readonly signal: AbortSignal;
}

/** Returns the exit code. */
export async function teach({ language, rounds, seed, files, signal }: Request): Promise<number> {
  await using meter = await startMeter(signal);
  const environment = { ...await describeMachine(meter), seed };
  const compared: Comparison[] = [];
  const comparisons = () =>
    runComparisons(planned(signal, dirname(files.html!), { rounds, seed }), {
      signal,
      compare: async (spec, more) => {
        const found = await compare(spec, { ...more, meter });
        compared.push(found.comparison);
        return found;
      },
      environment,
      files: {},
      style: styleOfStdout(),
      progress: createProgress(),
      print: () => {},
    });
  const { found: { code = 1, ...rest }, failure } = await inTurn(
    {
      code: async () => (await comparisons()).code,
      awaitCost,
      ...{ whoLetsGo, whoseTurn, whoseSession, whoIsServed },
    },
    signal,
    (name) => name === "awaitCost" && printError("the turns of tasks and threads …"),
  );
  if (failure !== undefined && compared.length === 0) throw failure.error;
  const [io, saved, small, cpu] = compared;
  const partial = signal.aborted || failure !== undefined;
  const file: LessonFile = {
    ...{ schemaVersion: 1, kind: "lesson", language, environment },
    ...(partial && { partial }),
    ...{ io, files: saved, cpu, small, ...rest },
  };
  const wrote = await printReport("lesson", [file], files, partial);
  if (failure !== undefined) throw failure.error;
  return wrote ? code : 1;
}

/**
 * Makes a folder for saved files on the disk where the page goes, because the system's folder for temporary
 * files may be in memory. If none can be made there, as where the page is a device, it uses that folder.
 */
export async function folderFor(beside: string): Promise<string> {
  const prefix = ".lanes-lesson-";
  return await Deno.makeTempDir({ dir: beside, prefix }).catch(() => Deno.makeTempDir({ prefix }));
}

/** The comparisons of the lesson: downloads, saved files, the article's sums, and sums that take longer. */
async function* planned(
  signal: AbortSignal,
  beside: string,
  how: Rounds,
): AsyncGenerator<PlannedComparison> {
  const sums = CPU_TASKS["sum-squares"];
  {
    await using site = await startSite();
    yield { spec: specOf(downloadJob(site, COPIES, PAGE_TIMEOUT_MS), "io", WAITING, how) };
  }
  if (signal.aborted) return;
  const folder = await folderFor(beside);
  {
    await using _ = passingPath(folder);
    yield { spec: specOf(savingJob(folder, FILES), "io", SAVING, how) };
  }
  const small = specOf(computingJob(sums, sums.defaults), "cpu", COMPUTING, how);
  yield { spec: { ...small, ceiling: false } };
  if (signal.aborted) return;
  const gpu: readonly Model[] = await hasAdapter() ? ["gpu"] : [];
  const size = scaleTo(sums, await calibrate(sums), SUMS_MS);
  yield { spec: specOf(computingJob(sums, size), "cpu", [...COMPUTING, ...gpu], how) };
}

/** Whether WebGPU has an adapter; a separate process asks, because drivers write to stderr. */
async function hasAdapter(): Promise<boolean> {
  const code = "Deno.exit(await navigator.gpu?.requestAdapter() ? 0 : 1)";
  const args = ["run", "--no-prompt", `data:text/javascript,${encodeURIComponent(code)}`];
  const silent = { stdin: "null", stdout: "null", stderr: "null" } as const;
  return (await startDeno({ args, ...silent }).status).success;
}

function specOf(
  job: JobSpec,
  kind: "io" | "cpu",
  models: readonly Model[],
  how: Rounds,
): ComparisonSpec {
  return {
    job,
    models: models.map((model) => ({
      model,
      ...(takes(model, "lanes") && { lanes: defaultLanes(model, kind) }),
    })),
    ...how,
    ...(kind === "io" && { ceiling: false }),
  };
}
