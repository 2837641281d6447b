/**
 * Which lane a run's next chunk goes to.
 *
 * @module
 */

import type { Run } from "./run.ts";
import type { Seat } from "./seat.ts";

/** What was found. */
export interface SeatChoice {
  /** The seat whose lane has the most room, or none at all; an idle lane may have to be replaced. */
  readonly best: Seat | undefined;
  /** A seat whose lane can't run the task but is busy with another's. */
  readonly unusable: Seat | undefined;
}

/**
 * Looks for the seat that is best for a run's next chunk.
 *
 * @param seats All of the pool's.
 * @param run The run.
 * @param alone Whether the chunk needs the lane for itself.
 * @param slots Slots on each lane.
 * @returns The best seat, whether or not it has room at this moment.
 */
export function chooseSeat(
  seats: readonly Seat[],
  run: Run,
  alone: boolean,
  slots: number,
): SeatChoice {
  let best: Seat | undefined;
  let unusable: Seat | undefined;
  for (const seat of seats) {
    if (seat.exclusive || seat.retiring) continue;
    if (seat.reservedFor !== undefined && seat.reservedFor !== run) continue;
    if (seat.reservedFor === run && !alone && seat.inFlight.size > 0) continue;
    if (seat.inFlight.size > 0 && seat.lane?.accepts(run.task) === false) unusable ??= seat;
    else if (best === undefined || rank(seat, slots) < rank(best, slots)) best = seat;
  }
  return { best, unusable };
}

/** Idle lanes come first, then seats whose lane must be started, then the least busy. */
function rank(seat: Seat, slots: number): number {
  const load = seat.inFlight.size / slots;
  return seat.lane === undefined ? 0.5 : load < 1 ? load / 2 : load;
}
