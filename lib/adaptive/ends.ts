/** How tasks ended: which failures tell that there were too many in flight. */

import { attempt } from "../lanes/attempt.ts";
import type { ItemFailure } from "../lanes/lane.ts";
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
  /** Of those that were refused so many failed in ways that don't say so. */
  readonly unsaid?: number;
  /** So many failed in another way for the first time, */
  readonly failed?: number;
  /** or failed or were lost again, which says nothing of others, */
  readonly again?: number;
  /** or were refused by somebody who has a pace of their own. */
  readonly elsewhere?: number;
}

/** How tasks ended, as a pool needs it. */
export interface Told extends Required<Omit<Ends, "unsaid" | "elsewhere">> {
  /** How many failed, for the first time or again, or came late, and weren't refused; and were cancelled. */
  readonly unwell: number;
  readonly cancelled: number;
  /** Whether files and sockets ran short here. */
  readonly isShort: boolean;
}

export const WELL: Told = {
  refused: 0,
  lost: 0,
  askedMs: 0,
  failed: 0,
  again: 0,
  unwell: 0,
  cancelled: 0,
  isShort: false,
};

/** @param isAgain Whether it was tried again: that it fails or is lost again says nothing of the others. */
export function endsOf(
  failures: readonly ItemFailure[],
  amongOthers: boolean,
  isAgain: boolean,
): Told {
  const signs = failures.map((failure) => signOf(failure, amongOthers));
  const lost = signs.filter((sign) => sign === "lost").length;
  const refused = failures.filter((_, at) =>
    signs[at] !== undefined && !(isAgain && signs[at] === "lost")
  );
  const cancelled = failures.filter(({ ended }) => ended === "cancelled").length;
  const failed = signs.filter((sign) => sign === undefined).length - cancelled;
  const late = failures.filter(({ ended }, at) => ended === "timed-out" && signs[at] !== undefined);
  return {
    refused: refused.length,
    lost: isAgain ? 0 : lost,
    askedMs: Math.max(0, ...refused.map(waitAsked)),
    failed: isAgain ? 0 : failed,
    again: isAgain ? failed + lost : 0,
    unwell: failed + late.length,
    cancelled,
    isShort: signs.includes("short"),
  };
}

/** Of too many in flight: who was asked says so, or what was asked was lost, or files and sockets run short here. */
type Sign = "said" | "lost" | "short";

/** How a failure tells that there were too many in flight, of which there may have been several; undefined if it doesn't. */
function signOf(
  { ended, reason, retryAfterMs }: ItemFailure,
  amongOthers: boolean,
): Sign | undefined {
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
const waitAsked = ({ reason, retryAfterMs = httpSigns(reason).retryAfterMs ?? 0 }: ItemFailure) =>
  retryAfterMs;

/** Whether a task tells that something is missing where it ran, which may be elsewhere. */
export function isLacking({ ended, reason }: ItemFailure): boolean {
  if (ended !== "failed") return false;
  const lacks = () =>
    reason instanceof ReferenceError || reason instanceof Deno.errors.NotCapable ||
    (reason as { code?: unknown }).code === "ERR_MODULE_NOT_FOUND";
  return attempt(lacks, false);
}
