/**
 * One run of one contender: is it here, does it run, are its results right, how long did it take.
 *
 * @module
 */

import type { Contender } from "./contest.ts";
import { type Ended, runToEnd } from "./launch.ts";
import type { Attempt, Trouble } from "./race.ts";
import { checkReading } from "./reading_check.ts";

/** Long enough for a slow machine; a contender that hangs is a finding, not the end. */
const RUN_MS = 30_000;
/** A probe may download a package. */
const PROBE_MS = 120_000;

/** What runs a program to its end. */
export type Runner = (
  launch: Contender["launch"],
  options: { timeoutMs: number; signal?: AbortSignal },
) => Promise<Ended>;

/**
 * Makes what runs contenders. What a contender needs is looked for once, before its first run, so
 * that no download falls into a measured time.
 *
 * @param options The signal that ends a run, and what runs programs: real processes unless given.
 * @returns Runs a contender once.
 *
 * @example
 * ```ts
 * import { createAttempts } from "./attempt.ts";
 *
 * const attempt = createAttempts({
 *   run: () => Promise.resolve({ ok: true, stdout: '{"items":2,"sum":"3","ms":1.5}' }),
 * });
 * const launch = { program: "none", args: [] };
 * console.log(await attempt({ name: "one", launch, items: 2, sum: 3n })); // { ms: 1.5 }
 * ```
 */
export function createAttempts(
  { signal, run = runToEnd }: { readonly signal?: AbortSignal; readonly run?: Runner } = {},
): (contender: Contender) => Promise<Attempt> {
  const missing = new Map<string, Trouble | undefined>();

  async function lookFor(need: NonNullable<Contender["need"]>): Promise<Trouble | undefined> {
    const key = JSON.stringify(need.probe);
    if (!missing.has(key)) {
      const found = await run(need.probe, { timeoutMs: PROBE_MS, ...(signal && { signal }) });
      missing.set(
        key,
        found.ok ? undefined : { kind: "not installed", reason: `${found.reason}; ${need.get}` },
      );
    }
    return missing.get(key);
  }

  return async (contender) => {
    const trouble = contender.need && await lookFor(contender.need);
    if (trouble !== undefined) return { trouble };
    const ended = await run(contender.launch, { timeoutMs: RUN_MS, ...(signal && { signal }) });
    if (!ended.ok) return { trouble: { kind: "failed", reason: ended.reason } };
    const checked = checkReading(contender, ended.stdout);
    return checked.ok
      ? { ms: checked.ms }
      : { trouble: { kind: "wrong", reason: checked.problem } };
  };
}
