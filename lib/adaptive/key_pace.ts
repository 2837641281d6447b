/** How tasks of one key, such as those that ask one host, start once too many of them were refused. */

import type { Pace } from "../dispatch/batch.ts";
import { clock } from "../lanes/timers.ts";
import { Refusals } from "./refusals.ts";
import { Slots, type Wanted } from "./slots.ts";
import type { Seen } from "./watch.ts";

/** A key's pace, by the same rules as the slots of the whole pool. */
export class KeyPace implements Pace {
  readonly #refusals: Refusals;
  #given: Slots | undefined;

  constructor(private readonly maxSlots: number, private readonly inFlight: () => number) {
    this.#refusals = new Refusals(clock.now());
  }

  get isBound(): boolean {
    return this.#given !== undefined;
  }

  /** Whether the pace needs no tick: no task of the key is in flight, and none is waited for. */
  get isIdle(): boolean {
    return this.inFlight() === 0 && !this.#refusals.isBraking;
  }

  get slots(): number {
    return this.#given === undefined ? Infinity : Math.max(1, Math.round(this.#given.count));
  }

  /** The slots to report: right after a refusal, as many as will come back. */
  get judged(): number {
    return this.#given?.judged ?? Infinity;
  }

  get gapMs(): number {
    return this.#given?.apartMs ?? 0;
  }

  get refused(): number {
    return this.#refusals.refused;
  }

  waitMs(nowMs: number): number {
    return this.#refusals.waitMs(nowMs);
  }

  /** Called when tasks have ended, like {@linkcode Slots.onEnded}; returns whether a tick is due now. */
  ended(...told: Parameters<Slots["onEnded"]>): boolean {
    if (this.#given !== undefined) return this.#given.onEnded(...told);
    const [count, startedAtMs, endedAtMs, ends] = told;
    const slots = this.inFlight() + count;
    const { refused = 0 } = this.#refusals.ended(count, startedAtMs, endedAtMs, ends, slots);
    if (!this.#refusals.areTooMany(this.inFlight())) return false;
    const options = { maxSlots: this.maxSlots, memoryBytes: Infinity };
    this.#given = new Slots(options, slots, endedAtMs, this.#refusals);
    return refused > 0;
  }

  /** Leaves out `ms` until now in which nothing moved. */
  leaveOut(nowMs: number, ms: number): void {
    this.#given?.leaveOut(nowMs, ms);
  }

  /** Judges what happened since the last tick; returns the new slots if they change. */
  tick(seen: Seen): Wanted | undefined {
    const given = this.#given!;
    const own = { ...seen, inFlight: this.inFlight(), memoryBytes: 0 };
    const wanted = given.areTooMany(own) ? given.fewer(own) : given.next(own);
    if (wanted === undefined) return undefined;
    given.count = wanted.slots;
    given.open(seen.nowMs, wanted.why);
    return wanted;
  }
}
