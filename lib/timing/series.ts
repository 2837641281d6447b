/**
 * Collects the rounds of one model.
 *
 * @module
 */

import { timeInterval } from "./interval.ts";
import type { ModelResult, Round, Timeline } from "./result.ts";
import type { ModelSpec, TrialResult } from "./spec.ts";

/** What has been measured of one model so far. */
export class Series {
  /** The finished rounds, as they came. */
  readonly rounds: Round[] = [];
  readonly #timelines = new Map<number, Timeline>();
  #lanes = 1;
  #slots: number | null = null;

  /** Begins with no round. */
  constructor(readonly spec: ModelSpec) {}

  /** Takes one more round. */
  add({ round, timeline, lanes, slots }: TrialResult): void {
    this.rounds.push(round);
    if (timeline !== undefined) this.#timelines.set(round.round, timeline);
    this.#lanes = lanes;
    this.#slots = slots;
    this.#forget();
  }

  /** The round whose time is the median, or the faster of the two next to it. */
  get #middle(): Round | undefined {
    return this.rounds.toSorted((a, b) => a.wallMs - b.wallMs)[(this.rounds.length - 1) >> 1];
  }

  /** Timelines are large: with many rounds, keep those that can still be the median's. */
  #forget(): void {
    const sorted = this.rounds.toSorted((a, b) => a.wallMs - b.wallMs);
    const middle = (sorted.length - 1) / 2;
    sorted.forEach(({ round }, place) => {
      if (Math.abs(place - middle) > 2) this.#timelines.delete(round);
    });
  }

  /** What the rounds come to. */
  result(seed: number): ModelResult {
    const rounds = this.rounds.toSorted((a, b) => a.round - b.round);
    const middle = this.#middle!;
    const nearest = [...this.#timelines.keys()].toSorted((a, b) => {
      const off = (of: number) =>
        Math.abs(rounds.find(({ round }) => round === of)!.wallMs - middle.wallMs);
      return off(a) - off(b);
    })[0];
    const timeline = nearest === undefined ? undefined : this.#timelines.get(nearest);
    return {
      model: this.spec.model,
      lanes: this.#lanes,
      slots: this.#slots,
      rounds,
      wallMs: timeInterval(rounds.map(({ wallMs }) => wallMs), { seed }),
      speedup: null,
      ...(timeline && { timeline }),
    };
  }
}
