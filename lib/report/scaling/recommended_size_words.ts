/**
 * Which of the swept sizes to take, why, and the line of code that does, the same in every report.
 */

import { AS_GOOD, boundOfShare } from "../../judge/thresholds.ts";
import { isModel, isRemote, MODEL_TABLE, needsServer } from "../../models.ts";
import { recommendedSize } from "../../scaling/recommended_size.ts";
import { sizeText, type SweepPoint, type SweepResult } from "../../scaling/sweep_result.ts";
import { formatPercent, formatRatio, formatSpeedup } from "../../text/format.ts";
import { plain } from "../../text/plain.ts";
import { nothingWorked } from "./sweep_words.ts";

/** The line of code of a size; one slot on this event loop is the plain loop. */
function codeOf(
  { model, axis }: Pick<SweepResult, "model" | "axis">,
  { lanes, slots }: SweepPoint,
): string {
  if (lanes * slots === 1 && !isRemote(model)) return "await using executor = sequential();";
  const size = axis === "slots"
    ? `slots: ${slots}`
    : `lanes: ${lanes}${slots > 1 ? `, slots: ${slots}` : ""}`;
  const where = isModel(model) && needsServer(model) ? "servers, " : "";
  return `await using executor = ${model}({ ${where}${size} });`;
}

/** Why no larger size is to be taken, whatever it gains; undefined if one may be. */
function whyStay(
  { axis, differsAt, orderMatters, otherWork }: SweepResult,
): string | undefined {
  if (differsAt !== undefined) {
    return `with ${sizeText(axis, differsAt)} the same items gave other results. A task's result ` +
      `depends on which others run beside or before it: keep no state outside the task; ` +
      `deno task advise says more.`;
  }
  if (orderMatters) {
    return "the results differ once the items run from last to first, one by one. A task's result " +
      "depends on which ran before it, so that any other order gives other results: give each task " +
      "all it needs in its item.";
  }
  if (otherWork === undefined) return undefined;
  const took = otherWork < 1
    ? `${formatRatio(1 / otherWork)} as fast`
    : `${formatRatio(otherWork)} as long`;
  return `the trials were not the job that was sampled. One by one the same items took ${took} as ` +
    `before them: work that was done once may be skipped, or grow. Export a function reset() that ` +
    `brings the first state back.`;
}

/** Why advice, which compares models, may take another; nothing where no reason was seen. */
function whyAdviceDiffers(
  { axis, points, failsFrom, computingShare }: SweepResult,
  { size, lanes, slots, throughputPerSecond: { median } }: SweepPoint,
): string {
  const largest = points.at(-1)!;
  if (
    axis === "slots" && size > points[0]!.size && size < largest.size && failsFrom === null &&
    AS_GOOD * largest.throughputPerSecond.median >= median
  ) {
    return ` It may take concurrent, all at once, which is simpler: ${
      sizeText(axis, largest.size)
    } ` +
      `did as well, but fewer ask less of what they wait for.`;
  }
  if (computingShare === undefined || boundOfShare(computingShare) !== "mixed") return "";
  return lanes > 1 && slots > 1
    ? ""
    : ` It may take lanes with slots on each, for the tasks compute ${
      formatPercent(computingShare)
    } ` +
      `of their time and wait the rest (--lanes 1,2,4 --slots 8 sweeps them).`;
}

/** Says which size to take, the line of code that does last; nothing if no size ran without failures. */
export function takeLines(result: SweepResult): string[] {
  const { axis, points, failsFrom } = result;
  const [first] = points;
  if (first === undefined || failsFrom?.size === first.size) return [];
  const at = ({ size }: SweepPoint) => sizeText(axis, size);
  const stay = whyStay(result);
  if (stay !== undefined) return [`Stay at ${at(first)}: ${stay}`, codeOf(result, first)];
  const found = nothingWorked(result) ? undefined : recommendedSize(result);
  if (found === undefined) return [];
  const { point, gain, largerGainsLittle, mayGainMore, unsure, impossible } = found;
  if (impossible !== undefined) {
    const seen = `${formatSpeedup(impossible.gain)} at ${at(impossible.point)}`;
    const most = formatRatio(Math.max(1, impossible.most));
    return [
      `${seen} can't be right: ${most} is the most that it can give. The smallest size was slower than ` +
      `need be: end other programs, and sweep it again, with more --rounds.`,
    ];
  }
  const smallest = points.toSorted((a, b) => a.size - b.size)[0]!;
  const unclear = unsure && `${at(unsure.point)}: ${formatSpeedup(unsure.gain)}`;
  const doubt = unclear ? ` (${unclear}, an interval that spans 1; more rounds tell)` : "";
  const why = gain === null
    ? largerGainsLittle
      ? `: no larger size is detectably faster${doubt}`
      : failsFrom === null
      ? ""
      : `: tasks fail from ${sizeText(axis, failsFrom.size)} on`
    : `: ${formatSpeedup(gain)} as much as ${at(smallest)}` +
      (largerGainsLittle ? ", and no larger size gains surely more" : "");
  const model = plain(result.model);
  const isUsual = !isModel(model) || MODEL_TABLE[model].isUsual;
  const { task, latencyMs } = result.job.options;
  const builtIn = task !== undefined ? "cpu" : latencyMs !== undefined ? "io" : undefined;
  const others = builtIn === undefined && !isUsual
    ? "a sweep under --model workers shows what lanes gain"
    : `deno task ${builtIn ?? "advise"}${isUsual ? "" : ` --models sequential,workers,${model}`} ` +
      `compares it with the other models`;
  const best = points.length === 1
    ? "No other size was measured"
    : mayGainMore
    ? `That is the largest size of ${model} that was measured, and larger ones may gain more`
    : `That is the best of the sizes of ${model} that were measured`;
  return [
    `Take ${at(point)}${why}. ${best}; ${others}.` +
    (builtIn === undefined && isUsual ? whyAdviceDiffers(result, point) : ""),
    codeOf({ axis, model }, point),
  ];
}
