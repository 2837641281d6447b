/**
 * How everything in a sweep's report is defined.
 *
 * @module
 */

import { CRITERION } from "../../scaling/laws/fit_quality.ts";
import { KNEE_DEFINITION } from "../../scaling/laws/knee.ts";
import { SUSTAINED_DEFINITION } from "../../scaling/open_loop/open_loop_figures.ts";
import type { SweepResult } from "../../scaling/sweep_result.ts";

/** Says how everything is defined. */
export function definitionSentences(
  { points, openLoop }: Pick<SweepResult, "points" | "openLoop">,
): string[] {
  const capital = (text: string) => `${text[0]!.toUpperCase()}${text.slice(1)}.`;
  return [
    ...(points.length > 0
      ? [
        "Latency is a task's time in flight; its quantiles are of all rounds' tasks together, type " +
        "7 of Hyndman and Fan. Efficiency is throughput for each slot or lane against that at the " +
        "smallest size. Starting lanes isn't counted.",
        capital(KNEE_DEFINITION),
        "Laws are fitted to the medians by least squares of relative errors, σ and κ at 0 or above, with " +
        "95% bootstrap intervals. The USL foretells if κ's interval leaves out 0, else Amdahl, with an " +
        "interval that holds what the USL's κ would do; a forecast ends where the CPUs would be full.",
        capital(CRITERION),
      ]
      : []),
    ...(openLoop.length > 0
      ? [
        "Requests are due at even intervals and don't wait for answers. Corrected times count from " +
        "when a request was due; naive ones from when it was really started, which leaves out the " +
        "wait of those held up (coordinated omission, Gil Tene). Quantiles: type 7 of Hyndman and Fan.",
        capital(SUSTAINED_DEFINITION),
      ]
      : []),
  ];
}
