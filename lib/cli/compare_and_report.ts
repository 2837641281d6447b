/**
 * What `io` and `cpu` do once they know what to measure: measure, report, write, and hold the result
 * against a baseline.
 *
 * @module
 */

import { compare } from "../timing/compare.ts";
import { compareResults } from "../timing/compare_results.ts";
import { describeEnvironment } from "../timing/environment.ts";
import { print } from "../text/print.ts";
import { startMeter } from "../timing/meter/meter.ts";
import { renderChanges } from "../report/terminal/changes_text.ts";
import { requireCommon, requirePlannedIn } from "./common_jobs.ts";
import type { ComparisonOptions } from "./comparison_options.ts";
import { createProgress } from "../progress/progress.ts";
import { type Planned, runComparisons } from "./run_comparisons.ts";
import { styleOfStdout } from "../report/terminal/style.ts";

/**
 * Measures comparisons in fresh processes, prints their reports, writes the files asked for, and
 * compares with the baseline.
 *
 * @param options The options that scripts share.
 * @returns The exit code: 0; 1 if a task failed or results differ; 3 if slower than the baseline
 * allows.
 */
export async function compareAndReport(
  planned: Iterable<Planned> | AsyncIterable<Planned>,
  options: ComparisonOptions,
  signal: AbortSignal,
): Promise<number> {
  const { seed, files, baseline, maxSlowdown } = options;
  if (baseline !== undefined && Array.isArray(planned)) {
    requirePlannedIn(baseline, "--baseline", options.baselinePath!, planned);
  }
  const style = styleOfStdout();
  await using meter = await startMeter(signal);
  const { result, code } = await runComparisons(planned, {
    signal,
    compare: (spec, more) => compare(spec, { ...more, meter }),
    environment: await describeEnvironment(seed, Date.now, meter.quota),
    files,
    style,
    progress: createProgress(),
  });
  if (baseline === undefined) return code;
  const changes = compareResults(baseline, result, { maxSlowdown });
  requireCommon(changes, "--baseline", options.baselinePath!, baseline, result);
  print(`\nCompared with the baseline:\n\n${renderChanges(changes, maxSlowdown, style)}`);
  if (changes.failsMore) return 1;
  return code === 0 && changes.tooSlow ? 3 : code;
}
