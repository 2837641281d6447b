/**
 * From which size on tasks fail, such as those that a server refuses when too many come at once.
 *
 * @module
 */

import type { SweepPoint, SweepResult } from "../sweep_result.ts";

/** How much more of the tasks than at the smallest size may fail. */
export const MORE_FAILED = 0.01;

/** Sizes at which more fails than at the smallest. */
export interface Failing {
  /** Each of them: what they did isn't the same work, and no law is fitted to it. */
  readonly sizes: ReadonlySet<number>;
  /** The size from which on all are among them; null if the largest isn't. */
  readonly from: SweepResult["failsFrom"];
}

function countsOf({ rounds }: Pick<SweepPoint, "rounds">): { failed: number; of: number } {
  const failed = rounds.reduce((sum, round) => sum + round.failed, 0);
  return { failed, of: rounds.reduce((sum, round) => sum + round.succeeded, failed) };
}

/**
 * Finds the sizes at which more tasks fail than at the smallest. An item that fails at every size says
 * nothing of sizes.
 */
export function failingSizes(points: readonly Pick<SweepPoint, "size" | "rounds">[]): Failing {
  const shares = points.map((point) => {
    const counts = countsOf(point);
    return { size: point.size, ...counts, share: counts.of > 0 ? counts.failed / counts.of : 0 };
  });
  const usual = shares[0]?.share ?? 0;
  const fails = ({ share }: { readonly share: number }) => share > usual + MORE_FAILED;
  const first = shares[shares.findLastIndex((one) => !fails(one)) + 1];
  return {
    sizes: new Set(shares.filter(fails).map(({ size }) => size)),
    from: first === undefined ? null : { size: first.size, failed: first.failed, of: first.of },
  };
}
