/**
 * Why items ended without a value, counted by reason, with one example of each.
 *
 * @module
 */

import type { Outcome, Rejected } from "../dispatch/outcome.ts";

/** Further reasons than so many are counted together. */
const MOST_REASONS = 20;
/** What the further ones are counted under. */
const FURTHER = "other reasons";
/** An example is cut to this many characters: a message may hold a whole page. */
const EXAMPLE_CHARACTERS = 300;

/** What is known of the items that failed. */
export interface Failures {
  /** How often each reason was seen. */
  readonly reasons: Record<string, number>;
  /** Of each reason the first item that had it, and what its error said. */
  readonly examples: Record<string, string>;
}

/** The reason in a word: how an item ended, or an error's `code`, or its name. */
export function reasonOf({ ended, reason }: Rejected): string {
  if (ended !== "failed") return ended;
  if (!(reason instanceof Error)) return typeof reason === "string" ? clipped(reason) : "failed";
  const { code } = reason as { code?: unknown };
  return clipped(typeof code === "string" && code !== "" ? code : reason.name || "Error");
}

function clipped(text: string): string {
  const characters = [...text.slice(0, 2 * EXAMPLE_CHARACTERS)];
  return characters.length > EXAMPLE_CHARACTERS || text.length > 2 * EXAMPLE_CHARACTERS
    ? characters.slice(0, EXAMPLE_CHARACTERS).join("") + "…"
    : text;
}

/** Reading what was thrown may itself throw. */
function messageOf(reason: unknown): string {
  try {
    return reason instanceof Error ? reason.message : String(reason);
  } catch {
    return "";
  }
}

function exampleOf({ index, reason }: Rejected, named: string): string {
  const message = messageOf(reason);
  // A message often begins with the word that the reason is already.
  const rest = message.startsWith(`${named}: `) ? message.slice(named.length + 2) : message;
  return rest === "" || rest === named ? `item ${index}` : `item ${index}, ${clipped(rest)}`;
}

/** Counts why items ended without a value. */
export function failuresOf(outcomes: readonly Outcome<unknown>[]): Failures {
  // Maps first: a reason called "__proto__" must not set one.
  const counts = new Map<string, number>();
  const first = new Map<string, Rejected>();
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") continue;
    const named = reasonOf(outcome);
    const reason = counts.has(named) || counts.size < MOST_REASONS ? named : FURTHER;
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
    const known = first.get(reason);
    if (known === undefined || outcome.index < known.index) first.set(reason, outcome);
  }
  return {
    reasons: Object.fromEntries(counts),
    examples: Object.fromEntries(
      Array.from(first, ([reason, outcome]) => [reason, exampleOf(outcome, reasonOf(outcome))]),
    ),
  };
}

/** Adds up failures of several rounds; of each reason the first example is kept. */
export function sumOfFailures(
  of: readonly {
    readonly reasons?: Readonly<Record<string, number>> | undefined;
    readonly examples?: Readonly<Record<string, string>> | undefined;
  }[],
): Failures {
  const counts = new Map<string, number>();
  const examples = new Map<string, string>();
  for (const { reasons = {}, examples: said = {} } of of) {
    for (const [reason, count] of Object.entries(reasons)) {
      counts.set(reason, (counts.get(reason) ?? 0) + count);
    }
    for (const [reason, example] of Object.entries(said)) {
      if (!examples.has(reason)) examples.set(reason, example);
    }
  }
  return { reasons: Object.fromEntries(counts), examples: Object.fromEntries(examples) };
}
