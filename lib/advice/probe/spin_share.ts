/**
 * How much of a CPU one busy thread gets at present.
 *
 * @module
 */

/**
 * Computes for a while and says which share of the time it really ran. On a machine that others use
 * too, a task that only computes doesn't get a whole CPU, and would look as if it waited.
 *
 * @param ms How long, in milliseconds of wall time.
 * @param now The clock, in milliseconds.
 * @param cpuMs CPU time of this process so far, in milliseconds.
 * @returns From 0.05 to 1, which means the whole CPU.
 */
export function availableShare(ms: number, now: () => number, cpuMs: () => number): number {
  const cpuAt = cpuMs();
  const startMs = now();
  let nowMs = startMs;
  while (nowMs - startMs < ms) nowMs = now();
  return Math.min(1, Math.max(0.05, (cpuMs() - cpuAt) / (nowMs - startMs)));
}
