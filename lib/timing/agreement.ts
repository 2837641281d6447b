/**
 * Whether all models gave the same results; without that, no time of theirs can be compared.
 *
 * @module
 */

import { counted } from "../text/format.ts";
import type { ModelResult, Round } from "./result.ts";

/** What comparing results comes to. */
export interface Agreement {
  /** Whether all results are equal. */
  readonly agree: boolean;
  /** One sentence each, naming the models and what differs. */
  readonly warnings: string[];
}

const counts = ({ succeeded, failed }: Round) => `${succeeded} succeeded, ${failed} failed`;

/** Compares the results of all models in all rounds. */
export function agreementOf(models: readonly ModelResult[]): Agreement {
  const reference = models.find(({ model }) => model === "sequential") ?? models[0];
  const expected = reference?.rounds[0];
  if (reference === undefined || expected === undefined) return { agree: true, warnings: [] };
  const warnings: string[] = [];
  for (const { model, rounds } of models) {
    const differing = rounds.filter(({ checksum }) => checksum !== expected.checksum);
    const odd = differing[0];
    if (odd === undefined) continue;
    const who = model === reference.model
      ? `${model} gave other results in round ${odd.round + 1} than in round ${expected.round + 1}`
      : `${model} gave other results than ${reference.model} in ${differing.length} of ` +
        counted(rounds.length, "round");
    const what = counts(odd) === counts(expected)
      ? `as many items succeeded, but their results differ`
      : `${counts(odd)}, against ${counts(expected)}`;
    warnings.push(`${who} (${what}); no speedup is shown, for the work was not the same.`);
  }
  return { agree: warnings.length === 0, warnings };
}
