/** How tasks of one key are started, such as those that ask one host, from the first time that too many are refused. */

import type { Pace } from "../dispatch/batch.ts";
import { clock } from "../lanes/timers.ts";
import { Refusals } from "./refusals.ts";
import { Slots, type Wanted } from "./slots.ts";
import type { Seen } from "./watch.ts";

/** A pace by the law that slots are given by. */
export class KeyPace implements Pace {
  readonly #refusals: Refusals;
  #given: Slots | undefined;

  constructor(private readonly maxSlots: number, private readonly inFlight: () => number) {
    this.#refusals = new Refusals(clock.now());
  }

  get isBound(): boolean {
    return this.#given !== undefined;
  }

  /** Whether nothing is known to come that it would be looked at for. */
  get isIdle(): boolean {
    return this.inFlight() === 0 && !this.#refusals.isBraking;
  }

  get slots(): number {
    return this.#given === undefined ? Infinity : Math.max(1, Math.round(this.#given.count));
  }

  /** And where some were refused just now, as many as are to come back. */
  get judged(): number {
    return this.#given?.judged ?? Infinity;
  }

  get gapMs(): number {
    return this.#refusals.gapMs;
  }

  get refused(): number {
    return this.#refusals.refused;
  }

  waitMs(nowMs: number): number {
    return this.#refusals.waitMs(nowMs);
  }

  /** Tasks have ended, as {@linkcode Slots.onEnded} is told; returns whether it wants to look at once. */
  ended(...told: Parameters<Slots["onEnded"]>): boolean {
    const [, , endedAtMs, { refused = 0 } = {}] = told;
    if (this.#given !== undefined) this.#given.onEnded(...told);
    else {
      this.#refusals.ended(...told);
      if (!this.#refusals.areTooMany(this.inFlight())) return false;
      const options = { maxSlots: this.maxSlots, memoryBytes: Infinity };
      this.#given = new Slots(options, this.inFlight(), endedAtMs, this.#refusals);
    }
    return refused > 0;
  }

  /** Nothing moved for so long until now. */
  leaveOut(nowMs: number, ms: number): void {
    this.#given?.leaveOut(nowMs, ms);
  }

  /** Looks at what happened since; returns what there is from now on, if that is something else. */
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
