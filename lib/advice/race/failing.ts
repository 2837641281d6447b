/** How items that succeeded in the sample fail in the race: under which models, and why. */

import { BASELINE, isRemote, needsServer } from "../../models.ts";
import { isRefusal } from "../../tasks/http_signs.ts";
import { type FailureKind, UNSETTLED } from "../../timing/failures.ts";
import { nameOf } from "../prediction/candidate.ts";
import { inFlight, plainOf, type Race, type Runner } from "./runner.ts";

/** The cause of failures: a refusal, too few file descriptors, a timeout, or what is missing on lanes. */
type FailingKind = "refused" | "descriptors" | "late" | "lanes";

/** How items that succeeded in the sample fail in the race's plain loop. */
export interface PlainFailing {
  readonly failed: number;
  readonly items: number;
  readonly reasons: readonly FailureKind[];
}

/** How items that succeed one by one fail under a model of the race, and why. */
export type Failing = NonNullable<ReturnType<typeof failingOf>>;

const DESCRIPTORS = /EMFILE|too many open files/i;
/** Names of timeouts: a task's own deadline, `TimeoutError`, or Node's `ETIMEDOUT`. */
const LATE = new RegExp(`^${UNSETTLED}$|time.?d?.?out`, "i");
/** Errors that JavaScript throws where state is missing, or an object has lost its methods. */
export const MISSING: ReadonlySet<string> = new Set(["TypeError", "ReferenceError"]);
/** Error messages that name the network as the cause. */
export const NETWORK = /fetch failed|error sending request|connection|reading a body/i;

/** Whether a server's answer was the reason, which is then the same for all lanes that ask it. */
export function isOfServer(reasons: readonly FailureKind[] = [], lastedMs?: number): boolean {
  return lastedMs !== undefined || reasons.some((of) => of.status !== undefined || isRefusal(of));
}

function kindOf(failing: readonly Runner[], went: readonly Runner[]): FailingKind {
  const reasons = failing.flatMap(({ failures = [] }) => failures);
  const names = failing.flatMap(({ rounds }) =>
    rounds.flatMap((round) => Object.keys(round.reasons ?? {}))
  );
  const texts = [...names, ...reasons.map(({ message }) => message)];
  if (texts.some((text) => DESCRIPTORS.test(text))) return "descriptors";
  if (names.length > 0 && names.every((name) => LATE.test(name))) return "late";
  const inLanes = failing.every(({ candidate: { model } }) => isRemote(model));
  const isMissing = reasons.length > 0 &&
    reasons.every(({ reason, message }) => MISSING.has(reason) && !NETWORK.test(message));
  const asManyWent = Math.max(...went.map(inFlight)) >= Math.min(...failing.map(inFlight));
  const isOfLanes = isMissing || asManyWent || failing.every(isElsewhere);
  return inLanes && !reasons.some(isRefusal) && isOfLanes ? "lanes" : "refused";
}

const isElsewhere = ({ candidate: { model } }: Runner) => needsServer(model);

/** The number of tasks in flight from which on items fail that succeed one by one, and why. */
export function failingOf(runners: readonly Runner[] = []) {
  const ran = runners.filter(({ candidate, rounds, out }) =>
    rounds.length > 0 && (out !== "failures" || candidate.model !== BASELINE)
  );
  const went = ran.filter(({ out }) => out !== "failures");
  const failing = ran.filter(({ out }) => out === "failures")
    .sort((a, b) => inFlight(a) - inFlight(b));
  const [first, ...others] = failing;
  if (first === undefined) return undefined;
  const worst = first.rounds.reduce((a, b) => b.failed > a.failed ? b : a);
  const well = went.map(inFlight).filter((count) => count < inFlight(first));
  const lasted = failing.flatMap(({ lastedMs }) => lastedMs ?? []);
  const paces = failing.flatMap(({ pacePerSecond }) => pacePerSecond ?? []);
  const isOfOneLoop = lasted.length === 0 &&
    failing.every((of) => !isRemote(of.candidate.model) && !of.failures?.some(isRefusal)) &&
    went.some((of) => isRemote(of.candidate.model) && inFlight(of) >= inFlight(first));
  return {
    kind: kindOf(failing, went),
    /** The failing model with the fewest tasks in flight; `others` are the further ones. */
    model: nameOf(first.candidate),
    inFlight: inFlight(first),
    failed: worst.failed,
    items: worst.failed + worst.succeeded,
    others: others.map(({ candidate }) => nameOf(candidate)) as readonly string[],
    reasons: first.failures ??
      Object.entries(worst.reasons ?? {})
        .map(([reason, count]): FailureKind => ({ reason, count, index: 0, message: "" })),
    /** The most tasks in flight, below `inFlight`, with which all went well; 1 for one by one. */
    well: Math.max(1, ...well),
    /** Items a second that succeeded once a server refused; null if unknown. */
    perSecond: paces.length === 0 ? null : Math.min(...paces),
    // How long after that tasks still failed one by one, in milliseconds; missing if they went well.
    ...(lasted.length > 0 && { lastedMs: Math.max(...lasted) }),
    // Only other machines fail; or only the event loop, while lanes went well with as many in flight.
    ...(failing.every(isElsewhere) && { isElsewhere: true }),
    ...(isOfOneLoop && { isOfOneLoop }),
  };
}

/** How the race's plain loop fails; undefined if it fails no more than the sample did. */
export function plainFailingOf(race: Race | undefined): PlainFailing | undefined {
  const plain = plainOf(race?.runners);
  if (plain?.out !== "failures") return undefined;
  const { failed, succeeded } = plain.rounds.at(-1)!;
  return { failed, items: failed + succeeded, reasons: plain.failures ?? [] };
}
