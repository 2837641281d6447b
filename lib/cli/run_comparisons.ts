/** Runs the comparisons of `io` and `cpu`: measures, reports, writes files, and compares with a baseline. */

import type { Comparison, ResultFile } from "../timing/result.ts";
import type { ComparisonSpec, TimingEvent } from "../timing/spec.ts";
import type { OutputFiles } from "../files/output_files.ts";
import { print as printOut, printError as printErr } from "../text/print.ts";
import { type ComparisonProgress, createProgress, TrialPulses } from "../progress/progress.ts";
import { LiveServer } from "../report/live/live_server.ts";
import { type Style, styleOfStdout } from "../report/terminal.ts";
import {
  comparisonReport,
  exampleLines,
  failureLines,
  resultFoot,
} from "../report/comparison/comparison_report.ts";
import { renderChanges } from "../report/comparison/changes_report.ts";
import { compare } from "../timing/compare.ts";
import { compareResults } from "../timing/compare_results.ts";
import { describeMachine } from "../timing/environment.ts";
import { startMeter } from "../timing/meter/meter.ts";
import { serverFault } from "../children/model_arguments.ts";
import { NoLaneError } from "../timing/run_trial.ts";
import type { JobKind } from "../models.ts";
import { UsageError } from "../text/option_values.ts";
import { requireCommon, requirePlannedIn, writeReports } from "./result_files.ts";
import type { ComparisonOptions } from "./comparison_options.ts";

export interface PlannedComparison {
  readonly spec: ComparisonSpec;
  readonly onEvent?: (event: TimingEvent) => void;
  /** Warnings about a comparison that only the script can give. */
  readonly warn?: (comparison: Comparison) => readonly string[] | Promise<readonly string[]>;
}

export interface ComparingOptions {
  /** Aborted by Ctrl-C; comparisons measured until then are kept. */
  readonly signal: AbortSignal;
  readonly compare: typeof compare;
  readonly environment: ResultFile["environment"];
  readonly files: OutputFiles;
  readonly style: Style;
  readonly progress: ComparisonProgress;
  readonly print?: (text: string) => void;
  readonly printError?: (text: string) => void;
}

/**
 * Runs comparisons, writes the files asked for, and only then prints the reports, since printing may
 * fail. Without files to write, each report is printed as soon as it is there. The result is partial if the
 * signal was aborted; the code is 1 if a task failed, results differ, or a file could not be written.
 */
export async function runComparisons(
  planned: Iterable<PlannedComparison> | AsyncIterable<PlannedComparison>,
  options: ComparingOptions,
): Promise<{ readonly result: ResultFile; readonly code: 0 | 1 }> {
  const { signal, files, style, print = printOut, printError = printErr } = options;
  const comparisons: Comparison[] = [];
  let printed = 0;
  const printNew = () => {
    for (; printed < comparisons.length; printed++) {
      print(`${comparisonReport(comparisons[printed]!).text(style)}\n`);
    }
  };
  let interrupted = false;
  const missing: string[] = [];
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const one of planned) {
      if (signal.aborted) break;
      const partial = await runOne(one, options, comparisons);
      interrupted ||= partial;
      if (!partial) missing.push(...missingTrials(one.spec, comparisons.at(-1)!));
      if (Object.keys(files).length === 0) printNew();
      const fault = comparisons.at(-1)!.warnings.map(serverFault).find((fault) => fault);
      if (fault !== undefined) throw fault;
    }
  } catch (error) {
    if (comparisons.length === 0) throw error;
    failure = { error };
  }
  const partial = interrupted || signal.aborted || failure !== undefined;
  const { environment } = options;
  const result: ResultFile = {
    schemaVersion: 1,
    environment,
    ...(partial && { partial }),
    comparisons,
  };
  const written = await writeReports([result], files, { partial, print });
  printNew();
  print(resultFoot(result).text(style));
  if (written.lines.length > 0) print(`\n${written.lines.join("\n")}`);
  const problems = [...problemsOf(comparisons), ...missing, ...written.errors];
  for (const problem of problems) printError(problem);
  if (failure !== undefined) throw failure.error;
  return { result, code: problems.length > 0 ? 1 : 0 };
}

