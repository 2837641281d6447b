/** Chooses where a batch goes: to a place whose lane has room for it, and may run its task. */

import type { Task } from "../lanes/task.ts";
import type { OpenLane, PoolRun } from "./batch.ts";
import type { Place, Places } from "./places.ts";
import type { PoolOptions } from "./pool_options.ts";

export class Placement {
  /** The place, where there is one alone, or one that has slots, and the choice is simple. */
  #only: Place | undefined;

  constructor(private readonly places: Places, private readonly options: PoolOptions) {
    const isSimple = options.lanes === 1 && !options.takesAhead && options.guide === undefined;
    this.#only = isSimple ? places.all[0] : undefined;
  }

  /** Places have other slots than before. */
  resized(): void {
    if (this.options.guide === undefined) return;
    const [first, ...others] = this.places.all;
    this.#only = others.every(({ slots }) => slots === 0) ? first : undefined;
  }

  get isSimple(): boolean {
    return this.#only !== undefined;
  }

  /** How many slots are free, though perhaps not for everybody. */
  get freeSlots(): number {
    return this.places.all.reduce((free, { isUsable, load, slots }) => {
      return isUsable ? free + Math.max(0, slots - load) : free;
    }, 0);
  }

  get isFull(): boolean {
    const only = this.#only;
    return only === undefined ? this.freeSlots === 0 : only.load >= only.slots;
  }

  /** How many batches of a run a place may have. */
  #slotsFor({ number, slots }: Place, { task }: PoolRun, alone: boolean): number {
    const { guide } = this.options;
    if (guide === undefined) return slots;
    const isHere = number === 0;
    if (guide.tasks.staysHere(task)) return isHere ? Math.max(1, slots) : 0;
    // What may have ended a lane is tried again on one, for here it would end the program.
    if (alone) return isHere ? 0 : Math.max(1, slots);
    const most = isHere ? Infinity : guide.tasks.mostThere(task);
    return most < Infinity && this.#countThere(task) >= most ? 0 : slots;
  }

  /** How many batches of a task are on lanes beside this event loop. */
  #countThere(task: Task): number {
    let count = 0;
    for (const { number, inFlight } of this.places.lanes) {
      if (number > 0) { for (const batch of inFlight) count += Number(batch.task === task); }
    }
    return count;
  }

  /** A place whose lane has room for one more batch of a run. */
  placeFor(run: PoolRun, alone: boolean): Place | undefined {
    const only = this.#only;
    if (only !== undefined && !alone && only.reservedFor === undefined && only.isUsable) {
      const accepts = only.isIdle || only.open!.lane.accepts(run.task);
      if (accepts) return only.load < only.slots ? only : undefined;
    }
    let best: Place | undefined;
    let unusable: OpenLane | undefined;
    for (const place of this.places.all) {
      if (!place.isUsable || this.#slotsFor(place, run, alone) === 0) continue;
      // What it was wanted for may have been dropped.
      if (place.reservedFor?.peek()?.alone !== true) place.reservedFor = undefined;
      if (place.reservedFor !== undefined && place.reservedFor !== run) continue;
      if (place.reservedFor === run && !alone && !place.isIdle) continue;
      if (!place.isIdle && !place.open!.lane.accepts(run.task)) {
        // One that was replaced before goes on beside it: a third would compute beside both.
        if (place.retired.size === 0) unusable ??= place.open;
      } else if (best === undefined || rank(place) < rank(best)) best = place;
    }
    if (best === undefined) {
      if (unusable === undefined) return undefined;
      // A lane that can't run it makes room for one that can, once it has done what it was sent: if
      // that were taken back, two such runs would end each other's lanes before anything ran.
      this.places.retire(unusable, false);
      return this.placeFor(run, alone);
    }
    if (alone && !best.isIdle) {
      best.reservedFor = run;
      return undefined;
    }
    // What runs on a retired lane takes up slots here, but doesn't hold up what is sent ahead.
    const isHere = this.options.guide !== undefined && best.number === 0;
    const takesAhead = this.options.takesAhead && best.retired.size === 0 && !isHere;
    const slots = this.#slotsFor(best, run, alone);
    return best.load < slots * (1 + (takesAhead ? run.ahead : 0)) ? best : undefined;
  }

  /** A run has what it waited for. */
  unreserve(run: PoolRun): void {
    for (const place of this.places.all) {
      if (place.reservedFor === run) place.reservedFor = undefined;
    }
  }
}

/** Full places come behind all others. */
const FULL = 2 ** 40;

/** Idle lanes come first, then places whose lane must be started, the least busy, and those held up. */
function rank({ open, load, slots }: Place): number {
  if (load >= slots) return FULL + load - slots;
  if (open?.isHeldUp) return FULL - 1;
  return open === undefined ? 0.5 + load : load;
}
