/**
 * Findings about a job that a reader should know, kinds with figures, and the words for them. Here are those on
 * results: differences, the order of tasks, files that tasks write, chance, or other work.
 */

import { OTHER_WORK } from "../../judge/thresholds.ts";
import { BASELINE, type LaneKind, MODEL_TABLE } from "../../models.ts";
import { type Others, othersWords } from "../../timing/meter/meter.ts";
import type { Assessment } from "../assessment.ts";
import type { Evidence } from "../evidence.ts";
import { type Candidate, isLoop, nameOf } from "../prediction/candidate.ts";
import { busyMatters } from "../prediction/predict.ts";
import type { SharedFile } from "../probe/audit.ts";
import { givesNothing } from "../probe/sample.ts";
import type { Impossible } from "../race/entries.ts";
import type { PlainFailing } from "../race/failing.ts";
import type { Recommendation } from "../race/recommend.ts";
import { didTheWork, inFlight, type Runner } from "../race/runner.ts";
import { sameWork } from "../race/same_work.ts";
import { say } from "../say.ts";
import { FAILURE_WORDS, failureFindings, type FindingOf, reasonsText } from "./failures.ts";
import { sharingFindings, TASK_WORDS, taskFindings } from "./tasks.ts";

const RESULT_WORDS = {
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
    const told = say("results", { models: models.join(", ") });
    if (isLost) return say("results.lost", { told });
    if (orderMatters === undefined) return say("results.order unknown", { told });
    const inLoop = shares ? "shared" : "asked";
    const why = ofFile ? "file" : ofProcess ? "process" : loops ? inLoop : "memory";
    return say("results.in order", { told, why: say(`results.${why}`) });
  },
  /** The plain loop gives other results if the items run in another order. */
  order({ models, fails }: { readonly models: readonly string[]; readonly fails?: boolean }) {
    const how = fails ? "fails" : models.length === 0 ? "plain" : "models";
    return say("order", { told: say(`order.${how}`, { models: models.join(", ") }) });
  },
  /** `tasks` tasks, one by one, read and wrote a file `times` times, and it changed. */
  rewritten: (figures: SharedFile & { readonly tasks: number }) => say("rewritten", figures),
  /** The tasks wrote a file `times` times, and read it less often than once each. */
  written: (figures: SharedFile & { readonly tasks: number }) => say("written", figures),
  /** The tasks change a database. */
  database: (figures: SharedFile) => say("database", figures),
  unrepeatable: (_: object) => say("unrepeatable"),
  "no-results": (_: object) => say("no-results"),
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
    const how = isOfComputing ? "computed" : ratio < 1 ? "faster" : "slower";
    const figures = { share: ratio, ratio, inverseRatio: 1 / ratio };
    const seen = failing
      ? say("other-work.failed", { ...failing, reasons: reasonsText(failing.reasons) })
      : [isOff && say(`other-work.${how}`, figures), !sameResults && say("other-work.results")]
        .filter(Boolean).join(", and ");
    return say("other-work", {
      seen,
      why: say(`other-work.${failing ? "once" : ratio <= 1 ? "skipped" : "grows"}`),
      remedy: say(canReset ? "other-work.reset" : "other-work.no reset"),
    });
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

/** Others used the machine, or a measurement on it is impossible. */
const MACHINE_WORDS = {
  busy(
    { others, available, cores, ceiling }: {
      readonly others?: Others | undefined;
      /** The share of a core that a busy thread got, and the gain of independent processes. */
      readonly available: number;
      readonly cores: number;
      readonly ceiling: number;
    },
  ) {
    const gained = cores > 1 ? say("busy.gained", { cores, ceilingRatio: ceiling }) : "";
    const who = others ? othersWords(others) : say("busy.others");
    return say("busy", { who, availableShare: available, gained });
  },
  /** A measured gain is greater than possible. */
  impossible({ most: mostRatio, isElsewhere, ...figures }: Impossible) {
    return say(isElsewhere ? "impossible.elsewhere" : "impossible", { ...figures, mostRatio });
  },
};

const WORDS = { ...RESULT_WORDS, ...MACHINE_WORDS, ...FAILURE_WORDS, ...TASK_WORDS };

type Kind = keyof typeof WORDS;
export const FINDING_KINDS = Object.keys(WORDS) as [Kind, ...Kind[]];

export type Finding = FindingOf<typeof WORDS>;

export function sayFinding(finding: Finding): string {
  return WORDS[finding.kind](finding as never);
}

/** All findings that a reader of a recommendation should know, in the order in which they are told. */
export function findingsOf(assessment: Assessment, recommendation: Recommendation): Finding[] {
  const { found, impossible } = assessment;
  const { sample: { available, others }, machine: { cores, ceiling } } = found;
  return [
    ...resultFindings(found, recommendation.candidate),
    ...impossible.map((of) => ({ kind: "impossible", ...of }) as const),
    ...sharingFindings(assessment, recommendation),
    ...failureFindings(found),
    ...(busyMatters(found) ? [{ kind: "busy" as const, available, cores, ceiling, others }] : []),
    ...taskFindings(assessment, recommendation.candidate),
  ];
}
