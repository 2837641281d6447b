/** Findings on results: differences, the order of tasks, files that tasks write, chance, or other work. */

import { OTHER_WORK } from "../../judge/thresholds.ts";
import { BASELINE, type LaneKind, MODEL_TABLE } from "../../models.ts";
import { counted, formatPercent, formatRatio } from "../../text/format.ts";
import type { Evidence } from "../evidence.ts";
import { type Candidate, isLoop, nameOf } from "../prediction/candidate.ts";
import type { SharedFile } from "../probe/audit.ts";
import { givesNothing } from "../probe/sample.ts";
import type { PlainFailing } from "../race/failing.ts";
import { didTheWork, inFlight, type Runner } from "../race/runner.ts";
import { sameWork } from "../race/same_work.ts";
import { type FindingOf, reasonsText } from "./failures.ts";

export const RESULT_WORDS = {
  /** Models gave other results; `orderMatters` is undefined if unknown. */
  results(
    { models, orderMatters, loops, shares, isLost, ofFile, ofProcess }: {
      readonly models: readonly string[];
      readonly orderMatters?: boolean | undefined;
      readonly loops: boolean;
      /** Whether the tasks were found to share state. */
      readonly shares?: boolean;
      /** Whether another finding tells which part of an item doesn't arrive. */
      readonly isLost?: boolean;
      /** Whether another finding names a file that the tasks write. */
      readonly ofFile?: boolean;
      /** Whether subprocesses gave the same results with as many in flight. */
      readonly ofProcess?: boolean;
    },
  ) {
    const told = `The results differ from those of the plain loop under ${models.join(", ")}`;
    if (isLost) return `${told}: not all of an item arrives there.`;
    if (orderMatters === undefined) {
      return `${told}: the tasks share state, or depend on the order in which they run, or give ` +
        "an error as a value when many are in flight. A lane has memory of its own, and tasks in " +
        "one lane take turns at every await. Give each task all it needs in its item.";
    }
    const why = ofFile
      ? "the file that several in flight write over each other's heads (see below)."
      : ofProcess
      ? "what a process has once and its threads share, such as its current folder or its " +
        "environment: subprocesses gave the same. Give tasks whole paths, and values in their items."
      : loops && !shares
      ? "what they ask, most likely, gives other answers to so many at once (an error, a captcha): " +
        "nothing was found that they share in their modules. Throw on such an answer."
      : loops
      ? "tasks in flight at the same time that change what they share, or that give an error as a " +
        "value. Don't read something before an await and write it behind; keep it in the task."
      : "memory that each lane has of its own: a module's variables are not shared between lanes. " +
        "Give each task all it needs in its item.";
    return `${told}, but not when the plain loop runs the items from last to first: it isn't the ` +
      `order, but ${why}`;
  },
  /** The plain loop gives other results if the items run in another order. */
  order({ models, fails }: { readonly models: readonly string[]; readonly fails?: boolean }) {
    const told = fails
      ? "Tasks fail, or don't end, once the plain loop runs the items in another order"
      : models.length === 0
      ? "The results differ once the plain loop runs the items in another order"
      : `The results differ from those of the plain loop under ${models.join(", ")}, and under ` +
        "the plain loop itself once the items are run from last to first";
    return `${told}: a task's result depends on which tasks ran before it (a counter, a cache, a ` +
      "sequence of random numbers). Give each task all it needs in its item, such as its number " +
      "or a seed.";
  },
  /** `tasks` tasks, one by one, read and wrote a file `times` times, and it changed. */
  rewritten({ path, times, tasks }: SharedFile & { readonly tasks: number }) {
    return `The file ${path} was read and written ${times} times by ${counted(tasks, "task")}. ` +
      "If each changes what it read, tasks in flight at the same time lose each other's changes, " +
      "which no result shows. Give each its own file, or write it once, from the results.";
  },
  /** The tasks wrote a file `times` times, and read it less often than once each. */
  written({ path, times, tasks }: SharedFile & { readonly tasks: number }) {
    return `The file ${path} was written ${times} times by ${counted(tasks, "task")}. With ` +
      "several in flight what they add comes in any order, and who writes all of it anew wins by " +
      "chance, which no result shows. Give each its own file or its own place in it, or write it " +
      "once, from the results.";
  },
  /** The tasks change a database. */
  database({ path }: SharedFile) {
    return `The tasks change the database ${path}. It keeps statements apart, not tasks: what one ` +
      "reads, and writes back after an await, others in flight may have changed meanwhile, which " +
      "no result shows. Do both in one statement (SET n = n + 1) or in one transaction.";
  },
  unrepeatable(_: object) {
    return "The plain loop itself gives other results from run to run (time, chance, state " +
      "that is kept elsewhere, or errors that are given as values), so the models' results could " +
      "not be compared. Throw what is an error, for that is no speed, and export a function " +
      "comparable(result) that gives what of a result must be equal.";
  },
  "no-results"(_: object) {
    return "The tasks give nothing back, so nothing shows that all models and sizes do the same " +
      "work, nor that the order of the items doesn't matter. Return what was done, such as a " +
      "count, to have it compared.";
  },
  /** The race wasn't the sampled job: it took `ratio` of the sample's time, or its results differ. */
  "other-work"(
    { ratio, sameResults, canReset, failing, isOfComputing }: {
      readonly ratio: number;
      readonly sameResults: boolean;
      readonly canReset: boolean;
      readonly failing?: PlainFailing | undefined;
      readonly isOfComputing?: true | undefined;
    },
  ) {
    const isOff = ratio > OTHER_WORK || ratio < 1 / OTHER_WORK;
    const times = isOfComputing
      ? `tasks computed ${formatPercent(ratio)} of what the same items did`
      : ratio < 1
      ? `the plain loop was ${formatRatio(1 / ratio)} as fast on the same items as`
      : `the plain loop took ${formatRatio(ratio)} as long for the same items as`;
    const seen = failing
      ? `${failing.failed} of ${counted(failing.items, "item")} failed one by ` +
        `one${reasonsText(failing.reasons)}, far more than in the sample`
      : [
        ...(isOff ? [`${times} in the sample`] : []),
        ...(sameResults ? [] : ["its results are others than the sample's"]),
      ].join(", and ");
    const why = failing
      ? "What was done once may be impossible a second time (a file that is there already, a " +
        "quota that is used up)"
      : ratio <= 1
      ? "Work that was done once may be skipped or cached (a file that is there already, a " +
        "server's cache)"
      : "Work may grow with every run (a file that gets longer), what the tasks wait for may have " +
        "slowed down (a disk, a server), or other programs used the CPUs";
    const remedy = canReset
      ? "Its reset() doesn't bring the first state back."
      : "Export a function reset() that brings the first state back: it runs before the items of " +
        "each trial are made.";
    return `The race was not the job that was sampled: ${seen}. ${why}, so its gains don't ` +
      `count. ${remedy}`;
  },
};

