/** What was seen of a job that a reader should know: kinds with their figures, and the words for them. */

import type { Assessment } from "../assessment.ts";
import { busyMatters } from "../prediction/busy.ts";
import type { Recommendation } from "../race/recommend.ts";
import { FAILURE_WORDS, failureFindings } from "./failures.ts";
import type { FindingOf } from "./finding.ts";
import { MACHINE_WORDS } from "./machine.ts";
import { RESULT_WORDS, resultFindings } from "./results.ts";
import { sharingFindings, TASK_WORDS, taskFindings } from "./tasks.ts";

const WORDS = { ...RESULT_WORDS, ...MACHINE_WORDS, ...FAILURE_WORDS, ...TASK_WORDS };

type Kind = keyof typeof WORDS;
export const FINDING_KINDS = Object.keys(WORDS) as [Kind, ...Kind[]];

export type Finding = FindingOf<typeof WORDS>;

export function sayFinding(finding: Finding): string {
  return WORDS[finding.kind](finding as never);
}

/** All that a reader of a recommendation should know, in the order in which it is told. */
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
