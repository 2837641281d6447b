/** Findings about a job that a reader should know: kinds with figures, and the words for them. */

import { type Others, othersWords } from "../../timing/meter/meter.ts";
import type { Assessment } from "../assessment.ts";
import { busyMatters } from "../prediction/predict.ts";
import type { Impossible } from "../race/entries.ts";
import type { Recommendation } from "../race/recommend.ts";
import { say } from "../say.ts";
import { FAILURE_WORDS, failureFindings, type FindingOf } from "./failures.ts";
import { RESULT_WORDS, resultFindings } from "./results.ts";
import { sharingFindings, TASK_WORDS, taskFindings } from "./tasks.ts";

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
