/**
 * How far the race is: a line that moves on a terminal, a plain line a round in a pipe.
 *
 * @module
 */

import cliProgress from "cli-progress";
import process from "node:process";
import type { Contender, Contest } from "./contest.ts";

/** Draws how far the race is. */
export interface RaceProgress extends Disposable {
  /** Takes what is told before each run. */
  onRun(contest: Contest, contender: Contender, round: number): void;
}

/**
 * Makes what draws progress on standard error.
 *
 * @param runs How many runs there will be at most.
 * @param rounds How many rounds these are.
 * @returns The drawer; dispose of it before anything else is printed.
 *
 * @example
 * ```ts
 * import { raceProgress } from "./progress.ts";
 *
 * using progress = raceProgress(0, 1);
 * console.log(typeof progress.onRun); // "function"
 * ```
 */
export function raceProgress(runs: number, rounds: number): RaceProgress {
  if (!Deno.stderr.isTerminal()) {
    let told = -1;
    return {
      onRun(_contest, _contender, round) {
        if (round !== told) console.error(`round ${round + 1} of ${rounds} …`);
        told = round;
      },
      [Symbol.dispose]() {},
    };
  }
  const bar = new cliProgress.SingleBar({
    stream: process.stderr,
    format: "{bar} {value}/{total} {line}",
    barsize: 20,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    clearOnComplete: true,
    hideCursor: true,
    linewrap: false,
    gracefulExit: false,
  });
  let run = 0;
  bar.start(runs, 0, { line: "" });
  return {
    onRun(contest, contender, round) {
      bar.update(++run, { line: `round ${round + 1}: ${contest.family}, ${contender.name}` });
    },
    [Symbol.dispose]() {
      bar.stop();
    },
  };
}
