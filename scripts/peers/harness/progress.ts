/**
 * How far the race is: a line that moves on a terminal, a plain line a round in a pipe.
 *
 * @module
 */

import { printError } from "../../../lib/text/print.ts";
import { MovingLine } from "../../../lib/progress/moving_line.ts";
import { stderrOutput } from "../../../lib/progress/progress.ts";
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
  const { isTerminal, columns } = stderrOutput();
  if (!isTerminal) {
    let told = -1;
    return {
      onRun(_contest, _contender, round) {
        if (round !== told) printError(`round ${round + 1} of ${rounds} …`);
        told = round;
      },
      [Symbol.dispose]() {},
    };
  }
  const line = new MovingLine(columns, "starting");
  let run = 0;
  return {
    onRun(contest, contender, round) {
      run++;
      const what = `round ${round + 1}: ${contest.family}, ${contender.name}`;
      line.show(run / runs, `${run}/${runs} ${what}`);
    },
    [Symbol.dispose]() {
      line.end();
    },
  };
}
