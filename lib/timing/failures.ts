/** Why items ended without a value, and whether a server refused them. It imports no package. */

import { attempt, propertyOf, shown, withCauses } from "../lanes/attempt.ts";
import type { Outcome, Rejected } from "../dispatch/output.ts";
import { classifyFailure } from "../tasks/classify_failure.ts";
import { type HttpSigns, httpSigns, refuses } from "../tasks/http_signs.ts";

/** How many reasons are counted apart; all others are counted together. */
export const MOST_REASONS = 20;
export const FURTHER = "other reasons";
/** The most characters of an example: a message may hold a whole page. */
const EXAMPLE_CHARACTERS = 300;

export interface Failures {
  readonly reasons: Record<string, number>;
  readonly examples: Record<string, string>;
}

/** The name of an error; undefined for anything else that a task threw, even if it can't be inspected. */
export function errorName(reason: unknown): string | undefined {
  return attempt(() => {
    if (!(reason instanceof Error)) return undefined;
    const { name } = reason as { readonly name: unknown };
    return typeof name === "string" && name !== "" ? name : "Error";
  });
}

/** How the messages of a failed `fetch` begin; its errors have no names of their own. */
const OF_FETCH = /^(fetch failed|error sending request|error reading a body)/i;

/** A short name of what was thrown, used in all reports: HTTP status, `code`, why `fetch` failed, or name. */
export function reasonName(thrown: unknown): string {
  const { status } = httpSigns(thrown);
  if (status !== undefined) return `HTTP ${status}`;
  const name = errorName(thrown);
  if (name === undefined) return typeof thrown === "string" ? clipped(thrown) : "failed";
  const code = propertyOf(thrown, "code");
  if (typeof code === "string" && code !== "") return clipped(code);
  const why = OF_FETCH.test(messageOf(thrown)) ? classifyFailure(thrown).reason : "other";
  return why === "other" ? clipped(name) : why;
}

/** Why an item has no value: how it ended, or what its task threw. */
export function failureReason({ ended, reason }: Rejected): string {
  return ended === "failed" ? reasonName(reason) : ended;
}

/** Cuts a text from outside to the length of an example. */
export function clipped(text: string): string {
  const characters = [...text.slice(0, 2 * EXAMPLE_CHARACTERS)];
  return characters.length > EXAMPLE_CHARACTERS || text.length > 2 * EXAMPLE_CHARACTERS
    ? characters.slice(0, EXAMPLE_CHARACTERS).join("") + "…"
    : text;
}

/** The text of what was thrown; empty if reading it throws. */
export function messageOf(reason: unknown): string {
  return attempt(() => {
    if (reason instanceof SuppressedError) {
      return [reason.suppressed, reason.error].map(messageOf).join("; then: ");
    }
    if (reason instanceof Response) return `a Response with status ${reason.status}`;
    const told: unknown = reason instanceof Error ? reason.message : reason;
    const text = String(told);
    return text.startsWith("[object ") ? shown(told) : text;
  }, "");
}

/** The causes of an error, and their causes, as far as these are errors or text. */
export function causesOf(error: unknown): unknown[] {
  const [, ...causes] = errorName(error) === undefined ? [] : withCauses(error);
  return causes.filter((of) => typeof of === "string" || errorName(of) !== undefined);
}

/** The message of what was thrown, with its causes if they say more: "fetch failed" gives no reason. */
export function messageWithCauses(reason: unknown): string {
  const message = messageOf(reason);
  const causes = causesOf(reason).map(messageOf).filter((why) => why !== "");
  // Causes before one that the message already contains say less than that one.
  const told = causes.findLastIndex((why) => message.includes(why));
  return causes.slice(told + 1).reduce(
    (told, why) => told.includes(why) ? told : told === "" ? why : `${told}: ${why}`,
    message,
  );
}

function exampleOf(rejected: Rejected): string {
  const named = failureReason(rejected);
  const message = messageWithCauses(rejected.reason);
  // A message often begins with the reason itself.
  const rest = message.startsWith(`${named}: `) ? message.slice(named.length + 2) : message;
  const item = `item ${rejected.index}`;
  return rest === "" || rest === named ? item : `${item}, ${clipped(rest)}`;
}

const rejectedOf = (outcomes: readonly Outcome<unknown>[]) =>
  outcomes.filter((outcome) => outcome.status === "rejected");

