/**
 * What tasks are met with that a server refuses: fewer slots, which are then left alone for a while, and
 * where one at once is too many, a slower pace.
 */

/** After a refusal slots are left alone for so long, and each time for twice as long, up to the most, */
const HOLD_MS = 1_000;
const MOST_HOLD_MS = 30_000;
/** and until then no more than this share of what was too many. */
const NEAR = 0.9;
/** If a larger share is refused, it is too many; */
const REFUSED = 0.03;
/** then there are fewer slots than got through. */
const BELOW = 0.7;
/** With one slot, tasks are started this far apart at first, and by and by closer together. */
const FIRST_GAP_MS = 20;
const CLOSER = 0.8;
const MOST_GAP_MS = 1_000;
/** Nothing got through so many times in a row: that is no limit, and waiting doesn't help. */
const IN_VAIN = 10;

/** Counts them. */
export class Refusals {
  /** Tasks are started no closer together than this. */
  gapMs = 0;
  /** Since the slots were last changed: tasks that were refused, of those started since, and others. */
  refused = 0;
  through = 0;
  /** With how many slots some were refused last. */
  #refusedAt = Infinity;
  #holdUntilMs = 0;
  #holdMs = HOLD_MS;
  #inVain = 0;

  get areTooMany(): boolean {
    return this.refused > REFUSED * (this.refused + this.through);
  }

  /** Whether there are to be no more slots for now. */
  holds(nowMs: number, slots: number): boolean {
    return nowMs < this.#holdUntilMs && slots >= NEAR * this.#refusedAt - 1;
  }

  /** Leaves slots and pace alone for a while, for longer if the last while ended with a refusal. */
  hold(nowMs: number): void {
    if (nowMs >= this.#holdUntilMs) this.#holdMs = Math.min(MOST_HOLD_MS, 2 * this.#holdMs);
    this.#holdUntilMs = nowMs + this.#holdMs;
  }

  /** How many slots there are to be in place of so many, now that it is known how many got through. */
  fewer(slots: number): number {
    this.#refusedAt = slots;
    return BELOW * slots * this.through / (this.through + this.refused);
  }

  /** Where one task at once is too many, they are started more slowly. */
  slower(nowMs: number): void {
    this.#inVain = this.through === 0 ? this.#inVain + 1 : 0;
    const gapMs = Math.max(FIRST_GAP_MS, this.gapMs / (this.through === 0 ? 0.5 : CLOSER));
    this.gapMs = this.#inVain < IN_VAIN ? Math.min(MOST_GAP_MS, gapMs) : 0;
    this.hold(nowMs);
  }

  /** None of a round was refused. */
  faster(nowMs: number, latencyMs: number): void {
    if (nowMs < this.#holdUntilMs) return;
    this.gapMs *= CLOSER;
    if (this.gapMs < latencyMs / 2) this.gapMs = 0;
  }
}
