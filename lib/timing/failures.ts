/**
 * Why tasks failed in a trial: how often, which item was the first, and what it said.
 *
 * @module
 */

import type { Outcome } from "../dispatch/outcome.ts";
import { reasonOf } from "./reasons.ts";
import { type HttpSigns, httpSigns, isRefusal, PaceMeter } from "./refusal_signs.ts";

/** Failures of one kind. */
export interface FailureKind extends HttpSigns {
  /** An error's code or name, or how the task ended. */
  readonly reason: string;
  /** How many. */
  readonly count: number;
  /** The first item's place among those that ran. */
  readonly index: number;
  /** What the first one said. */
  readonly message: string;
}

/** Messages longer than this are cut, in characters. */
const MOST_CHARACTERS = 200;
/** More kinds aren't told. */
const MOST_KINDS = 5;

function messageOf(reason: unknown): string {
  const text = reason instanceof Error
    ? reason.message || reason.name
    : reason instanceof Response
    ? `a Response with status ${reason.status}`
    : String(reason);
  return text.slice(0, MOST_CHARACTERS);
}

/** Sums up failures. */
export function failureKindsOf(outcomes: readonly Outcome<unknown>[]): FailureKind[] {
  const kinds = new Map<string, FailureKind>();
  for (const outcome of outcomes.toSorted((a, b) => a.endedAtMs - b.endedAtMs)) {
    if (outcome.status === "fulfilled") continue;
    const signs = httpSigns(outcome.reason);
    const reason = reasonOf(outcome);
    const message = messageOf(outcome.reason);
    const name = `${reason}\n${signs.status ?? ""}`;
    const known = kinds.get(name);
    kinds.set(
      name,
      known === undefined
        ? { reason, count: 1, index: outcome.index, message, ...signs }
        : { ...known, count: known.count + 1 },
    );
  }
  return [...kinds.values()].sort((a, b) => b.count - a.count).slice(0, MOST_KINDS);
}

/**
 * The pace that a server allows, once it has begun to refuse: an item that needed another try was
 * refused before.
 *
 * @returns Items a second that went through; null if none was refused, or too few were seen to tell.
 */
export function paceOf(outcomes: readonly Outcome<unknown>[]): number | null {
  const meter = new PaceMeter();
  for (const outcome of outcomes.toSorted((a, b) => a.endedAtMs - b.endedAtMs)) {
    const { status, attempts, endedAtMs } = outcome;
    if (status === "fulfilled") {
      if (attempts > 1) meter.add(endedAtMs, true);
      meter.add(endedAtMs, false);
    } else if (isRefusal(httpSigns(outcome.reason))) meter.add(endedAtMs, true);
  }
  return meter.perSecond;
}