type ResultFinding = FindingOf<typeof RESULT_WORDS>;

/** Whether threads gave other results, and subprocesses the same ones with no fewer in flight. */
function areOfProcess(wrong: readonly Runner[], runners: readonly Runner[]): boolean {
  const inFlightOn = (laneKind: LaneKind, of: readonly Runner[]) =>
    of.filter(({ candidate, rounds }) =>
      MODEL_TABLE[candidate.model].laneKind === laneKind && rounds.length > 0
    ).map(inFlight);
  const well = inFlightOn("process", runners.filter(didTheWork));
  return Math.min(...inFlightOn("thread", wrong)) <= Math.max(...well);
}

export function* resultFindings(
  { race, backwards, sample, probed, pace, shared }: Evidence,
  chosen: Candidate,
): Generator<ResultFinding> {
  const wrong = (race?.runners ?? []).filter(({ out }) => out === "results");
  const models = wrong.map(({ candidate }) => nameOf(candidate));
  const orderMatters = backwards?.orderMatters;
  if (orderMatters) yield { kind: "order", models, ...(backwards?.fails && { fails: true }) };
  else if (wrong.length > 0) {
    const loops = wrong.some(({ candidate }) => isLoop(candidate));
    const isLost = !loops && sample.classLost !== undefined;
    const shares = shared !== undefined;
    const ofFile = loops && !shares && (backwards?.rewritten ?? backwards?.written) !== undefined;
    const ofProcess = areOfProcess(wrong, race!.runners);
    const cause = {
      ...(isLost && { isLost }),
      ...(ofFile && { ofFile }),
      ...(ofProcess && { ofProcess }),
    };
    yield { kind: "results", models, orderMatters, loops, shares, ...cause };
  }
  if (backwards?.rewritten) {
    yield { kind: "rewritten", tasks: backwards.items, ...backwards.rewritten };
  }
  if (backwards?.written) {
    yield { kind: "written", tasks: backwards.items, ...backwards.written };
  }
  if (backwards?.database && chosen.model !== BASELINE) {
    yield { kind: "database", ...backwards.database };
  }
  const work = sameWork(sample, race);
  const isOther = work?.same === false && !pace?.ofPlainLoop;
  // If the race did other work, that also explains different results.
  if (race?.unrepeatable && !isOther) yield { kind: "unrepeatable" };
  if (isOther) {
    const canReset = probed.exports.hooks.includes("reset");
    const { same: _same, ...of } = work;
    yield { kind: "other-work", canReset, ...of };
  }
  if (givesNothing(probed) && chosen.model !== BASELINE) yield { kind: "no-results" };
}
