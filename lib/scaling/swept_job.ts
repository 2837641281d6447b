/** The jobs that are swept: downloads from a test site, sums, and a user's own, held against its sample. */

import type { Site } from "../site/start.ts";
import { calibrate, CPU_TASKS } from "../tasks/catalogue.ts";
import { limitedTo } from "../timing/job_items.ts";
import { computingJob, downloadJob } from "../timing/ready_jobs.ts";
import type { JobSpec, TrialRunner } from "../timing/spec.ts";
import { LEAST_WAVES, MOST_DEFAULT_SLOTS, type SweepPlan, sweepPlanFor } from "./sweep_options.ts";
import { type Finding, sayFinding } from "../advice/findings/findings.ts";
import { teardownFinding, unawaitedFinding } from "../advice/findings/tasks.ts";
import type { loadJob } from "../advice/job/load_job.ts";
import { type SharedState, sharedWords } from "../advice/job/shared_state.ts";
import { orderCheckOf, type OrderFound, type OrderProber } from "../advice/probe/order_probe.ts";
import { checksumOfFirst, JobError, type Probed } from "../advice/probe/probe.ts";
import {
  blocks,
  computesBeside,
  givesNothing,
  heldMs,
  type Sample,
  sampleOf,
  sourceLimit,
} from "../advice/probe/sample.ts";
import { MOST_USEFUL_LANES } from "../advice/race/race_plan.ts";
import { compareWork } from "../advice/race/same_work.ts";
import { COMPUTES } from "../judge/thresholds.ts";
import { isModel, isRemote, type Model } from "../models.ts";
import { formatDuration, formatPercent } from "../text/format.ts";
import { recommendedSize } from "./analyse.ts";
import type { SweepResult } from "./sweep_result.ts";

export interface SweptJob {
  readonly name: string;
  /** How many items travel together; one, where a last chunk could leave lanes without items. */
  readonly chunk: "auto" | 1;
  /**
   * The job for a number of slots or lanes ("places"). Made items are alike, and there are as many for each
   * place, so that trials take about as long; the user's own job has the same items at every size.
   */
  at(places: number): JobSpec;
  /** The share of its time in which a task computes by itself, 0 to 1, if known. */
  readonly computingShare?: number;
  /** The share of its time in which a task leaves its thread to others, 0 to 1. */
  readonly freeShare?: number;
  readonly total?: number;
  /** How long all items take one by one in milliseconds, and the share of them that fails so, if known. */
  readonly expectedMs?: number;
  readonly failedShare?: number;
  /** Items to run before a trial with this many places, to open connections and compile code. */
  warmupAt(places: number): number;
}

const MOST_DOWNLOADS = 5_000;
/** The time limit of one download, in milliseconds. */
const DOWNLOAD_MS = 30_000;
/** Divisible by 1 to 6, so that no lane ends early. */
const LEAST_SUMS = 120;

/** Downloads from a test site, as many for each place, so that a trial at 64 slots takes as long as at one. */
export function downloads(
  site: Pick<Site, "hosts" | "urls">,
  latencyMs: number,
  trialMs = 600,
): SweptJob {
  const waves = Math.max(LEAST_WAVES, Math.round(trialMs / (latencyMs + 2)));
  const name = `download pages after ${latencyMs} ms`;
  return {
    name,
    chunk: 1,
    at: (places) => {
      const count = Math.max(LEAST_WAVES * places, Math.min(MOST_DOWNLOADS, waves * places));
      const job = downloadJob(site, Math.ceil(count / 2), DOWNLOAD_MS);
      return { ...limitedTo(job, count), name, options: { latencyMs } };
    },
    warmupAt: (places) => Math.max(LEAST_WAVES, places),
  };
}

/** Sums of squares that take one lane about `trialMs`; with `grows`, more of them for more places. */
export async function sums(
  most: number,
  trialMs = 900,
  signal?: AbortSignal,
  grows = false,
): Promise<SweptJob> {
  const chosen = CPU_TASKS["sum-squares"];
  const countAt = (places: number) => Math.max(LEAST_SUMS, LEAST_WAVES * places);
  const count = countAt(most);
  const msPerWork = await calibrate(chosen, { signal });
  const wanted = Math.round(trialMs / count / msPerWork);
  const start = Math.max(1, Math.min(chosen.limit - count, wanted));
  const name = `sum squares below ${start.toLocaleString("en")}`;
  const at = (count: number) => ({ ...computingJob(chosen, { start, count }), name });
  return {
    name,
    chunk: 1,
    computingShare: 1,
    at: (places) => at(grows ? countAt(places) : count),
    warmupAt: (places) => 2 * places,
  };
}

