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
import { givesNothing } from "../probe/sample.ts";
import type { Impossible } from "../race/entries.ts";
import type { Recommendation } from "../race/recommend.ts";
import { didTheWork, inFlight, type Runner } from "../race/runner.ts";
import { sameWork } from "../race/same_work.ts";
import { say } from "../say.ts";
import {
  FAILURE_WORDS,
  failureFindings,
  type FiguresOf,
  type Found,
  reasonsText,
} from "./failures.ts";
import { sharingFindings, TASK_WORDS, taskFindings } from "./tasks.ts";

type ResultFinding = Found<typeof resultFindings>;

const RESULT_WORDS = {
  /** Models gave other results; `orderMatters` is undefined if unknown. */
  results(of: FiguresOf<ResultFinding, "results">) {
    const { models, orderMatters, loops, shares, isLost, ofFile, ofProcess } = of;
    const told = say("results", { models: models.join(", ") });
    if (isLost) return say("results.lost", { told });
    if (orderMatters === undefined) return say("results.order unknown", { told });
    const inLoop = shares ? "shared" : "asked";
    const why = ofFile ? "file" : ofProcess ? "process" : loops ? inLoop : "memory";
    return say("results.in order", { told, why: say(`results.${why}`) });
  },
  /** The plain loop gives other results if the items run in another order. */
  order({ models, fails }: FiguresOf<ResultFinding, "order">) {
    const how = fails ? "fails" : models.length === 0 ? "plain" : "models";
    return say("order", { told: say(`order.${how}`, { models: models.join(", ") }) });
  },
  /** `tasks` tasks, one by one, read and wrote a file `times` times, and it changed. */
  rewritten: (figures: FiguresOf<ResultFinding, "rewritten">) => say("rewritten", figures),
  /** The tasks wrote a file `times` times, and read it less often than once each. */
  written: (figures: FiguresOf<ResultFinding, "written">) => say("written", figures),
  /** The tasks change a database. */
  database: (figures: FiguresOf<ResultFinding, "database">) => say("database", figures),
  unrepeatable: (_: object) => say("unrepeatable"),
  "no-results": (_: object) => say("no-results"),
  /** The race wasn't the sampled job: it took `ratio` of the sample's time, or its results differ. */
  "other-work"(of: FiguresOf<ResultFinding, "other-work">) {
    const { ratio, sameResults, canReset, failing, isOfComputing } = of;
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
) {
  const wrong = (race?.runners ?? []).filter(({ out }) => out === "results");
  const models = wrong.map(({ candidate }) => nameOf(candidate));
  const orderMatters = backwards?.orderMatters;
  if (orderMatters) {
    yield { kind: "order" as const, models, ...(backwards?.fails && { fails: true }) };
  } else if (wrong.length > 0) {
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
    yield { kind: "results" as const, models, orderMatters, loops, shares, ...cause };
  }
  if (backwards?.rewritten) {
    yield { kind: "rewritten" as const, tasks: backwards.items, ...backwards.rewritten };
  }
  if (backwards?.written) {
    yield { kind: "written" as const, tasks: backwards.items, ...backwards.written };
  }
  if (backwards?.database && chosen.model !== BASELINE) {
    yield { kind: "database" as const, ...backwards.database };
  }
  const work = sameWork(sample, race);
  const isOther = work?.same === false && !pace?.ofPlainLoop;
  // If the race did other work, that also explains different results.
  if (race?.unrepeatable && !isOther) yield { kind: "unrepeatable" as const };
  if (isOther) {
    const canReset = probed.exports.hooks.includes("reset");
    const { same: _same, ...of } = work;
    yield { kind: "other-work" as const, canReset, ...of };
  }
  if (givesNothing(probed) && chosen.model !== BASELINE) yield { kind: "no-results" as const };
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

/** A finding of any kind, with those of its figures that are known. */
export type Finding = {
  [Of in Kind]: { readonly kind: Of } & Readonly<Partial<Parameters<typeof WORDS[Of]>[0]>>;
}[Kind];

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
