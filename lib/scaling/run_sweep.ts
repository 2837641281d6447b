/** Runs a sweep: sizes in shuffled rounds, larger ones while that pays, and more around the knee. */

import type { TimingEvent, TrialResult, TrialRunner, TrialSpec } from "../timing/spec.ts";
import { messageOf } from "../timing/failures.ts";
import { median } from "../timing/statistics.ts";
import { limitedTo } from "../timing/job_items.ts";
import { schedule } from "../timing/random.ts";
import { deviceWarnings } from "../timing/warnings.ts";
import { kneeOf } from "./knee.ts";
import type { Series } from "./laws.ts";

export function throughputOf({ round: { succeeded, runMs } }: TrialResult): number {
  return runMs > 0 ? succeeded / runMs * 1000 : 0;
}

/** The throughputs of each size's trials in which anything succeeded. */
export function seriesOf(sizes: readonly Pick<MeasuredSize, "size" | "trials">[]): Series[] {
  return sizes.map(({ size, trials }) => (
    { size, throughputs: trials.map(throughputOf).filter((x) => x > 0) }
  )).filter(({ throughputs }) => throughputs.length > 0);
}

/** The sizes that halve both gaps next to the knee, on the scale of doublings. */
export function refinements(sizes: readonly number[], knee: number): number[] {
  const at = sizes.indexOf(knee);
  return [sizes.slice(at - 1, at + 1), sizes.slice(at, at + 2)].flatMap(([low, high]) => {
    const middle = Math.round(Math.sqrt(low! * high!));
    return middle > low! && middle < high! ? [middle] : [];
  });
}

/** A curve is still rising if its last doubling gained this share of the perfect gain. */
const STILL_RISING = 0.5;

/** Twice the largest size; undefined if that is more than `most`, or the curve has flattened. */
function extension(series: readonly Series[], most: number): number | undefined {
  const [before, last] = series.slice(-2);
  if (before === undefined || last === undefined || 2 * last.size > most) return undefined;
  const [low, high] = [before, last].map(({ throughputs }) => median(throughputs));
  const slope = Math.log(high! / low!) / Math.log(last.size / before.size);
  return slope >= STILL_RISING ? 2 * last.size : undefined;
}

export interface SweepSpec {
  /** Numbers of slots or lanes, or requests a second. */
  readonly sizes: readonly number[];
  readonly trialAt: (size: number) => Omit<TrialSpec, "round" | "timeline">;
  /** A size in words; by default the number. */
  readonly nameOf?: (size: number) => string;
  readonly rounds: number;
  readonly seed: number;
  /** How often to look for the knee and measure around it; default 2. */
  readonly refineSteps?: number | undefined;
  /** The largest size to try while the throughput still rises; by default none beyond `sizes`. */
  readonly extendTo?: number;
  readonly budgetMs?: number;
  /**
   * The share of the items that fail one by one, 0 to 1. If it is known, the first round goes from the smallest
   * size up, and after failures the smallest size is checked, because a server may refuse later tasks as well.
   */
  readonly failedShare?: number | undefined;
}

export interface SweepOptions {
  readonly runTrial: TrialRunner;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TimingEvent) => void;
}

export interface MeasuredSize {
  readonly size: number;
  readonly refined: boolean;
  readonly trials: readonly TrialResult[];
}

export type MeasuredSweep = Awaited<ReturnType<typeof runSweep>>;

/** The smallest size at which the same items gave other results, or whether the smallest of all did. */
interface Agreement {
  readonly differsAt?: number;
  /** Whether the smallest size itself gave other results from run to run. */
  readonly unsteady?: true;
}

/** Compares the results of trials without failures: the smallest size's with those of all others. */
export function sizesAgreement(sizes: readonly Pick<MeasuredSize, "size" | "trials">[]): Agreement {
  const [first, ...others] = sizes.map(({ size, trials }) => ({
    size,
    results: new Set(
      trials.flatMap(({ round, prefixChecksum }) => round.failed > 0 ? [] : prefixChecksum ?? []),
    ),
  })).filter(({ results }) => results.size > 0);
  if (first === undefined) return {};
  if (first.results.size > 1) return { unsteady: true };
  const other = others.find(({ results }) => !results.isSubsetOf(first.results));
  return other === undefined ? {} : { differsAt: other.size };
}

