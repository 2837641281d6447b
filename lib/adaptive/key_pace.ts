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
  /** How many tasks of the key are in flight, and how many runs have any. */
  inFlight = 0;
  #users = 0;
  #takenMs = -Infinity;
  /** What waits until fewer tasks are in flight, or more may be. */
  readonly #waiting = new Set<() => void>();

  /** Since when no run has had tasks of the key, in milliseconds. */
  unusedMs = 0;

  /** @param onUnused Called when no run has tasks of the key any more. */
  constructor(
    private readonly maxSlots: number,
    private readonly onUnused: (pace: KeyPace) => void,
  ) {
    this.#refusals = new Refusals(clock.now());
  }

  /** Returns the pace itself, for one more run. */
  join(): this {
    if (this.#users++ === 0) this.#refusals.begin(clock.now());
    return this;
  }

  release(): void {
    if (--this.#users > 0) return;
    this.unusedMs = clock.now();
    this.onUnused(this);
  }

  take(): void {
    this.inFlight++;
    if (this.isBound) this.#takenMs = clock.now();
  }

  leave(): void {
    this.inFlight--;
    this.#tellFree();
  }

  #tellFree(): void {
    if (this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const onFree of waiting) onFree();
  }

  get isBound(): boolean {
    return this.#given !== undefined;
  }

  /** Whether the pace needs no tick: no task of the key is in flight, and none is waited for. */
  get isIdle(): boolean {
    return this.inFlight === 0 && !this.#refusals.isBraking;
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

  waitMs(nowMs: number, onFree: () => void): number {
    if (!this.isBound) return 0;
    if (this.inFlight < this.slots) {
      return Math.max(this.#refusals.waitMs(nowMs), this.#takenMs + this.gapMs - nowMs);
    }
    this.#waiting.add(onFree);
    return Infinity;
  }

  /** Called when tasks have ended, like {@linkcode Slots.onEnded}; returns whether a tick is due now. */
  ended(...told: Parameters<Slots["onEnded"]>): boolean {
    if (this.#given !== undefined) return this.#given.onEnded(...told);
    const [count, startedAtMs, endedAtMs, ends] = told;
    const slots = this.inFlight + count;
    const { refused = 0 } = this.#refusals.ended(count, startedAtMs, endedAtMs, ends, slots);
    if (!this.#refusals.areTooMany(this.inFlight)) return false;
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
    const own = { ...seen, inFlight: this.inFlight, memoryBytes: 0 };
    const wanted = given.areTooMany(own) ? given.fewer(own) : given.next(own);
    if (wanted === undefined) return undefined;
    given.count = wanted.slots;
    given.open(seen.nowMs, wanted.why);
    // Later, because tasks that start during a tick could end and cause another.
    if (wanted.why !== "refused") clock.queueMicrotask(() => this.#tellFree());
    return wanted;
  }
}
