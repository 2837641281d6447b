/**
 * The ceiling: what this machine gains in parallel, measured by processes that share nothing.
 *
 * Two virtual CPUs are often two threads of one core, memory and caches are shared, and the clock
 * sinks when all cores work: N lanes seldom gain N times.
 *
 * @module
 */

import type { CeilingOrder } from "./ceiling_main.ts";
import { MeasuringChild, trialFlags } from "../children/measuring_child.ts";
import type { Comparison } from "./result.ts";
import type { JobSpec } from "./spec.ts";
import { median } from "./statistics.ts";

/** How the ceiling is measured. */
export interface CeilingOptions {
  /** How long one piece of the measurement lasts, in milliseconds; default 120. */
  readonly pieceMs?: number;
  /** How often one process and all are measured in turn; default 3. */
  readonly repetitions?: number;
  /** Stops it. */
  readonly signal?: AbortSignal;
  /** The clock, in milliseconds; default `performance.now`. */
  readonly now?: () => number;
}

async function nextMessage(child: MeasuringChild): Promise<{ type: string; pieces?: number }> {
  const message = await child.next();
  if (message === undefined) {
    throw new Error(`Cannot measure the ceiling: a process ended with ${await child.howItEnded()}`);
  }
  return message;
}

/** Tells all to work on so many pieces, and gives the time until the last has done. */
async function go(
  children: readonly MeasuringChild[],
  pieces: number,
  now: () => number,
): Promise<number> {
  const startMs = now();
  await Promise.all(children.map((child) => child.send({ type: "go", pieces })));
  await Promise.all(children.map(nextMessage));
  return now() - startMs;
}

/** How many pieces fill the time, once warm; the first try compiles the code. */
async function calibrate(child: MeasuringChild, ms: number): Promise<number> {
  await child.send({ type: "calibrate", ms });
  await nextMessage(child);
  await child.send({ type: "calibrate", ms });
  return (await nextMessage(child)).pieces ?? 1;
}

async function measureWith(
  job: JobSpec | undefined,
  lanes: number,
  options: CeilingOptions,
): Promise<number | undefined> {
  const { pieceMs = 120, repetitions = 3, signal, now = () => performance.now() } = options;
  const flags = job === undefined ? [] : await trialFlags(job, "sequential");
  await using children = new AsyncDisposableStack();
  const all = Array.from({ length: lanes }, () => {
    const entry = new URL("./ceiling_main.ts", import.meta.url);
    return children.use(new MeasuringChild({ entry, flags, ...(signal && { signal }) }));
  });
  await Promise.all(all.map((child) => {
    const order: CeilingOrder = { mark: child.mark, ...(job && { job: { ...job, options: {} } }) };
    return child.send(order);
  }));
  await Promise.all(all.map(nextMessage));
  const pieces = await calibrate(all[0]!, pieceMs);
  // This warms all of them up, and shows whether the job's own items are small enough to repeat.
  const togetherMs = await go(all, pieces, now);
  if (job !== undefined && togetherMs > 8 * pieceMs) return undefined;
  const speedups: number[] = [];
  for (let round = 0; round < repetitions; round++) {
    signal?.throwIfAborted();
    const alone = [all[round % lanes]!];
    // The order alternates, so that neither always comes first.
    const first = round % 2 === 0 ? await go(alone, pieces, now) : await go(all, pieces, now);
    const second = round % 2 === 0 ? await go(all, pieces, now) : await go(alone, pieces, now);
    const [aloneMs, allMs] = round % 2 === 0 ? [first, second] : [second, first];
    speedups.push(lanes * aloneMs / allMs);
  }
  return median(speedups);
}

/**
 * Measures how much faster `lanes` independent processes are than one, on the same work each.
 *
 * Start-up isn't counted: all are ready before any is told to go. The work is the job's own task on its
 * own items; a job whose items take too long to be repeated, or that isn't given, is replaced by a fixed
 * loop of integer arithmetic. About a second.
 *
 * @throws {RangeError} If `lanes` isn't a whole number from 1.
 * @throws {Error} If a process can't be started or dies.
 */
export async function ceiling(
  job: JobSpec | undefined,
  lanes: number,
  options: CeilingOptions = {},
): Promise<NonNullable<Comparison["ceiling"]>> {
  if (!Number.isInteger(lanes) || lanes < 1) {
    throw new RangeError(`Cannot measure the ceiling: lanes ${lanes} is not a whole number from 1`);
  }
  if (lanes === 1) return { speedup: 1, lanes };
  const speedup = await measureWith(job, lanes, options) ??
    await measureWith(undefined, lanes, options);
  return { speedup: speedup ?? 1, lanes };
}
