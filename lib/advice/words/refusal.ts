/**
 * What it means that tasks fail only when many are in flight.
 *
 * @module
 */

import { inFlightOf, nameOf } from "../prediction/candidate.ts";
import type { Runner } from "../race/race_options.ts";

/** What Deno says when it has no file descriptor left. */
const DESCRIPTORS = /EMFILE|too many open files/i;
/** A task that was given up. */
const LATE = /^timed-out$/;

/**
 * Says from how many tasks in flight on some fail, why, and how many went well.
 *
 * @param runners What ran in the race.
 * @returns What to tell; undefined if nothing failed that didn't fail one by one.
 *
 * @example
 * ```ts
 * import { refusal } from "./refusal.ts";
 *
 * console.log(refusal([])); // undefined
 * ```
 */
export function refusal(
  runners: readonly Runner[],
): { readonly kind: "descriptors" | "refused"; readonly text: string } | undefined {
  const inFlight = ({ candidate, items }: Runner) => inFlightOf(candidate, items);
  const failing = runners.filter(({ out, rounds }) => out === "failures" && rounds.length > 0)
    .toSorted((a, b) => inFlight(a) - inFlight(b));
  const [first, ...others] = failing;
  if (first === undefined) return undefined;
  const worst = first.rounds.reduce((a, b) => b.failed > a.failed ? b : a);
  const reasons = Object.keys(worst.reasons ?? {}).slice(0, 3);
  const well = runners.filter(({ out, rounds }) => out !== "failures" && rounds.length > 0)
    .map(inFlight).filter((count) => count < inFlight(first));
  const descriptors = failing.some(({ rounds }) =>
    rounds.some((round) => DESCRIPTORS.test(Object.keys(round.reasons ?? {}).join()))
  );
  const why = descriptors
    ? "There are not enough file descriptors for so many (ulimit -n)."
    : reasons.every((reason) => LATE.test(reason))
    ? "They wait for each other, or for something that serves few at a time."
    : "What they wait for refuses so many at once, or limits their rate.";
  const many = others.length === 0
    ? ""
    : `, and so it is with more (${others.map(({ candidate }) => nameOf(candidate)).join(", ")})`;
  return {
    kind: descriptors ? "descriptors" : "refused",
    text:
      `With ${inFlight(first)} tasks in flight (${nameOf(first.candidate)}) ${worst.failed} of ` +
      `${worst.failed + worst.succeeded} items failed` +
      `${
        reasons.length === 0 ? "" : ` (${reasons.join(", ")})`
      }${many}, none of them one by one. ` +
      `${why} Stay at ${Math.max(1, ...well)} or fewer at once, which went well.`,
  };
}
