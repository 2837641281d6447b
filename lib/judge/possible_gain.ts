/** The greatest gain against the plain loop that isn't an error of measurement. */

/** With many in flight a waiting task may compute so much less than one by one. */
export const LESS = 0.5;
/** With many in flight a thread sleeps less: that spares up to this share of what waiting tasks computed. */
const WAKING = 0.8;

/** What is known of a job's tasks, one by one. */
interface OneByOne {
  /** The share of their time in which they compute, and the part of that on the event loop's own thread. */
  readonly cpuShare: number;
  readonly onLoop: number;
  /** The share of their time for which they hold up the event loop while they wait. */
  readonly held?: number;
}

/**
 * It is not above the tasks in flight, not above what the cores can compute at once, and on one event loop
 * not above what its thread is free for.
 */
export function possibleGain(
  { cpuShare, onLoop, held = 0 }: OneByOne,
  cores: number,
  { lanes, inFlight }: { readonly lanes: number; readonly inFlight: number },
): number {
  // Tasks that compute all the time don't sleep. What those that wait compute with many in flight can't be
  // told from one by one.
  const spared = (1 - cpuShare) * WAKING;
  const computing = cpuShare * (1 - spared) * LESS ** (1 - cpuShare);
  const byCores = cores / Math.max(1e-9, computing);
  const byLoop = lanes > 1 ? Infinity : 1 / Math.max(1e-9, computing * onLoop + held);
  return Math.max(1, Math.min(inFlight, byCores, byLoop));
}
