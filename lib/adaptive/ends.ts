/** How tasks ended: which failures tell that there were too many in flight. */

import { attempt } from "../lanes/attempt.ts";
import type { Failure } from "../lanes/lane.ts";
import { classifyFailure } from "../tasks/classify_failure.ts";
import { httpSigns, refuses } from "../tasks/http_signs.ts";

const TOO_MANY_FILES = "too many open files";
/** What was lost on the way, perhaps because there were too many at once. */
const LOST: readonly string[] = ["refused", "reset", "refused stream", "truncated"];

/** How tasks ended that didn't all end well. */
export interface Ends {
  /** So many were refused, */
  readonly refused?: number;
  /** of which so many say no more than that they were cut off or came late, which may be chance. */
  readonly lost?: number;
  /** How long a server asked to be left alone, in milliseconds. */
  readonly askedMs?: number;
  /** So many failed in another way, */
  readonly failed?: number;
  /** or say nothing of others: refused by whom only they ask, who has a pace of their own, or failed again. */
  readonly aside?: number;
  /** Of those that were refused so many failed in ways that don't say so. */
  readonly unsaid?: number;
}

/** How tasks ended, as a pool needs it. */
export interface Told extends Required<Omit<Ends, "unsaid">> {
  /** Of those that were lost, how many came late, and of all, how many were cancelled. */
  readonly late: number;
  readonly cancelled: number;
  /** Whether files and sockets ran short here. */
  readonly isShort: boolean;
}

export const WELL: Told = {
  refused: 0,
  lost: 0,
  askedMs: 0,
  failed: 0,
  aside: 0,
  late: 0,
  cancelled: 0,
  isShort: false,
};

/** @param isAgain Whether it was tried again: that it fails or is lost again says nothing of the others. */
export function endsOf(failures: readonly Failure[], amongOthers: boolean, isAgain: boolean): Told {
  const signs = failures.map((failure) => signOf(failure, amongOthers));
  const lost = signs.filter((sign) => sign === "lost").length;
  const refused = failures.filter((_, at) =>
    signs[at] !== undefined && !(isAgain && signs[at] === "lost")
  );
  const cancelled = failures.filter(({ ended }) => ended === "cancelled").length;
  const failed = signs.filter((sign) => sign === undefined).length - cancelled;
  return {
    refused: refused.length,
    lost: isAgain ? 0 : lost,
    askedMs: Math.max(0, ...refused.map(waitAsked)),
    failed,
    aside: isAgain ? failed + lost : 0,
    late:
      failures.filter(({ ended }, at) => ended === "timed-out" && signs[at] !== undefined).length,
    cancelled,
    isShort: signs.includes("short"),
  };
}

/** Of too many in flight: who was asked says so, or what was asked was lost, or files and sockets run short here. */
type Sign = "said" | "lost" | "short";

/** How a failure tells that there were too many in flight, of which there may have been several; undefined if it doesn't. */
function signOf({ ended, reason, retryAfterMs }: Failure, amongOthers: boolean): Sign | undefined {
  // Those in flight beside it may have held it up.
  if (ended === "timed-out") return amongOthers ? "lost" : undefined;
  if (ended !== "failed") return undefined;
  if (retryAfterMs !== undefined || refuses(reason)) return "said";
  // What was thrown may resist every question.
  const why = attempt(() => classifyFailure(reason).reason);
  if (why === TOO_MANY_FILES) return "short";
  return why !== undefined && LOST.includes(why) ? "lost" : undefined;
}

/** How long a server asked to be left alone, in milliseconds. */
const waitAsked = ({ reason, retryAfterMs = httpSigns(reason).retryAfterMs ?? 0 }: Failure) =>
  retryAfterMs;

/** Whether a task tells that something is missing where it ran, which may be elsewhere. */
export function isLacking({ ended, reason }: Failure): boolean {
  if (ended !== "failed") return false;
  const lacks = () =>
    reason instanceof ReferenceError || reason instanceof Deno.errors.NotCapable ||
    (reason as { code?: unknown }).code === "ERR_MODULE_NOT_FOUND";
  return attempt(lacks, false);
}

/** With so few slots or fewer it is seen how many fail anyway; a share that was found is taken to be known by so many. */
const FEW_SLOTS = 4;
const KNOWN = 100;
/** So many standard deviations above what is expected, and so many more, are no chance. */
const DEVIATIONS = 2;

/** Once so many of few slots' tasks failed, what is cut off or late may be so for the same reason. */
const SOME = 2;

/** What was cut off or came late is one failure among others. */
function lostAsFailed(ends: Ends): Ends {
  const { refused = 0, lost = 0, failed = 0 } = ends;
  return { ...ends, refused: refused - lost, lost: 0, failed: failed + lost };
}

/** Takes failures for refusals, whatever they say, once more fail of many slots' tasks than did of few. */
export class Failures {
  #few = { ended: 0, failed: 0 };
  #many = { ended: 0, failed: 0 };
  #tell = false;

  /** Whether so many fail however few slots there are that what is lost among others was no refusal. */
  get areAnyway(): boolean {
    return this.#few.failed >= SOME;
  }

  /** How so many tasks ended, with so many slots. */
  judge(count: number, ends: Ends, slots: number): Ends {
    const how = this.areAnyway ? lostAsFailed(ends) : ends;
    const { refused = 0, lost = 0, failed = 0, aside = 0 } = how;
    const all = slots <= FEW_SLOTS ? this.#few : this.#many;
    all.ended += count - refused;
    all.failed += failed;
    // What fails again with few slots fails anyway; with many it may be the others that do.
    if (all === this.#few) all.failed += aside;
    else all.ended -= aside;
    if (failed === 0) return how;
    if (all === this.#many) this.#tell ||= this.#areMore;
    if (!this.#tell) return how;
    return { ...how, refused: refused + failed, lost: lost + failed, unsaid: failed, failed: 0 };
  }

  /** Whether more fail now than chance tells from how few did (Laplace's rule of succession). */
  get #areMore(): boolean {
    const [few, many] = [this.#few, this.#many];
    // One that failed alone tells nothing of others.
    if (few.ended === 0 || few.failed > 0 && few.ended < FEW_SLOTS) return false;
    const share = (few.failed + 1) / (few.ended + 2);
    const expected = many.ended * (share + Math.sqrt(share * (1 - share) / (few.ended + 2)));
    return many.failed > expected + DEVIATIONS * Math.sqrt(expected) + DEVIATIONS;
  }

  /** Slots have changed. */
  forget(): void {
    this.#many = { ended: 0, failed: 0 };
  }

  /** This share fails however many slots there are. */
  areChance(share: number): void {
    if (!this.#tell) return;
    this.#tell = false;
    this.#few = { ended: KNOWN, failed: KNOWN * share };
  }
}
