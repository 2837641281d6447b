/**
 * Races contenders against each other: interleaved, in shuffled order, round by round. A run counts only
 * if its results are right.
 *
 * @module
 */

import type { Reading } from "../reading.ts";
import type { Contender, Contest } from "./contest.ts";
import { type Ended, runToEnd } from "./programs.ts";
import { seededRandom, shuffled } from "../../../lib/timing/random.ts";

/** The time that a contender took, or what is wrong with what it printed. */
type Checked =
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

/** Reads the last line that a contender's program printed, and checks count and sum of its results. */
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

/** Long enough for a slow machine; a contender that hangs is a finding, not the end. */
const RUN_MS = 30_000;
/** A probe may download a package. */
const PROBE_MS = 120_000;

/** What runs a program to its end. */
type Runner = (
  launch: Contender["launch"],
  options: { timeoutMs: number; signal?: AbortSignal },
) => Promise<Ended>;

/**
 * Makes what runs contenders. What a contender needs is looked for once, before its first run, so
 * that no download is measured.
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

/** Why a contender has no figure. */
interface Trouble {
  /** Whether it isn't here, didn't run to its end, or gave wrong results. */
  readonly kind: "not installed" | "failed" | "wrong";
  /** What exactly, in one line. */
  readonly reason: string;
}

/** What one run of one contender came to: its time, or why there is none. */
export type Attempt = { readonly ms: number } | { readonly trouble: Trouble };

/** A contender and what it did. */
export interface Entry {
  /** Who. */
  readonly contender: Contender;
  /** One figure a round, in the contest's unit; undefined where there is none. */
  readonly figures: readonly (number | undefined)[];
  /** Why it was stopped, if it was. */
  readonly trouble: Trouble | undefined;
}

/** A contest that was raced. */
export interface Raced {
  /** What was raced. */
  readonly contest: Contest;
  /** What we did. */
  readonly ours: Entry;
  /** What the others did. */
  readonly peers: readonly Entry[];
}

/** How to race. */
interface RaceOptions {
  /** How often each contender runs. */
  readonly rounds: number;
  /** Where the chance that shuffles starts. */
  readonly seed: number;
  /** Runs a contender once. */
  readonly attempt: (contender: Contender) => Promise<Attempt>;
  /** Ends the race before the next run. */
  readonly signal?: AbortSignal;
  /** Told before each run. */
  readonly onRun?: (contest: Contest, contender: Contender, round: number) => void;
}

interface Standing {
  readonly contender: Contender;
  readonly figures: (number | undefined)[];
  trouble: Trouble | undefined;
}

/**
 * Races. In every round the contests come in shuffled order, and in every contest its contenders; one
 * that got into trouble isn't run again, and its figures don't count.
 * When interrupted, it gives what was done by then.
 */
export async function race(contests: readonly Contest[], options: RaceOptions): Promise<Raced[]> {
  const random = seededRandom(options.seed);
  const standings = new Map<Contest, Standing[]>();
  for (const contest of contests) {
    standings.set(
      contest,
      [contest.ours, ...contest.peers].map((contender) => ({
        contender,
        figures: [],
        trouble: undefined,
      })),
    );
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const contest of shuffled(contests, random)) {
      for (const standing of shuffled(standings.get(contest)!, random)) {
        if (options.signal?.aborted) break;
        if (standing.trouble !== undefined) continue;
        options.onRun?.(contest, standing.contender, round);
        const attempt = await options.attempt(standing.contender);
        if ("ms" in attempt) {
          const { items, work = items } = standing.contender;
          standing.figures[round] = contest.unit.figure(work, attempt.ms);
        } else if (!options.signal?.aborted) standing.trouble = attempt.trouble;
      }
    }
  }
  return contests.map((contest) => {
    const [ours, ...peers] = standings.get(contest)!;
    return { contest, ours: ours!, peers };
  });
}