export function failuresOf(outcomes: readonly Outcome<unknown>[]): Failures {
  const rejected = rejectedOf(outcomes);
  const named = [...new Set(rejected.map(failureReason))].slice(0, MOST_REASONS);
  // A map: a reason called "__proto__" must not set an object's prototype.
  const found = Map.groupBy(rejected, (of) => {
    const reason = failureReason(of);
    return named.includes(reason) ? reason : FURTHER;
  });
  const firstOf = (of: readonly Rejected[]) => of.reduce((a, b) => b.index < a.index ? b : a);
  return {
    reasons: Object.fromEntries(Array.from(found, ([reason, of]) => [reason, of.length])),
    examples: Object.fromEntries(
      Array.from(found, ([reason, of]) => [reason, exampleOf(firstOf(of))]),
    ),
  };
}

/** Adds up failures of several rounds; the first example of each reason is kept. */
export function sumOfFailures(
  of: readonly { readonly [part in keyof Failures]?: Readonly<Failures[part]> | undefined }[],
): Failures {
  const counts = new Map<string, number>();
  const examples = new Map<string, string>();
  for (const { reasons = {}, examples: said = {} } of of) {
    for (const [reason, count] of Object.entries(reasons)) {
      counts.set(reason, (counts.get(reason) ?? 0) + count);
    }
    for (const [reason, example] of Object.entries(said)) {
      examples.set(reason, examples.get(reason) ?? example);
    }
  }
  return { reasons: Object.fromEntries(counts), examples: Object.fromEntries(examples) };
}

/** A pace needs at least this much time, in milliseconds, and this many items. */
const LEAST_MS = 300;
const LEAST_ITEMS = 5;

/** Measures how many items a second a server lets through once it has begun to refuse some. */
export class PaceMeter {
  refused = 0;
  #firstMs: number | undefined;
  #lastMs = 0;
  #through = 0;

  add(endedMs: number, refused: boolean): void {
    if (refused) this.#firstMs ??= endedMs;
    if (this.#firstMs === undefined) return;
    if (refused) this.refused++;
    else this.#through++;
    this.#lastMs = endedMs;
  }

  /** Items a second that succeeded after the first refusal; null if too few to tell. */
  get perSecond(): number | null {
    const spanMs = this.#lastMs - (this.#firstMs ?? 0);
    return this.#through < LEAST_ITEMS || spanMs < LEAST_MS ? null : 1000 * this.#through / spanMs;
  }
}

export interface FailureKind extends HttpSigns {
  /** An error's code or name, or how the task ended. */
  readonly reason: string;
  readonly count: number;
  /** The index of the first item that failed so, among those that ran. */
  readonly index: number;
  readonly message: string;
}

export const UNSETTLED = "did not settle";

/** The items still running at the end of a run, if most had a value in its first half and none since. */
export function stuckOf(
  outcomes: readonly Outcome<unknown>[],
  firstMs: number,
  runMs: number,
): FailureKind | undefined {
  const settled = outcomes.filter(({ status }) => status === "fulfilled");
  const running = rejectedOf(outcomes).filter((of) => Number.isFinite(of.startedAtMs));
  const [first] = running.toSorted((a, b) => a.index - b.index);
  const isOver = settled.every(({ endedAtMs }) => endedAtMs - firstMs < runMs / 2);
  return first !== undefined && isOver && 2 * settled.length > outcomes.length
    ? { reason: UNSETTLED, count: running.length, index: first.index, message: "" }
    : undefined;
}

/** The most kinds of failures in a result. */
const MOST_KINDS = 5;

const inOrder = <Of extends Outcome<unknown>>(outcomes: readonly Of[]) =>
  outcomes.toSorted((a, b) => a.endedAtMs - b.endedAtMs);

/** Counts failures by kind, the most frequent first. */
export function failureKindsOf(outcomes: readonly Outcome<unknown>[]): FailureKind[] {
  const kinds = Map.groupBy(
    inOrder(rejectedOf(outcomes)),
    (rejected) => `${failureReason(rejected)}\n${httpSigns(rejected.reason).status ?? ""}`,
  );
  return Array.from(kinds.values(), (of) => {
    const first = of[0]!;
    const { index, reason } = first;
    const message = clipped(messageWithCauses(reason)) || (errorName(reason) ?? "");
    return { reason: failureReason(first), count: of.length, index, message, ...httpSigns(reason) };
  }).sort((a, b) => b.count - a.count).slice(0, MOST_KINDS);
}

/** How many items a second a refusing server lets through; a retried item counts as refused before. */
export function paceOf(outcomes: readonly Outcome<unknown>[]): number | null {
  const meter = new PaceMeter();
  for (const outcome of inOrder(outcomes)) {
    const { status, attempts, endedAtMs } = outcome;
    if (status === "fulfilled") {
      if (attempts > 1) meter.add(endedAtMs, true);
      meter.add(endedAtMs, false);
    } else if (refuses(outcome.reason)) meter.add(endedAtMs, true);
  }
  return meter.perSecond;
}
