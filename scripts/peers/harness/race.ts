/**
 * Races contenders against each other: interleaved, in shuffled order, round by round.
 *
 * @module
 */

import { seededRandom, shuffled } from "../../../lib/timing/random.ts";
import type { Contender, Contest } from "./contest.ts";

/** Why a contender has no figure. */
export interface Trouble {
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
export interface RaceOptions {
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
 *
 * @param contests Who runs against whom.
 * @param options Rounds, seed, and what runs a contender.
 * @returns What each did, in the order of the contests; when interrupted, what was done by then.
 *
 * @example
 * ```ts
 * import { race } from "./race.ts";
 *
 * const raced = await race([], { rounds: 3, seed: 1, attempt: () => Promise.resolve({ ms: 1 }) });
 * console.log(raced.length); // 0
 * ```
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
