/**
 * What an answer lacks, and why.
 *
 * @module
 */

import { type Candidate, nameOf } from "../prediction/candidate.ts";
import type { Probed } from "../probe/probe.ts";
import type { Race } from "../race/race.ts";
import type { RacePlan } from "../race/race_plan.ts";
import type { Sample } from "../probe/sample.ts";

/** How far the measurements came. */
export interface Progress {
  /** What the probe found. */
  readonly probed: Pick<Probed, "cutOff">;
  /** The sample in figures. */
  readonly sample: Pick<Sample, "items">;
  /** The race's plan; null if there was no time for one. */
  readonly plan: RacePlan | null;
  /** The models that were to be raced. */
  readonly raced: readonly Candidate[];
  /** The race, if there was one. */
  readonly race: Race | undefined;
  /** Whether the job is too small to race. */
  readonly small: boolean;
}

/**
 * Says what an answer lacks.
 *
 * @returns Half a sentence with the remedy; undefined if nothing is missing.
 */
export function missingOf(
  { probed, sample, plan, raced, race, small }: Progress,
  signal: AbortSignal,
): string | undefined {
  if (probed.cutOff !== undefined) {
    return `the sample was cut off after ${sample.items} item${sample.items === 1 ? "" : "s"}: ` +
      `${probed.cutOff}; what follows is predicted from these. A larger --budget lets it finish`;
  }
  if (signal.aborted) {
    return "it was interrupted; what follows rests on what was measured until then";
  }
  if (sample.items < 2) {
    return "there is only one item: nothing to run at the same time, and nothing was raced";
  }
  if (small) return undefined;
  if (plan === null || raced.length < 2) {
    return "no race: it would cost more than three runs of the sample, or than the budget; what follows " +
      "is predicted. More items, or a larger --budget, confirm it";
  }
  const [first] = race?.runners.filter(({ rounds }) => rounds.length === 0) ?? [];
  if (race?.partial) {
    return `the budget ended the race early${
      first === undefined ? "" : `, before ${nameOf(first.candidate)} had run`
    }; a larger --budget makes it surer`;
  }
  return undefined;
}
