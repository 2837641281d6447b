/** Findings on failures: under which models items fail, and what a server lets through. */

import { isRefusal } from "../../tasks/http_signs.ts";
import { counted, formatCount } from "../../text/format.ts";
import type { FailureKind } from "../../timing/failures.ts";
import type { Evidence } from "../evidence.ts";
import { nameOf } from "../prediction/candidate.ts";
import type { FailedItem } from "../probe/probe_message.ts";
import { rateLimitOf } from "../probe/sample.ts";
import { failingOf, isOfServer, MISSING, NETWORK, plainFailingOf } from "../race/failing.ts";
import type { KnownJob } from "../race/race_plan.ts";
import { say } from "../say.ts";
import { sayAll } from "../../text/fill.ts";

/** A kind of finding with its figures, as a generator of findings gives them. */
export type FiguresOf<Finding extends { readonly kind: string }, Kind extends string> =
  Finding extends unknown ? Kind extends Finding["kind"] ? Finding : never : never;
/** What a generator of findings gives. */
export type Found<Findings extends (...of: never[]) => Generator> = ReturnType<Findings> extends
  Generator<infer Finding> ? Finding : never;
type FailureFinding = Found<typeof failureFindings>;

/** How many items advice counts with, and how many are known to exist. */
type Items = Pick<KnownJob, "horizon" | "total">;

export function itemsText({ horizon, total }: Items): string {
  return `${total === null ? "an assumed " : ""}${counted(horizon, "item")}`;
}

export function paceText(perSecond: number): string {
  return `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)} a second`;
}

/** How long the job's items take at a pace, such as "120 items take 6.00 s". */
export function takesText(items: Items, perSecond: number): string {
  const { horizon } = items;
  const takenMs = 1000 * horizon / perSecond;
  return say(horizon === 1 ? "takes.one" : "takes", { items: itemsText(items), takenMs });
}

/** The reason of failures, such as "12 × HTTP 429, Retry-After 2.00 s, first item 7: slow down". */
export function reasonText({ reason, count, index, message, retryAfterMs }: FailureKind): string {
  const wait = retryAfterMs === undefined ? "" : `, ${say("retry after", { retryAfterMs })}`;
  // A message often begins with the reason itself.
  const said = message.startsWith(`${reason}: `) ? message.slice(reason.length + 2) : message;
  return `${formatCount(count)} × ${reason}${wait}, first item ${index}` +
    (said === "" || said === reason ? "" : `: ${said}`);
}

export function reasonsText(reasons: readonly FailureKind[]): string {
  return reasons.length === 0 ? "" : ` (${reasons.slice(0, 3).map(reasonText).join("; ")})`;
}

function refusalText({ reason, message, status }: FailedItem | FailureKind): string {
  return status === undefined && message !== "" ? `${reason}: ${message}` : reason;
}

type Failed = FiguresOf<FailureFinding, "refused">;

function failingText(failing: Failed) {
  const { reasons, others, oneByOne = 0 } = failing;
  return say("failing", {
    ...failing,
    why: reasonsText(reasons),
    others: others.length === 0 ? "" : say("failing.others", { others: others.join(", ") }),
    alone: say(oneByOne > 0 ? "failing.more" : "failing.none"),
  });
}

function stay({ well }: Failed) {
  return well > 1 && say("failing.stay", { well });
}

function shutText({ lastedMs }: Failed) {
  return lastedMs !== undefined &&
    say("failing.shut", { long: lastedMs > 0 ? say("failing.long", { lastedMs }) : "" });
}

export const FAILURE_WORDS = {
  failures({ failed, items, first }: FiguresOf<FailureFinding, "failures">) {
    const example = first === undefined ? "" : say("failures.example", {
      index: first.index,
      what: first.reason + (first.message && `: ${first.message}`),
    });
    return say("failures", { failed, items, example });
  },
  /** A server limits how many items succeed in a second; `perSecond` is null if its pace is unknown. */
  rate(of: FiguresOf<FailureFinding, "rate">) {
    const { refused, items, perSecond, reason, retryAfterMs } = of;
    const waits = retryAfterMs !== undefined;
    const how = [reason, waits && say("retry after", { retryAfterMs })].filter(Boolean).join(", ");
    const pace = perSecond === null
      ? say("rate.unmeasured")
      : say("rate.pace", { pace: paceText(perSecond), takes: takesText(of, perSecond) });
    return say("rate", {
      ...{ refused, items, pace },
      how: how && ` (${how})`,
      waits: say(waits ? "rate.wait" : "rate.no wait"),
    });
  },
  refused(failing: Failed) {
    const { perSecond, reasons, lastedMs, isOfOneLoop } = failing;
    const isServer = reasons.length === 0 || isOfServer(reasons, lastedMs) ||
      reasons.some((of) => NETWORK.test(of.message));
    const why = say(`refused.${isOfOneLoop ? "loop" : isServer ? "server" : "tasks"}`, {
      pace: perSecond === null ? "" : say("refused.pace", { pace: paceText(perSecond) }),
    });
    return sayAll(failingText(failing), why, shutText(failing), stay(failing));
  },
  descriptors(failing: Failed) {
    return sayAll(failingText(failing), say("descriptors"), stay(failing));
  },
  late(failing: Failed) {
    return sayAll(failingText(failing), say("late"), stay(failing));
  },
  lanes(failing: Failed) {
    const { isElsewhere, reasons, setsUp } = failing;
    const why = isElsewhere
      ? "elsewhere"
      : reasons.length > 0 && reasons.every(({ reason }) => reason === "CloneError")
      ? "sent"
      : setsUp && !reasons.some(({ reason }) => MISSING.has(reason))
      ? "setup"
      : "state";
    return sayAll(failingText(failing), say(`lanes.${why}`));
  },
  broken: (figures: FiguresOf<FailureFinding, "broken">) => say("broken", figures),
};

/** The failures one by one, and under models of the race. */
export function* failureFindings(
  { sample: { failed, items }, probed, race, horizon, total, pace }: Evidence,
) {
  const [failure] = probed.failures;
  const again = plainFailingOf(race);
  const limit = rateLimitOf(probed);
  if (pace?.ofPlainLoop) {
    const refusals = [...probed.failures, ...(again?.reasons ?? [])].filter(isRefusal);
    yield {
      kind: "rate" as const,
      refused: limit?.count ?? again?.failed ?? 0,
      perSecond: pace.perSecond,
      items: limit === undefined ? again?.items ?? items : items,
      horizon,
      total,
      reason: refusals[0] && refusalText(refusals[0]),
      retryAfterMs: refusals.find(({ retryAfterMs }) => retryAfterMs)?.retryAfterMs,
    };
  } else if (failed > 0) {
    const first: FailureKind | undefined = failure && { ...failure, count: failed };
    yield { kind: "failures" as const, failed, items, first };
  }
  const failing = failingOf(race?.runners);
  if (failing !== undefined) {
    const setsUp = probed.exports.hooks.includes("setup") && { setsUp: true };
    const perSecond = pace?.perSecond ?? failing.perSecond;
    yield { ...failing, perSecond, oneByOne: failed, ...setsUp };
  }
  for (const { candidate, out, error = "" } of race?.runners ?? []) {
    if (out === "broken") yield { kind: "broken" as const, model: nameOf(candidate), error };
  }
}
