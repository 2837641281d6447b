/**
 * Whether a contender did what it was to do: wrong is worse than slow.
 *
 * @module
 */

import type { Reading } from "../reading.ts";
import type { Contender } from "./contest.ts";

/** What is wrong with what a contender printed, or its reading. */
export type Checked =
  | { readonly ok: true; readonly ms: number }
  | { readonly ok: false; readonly problem: string };

function parsed(line: string): Partial<Record<keyof Reading, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads what a contender's program printed, and checks count and sum of its results.
 *
 * @param contender What it was to give.
 * @param stdout What its program printed; the reading is the last line that isn't blank.
 * @returns The time that counts, or what is wrong.
 *
 * @example
 * ```ts
 * import { checkReading } from "./reading_check.ts";
 *
 * const contender = { name: "one", launch: { program: "", args: [] }, items: 2, sum: 3n };
 * console.log(checkReading(contender, '{"items":2,"sum":"3","ms":1.5}')); // { ok: true, ms: 1.5 }
 * ```
 */
export function checkReading(contender: Contender, stdout: string): Checked {
  const reading = parsed(stdout.trimEnd().split("\n").at(-1) ?? "");
  if (reading === undefined) return { ok: false, problem: "printed no reading" };
  if (reading.items !== contender.items) {
    return { ok: false, problem: `gave ${reading.items} results, not ${contender.items}` };
  }
  if (String(reading.sum) !== String(contender.sum)) {
    return { ok: false, problem: `its results add up to ${reading.sum}, not ${contender.sum}` };
  }
  if (typeof reading.ms !== "number" || !(reading.ms > 0) || !Number.isFinite(reading.ms)) {
    return { ok: false, problem: `took ${reading.ms} ms, which is no time` };
  }
  return { ok: true, ms: reading.ms };
}
