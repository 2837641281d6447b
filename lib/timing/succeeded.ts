/**
 * Whether anything came of the items; without that, a time says nothing.
 *
 * @module
 */

import type { Comparison, ModelResult, Round } from "./result.ts";

/** Whether items were tried in these rounds and all of them failed. */
export function nothingSucceeded({ rounds }: { readonly rounds: readonly Round[] }): boolean {
  return rounds.some(({ failed }) => failed > 0) &&
    rounds.every(({ succeeded }) => succeeded === 0);
}

/** Whether a model may be compared with others by its time. */
export function isComparable(model: Pick<ModelResult, "rounds">): boolean {
  return model.rounds.length > 0 && !nothingSucceeded(model);
}

/** The comparison without gains and a verdict on what failed: earlier versions drew them. */
export function withoutVainGains(comparison: Comparison): Comparison {
  if (!comparison.models.some(nothingSucceeded)) return comparison;
  const models = comparison.models.map((model) =>
    nothingSucceeded(model) ? { ...model, speedup: null } : model
  );
  return { ...comparison, models, verdict: null };
}
