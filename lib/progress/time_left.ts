/**
 * An estimate of the time left while measuring.
 *
 * @module
 */

import type { TimingEvent } from "../timing/spec.ts";

/**
 * Learns from the trials that ended how long each model takes, and adds up what is to come. A model
 * not seen yet is taken to be as slow as the slowest one: better early than late.
 */
export class TimeLeft {
  readonly #open = new Map<string, number>();
  readonly #seen = new Map<string, { trials: number; totalMs: number }>();
  #trialModel: string | undefined;
  #trialStartedMs: number;
  readonly #startedMs: number;

  /**
   * Starts the estimate.
   *
   * @param nowMs The time, in milliseconds on any clock.
   */
  constructor(models: readonly string[], rounds: number, nowMs: number) {
    for (const model of models) this.#open.set(model, rounds);
    this.#startedMs = this.#trialStartedMs = nowMs;
  }

  /**
   * Takes an event into account.
   *
   * @param nowMs When, in milliseconds on the same clock.
   */
  take(event: TimingEvent, nowMs: number): void {
    if (event.type === "trial-started") {
      this.#trialModel = event.trial.model;
      this.#trialStartedMs = nowMs;
    } else if (event.type === "trial-ended") {
      const { model } = event.trial;
      const seen = this.#seen.get(model) ?? { trials: 0, totalMs: 0 };
      const totalMs = seen.totalMs + nowMs - this.#trialStartedMs;
      this.#seen.set(model, { trials: seen.trials + 1, totalMs });
      this.#open.set(model, Math.max(0, (this.#open.get(model) ?? 1) - 1));
      this.#trialModel = undefined;
    }
  }

  /**
   * How long the rest will take.
   *
   * @param nowMs The time, in milliseconds on the same clock.
   * @returns Milliseconds, never negative; undefined before the first trial ended.
   */
  remainingMs(nowMs: number): number | undefined {
    if (this.#seen.size === 0) return undefined;
    const means = new Map([...this.#seen].map(([m, { trials, totalMs }]) => [m, totalMs / trials]));
    const slowest = Math.max(...means.values());
    let rest = 0;
    for (const [model, trials] of this.#open) rest += trials * (means.get(model) ?? slowest);
    if (this.#trialModel !== undefined) {
      // The running trial is still counted as open: what it has used is no longer to come.
      const usual = means.get(this.#trialModel) ?? slowest;
      rest -= Math.min(usual, nowMs - this.#trialStartedMs);
    }
    return Math.max(0, rest);
  }

  /**
   * How much is done.
   *
   * @param nowMs The time, in milliseconds on the same clock.
   * @returns A share of the whole, 0 to 1.
   */
  share(nowMs: number): number {
    const remaining = this.remainingMs(nowMs);
    if (remaining === undefined) return 0;
    const passed = nowMs - this.#startedMs;
    return passed + remaining > 0 ? passed / (passed + remaining) : 1;
  }
}
