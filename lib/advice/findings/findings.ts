/** Findings about a job that a reader should know: kinds with figures, and the words for them. */

import { counted, formatPercent, formatRatio } from "../../text/format.ts";
import { type Others, othersWords } from "../../timing/meter/meter.ts";
import type { Assessment } from "../assessment.ts";
import { busyMatters } from "../prediction/predict.ts";
import type { Impossible } from "../race/entries.ts";
import type { Recommendation } from "../race/recommend.ts";
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
    const who = others ? othersWords(others) : "Other programs used the CPUs meanwhile";
    const gained = cores === 1
      ? ""
      : `, and ${cores} independent processes gained ${formatRatio(ceiling)}`;
    return `${who}: a busy thread got ${formatPercent(available)} of one${gained}. On an idle ` +
      "machine more at once may gain more; run this again there.";
  },
  /** A measured gain is greater than possible. */
  impossible({ model, gain, most, cores, isElsewhere }: Impossible) {
    const [places, faster] = isElsewhere
      ? [counted(cores, "lane"), ", or its machines are faster than this one"]
      : [counted(cores, "core"), ""];
    return `The measurement can't be right, because ${model} gained ${formatRatio(gain)} where ` +
      `${places} and the tasks' waiting can give ${formatRatio(most)} at most: the plain ` +
      `loop was slower than need be, or the model didn't do the same work${faster}.`;
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
