/** Waits until tasks succeed again: after too many requests a server may refuse all for a while. */

/** The first pause, doubled each time, and the shortest that is worth making, in milliseconds. */
const PAUSE_MS = 3000;
const LEAST_PAUSE_MS = 1000;
/** How many tasks are run one by one to see whether it is over. */
export const LOOKED_AT = 8;

/** Pauses and checks until tasks succeed or no time is left; `lastedMs` is how long they were seen to fail. */
export async function untilWell(
  looksWell: () => Promise<boolean>,
  { leastMs = 0, leftMs, pause }: {
    /** The shortest first pause, such as a server's Retry-After. */
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
