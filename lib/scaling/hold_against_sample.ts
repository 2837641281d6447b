/**
 * Holds a sweep against the sample before it: was it that job, and may its tasks run in any order?
 */

import { isModel, isRemote } from "../models.ts";
import { compareWork, type Finding, ofTeardown } from "../advice/findings.ts";
import { orderCheckOf, type OrderProber } from "../advice/probe/order_probe.ts";
import type { Probed } from "../advice/probe/probe.ts";
import { sampleOf } from "../advice/probe/sample.ts";
import { sayFinding } from "../advice/words/finding_words.ts";
import type { JobSpec } from "../timing/spec.ts";
import { recommendedSize } from "./recommended_size.ts";
import type { SweepResult } from "./sweep_result.ts";

const GUARD_MS = 60_000;

/** The result with what the comparison shows. */
export async function holdAgainstSample(
  result: SweepResult,
  job: JobSpec,
  probed: Probed,
  orderProbe: OrderProber,
  signal: AbortSignal,
): Promise<SweepResult> {
  const sample = sampleOf(probed);
  const { classLost } = sample;
  const seen: Finding[] = [...ofTeardown(probed)];
  if (classLost !== undefined && isModel(result.model) && isRemote(result.model)) {
    seen.push({ kind: "class", what: classLost });
  }
  const warnings = [...result.warnings, ...seen.map(sayFinding)];
  const [first] = result.points;
  const isPlain = first !== undefined && first.lanes * first.slots === 1;
  const [round] = first?.rounds ?? [];
  const work = isPlain && round !== undefined && round.failed === 0
    ? compareWork(sample, {
      items: round.succeeded,
      rounds: first.rounds.map(({ runMs, runCpuMs }) => ({
        runMs,
        runCpuMs: runCpuMs ?? undefined,
      })),
    })
    : undefined;
  const otherWork = work?.same === false ? { otherWork: work.ratio } : {};
  const chosen = recommendedSize(result)?.point;
  const check = result.unsteady ? undefined : orderCheckOf(sample, probed);
  if (check === undefined || chosen === undefined || chosen.lanes * chosen.slots === 1) {
    return { ...result, ...otherWork, warnings };
  }
  const found = await orderProbe(job, { ...check, guardMs: GUARD_MS, signal });
  return {
    ...result,
    ...otherWork,
    ...(found.orderMatters !== undefined && { orderMatters: found.orderMatters }),
    warnings: [
      ...warnings,
      ...(found.rewritten
        ? [sayFinding({ kind: "rewritten", tasks: check.count, ...found.rewritten })]
        : []),
    ],
  };
}
