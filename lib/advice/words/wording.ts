/**
 * Puts into words why a model is recommended, where the prediction was wrong, and where it is unsure.
 *
 * @module
 */

import { formatDuration, formatRatio } from "../../reporting/format.ts";
import type { ModelAdvice, Surprise } from "../advice.ts";
import { type Candidate, inFlightOf } from "../prediction/candidate.ts";
import type { Classified } from "../prediction/classify.ts";
import type { Composer } from "../composer.ts";
import type { Recommendation } from "../race/recommend.ts";
import { blocks } from "../probe/sample.ts";
import { QUEUEING } from "../race/substitutes.ts";

/** A measured gain this far from the predicted one is a surprise. */
const SURPRISE = 1.25;
/** A prediction whose ends are this far apart is unsure, as is one of fewer items. */
const WIDE = 2.5;
const FEW_ITEMS = 5;

/**
 * Finds where measuring contradicted the prediction by a quarter or more.
 *
 * @param models The models.
 * @param waits Whether the tasks wait most of their time.
 * @param busy Whether other programs used the CPUs meanwhile.
 * @returns A sentence for each, with the likeliest reason.
 *
 * @example
 * ```ts
 * import { surprisesOf } from "./wording.ts";
 *
 * console.log(surprisesOf([], true, false)); // []
 * ```
 */
export function surprisesOf(
  models: readonly ModelAdvice[],
  waits: boolean,
  busy: boolean,
): Surprise[] {
  return models.flatMap(({ name, model, lanes, slots, measured, predictedGain, out }) => {
    const gain = measured?.gain?.median;
    if (gain === undefined || model === "sequential" || out === "failures") return [];
    const off = gain / predictedGain;
    if (off <= SURPRISE && off >= 1 / SURPRISE) return [];
    const why = off > 1
      ? "the sample one by one was slower than need be (cold code, or other programs)"
      : busy && lanes > 1
      ? "other programs used the CPUs"
      : waits && slots !== 1
      ? "what the tasks wait for doesn't serve so many at once, or they wait for each other"
      : waits
      ? "the tasks wait for each other, or for something that serves one at a time"
      : "the tasks get in each other's way (memory, caches, a lock), or others used the CPUs";
    return [{
      name,
      predictedGain,
      measuredGain: gain,
      text:
        `${name}: ${formatRatio(predictedGain)} predicted, ${formatRatio(gain)} measured; most ` +
        `likely ${why}.`,
    }];
  });
}

/**
 * Says why a model is recommended.
 *
 * @param composer What was found.
 * @param recommendation The recommendation.
 * @param bound The job's class.
 * @returns A sentence or two.
 *
 * @example
 * ```ts
 * import { reasonOf } from "./wording.ts";
 *
 * console.log(reasonOf.length); // 3
 * ```
 */
export function reasonOf(
  composer: Composer,
  { candidate, gain }: Recommendation,
  bound: Classified["bound"],
): string {
  const { horizon } = composer.found;
  const sequential = formatDuration(composer.sequentialMs);
  if (bound === "small") {
    return `Leave it sequential: ${horizon} item${
      horizon === 1 ? "" : "s"
    } take ${sequential} in ` +
      `all, and starting lanes alone takes ${
        formatDuration(composer.found.machine.startMs.workers)
      }.`;
  }
  if (candidate.model === "sequential") {
    return `Leave it sequential: no model that gives the same results is detectably faster than the ` +
      `plain loop.`;
  }
  const what = candidate.model === "workers" || candidate.model === "processes"
    ? candidate.slots > 1
      ? bound === "io"
        ? "The tasks wait, but with so many in flight one event loop has its hands full: lanes share it."
        : "The tasks compute and wait: lanes do the computing at the same time, slots fill the waits."
      : blocks(composer.found.sample)
      ? "The tasks hold up their thread while they wait: each needs a lane of its own."
      : bound === "io"
      ? "Slots on one lane gained less than lanes."
      : "The tasks compute: only more lanes help."
    : "The tasks wait: slots on one lane fill the waits, and that is enough.";
  if (gain === null) return `${what} Predicted, not measured.`;
  return queues(composer, candidate, gain.median)
    ? `${what} What they wait for serves about ${Math.round(gain.median)} at once: with more in ` +
      `flight they only queue.`
    : `${what} No simpler model comes near it.`;
}

/** Whether more slots, or all items at once, were no faster: most of those in flight only queued. */
function queues({ runners }: Composer, candidate: Candidate, gain: number): boolean {
  return candidate.model === "limited" && runners.some((of) => {
    const crowd = inFlightOf(of.candidate, of.items);
    return of.candidate.lanes === 1 && of.rounds.length > 0 && of.out !== "failures" &&
      crowd > candidate.slots && crowd >= QUEUEING * gain;
  });
}

/**
 * Says why the prediction may be off, as far as the sample itself can tell.
 *
 * @param composer What was found.
 * @param candidate The recommended model.
 * @returns Half a sentence; undefined if the prediction is sure.
 *
 * @example
 * ```ts
 * import { unsureOf } from "./wording.ts";
 *
 * console.log(unsureOf.length); // 2
 * ```
 */
export function unsureOf(composer: Composer, candidate: Candidate): string | undefined {
  const { sample, probed } = composer.found;
  if (probed.cutOff !== undefined) return "the sample was cut off";
  if (sample.items < FEW_ITEMS) return `there were only ${sample.items} items to go by`;
  const { low, high } = composer.predictedGain(candidate);
  if (high / low <= WIDE) return undefined;
  return sample.variation > 0.5
    ? `the tasks are uneven: the gain is between ${formatRatio(low)} and ${formatRatio(high)}`
    : `what tasks compute with many in flight can't be told from one by one: the gain is between ${
      formatRatio(low)
    } and ${formatRatio(high)}`;
}