/** A task that holds up its event loop for a greater share of its time needs lanes more than slots. */
const HOLDS = 0.5;

/** Chooses what to sweep for a job of which only a sample is known, by the same rules as advice. */
export function choosePlan(
  sample: Sample,
  most: number,
  /** State that the tasks share, which each lane would have for itself. */
  shared?: SharedState,
): { plan: SweepPlan; why: string } {
  const items = Math.min(most, sample.total ?? Infinity);
  const [lanes, slots] = [sweepPlanFor("workers", {}, items), sweepPlanFor("limited", {}, items)];
  const computes = `it computes ${formatPercent(sample.cpuShare)} of the time`;
  const sweep = (plan: SweepPlan, why: string) => (
    { plan, why: `${why}, so ${plan.axis} are swept` }
  );
  if (shared !== undefined) return sweep(slots, sharedWords(shared));
  if (sample.uncloneable !== undefined) {
    return sweep(slots, `nothing can be sent to lanes (${sample.uncloneable})`);
  }
  // Tasks that wait for computing programs gain no more from lanes than there are cores.
  if (blocks(sample) && sample.cpuShare < COMPUTES) {
    const extendTo = Math.min(MOST_USEFUL_LANES, items / LEAST_WAVES);
    const until = 2 * (sample.programsMs ?? 0) > sample.cpuMs
      ? "until the programs that it runs have ended"
      : "while it waits";
    return sweep({ ...lanes, extendTo }, `it holds up its thread ${until}`);
  }
  if (heldMs(sample) >= HOLDS * sample.wallMs) return sweep(lanes, computes);
  return computesBeside(sample)
    ? sweep(slots, `${computes}, but beside its event loop`)
    : sweep(slots, `it waits ${formatPercent(1 - sample.cpuShare)} of the time`);
}

/** How long a trial of the smallest size should take with the user's own job, in milliseconds. */
const OWN_TRIAL_MS = 4_500;
/** A list of at most this many times the items for that time runs whole, with its unusual items. */
const HARDLY_MORE = 2;

/**
 * How many items of the user's own job every size runs: as many as the smallest size runs in a few seconds, at
 * least as many as the given sizes can hold, and a multiple of the sizes' slots.
 */
export function itemsFor(
  { wallMs, sourceMs, cpuShare, total }: Pick<
    Sample,
    "wallMs" | "sourceMs" | "cpuShare" | "total"
  >,
  plan: SweepPlan | undefined,
  cores: number,
): number {
  const { sizes, slotsPerLane, extendTo } = plan ?? { sizes: [1], slotsPerLane: 1, extendTo: 1 };
  const [smallest, largest] = [sizes[0]! * slotsPerLane, sizes.at(-1)! * slotsPerLane];
  const atOnce = Math.min(smallest, cores / Math.max(cpuShare, 1e-9));
  const isAsked = extendTo === 0;
  // A source gives one item at a time.
  const inTime = OWN_TRIAL_MS / Math.max(wallMs / atOnce, sourceMs, 1e-6);
  const timely = Math.max(isAsked ? largest : LEAST_WAVES, inTime);
  const multiple = isAsked
    ? largest
    : Math.min(MOST_DEFAULT_SLOTS, 2 ** Math.round(Math.log2(timely)));
  const wanted = multiple * Math.round(timely / multiple);
  return total !== null && total <= HARDLY_MORE * timely ? total : wanted;
}

/** The user's own job; no items run before a trial, since that may have effects. */
export function ownJob(
  job: JobSpec,
  known: Partial<SweptJob> = {},
): SweptJob {
  return { name: job.name, chunk: "auto", ...known, at: () => job, warmupAt: () => 0 };
}

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

type Loaded = Awaited<ReturnType<typeof loadJob>>;

export async function holdAgainstSample(
  result: SweepResult,
  { job, probed, needsOrder, shared }: Pick<Loaded, "job" | "probed"> & Partial<Loaded>,
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
  const eachMs = formatDuration(sample.sourceMs);
  const limits = limit === undefined ? [] : [
    `The source of the items is the limit: it takes ${eachMs} for one, on average, whatever the ` +
    `${result.axis}.`,
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
