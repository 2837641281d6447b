/**
 * The ceiling: the machine's gain in parallel, measured by processes that share nothing.
 *
 * Two virtual CPUs are often two threads of one core, memory and caches are shared, and the clock slows down
 * when all cores work: N lanes seldom gain N times.
 */

import type { CeilingCommand, CeilingMessage, CeilingOrder } from "./ceiling_main.ts";
import { MeasuringChild } from "../children/measuring_child.ts";
import { BASELINE } from "../models.ts";
import { trialFlags } from "../children/trial_flags.ts";
import type { Comparison } from "./result.ts";
import type { JobSpec } from "./spec.ts";
import { median } from "./statistics.ts";

/** Items that take this many times longer than calibrated aren't repeated. */
const TOO_LONG = 8;

interface CeilingOptions {
  /** How long one part of the measurement lasts, in milliseconds; default 120. */
  readonly pieceMs?: number;
  /** How many times one process and all are measured in turn; default 3. */
  readonly repetitions?: number;
  readonly signal?: AbortSignal;
  readonly now?: () => number;
}

type Child = MeasuringChild<CeilingMessage>;

/** Waits until a process is ready or has done a command; returns the number of pieces. */
async function done(child: Child, command?: CeilingCommand): Promise<number> {
  if (command !== undefined) await child.send(command);
  const message = await child.next();
  if (message !== undefined) return message.pieces;
  throw new Error(`Cannot measure the ceiling: a process ended with ${await child.howItEnded()}`);
}

/** The median gain; undefined if the job's items take too long to repeat. */
async function measureWith(
  job: JobSpec | undefined,
  lanes: number,
  { pieceMs = 120, repetitions = 3, signal, now = () => performance.now() }: CeilingOptions,
): Promise<number | undefined> {
  const entry = new URL("./ceiling_main.ts", import.meta.url);
  const flags = job === undefined ? [] : await trialFlags(job, { model: BASELINE });
  const order: CeilingOrder = { job: job && { ...job, options: {} } };
  await using children = new AsyncDisposableStack();
  const all = Array.from(
    { length: lanes },
    (): Child => children.use(new MeasuringChild({ entry, flags, order, signal })),
  );
  await Promise.all(all.map((child) => done(child)));
  // The first try compiles the code.
  await done(all[0]!, { ms: pieceMs });
  const pieces = await done(all[0]!, { ms: pieceMs });
  const time = async (some: readonly Child[]) => {
    const startMs = now();
    await Promise.all(some.map((child) => done(child, { pieces })));
    return now() - startMs;
  };
  // This run also warms all processes up.
  if (await time(all) > TOO_LONG * pieceMs && job !== undefined) return undefined;
  const speedups: number[] = [];
  for (let round = 0; round < repetitions; round++) {
    signal?.throwIfAborted();
    const alone = [all[round % lanes]!];
    // The order alternates, so that neither side always comes first.
    const order = round % 2 === 0 ? [alone, all] : [all, alone];
    const times = new Map<readonly Child[], number>();
    for (const some of order) times.set(some, await time(some));
    speedups.push(lanes * times.get(alone)! / times.get(all)!);
  }
  return median(speedups);
}

/**
 * How much faster `lanes` independent processes are than one: on the job's own task and items, or on a fixed
 * loop if there is no job or its items take too long to repeat.
 */
export async function ceiling(
  job: JobSpec | undefined,
  lanes: number,
  options: CeilingOptions = {},
): Promise<NonNullable<Comparison["ceiling"]>> {
  if (lanes === 1) return { speedup: 1, lanes };
  const speedup = await measureWith(job, lanes, options) ??
    await measureWith(undefined, lanes, options);
  // More than that comes from other programs that slowed one process more than all.
  return { speedup: Math.min(lanes, speedup ?? 1), lanes };
}
