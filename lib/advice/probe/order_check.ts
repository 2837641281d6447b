/**
 * Whether it is worth running some items from last to first, and how many.
 *
 * @module
 */

import type { Probed } from "./probe.ts";
import type { Race } from "../race/race_options.ts";
import type { Sample } from "./sample.ts";

/** Items run from last to first, of the sample and at most: a task that leans on others shows it on few. */
const SHARE_BACKWARDS = 1 / 8;
const MOST_BACKWARDS = 16;
/** What the whole advice may cost then, in sequential runs of the sample. */
const MOST_RUNS = 2.97;

/** How many first items would be run from last to first. */
export function countBackwards({ done }: Pick<Probed, "done">): number {
  const kept = done?.kept ?? 0;
  return Math.min(kept, MOST_BACKWARDS, Math.max(2, Math.ceil(SHARE_BACKWARDS * kept)));
}

/**
 * Decides on a run from last to first: where anything but the plain loop may be recommended, or models
 * differ in their results, the plain loop repeats its own, and the run can be afforded. Results that
 * agreed may have agreed by luck.
 *
 * @returns How many items, and the checksum of their results from first to last; undefined for no run.
 */
export function orderCheck(
  sample: Pick<Sample, "tasksMs" | "wallMs" | "failed">,
  probed: Pick<Probed, "done" | "checksums">,
  race: Race | undefined,
  leavesPlainLoop: boolean,
): { readonly count: number; readonly forwards: string } | undefined {
  if (race === undefined || race.otherResults || sample.failed > 0) return undefined;
  if (!leavesPlainLoop && !race.runners.some(({ out }) => out === "results")) return undefined;
  const count = countBackwards(probed);
  const forwards = probed.checksums.get(count);
  const costMs = sample.tasksMs + race.costMs + count * sample.wallMs;
  return forwards === undefined || count < 2 || costMs > MOST_RUNS * sample.tasksMs
    ? undefined
    : { count, forwards };
}
