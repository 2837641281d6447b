/** Reads and writes result files named on the command line; refuses two with nothing in common. */

import {
  type OutputFiles,
  type WriteOptions,
  writeOutputFiles,
  type Written,
} from "../files/output_files.ts";
import { inputPath } from "../files/user_files.ts";
import { UsageError } from "../text/option_values.ts";
import type { ReportFile } from "../report/kinds.ts";
import { styleOfStdout } from "../report/terminal.ts";
import { fit } from "../text/plain.ts";
import { print, printError } from "../text/print.ts";
import { ResultFileError } from "../timing/json_file.ts";
import { readResultFile, type ResultFile } from "../timing/result.ts";
import {
  type Compared,
  isSameJob,
  isSameModel,
  jobText,
  whatDiffers,
} from "../timing/compare_results.ts";
import type { ComparisonSpec } from "../timing/spec.ts";

export async function fileOption<T>(
  option: string,
  path: string,
  read: (path: string) => Promise<T>,
): Promise<T> {
  if (path.trim() === "") {
    throw new UsageError(option, path, "no file is named", "give the path of one");
  }
  try {
    return await read(inputPath(path));
  } catch (error) {
    if (!(error instanceof ResultFileError)) throw error;
    throw new UsageError(option, path, error.problem, error.remedy, { cause: error });
  }
}

/** Reads a result file of comparisons that was named on the command line, as {@linkcode fileOption}. */
export async function resultOption(option: string, path: string): Promise<ResultFile> {
  return await fileOption(option, path, readResultFile);
}

interface Jobs {
  readonly comparisons: readonly Compared[];
}

/** How many jobs an error names at most, and its greatest length in columns. */
const MOST_NAMES = 3;
const MOST_TOLD = 400;

function namesIn({ comparisons }: Jobs): string {
  const names = comparisons.slice(0, MOST_NAMES).map(({ job, models }) =>
    `${JSON.stringify(jobText(job))} under ${
      models.map(({ model }) => model).join(", ") || "no model"
    }`
  );
  if (comparisons.length > MOST_NAMES) names.push("others");
  return names.join("; ").replaceAll(";", " and") || "no job";
}

/** Refuses results that share no job and model, as nothing can be compared. */
export function requireCommon(
  { changes }: { readonly changes: readonly unknown[] },
  option: string,
  path: string,
  then: Jobs,
  now: Jobs,
): void {
  if (changes.length > 0) return;
  const [differs] = now.comparisons.flatMap((fresh) =>
    then.comparisons.flatMap((old) => whatDiffers(old, fresh))
  );
  const problem = differs === undefined
    ? `no job and model in common: ${namesIn(then)} then, and ${namesIn(now)} now`
    : `nothing can be compared, as ${differs}`;
  const remedy = "compare measurements of the same job";
  throw new UsageError(option, path, fit(problem, MOST_TOLD), remedy);
}

/** Refuses a baseline that contains none of the planned jobs and models, before these are measured. */
export function requirePlannedIn(
  then: Jobs,
  option: string,
  path: string,
  planned: readonly { readonly spec: Pick<ComparisonSpec, "job" | "models"> }[],
): void {
  const comparisons = planned.map(({ spec: { job: { name, items, options }, models } }) => (
    { job: { name, items: items.kind === "values" ? items.values.length : NaN, options }, models }
  ));
  const changes = comparisons.filter(({ job, models }) =>
    then.comparisons.some((old) =>
      isSameJob(old.job, job) &&
      models.some((model) => old.models.some((other) => isSameModel(other, model)))
    )
  );
  requireCommon({ changes }, option, path, then, { comparisons });
}

/**
 * Writes reports to files; their renderers are loaded only if a file is named. If nothing was measured, none
 * is written, so that a file of an earlier run isn't replaced by an empty one.
 */
export async function writeReports(
  measured: readonly ReportFile[],
  files: OutputFiles,
  options?: WriteOptions,
): Promise<Written> {
  if (Object.keys(files).length === 0) return { lines: [], errors: [] };
  const { isEmpty, reportRenderers } = await import("../report/kinds.ts");
  if (measured.every(isEmpty)) {
    const lines = Object.values(files).map((path) => `Wrote no ${path}, for nothing was measured`);
    return { lines, errors: [] };
  }
  return await writeOutputFiles(reportRenderers(measured), files, options);
}

/** Writes reports to files and prints `text`, or else the reports; returns whether all files were written. */
export async function printReport(
  script: string,
  measured: readonly ReportFile[],
  files: OutputFiles,
  partial = false,
  text?: string,
): Promise<boolean> {
  const { reportText } = await import("../report/kinds.ts");
  const { lines, errors } = await writeReports(measured, files, { partial });
  const style = { ...styleOfStdout(), explained: new Set<string>() };
  print(text ?? measured.map((file) => reportText(file, style)).join("\n\n"));
  if (lines.length > 0) print(`\n${lines.join("\n")}`);
  for (const error of errors) printError(`${script}: ${error}`);
  return errors.length === 0;
}
