/**
 * What two results must have in common to be compared.
 *
 * @module
 */

import { UsageError } from "../options.ts";
import type { ResultsComparison } from "../timing/compare_results.ts";
import type { ResultFile } from "../timing/result.ts";

type Jobs = Pick<ResultFile, "comparisons">;

/** More names than this say no more. */
const MOST_NAMES = 3;

function namesIn({ comparisons }: Jobs): string {
  const names = comparisons.slice(0, MOST_NAMES).map(({ job, models }) =>
    `${JSON.stringify(job.name)} under ${models.map(({ model }) => model).join(", ") || "no model"}`
  );
  if (comparisons.length > MOST_NAMES) names.push("others");
  return names.join("; ").replaceAll(";", " and") || "no job";
}

/**
 * Refuses results that share no job and model: there is nothing to say of them.
 *
 * @throws {UsageError} That names the file and what both hold.
 */
export function requireCommon(
  { changes }: Pick<ResultsComparison, "changes">,
  option: string,
  path: string,
  then: Jobs,
  now: Jobs,
): void {
  if (changes.length > 0) return;
  throw new UsageError(
    option,
    path,
    `no job and model in common: ${namesIn(then)} then, and ${namesIn(now)} now`,
    "compare measurements of the same job",
  );
}
