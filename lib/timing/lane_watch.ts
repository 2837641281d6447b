/**
 * What runs on an executor's lanes at a moment, for whoever draws it. It imports no npm package.
 */

import type { Executor } from "../executor.ts";

/** Of so many tasks the latency is noted between two looks, at most. */
const MOST_LATENCIES = 1000;

/** How the lanes stand. */
export interface LanesNow {
  /** Tasks that run on each lane. */
  readonly lanes: readonly number[];
  /** Slots on each lane; null where all items are in flight at once. */
  readonly slots: number | null;
  /** How long the tasks took that ended since the last look; null if none did. */
  readonly latencyMs: { readonly median: number; readonly most: number } | null;
}

/** Looks at the lanes of an executor. */
export class LaneWatch {
  readonly #executor: Pick<Executor, "lanes" | "slots" | "running">;
  #latencies: number[] = [];

  constructor(executor: Pick<Executor, "lanes" | "slots" | "running">) {
    this.#executor = executor;
  }

  /** A task has ended; of one that never started the times are no numbers. */
  ended({ startedAtMs, endedAtMs }: { readonly startedAtMs: number; readonly endedAtMs: number }) {
    const ms = endedAtMs - startedAtMs;
    if (ms >= 0 && this.#latencies.length < MOST_LATENCIES) this.#latencies.push(ms);
  }

  look(): LanesNow {
    const { lanes: count, slots } = this.#executor;
    const lanes = Array<number>(count).fill(0);
    for (const { lane } of this.#executor.running()) lanes[lane] = (lanes[lane] ?? 0) + 1;
    const latencies = this.#latencies.sort((a, b) => a - b);
    this.#latencies = [];
    const most = latencies.at(-1);
    const median = latencies[latencies.length >> 1];
    return {
      lanes: Array.from(lanes, (count = 0) => count),
      slots: Number.isFinite(slots) ? slots : null,
      latencyMs: most === undefined ? null : { median: median!, most },
    };
  }
}
