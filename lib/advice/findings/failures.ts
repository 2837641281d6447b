/** Findings on failures: under which models items fail, and what a server lets through. */

import { type HttpSigns, isRefusal } from "../../tasks/http_signs.ts";
import { counted, formatCount, formatDuration } from "../../text/format.ts";
import type { FailureKind } from "../../timing/failures.ts";
import type { Evidence } from "../evidence.ts";
import { nameOf } from "../prediction/candidate.ts";
import type { FailedItem } from "../probe/probe_message.ts";
import { rateLimitOf } from "../probe/sample.ts";
import {
  type Failing,
  failingOf,
  isOfServer,
  MISSING,
  NETWORK,
  plainFailingOf,
} from "../race/failing.ts";
import type { KnownJob } from "../race/race_plan.ts";

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
  return `${itemsText(items)} ${horizon === 1 ? "takes" : "take"} ` +
    formatDuration(1000 * horizon / perSecond);
}

/** The reason of failures, such as "12 × HTTP 429, Retry-After 2.00 s, first item 7: slow down". */
export function reasonText({ reason, count, index, message, retryAfterMs }: FailureKind): string {
  const wait = retryAfterMs === undefined ? "" : `, Retry-After ${formatDuration(retryAfterMs)}`;
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

type Failed = Failing & {
  readonly oneByOne?: number;
  /** Whether the job has a setup() that runs in each lane. */
  readonly setsUp?: boolean;
};

function failingText({ inFlight, model, failed, items, reasons, others, oneByOne = 0 }: Failed) {
  const why = reasonsText(reasons);
  const many = others.length === 0 ? "" : `, and so it is under ${others.join(", ")}`;
  const alone = oneByOne > 0 ? "more than" : "none of them";
  return `With ${counted(inFlight, "task")} in flight (${model}) ${failed} of ` +
    `${counted(items, "item")} failed${why}${many}, ${alone} one by one: failing fast is no speed.`;
}

function stay({ well }: Failed): string {
  return well > 1 ? ` Stay at ${well} or fewer at once, which went well.` : "";
}

function shutText({ lastedMs }: Failed): string {
  if (lastedMs === undefined) return "";
  const long = lastedMs > 0 ? `, for ${formatDuration(lastedMs)} or more` : "";
  return ` After that they failed one by one, too${long}: who asks for so many is shut out for a ` +
    "while, or had a quota that is used up.";
}

export const FAILURE_WORDS = {
  failures(
    { failed, items, first }: {
      readonly failed: number;
      readonly items: number;
      readonly first?: FailureKind | undefined;
    },
  ) {
    const example = first === undefined
      ? ""
      : ` (item ${first.index} with ${first.reason}${first.message && `: ${first.message}`})`;
    return `${failed} of ${counted(items, "item")} failed already one by one${example}; their ` +
      "time counts like that of the others. The code goes on after them.";
  },
  /** A server limits how many items succeed in a second; `perSecond` is null if its pace is unknown. */
  rate(
    of: Items & Pick<HttpSigns, "retryAfterMs"> & {
      readonly refused: number;
      readonly items: number;
      readonly perSecond: number | null;
      /** How it refused the first, such as "HTTP 429". */
      readonly reason?: string | undefined;
    },
  ) {
    const { refused, items, perSecond, reason, retryAfterMs } = of;
    const how = [
      ...(reason === undefined ? [] : [reason]),
      ...(retryAfterMs === undefined ? [] : [`Retry-After ${formatDuration(retryAfterMs)}`]),
    ].join(", ");
    const pace = perSecond === null
      ? "Its pace could not be measured."
      : `It lets about ${paceText(perSecond)} through: ${takesText(of, perSecond)} whatever the ` +
        "model.";
    const waits = retryAfterMs === undefined
      ? "What the tasks throw tells no wait, so that retries can only wait longer and longer: if " +
        "the answers have a Retry-After, throw an error with it as retryAfterMs."
      : `Keep to it with retries: they wait so long where what is thrown has that as retryAfterMs.`;
    return `The server limits the rate: it refused ${refused} of ${counted(items, "item")} ` +
      `already one by one${how === "" ? "" : ` (${how})`}. ${pace} ${waits}`;
  },
  refused(failing: Failed) {
    const { perSecond, reasons, lastedMs, isOfOneLoop } = failing;
    const pace = perSecond === null ? "" : `: about ${paceText(perSecond)} went through`;
    const isServer = reasons.length === 0 || isOfServer(reasons, lastedMs) ||
      reasons.some((of) => NETWORK.test(of.message));
    const why = isOfOneLoop
      ? "Lanes bore as many: on one event loop tasks get in each other's way with what each lane " +
        "has of its own, such as a connection"
      : isServer
      ? "What they wait for refuses so many at once, or limits their rate"
      : "They get in each other's way (a file, a port, a database, a variable), or what they wait " +
        "for refuses so many";
    return `${failingText(failing)} ${why}${pace}.${shutText(failing)}${stay(failing)}`;
  },
  descriptors(failing: Failed) {
    return `${failingText(failing)} There are not enough file descriptors for so many (ulimit ` +
      `-n).${stay(failing)}`;
  },
  late(failing: Failed) {
    return `${failingText(failing)} They wait for each other, for their turn on a thread that ` +
      `others compute on, or for something that serves few at a time.${stay(failing)}`;
  },
  lanes(failing: Failed) {
    const why = failing.isElsewhere
      ? "Here they went well: on another machine a task may do what that lane's --allow-… flags " +
        "say, and finds the files and servers that are there."
      : failing.reasons.length > 0 && failing.reasons.every(({ reason }) => reason === "CloneError")
      ? "On this event loop, to which nothing is sent, they went well."
      : failing.setsUp && !failing.reasons.some(({ reason }) => MISSING.has(reason))
      ? "On this event loop they went well: each lane runs setup() for itself, and what it opens in " +
        "one may end what another has (a login, a lock), or be refused to so many."
      : "On this event loop they went well: in a lane of its own a task finds only its item and " +
        "its module. State made elsewhere isn't there, and objects arrive without their class's " +
        "methods; make it in setup(), and send plain data.";
    return `${failingText(failing)} ${why}`;
  },
  broken({ model, error }: { readonly model: string; readonly error: string }) {
    return `${model} could not run: ${error}`;
  },
};

type FailureFinding = FindingOf<typeof FAILURE_WORDS>;

/** The failures one by one, and under models of the race. */
export function* failureFindings(
  { sample: { failed, items }, probed, race, horizon, total, pace }: Evidence,
): Generator<FailureFinding> {
  const [failure] = probed.failures;
  const again = plainFailingOf(race);
  const limit = rateLimitOf(probed);
  if (pace?.ofPlainLoop) {
    const refusals = [...probed.failures, ...(again?.reasons ?? [])].filter(isRefusal);
    yield {
      kind: "rate",
      refused: limit?.count ?? again?.failed ?? 0,
      perSecond: pace.perSecond,
      items: limit === undefined ? again?.items ?? items : items,
      horizon,
      total,
      reason: refusals[0] && refusalText(refusals[0]),
      retryAfterMs: refusals.find(({ retryAfterMs }) => retryAfterMs)?.retryAfterMs,
    };
  } else if (failed > 0) {
    const first = failure && { ...failure, count: failed };
    yield { kind: "failures", failed, items, first };
  }
  const failing = failingOf(race?.runners);
  if (failing !== undefined) {
    const setsUp = probed.exports.hooks.includes("setup") && { setsUp: true };
    const perSecond = pace?.perSecond ?? failing.perSecond;
    yield { ...failing, perSecond, oneByOne: failed, ...setsUp };
  }
  for (const { candidate, out, error = "" } of race?.runners ?? []) {
    if (out === "broken") yield { kind: "broken", model: nameOf(candidate), error };
  }
}

/** The findings for which `Words` has a sentence: each kind with its figures. */
export type FindingOf<Words> = {
  [Kind in keyof Words]: Words[Kind] extends (figures: infer Figures) => string
    ? { readonly kind: Kind } & Readonly<Figures>
    : never;
}[keyof Words];
