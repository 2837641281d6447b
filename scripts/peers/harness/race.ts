/**
 * Races contenders against each other: interleaved, in shuffled order, round by round. A run counts only
 * if its results are right.
 */

import type { Reading } from "../reading.ts";
import type { Contender, Contest } from "./contest.ts";
import { type Ended, runToEnd } from "./programs.ts";
import { attempt } from "../../../lib/lanes/attempt.ts";
import { seededRandom, shuffled } from "../../../lib/timing/random.ts";

/** Why a contender has no figure: it isn't here, didn't run to its end, or gave wrong results. */
interface Trouble {
  readonly kind: "not installed" | "failed" | "wrong";
  /** What exactly, in one line. */
  readonly reason: string;
}

/** What one run of one contender came to: what it read, or why there is nothing. */
export type Attempt = { readonly reading: Reading } | { readonly trouble: Trouble };

/** Reads the last line that a contender's program printed, and checks count and sum of its results. */
export function checkReading({ items, sum }: Contender, stdout: string): Attempt {
  const line = stdout.trimEnd().split("\n").at(-1) ?? "";
  const printed: unknown = attempt(() => JSON.parse(line), null);
  const reading: Partial<Record<keyof Reading, unknown>> | null = typeof printed === "object"
    ? printed
    : null;
  const problem = reading === null
    ? "printed no reading"
    : items !== undefined && reading.items !== items
    ? `gave ${reading.items} results, not ${items}`
    : sum !== undefined && String(reading.sum) !== String(sum)
    ? `its results add up to ${reading.sum}, not ${sum}`
    : Number.isFinite(reading.ms) && reading.ms as number > 0
    ? undefined
    : `took ${reading.ms} ms, which is no time`;
  return problem === undefined
    ? { reading: reading as Reading }
    : { trouble: { kind: "wrong", reason: problem } };
}

/** Long enough for a slow machine; a contender that hangs is a finding, not the end. */
const RUN_MS = 60_000;
/** A probe may download a package. */
const PROBE_MS = 120_000;

/**
 * Makes what runs contenders. What a contender needs is looked for once, before its first run, so
 * that no download is measured.
 */
export function createAttempts(
  { signal, run = runToEnd }: { readonly signal?: AbortSignal; readonly run?: typeof runToEnd } =
    {},
): (contender: Contender) => Promise<Attempt> {
  const looked = new Map<string, Ended>();
  return async (contender) => {
    const { need, launch } = contender;
    if (need !== undefined) {
      const key = JSON.stringify(need.probe);
      const found = looked.get(key) ?? await run(need.probe, { timeoutMs: PROBE_MS, signal });
      looked.set(key, found);
      if (!found.ok) {
        return { trouble: { kind: "not installed", reason: `${found.reason}; ${need.get}` } };
      }
    }
    const ended = await run(launch, { timeoutMs: RUN_MS, signal });
    return ended.ok
      ? checkReading(contender, ended.stdout)
      : { trouble: { kind: "failed", reason: ended.reason } };
  };
}

/** A contender and what it did. */
export interface Entry {
  readonly contender: Contender;
  /** One figure a round, in the contest's unit; undefined where there is none. */
  readonly figures: (number | undefined)[];
  /** What was read in each round that gave a figure. */
  readonly readings: Reading[];
  /** Why it was stopped, if it was. */
  trouble: Trouble | undefined;
}

export interface Raced {
  readonly contest: Contest;
  readonly ours: Entry;
  readonly peers: readonly Entry[];
}

interface RaceOptions {
  readonly rounds: number;
  /** Where the chance that shuffles starts. */
  readonly seed: number;
  readonly attempt: (contender: Contender) => Promise<Attempt>;
  /** Ends the race before the next run. */
  readonly signal?: AbortSignal;
  readonly onRun?: (contest: Contest, contender: Contender, round: number) => void;
}

/**
 * Races. In every round the contests come in shuffled order, and in every contest its contenders; one
 * that got into trouble isn't run again, and its figures don't count.
 * When interrupted, it gives what was done by then.
 */
export async function race(
  contests: readonly Contest[],
  { rounds, seed, attempt: run, signal, onRun }: RaceOptions,
): Promise<Raced[]> {
  const random = seededRandom(seed);
  const entry = (contender: Contender): Entry => (
    { contender, figures: [], readings: [], trouble: undefined }
  );
  const raced = contests.map((contest) => (
    { contest, ours: entry(contest.ours), peers: contest.peers.map(entry) }
  ));
  for (let round = 0; round < rounds; round++) {
    for (const { contest, ours, peers } of shuffled(raced, random)) {
      for (const entry of shuffled([ours, ...peers], random)) {
        if (signal?.aborted) break;
        if (entry.trouble !== undefined) continue;
        onRun?.(contest, entry.contender, round);
        const attempt = await run(entry.contender);
        if ("reading" in attempt) {
          const { reading } = attempt;
          const work = entry.contender.work ?? reading.items;
          entry.figures[round] = contest.unit.figure(work, reading);
          entry.readings.push(reading);
        } else if (!signal?.aborted) entry.trouble = attempt.trouble;
      }
    }
  }
  return raced;
}
