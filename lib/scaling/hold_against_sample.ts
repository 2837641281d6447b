/**
 * Holds a sweep against the sample before it: was it that job, and may its tasks run in any order?
 */

import { isModel, isRemote, type Model, needsKernel } from "../models.ts";
import { compareWork, type Finding, ofTeardown } from "../advice/findings.ts";
import { type OrderCheck, orderCheckOf, type OrderProber } from "../advice/probe/order_probe.ts";
import type { Probed } from "../advice/probe/probe.ts";
import { sampleOf } from "../advice/probe/sample.ts";
import { sayFinding } from "../advice/words/finding_words.ts";
import type { ItemSource, JobSpec, TrialRunner } from "../timing/spec.ts";
import { recommendedSize } from "./recommended_size.ts";
import type { SweepResult } from "./sweep_result.ts";

const GUARD_MS = 60_000;

/** Whether a model's kernel gives other results than the task's function gave; undefined if it failed. */
async function differs(
  model: Model,
  job: JobSpec,
  { count, forwards }: OrderCheck,
  { runTrial, signal }: Holding,
): Promise<boolean | undefined> {
  const { items } = job;
  const first: ItemSource = items.kind === "values"
    ? { ...items, values: items.values.slice(0, count) }
    : { ...items, limit: count };
  const trial = { model, job: { ...job, items: first }, round: 0 };
  const { round: { failed, checksum } } = await runTrial(trial, { signal });
  return failed > 0 ? undefined : checksum !== forwards;
}

/** What looks again at a job that was swept. */
interface Holding {
  readonly orderProbe: OrderProber;
  readonly runTrial: TrialRunner;
  readonly signal: AbortSignal;
}

/** The result with what the comparison shows. */
export async function holdAgainstSample(
  result: SweepResult,
  job: JobSpec,
  probed: Probed,
  { orderProbe, runTrial, signal }: Holding,
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
  const { model } = result;
  if (check !== undefined && isModel(model) && needsKernel(model)) {
    const kernelDiffers = await differs(model, job, check, { orderProbe, runTrial, signal });
    return {
      ...result,
      ...otherWork,
      ...(kernelDiffers !== undefined && { kernelDiffers }),
      warnings,
    };
  }
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
