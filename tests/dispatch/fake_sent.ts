/**
 * Chunks in flight for tests of one part at a time, on lanes that say what they are told to.
 *
 * @module
 */

import type { Run } from "../../lib/dispatch/run.ts";
import { Seat } from "../../lib/dispatch/seat.ts";
import { Sent } from "../../lib/dispatch/sent.ts";
import type { Piece } from "../../lib/dispatch/piece.ts";
import type { AskReason, ChunkProgress, Forced, Lane } from "../../lib/lanes/lane.ts";

/** A lane that notes what it is asked, and answers as a test wants. */
export class StubLane {
  at: ChunkProgress = { state: "waiting" };
  forced: Forced = { task: "stopped", lane: "alive" };
  takesAhead = false;
  accepting = true;
  readonly asked: AskReason[] = [];
  readonly forgotten: unknown[] = [];
  closed = 0;

  accepts(): boolean {
    return this.accepting;
  }

  progress(): ChunkProgress {
    return this.at;
  }

  ask(_chunk: unknown, why: AskReason): void {
    this.asked.push(why);
  }

  force(): Forced {
    return this.forced;
  }

  forget(chunk: unknown): void {
    this.forgotten.push(chunk);
  }

  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }
}

/** A seat with such a lane. */
export function seatWith(lane: StubLane, number = 0): Seat {
  const seat = new Seat(number);
  seat.lane = lane as unknown as Lane;
  return seat;
}

/** Items that were pulled from index 10 on, unless told otherwise. */
export function pieceOf(items: readonly unknown[], more: Partial<Piece> = {}): Piece {
  return {
    firstIndex: 10,
    items,
    attempt: 1,
    queuedAtMs: 5,
    kills: 0,
    losses: 0,
    alone: false,
    ...more,
  };
}

/** A chunk of them that was sent to a seat's lane just now. */
export function sentTo(
  seat: Seat,
  piece: Piece,
  run: Partial<Run> = {},
  timeoutMs = Infinity,
): Sent {
  const sent = new Sent(
    { task: { module: "fake:", export: "default" }, ...run } as unknown as Run,
    seat,
    piece,
    {
      timeoutMs,
      timed: false,
      giveBackMs: Infinity,
      mark: false,
      transfer: false,
      sentAtMs: performance.now(),
    },
  );
  seat.inFlight.add(sent);
  return sent;
}
