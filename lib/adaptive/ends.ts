/** How tasks ended: which failures show that too many were in flight. */

import { attempt } from "../lanes/attempt.ts";
import type { ItemFailure } from "../lanes/lane.ts";
import { classifyFailure } from "../tasks/classify_failure.ts";
import { httpSigns, refuses } from "../tasks/http_signs.ts";

const TOO_MANY_FILES = "too many open files";
/** Reasons of tasks that were lost on the way, perhaps because too many were in flight. */
const LOST: readonly string[] = ["refused", "reset", "refused stream", "truncated"];

/** How tasks ended; a count that is left out is 0. */
export interface Ends {
  /** How many were refused. */
  readonly refused?: number;
  /** How many of the refused ones don't say so: cut off or late, which may be chance. */
  readonly lost?: number;
  /** The longest wait that a server asked for, in milliseconds. */
  readonly askedMs?: number;
  /** How many failed in another way. */
  readonly failed?: number;
  /** Whether they were tried again. */
  readonly isAgain?: boolean;
  /** How many were refused by a server whose key has its own pace. */
  readonly elsewhere?: number;
}

/** How tasks ended, with all that a guide needs. */
export interface Told extends Required<Omit<Ends, "elsewhere">> {
  /** How many failed on any attempt without a sign of refusal, or came late; and how many were cancelled. */
  readonly unwell: number;
  readonly cancelled: number;
  /** Whether open files and sockets ran short in this program. */
  readonly isShort: boolean;
}

export const WELL: Told = {
  refused: 0,
  lost: 0,
  askedMs: 0,
  failed: 0,
  isAgain: false,
  unwell: 0,
  cancelled: 0,
  isShort: false,
};

export function endsOf(
  failures: readonly ItemFailure[],
  amongOthers: boolean,
  isAgain: boolean,
): Told {
  const signs = failures.map((failure) => signOf(failure, amongOthers));
  const refused = failures.filter((_, at) => signs[at] !== undefined);
  const cancelled = failures.filter(({ ended }) => ended === "cancelled").length;
  const failed = failures.length - refused.length - cancelled;
  const late = refused.filter(({ ended }) => ended === "timed-out");
  return {
    refused: refused.length,
    lost: signs.filter((sign) => sign === "lost").length,
    askedMs: Math.max(0, ...refused.map(waitAsked)),
    failed,
    isAgain,
    unwell: failed + late.length,
    cancelled,
    isShort: signs.includes("short"),
  };
}

/** Signs of too many in flight: the server says so, the task was lost, or files and sockets run short here. */
type Sign = "said" | "lost" | "short";

/** How a failure shows that too many were in flight; undefined if it doesn't. */
function signOf(
  { ended, reason, retryAfterMs }: ItemFailure,
  amongOthers: boolean,
): Sign | undefined {
  // Other tasks in flight may have slowed it down.
  if (ended === "timed-out") return amongOthers ? "lost" : undefined;
  if (ended !== "failed") return undefined;
  if (retryAfterMs !== undefined || refuses(reason)) return "said";
  // Inspecting a thrown value may throw.
  const why = attempt(() => classifyFailure(reason).reason);
  if (why === TOO_MANY_FILES) return "short";
  return why !== undefined && LOST.includes(why) ? "lost" : undefined;
}

/** How long a server asked to wait, in milliseconds. */
const waitAsked = ({ reason, retryAfterMs = httpSigns(reason).retryAfterMs ?? 0 }: ItemFailure) =>
  retryAfterMs;

/** Whether a task failed because something is missing where it ran that may exist elsewhere. */
export function isLacking({ ended, reason }: ItemFailure): boolean {
  if (ended !== "failed") return false;
  const lacks = () =>
    reason instanceof ReferenceError || reason instanceof Deno.errors.NotCapable ||
    (reason as { code?: unknown }).code === "ERR_MODULE_NOT_FOUND";
  return attempt(lacks, false);
}
