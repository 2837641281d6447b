/** Compares a sweep with the sample before it: the kernel's results, the work, and the order of tasks. */

import { type Finding, sayFinding } from "../advice/findings/findings.ts";
import { teardownFinding, unawaitedFinding } from "../advice/findings/tasks.ts";
import { orderCheckOf, type OrderFound, type OrderProber } from "../advice/probe/order_probe.ts";
import type { SharedState } from "../advice/job/shared_state.ts";
import { checksumOfFirst, JobError, type Probed } from "../advice/probe/probe.ts";
import { sampleOf, sourceLimit } from "../advice/probe/sample.ts";
import { givesNothing } from "../advice/probe/signs.ts";
import { compareWork } from "../advice/race/same_work.ts";
import { isModel, isRemote, type Model } from "../models.ts";
import { formatDuration } from "../text/format.ts";
import { limitedTo } from "../timing/job_items.ts";
import type { JobSpec, TrialRunner } from "../timing/spec.ts";
import { recommendedSize } from "./analyse.ts";
import type { SweepResult } from "./sweep_result.ts";

/** Runs the sample's items on a kernel; returns their number, or throws a JobError if results differ. */
export async function compareKernel(
  job: JobSpec,
  model: Model,
  probed: Probed,
  { runTrial, signal }: { readonly runTrial: TrialRunner; readonly signal: AbortSignal },
): Promise<number> {
  const count = probed.digests?.length ?? 0;
  const expected = checksumOfFirst(count, probed);
  if (count === 0) return 0;
  const trial = { model, job: limitedTo(job, count), round: 0 };
  const { round } = await runTrial(trial, { signal });
  if (round.checksum === expected) return count;
  const { failed } = sampleOf(probed);
  const [example] = Object.values(round.examples ?? {});
  const such = example === undefined ? "" : `, such as ${example}`;
  const failures = round.failed === failed
    ? ""
    : ` (${round.failed} failed on the kernel, ${failed} in the function${such})`;
  throw new JobError(
    `Cannot sweep the job under ${model}: its kernel gives other results than its function for the ` +
      `${count} items that were compared${failures}; make them the same, bit by bit`,
  );
}

/** Time limit of the run from last to first, plus SLOWER times the sample: some items may never come. */
const LEAST_GUARD_MS = 10_000;
const SLOWER = 3;

export async function holdAgainstSample(
  result: SweepResult,
  { job, probed, needsOrder = false, shared }: {
    readonly job: JobSpec;
    readonly probed: Probed;
    readonly needsOrder?: boolean;
    readonly shared?: SharedState | undefined;
  },
  orderProbe: OrderProber,
  signal: AbortSignal,
): Promise<SweepResult> {
  const sample = sampleOf(probed);
  const { classLost, resultLost } = sample;
  const seen: Finding[] = [
    ...(givesNothing(probed) ? [{ kind: "no-results" as const }] : []),
    ...teardownFinding(probed),
    ...unawaitedFinding({ probed, sample }),
  ];
  if (isModel(result.model) && isRemote(result.model)) {
    if (classLost !== undefined) seen.push({ kind: "class", what: classLost });
    if (resultLost !== undefined) seen.push({ kind: "class", what: resultLost, ofResult: true });
  }
  const [first] = result.points;
  const isPlain = first !== undefined && first.lanes * first.slots === 1;
  const [{ failed, succeeded } = { failed: 1, succeeded: 0 }] = isPlain ? first.rounds : [];
  const rounds =
    first?.rounds.map(({ runMs, runCpuMs }) => ({ runMs, runCpuMs: runCpuMs ?? undefined })) ?? [];
  const work = failed > 0 ? undefined : compareWork(sample, { items: succeeded, rounds });
  const chosen = recommendedSize(result)?.point;
  const leavesPlainLoop = !result.unsteady && chosen !== undefined &&
    chosen.lanes * chosen.slots > 1;
  // A task may need what an earlier one left in the state that they share.
  const isDue = !needsOrder && (leavesPlainLoop || shared !== undefined);
  const check = isDue ? orderCheckOf(sample, probed) : undefined;
  const guardMs = LEAST_GUARD_MS + SLOWER * sample.tasksMs;
  const { orderMatters, rewritten, written, database }: Partial<OrderFound> = check === undefined
    ? needsOrder ? { orderMatters: true } : {}
    : await orderProbe(job, { ...check, guardMs, signal });
  const most = Math.max(...result.points.map(({ throughputPerSecond: of }) => of.median));
  const limit = sourceLimit(sample, most * (sample.sourceMs + sample.wallMs) / 1000);
  const limits = limit === undefined ? [] : [
    `The source of the items is the limit: it takes ${
      formatDuration(sample.sourceMs)
    } for one, on ` +
    `average, whatever the ${result.axis}.`,
  ];
  if (rewritten) seen.push({ kind: "rewritten", tasks: check!.count, ...rewritten });
  if (written) seen.push({ kind: "written", tasks: check!.count, ...written });
  if (database && leavesPlainLoop) seen.push({ kind: "database", ...database });
  return {
    ...result,
    otherWork: work?.same === false ? work.ratio : undefined,
    ...(orderMatters !== undefined && { orderMatters }),
    warnings: [...result.warnings, ...limits, ...seen.map(sayFinding)],
  };
}
