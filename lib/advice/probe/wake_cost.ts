/**
 * What it costs a thread to fall asleep and be woken. It runs in a probe's process and imports no npm
 * package.
 *
 * @module
 */

/** So many waits are measured, each about as long as the tasks', within these bounds, in milliseconds. */
const WAITS = 11;
const SHORTEST_MS = 1;
const LONGEST_MS = 8;

/**
 * CPU time of one bare wait: of a timer on which nothing else is done. Tasks run one by one pay it each
 * time; with many in flight the thread hardly ever sleeps, and they don't.
 *
 * @param waitMs How long tasks wait, in milliseconds.
 * @param cpuMs CPU time of this process so far, in milliseconds.
 * @param wait Waits so long; default a timer.
 * @returns Milliseconds of CPU time.
 */
export async function wakeCost(
  waitMs: number,
  cpuMs: () => number,
  wait: (ms: number) => Promise<void> = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
): Promise<number> {
  const eachMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, waitMs));
  // The first one is cold.
  await wait(eachMs);
  const costs: number[] = [];
  for (let done = 0; done < WAITS; done++) {
    const cpuAt = cpuMs();
    await wait(eachMs);
    costs.push(cpuMs() - cpuAt);
  }
  // The middle one: other threads of the process may collect garbage or compile meanwhile.
  return costs.sort((a, b) => a - b)[WAITS >> 1]!;
}
