/** Waits out what tasks left behind that failed: a server that was asked for too much may refuse all for a while. */

/** The first pause, each further one twice as long, and the shortest that is worth it, in milliseconds. */
const PAUSE_MS = 3000;
const LEAST_PAUSE_MS = 1000;
/** So many tasks tell one by one whether it is over. */
export const LOOKED_AT = 8;

/** Pauses and looks again until all is well, or no time is left for a pause; tells how long it was seen to last. */
export async function untilWell(
  looksWell: () => Promise<boolean>,
  { leastMs = 0, leftMs, pause }: {
    /** The first pause at least, such as a server's Retry-After. */
    readonly leastMs?: number;
    readonly leftMs: () => number;
    readonly pause: (ms: number) => Promise<unknown>;
  },
): Promise<{ readonly isWell: boolean; readonly lastedMs: number }> {
  let waitedMs = 0;
  for (let pauseMs = Math.max(PAUSE_MS, leastMs);; pauseMs *= 2) {
    const ms = Math.min(pauseMs, leftMs());
    if (ms < Math.max(LEAST_PAUSE_MS, waitedMs > 0 ? 0 : leastMs)) break;
    await pause(ms);
    if (await looksWell()) return { isWell: true, lastedMs: waitedMs };
    waitedMs += ms;
  }
  return { isWell: false, lastedMs: waitedMs };
}
