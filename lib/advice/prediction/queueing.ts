/**
 * How long a batch of tasks takes on lanes with slots, by the laws of queues.
 *
 * @module
 */

/**
 * How long a batch takes when each slot takes the next item as soon as it is free: list scheduling
 * (Graham, "Bounds on Multiprocessing Timing Anomalies", SIAM J. Appl. Math. 17, 1969).
 *
 * @param timesMs What each item takes, in milliseconds, in order.
 * @param slots How many slots there are on all lanes together, from 1; may be infinite.
 * @returns Until the last one has ended, in milliseconds.
 */
export function listScheduleMs(timesMs: readonly number[], slots: number): number {
  if (slots >= timesMs.length) return timesMs.reduce((most, ms) => Math.max(most, ms), 0);
  // A binary heap of the times at which slots become free, the earliest first.
  const free = new Float64Array(slots);
  for (const ms of timesMs) {
    const ends = free[0]! + ms;
    let at = 0;
    while (true) {
      let child = 2 * at + 1;
      if (child >= slots) break;
      if (child + 1 < slots && free[child + 1]! < free[child]!) child++;
      if (free[child]! >= ends) break;
      free[at] = free[child]!;
      at = child;
    }
    free[at] = ends;
  }
  return free.reduce((most, ms) => Math.max(most, ms), 0);
}

/**
 * How many tasks a lane ends in a millisecond, with tasks that queue for its CPU in turns with waits:
 * exact mean value analysis of a closed network of one queue and one delay (Reiser and Lavenberg,
 * "Mean-Value Analysis of Closed Multichain Queuing Networks", J. ACM 27, 1980). Its service times are
 * exponential; real tasks vary less, so this is the careful end of a prediction.
 *
 * @param computeMs What a task computes, in milliseconds.
 * @param waitMs What it waits, in milliseconds.
 * @param slots Tasks in flight, from 1.
 * @returns Tasks a millisecond.
 */
export function meanValueThroughput(computeMs: number, waitMs: number, slots: number): number {
  // Far beyond saturation nothing changes any more.
  const most = Math.min(slots, 4096);
  let queue = 0;
  let throughput = 0;
  for (let inFlight = 1; inFlight <= most; inFlight++) {
    const response = computeMs * (1 + queue);
    throughput = inFlight / Math.max(1e-9, response + waitMs);
    queue = throughput * response;
  }
  return throughput;
}

/**
 * From how many slots on a lane's CPU is always busy, if nothing ever queues: the saturation point of
 * the asymptotic bounds (Denning and Buzen, "The Operational Analysis of Queueing Network Models",
 * ACM Computing Surveys 10, 1978).
 *
 * @param computeMs What a task computes, in milliseconds.
 * @param wallMs What it takes altogether, in milliseconds.
 * @returns Slots, from 1; infinite if the task doesn't compute.
 */
export function saturationSlots(computeMs: number, wallMs: number): number {
  return computeMs <= 0 ? Infinity : Math.max(1, wallMs / computeMs);
}
