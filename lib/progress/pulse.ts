/** The state of a run for those that watch it; for a comparison, with one part for each trial. */

import type { LanesNow, TimingEvent } from "../timing/spec.ts";

export interface Pulse extends LanesNow {
  /** The part of the whole that it belongs to, if there are several. */
  readonly part?: string;
  /** Time since the beginning, in milliseconds. */
  readonly atMs: number;
  readonly settled: number;
  readonly failed: number;
  /** How many items there are; null if that isn't known. */
  readonly total: number | null;
  readonly perSecond: number;
  /** The reason why the run waits, in words; empty if it doesn't. */
  readonly waits?: string;
  /** Why items failed, the most frequent reason first. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
}

export class TrialPulses {
  readonly #startMs: number;
  readonly #reasons = new Map<string, number>();
  #part = "";
  #last: Pulse | undefined;

  constructor(
    private readonly show: (pulse: Pulse) => void,
    private readonly now = () => performance.now(),
  ) {
    this.#startMs = now();
  }

  take(job: string, event: TimingEvent): void {
    if (event.type === "trial-started") {
      this.#part = `${job}: ${event.trial.model}, trial ${event.number} of ${event.of}`;
    } else if (event.type === "pulse") {
      const { runMs, total = null, ...rest } = event.pulse;
      const perSecond = runMs > 0 ? rest.settled / runMs * 1000 : 0;
      this.#pulse({ ...rest, total, perSecond });
    } else if (event.type === "trial-ended" && event.result.failures !== undefined) {
      for (const { reason, count } of event.result.failures) {
        this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + count);
      }
      if (this.#last !== undefined) this.#pulse({ ...this.#last, latencyMs: null });
    }
  }

  #pulse(pulse: Omit<Pulse, "atMs" | "part" | "reasons">): void {
    this.#last = {
      ...pulse,
      atMs: this.now() - this.#startMs,
      part: this.#part,
      reasons: [...this.#reasons].map(([reason, count]) => ({ reason, count }))
        .sort((a, b) => b.count - a.count),
    };
    this.show(this.#last);
  }
}