/** Whether tasks that ran to their deadline took up the trial; an open loop ends with its schedule anyway. */
function isHung({ timeoutMs = Infinity, arrivals }: TrialSpec, result: TrialResult): boolean {
  const { round, lanes, slots, stopped } = result;
  const late = round.reasons?.["timed-out"] ?? 0;
  const waitedMs = timeoutMs * Math.max(1, late / (lanes * (slots ?? late)));
  return arrivals === undefined &&
    (stopped === true || (late > 0 && waitedMs >= round.runMs / 2));
}

/** How many tasks a check runs at most, and as what share of the smallest size's items. */
const MOST_LOOKED_AT = 8;
const PART_LOOKED_AT = 1 / 10;

/** A sweep under way: its trials so far, and the sizes that need no more of them. */
class Sweep {
  readonly trials = new Map<number, TrialResult[]>();
  readonly warnings = new Set<string>();
  partial = false;
  /** The smallest size at which waiting for tasks that never settled took up the trial. */
  hangsFrom = Infinity;
  /** The size after which tasks failed even at the smallest size, so that all later tasks are refused. */
  shutOutBy: number | undefined;
  readonly smallest: number;
  readonly nameOf: (size: number) => string;
  readonly #startMs = performance.now();
  #number = 0;
  #of = 0;
  #rounds = 0;

  constructor(readonly spec: SweepSpec, readonly options: SweepOptions) {
    this.smallest = Math.min(...spec.sizes);
    this.nameOf = spec.nameOf ?? String;
  }

  get sizes(): { readonly size: number; readonly trials: readonly TrialResult[] }[] {
    return [...this.trials].map(([size, trials]) => ({ size, trials }))
      .sort((a, b) => a.size - b.size);
  }

  /** Whether further sizes would be measured in all rounds. */
  get isOpen(): boolean {
    return !this.partial && this.hangsFrom === Infinity && this.shutOutBy === undefined;
  }

