/** Watches an executor's lanes while tasks run. It imports no npm package. */

import type { Progress } from "../dispatch/map_options.ts";
import type { Executor } from "../executor.ts";
import type { LanesNow, TrialPulse } from "./spec.ts";

/** The most latencies that are kept between two looks. */
const MOST_LATENCIES = 1000;

export class LaneWatch {
  #latencies: number[] = [];

  constructor(private readonly executor: Pick<Executor, "lanes" | "slots" | "running">) {}

  /** Notes that a task ended; the times of one that never started are NaN. */
  ended({ startedAtMs, endedAtMs }: { readonly startedAtMs: number; readonly endedAtMs: number }) {
    const ms = endedAtMs - startedAtMs;
    if (ms >= 0 && this.#latencies.length < MOST_LATENCIES) this.#latencies.push(ms);
  }

  look(): LanesNow {
    const { lanes: count, slots } = this.executor;
    const lanes = Array<number>(count).fill(0);
    for (const { lane } of this.executor.running()) lanes[lane] = (lanes[lane] ?? 0) + 1;
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

/** How often the state of the lanes is reported, in milliseconds. */
const PULSE_MS = 250;

/** Reports the state of a run from time to time; `tell` reports it at once. */
export class TrialWatch {
  readonly #watch: LaneWatch;
  readonly #firstMs: number;
  readonly #timer: ReturnType<typeof setInterval>;
  progress: Partial<Progress> = {};

  constructor(
    executor: Executor,
    private readonly now: () => number,
    private readonly onPulse: (pulse: TrialPulse) => void,
  ) {
    this.#watch = new LaneWatch(executor);
    this.#firstMs = now();
    this.#timer = setInterval(() => this.tell(), PULSE_MS);
  }

  readonly ended = (outcome: Parameters<LaneWatch["ended"]>[0]): void => this.#watch.ended(outcome);

  tell(): void {
    const { settled = 0, rejected: failed = 0, total } = this.progress;
    const runMs = this.now() - this.#firstMs;
    this.onPulse({ ...this.#watch.look(), runMs, settled, failed, total });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