function problemsOf(comparisons: readonly Comparison[]): string[] {
  return [
    ...comparisons.filter(({ agree }) => !agree)
      .map(({ job }) => `${job.name}: the models gave different results`),
    ...comparisons.flatMap(failureLines),
    ...comparisons.flatMap(exampleLines).map((line) => `for example ${line}`),
  ];
}

/** Adds a comparison once it is measured, so that no later error loses it; returns whether it is partial. */
async function runOne(
  { spec, onEvent, warn }: PlannedComparison,
  { signal, compare, progress }: ComparingOptions,
  comparisons: Comparison[],
): Promise<boolean> {
  progress.begin({ job: spec.job.name, models: spec.models, rounds: spec.rounds });
  try {
    const { comparison, partial } = await compare(spec, {
      signal,
      onEvent: (event) => {
        progress.onEvent(event);
        onEvent?.(event);
      },
    });
    const place = comparisons.push(comparison) - 1;
    const more = await warn?.(comparison) ?? [];
    comparisons[place] = { ...comparison, warnings: [...comparison.warnings, ...more] };
    return partial;
  } finally {
    progress.end();
  }
}

function missingTrials({ job, models, rounds }: ComparisonSpec, { models: measured }: Comparison) {
  const of = models.length * rounds;
  const got = measured.reduce((sum, { rounds }) => sum + rounds.length, 0);
  return got >= of
    ? []
    : [`${job.name}: ${of - got} of ${of} trials gave no result; see the warnings`];
}

async function measured(...of: Parameters<typeof runComparisons>) {
  try {
    return await runComparisons(...of);
  } catch (error) {
    if (!(error instanceof NoLaneError)) throw error;
    const fault = serverFault(error.why);
    if (fault !== undefined) throw fault;
    const [problem, remedy = "choose others"] = error.why.split("; ");
    throw new UsageError("--models", error.model, problem!, remedy, { cause: error });
  }
}

/**
 * Measures comparisons in fresh processes, prints their reports, writes the files asked for, and compares
 * with the baseline; with `live`, a page shows them meanwhile. Returns the exit code: 0; 1 if a task failed,
 * results differ or a file could not be written; 3 if slower than the baseline allows.
 */
export async function compareAndReport(
  task: JobKind,
  planned: Iterable<PlannedComparison> | AsyncIterable<PlannedComparison>,
  options: ComparisonOptions,
  signal: AbortSignal,
): Promise<number> {
  const { seed, files, baseline, maxSlowdown, live } = options;
  if (baseline !== undefined && Array.isArray(planned)) {
    requirePlannedIn(baseline.result, "--baseline", baseline.path, planned);
  }
  const style = styleOfStdout();
  await using meter = await startMeter(signal);
  await using page = live ? new LiveServer(`deno task ${task}`) : undefined;
  if (page !== undefined) printErr(`${task}: watch it at ${page.url}`);
  const pulses = page && new TrialPulses((pulse) => page.pulse(pulse));
  const { result, code } = await measured(planned, {
    signal,
    compare: (spec, { onEvent, ...more } = {}) =>
      compare({ ...spec, live }, {
        ...more,
        meter,
        onEvent: (event) => {
          onEvent?.(event);
          pulses?.take(spec.job.name, event);
        },
      }),
    environment: { ...await describeMachine(meter), seed },
    files,
    style,
    progress: createProgress(),
  });
  if (baseline === undefined) return code;
  const changes = compareResults(baseline.result, result, { maxSlowdown });
  // An interrupted run may have measured nothing that the baseline has too.
  if (signal.aborted && changes.changes.length === 0) return code;
  requireCommon(changes, "--baseline", baseline.path, baseline.result, result);
  printOut(`\nCompared with the baseline:\n\n${renderChanges(changes, maxSlowdown, style)}`);
  if (changes.isWorse) return 1;
  return code === 0 && changes.tooSlow ? 3 : code;
}
