/**
 * What it means that tasks fail under some models, and not one by one.
 *
 * @module
 */

import { isRefusal } from "../timing/failures.ts";
import type { Failing, Finding } from "./finding.ts";
import { inFlightOf, nameOf } from "./prediction/candidate.ts";
import type { Runner } from "./race/race.ts";

/** What Deno says when it has no file descriptor left. */
const DESCRIPTORS = /EMFILE|too many open files/i;
/** What JavaScript throws where state is missing, or an object lost its methods. */
const MISSING = new Set(["TypeError", "ReferenceError"]);
/** Of these TypeErrors the network is the cause. */
const NETWORK = /fetch failed|error sending request|connection|reading a body/i;

function kindOf(
  failing: readonly Runner[],
  went: readonly Runner[],
): "refused" | "descriptors" | "late" | "lanes" {
  const reasons = failing.flatMap(({ failures = [] }) => failures);
  const names = failing.flatMap(({ rounds }) =>
    rounds.flatMap((round) => Object.keys(round.reasons ?? {}))
  );
  const texts = [...names, ...reasons.map(({ message }) => message)];
  if (texts.some((text) => DESCRIPTORS.test(text))) return "descriptors";
  if (names.length > 0 && names.every((name) => name === "timed-out")) return "late";
  const inLanes = failing.every(({ candidate: { model } }) =>
    model === "workers" || model === "processes"
  );
  const most = Math.max(...went.map(({ candidate, items }) => inFlightOf(candidate, items)));
  const least = Math.min(...failing.map(({ candidate, items }) => inFlightOf(candidate, items)));
  const isMissing = reasons.length > 0 &&
    reasons.every(({ reason, message }) => MISSING.has(reason) && !NETWORK.test(message));
  const refuses = reasons.some(isRefusal);
  return inLanes && !refuses && (isMissing || most >= least) ? "lanes" : "refused";
}

/**
 * Says from how many tasks in flight on some fail, why, and how many went well.
 *
 * @returns The finding; undefined if nothing failed that didn't fail one by one.
 */
export function failingOf(
  runners: readonly Runner[],
): Extract<Finding, Failing> | undefined {
  const inFlight = ({ candidate, items }: Runner) => inFlightOf(candidate, items);
  const failing = runners.filter(({ out, rounds }) => out === "failures" && rounds.length > 0)
    .toSorted((a, b) => inFlight(a) - inFlight(b));
  const [first, ...others] = failing;
  if (first === undefined) return undefined;
  const went = runners.filter(({ out, rounds }) => out !== "failures" && rounds.length > 0);
  const worst = first.rounds.reduce((a, b) => b.failed > a.failed ? b : a);
  const well = went.map(inFlight).filter((count) => count < inFlight(first));
  const paces = failing.flatMap(({ pacePerSecond }) => pacePerSecond ?? []);
  return {
    kind: kindOf(failing, went),
    model: nameOf(first.candidate),
    inFlight: inFlight(first),
    failed: worst.failed,
    items: worst.failed + worst.succeeded,
    others: others.map(({ candidate }) => nameOf(candidate)),
    reasons: first.failures ??
      Object.entries(worst.reasons ?? {}).map(([reason, count]) => ({
        reason,
        count,
        index: 0,
        message: "",
      })),
    well: Math.max(1, ...well),
    perSecond: paces.length === 0 ? null : Math.min(...paces),
  };
}