  affords(more: number): boolean {
    const spentMs = performance.now() - this.#startMs;
    const { budgetMs = 40_000 } = this.spec;
    return spentMs * (1 + more / Math.max(1, this.#number)) <= budgetMs;
  }

  async measure(sizes: readonly number[], seed: number): Promise<void> {
    const { rounds, failedShare } = this.spec;
    this.#of += sizes.length * rounds;
    const order = schedule(sizes, rounds, seed);
    if (failedShare !== undefined && this.trials.size === 0) {
      const ascending = sizes.toSorted((a, b) => a - b);
      order.splice(0, 2, ...[ascending, ascending.toReversed()].slice(0, rounds));
    }
    for (const due of order) {
      const round = this.#rounds++;
      for (let left = this.#worth(due); left.length > 0; left = this.#worth(left.slice(1))) {
        this.partial ||= this.options.signal?.aborted ?? false;
        if (this.partial || this.shutOutBy !== undefined) return;
        await this.#run(left[0]!, round);
      }
    }
  }

  /** If tasks never settle, larger sizes do the same, so only smaller ones are measured, to find the first. */
  #worth(sizes: readonly number[]): readonly number[] {
    const from = this.hangsFrom;
    return from === Infinity
      ? sizes
      : sizes.filter((size) => size < from).toSorted((a, b) => a - b);
  }

  async #run(size: number, round: number): Promise<void> {
    const { runTrial, signal, onEvent } = this.options;
    const done = this.trials.get(size) ?? [];
    const trial = { ...this.spec.trialAt(size), round, timeline: true };
    onEvent?.({ type: "trial-started", trial, number: ++this.#number, of: this.#of });
    try {
      const result = await runTrial(trial, { signal, onEvent });
      this.trials.set(size, [...done, result]);
      if (isHung(trial, result)) this.hangsFrom = Math.min(size, this.hangsFrom);
      else if (await this.#shutsOut(result)) this.shutOutBy = size;
      const { model } = trial;
      for (const text of deviceWarnings([{ model, device: result.device }])) {
        this.warnings.add(text);
      }
      // Each round gives the same warning with other figures, so the first is enough.
      for (const text of done.length === 0 ? result.warnings : []) {
        this.warnings.add(`At ${this.nameOf(size)}: ${text}`);
      }
      onEvent?.({ type: "trial-ended", trial, result });
    } catch (error) {
      this.partial = signal?.aborted ?? false;
      if (this.partial) return;
      // A job that can't run at all won't run at another size either.
      if (this.trials.size === 0) throw error;
      this.warnings.add(`A trial at ${this.nameOf(size)} is missing: ${messageOf(error)}`);
    }
  }

  /** Whether more tasks failed than one by one, and few tasks at the smallest size then fail as well. */
  async #shutsOut({ round }: TrialResult): Promise<boolean> {
    const { failedShare } = this.spec;
    const { succeeded, failed, reasons = {} } = round;
    return failedShare !== undefined && failed > failedShare * (succeeded + failed) + 1 &&
      reasons["timed-out"] === undefined && !await this.#looksWell(failedShare);
  }

  async #looksWell(failedShare: number): Promise<boolean> {
    const { job, ...at } = this.spec.trialAt(this.smallest);
    const { items } = job;
    const count = items.kind === "values" ? items.values.length : items.limit ?? Infinity;
    const few = Math.min(MOST_LOOKED_AT, Math.ceil(PART_LOOKED_AT * count));
    const trial = { ...at, job: limitedTo(job, few), round: 0 };
    const { runTrial, signal } = this.options;
    const looked = await runTrial(trial, { signal }).catch(() => undefined);
    const { succeeded, failed } = looked?.round ?? { succeeded: 0, failed: 1 };
    return 2 * failed <= (1 + failedShare) * (succeeded + failed);
  }

  leftOut(): string[] {
    const { hangsFrom, shutOutBy, nameOf } = this;
    const [hanging, shutting, smallest] = [hangsFrom, shutOutBy ?? 0, this.smallest].map(nameOf);
    return [
      hangsFrom < Infinity &&
      `At ${hanging} tasks did not settle before their deadline: larger sizes, and further ` +
        `rounds of this one, were left out, for each trial would wait as long. A shorter --timeout runs them.`,
      shutOutBy !== undefined &&
      `After a trial at ${shutting} tasks failed at ${smallest} too: who asks ` +
        `for so much is shut out for a while. Larger sizes and further rounds were left out; sweep the ` +
        `smaller ones once that is over.`,
    ].filter((text) => text !== false);
  }
}

/**
 * Measures every size in interleaved rounds, so that drift affects all alike, and sizes that come later beside
 * one that was measured before; doubles the largest size while
 * that pays, up to `extendTo`; then halves the gaps around the knee. Throws the first trial's error if no trial
 * gave a result.
 */
export async function runSweep(spec: SweepSpec, options: SweepOptions) {
  const { seed, rounds, refineSteps = 2, extendTo = 0 } = spec;
  const sweep = new Sweep(spec, options);
  const { trials } = sweep;
  await sweep.measure(spec.sizes, seed);
  while (sweep.isOpen && sweep.affords(2 * rounds)) {
    const largest = Math.max(...trials.keys());
    const failed = trials.get(largest)?.some(({ round }) => round.failed > 0);
    const size = failed === false ? extension(seriesOf(sweep.sizes), extendTo) : undefined;
    if (size === undefined) break;
    // Measured again beside the new size, the largest shows how the machine has drifted meanwhile.
    await sweep.measure([largest, size], seed);
    if (!trials.has(size)) break;
  }
  const refined = new Set<number>();
  for (let step = 0; step < refineSteps && sweep.isOpen; step++) {
    const series = seriesOf(sweep.sizes);
    const knee = kneeOf(series, seed)?.size;
    if (knee === undefined) break;
    const added = refinements(series.map(({ size }) => size), knee).filter((of) => !trials.has(of));
    // A sweep is there to find the knee, so the first step always runs; later steps only refine it.
    if (added.length === 0 || (step > 0 && !sweep.affords((added.length + 1) * rounds))) break;
    for (const size of added) refined.add(size);
    // Measured again beside the new sizes, the knee too shows a drift.
    await sweep.measure([...added, knee], seed + step + 1);
  }
  const sizes: readonly MeasuredSize[] = sweep.sizes
    .map((of) => ({ ...of, refined: refined.has(of.size) }));
  const agreement = sizesAgreement(sizes);
  const at = agreement.unsteady && sweep.nameOf(sizes[0]!.size);
  const unsteady = at === undefined ? [] : [
    `Results differ from run to run at ${at} already: whether sizes give the same can't be told. ` +
    `Export comparable(result) for what must be equal.`,
  ];
  const warnings = [...sweep.warnings, ...sweep.leftOut(), ...unsteady];
  return { sizes, partial: sweep.partial, ...agreement, warnings };
}
