/**
 * What becomes of chunks whose lane was lost, or whose task had to be stopped: their items are tried
 * again, go elsewhere, or are settled.
 *
 * @module
 */

import type { Death } from "../lanes/lane.ts";
import type { Blame } from "./blame.ts";
import { crashed, MAX_KILLS } from "./crash.ts";
import type { Ending } from "./outcome.ts";
import { part, type Piece } from "./piece.ts";
import type { LanePool } from "./pool.ts";
import type { Sent, SentList } from "./sent.ts";
import type { Settler } from "./settler.ts";
import { stopReason } from "./stop_reason.ts";

/** What the recovery needs of its run. */
export interface RecoveryParts {
  /** The lanes that the run is on. */
  readonly pool: LanePool;
  /** The run's chunks that are with lanes. */
  readonly inFlight: SentList;
  /** Settles items, or has them tried again. */
  readonly settler: Settler;
  /** Takes items that are to be sent before all others. */
  readonly putBack: (piece: Piece) => void;
  /** Ends the run with an error. */
  readonly fail: (error: unknown) => void;
  /** Does something that settles and puts back a chunk's items, during which the run can't end. */
  readonly whole: (settle: () => void) => void;
}

/** Recovers a run's items. */
export class Recovery {
  readonly #parts: RecoveryParts;

  /**
   * Recovers nothing yet.
   *
   * @param parts What it is made of.
   */
  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  /**
   * A lane died with a chunk of this run.
   *
   * @param sent The chunk.
   * @param blame What is known of its part in it.
   * @param death How the lane died.
   */
  onLost(sent: Sent, blame: Blame, death: Death): void {
    const { inFlight, putBack, whole } = this.#parts;
    inFlight.delete(sent);
    const { piece, reported } = sent;
    const { length } = piece.items;
    const losses = piece.losses + 1;
    whole(() => {
      if (blame.kind === "suspects") {
        putBack(part(piece, reported, length, { losses, alone: true }));
      } else if (blame.kind === "innocent" && (losses <= MAX_KILLS || !piece.alone)) {
        // Others may kill lane after lane on which it waits: then it gets one for itself.
        const alone = piece.alone || losses > MAX_KILLS;
        putBack(part(piece, reported, length, { losses, alone }));
      } else {
        const offset = blame.kind === "innocent" ? reported : blame.offset;
        putBack(part(piece, offset + 1, length));
        if (blame.kind === "suspect") {
          putBack(part(piece, offset, offset + 1, { losses, alone: true }));
        } else {
          this.#crash(sent, offset, blame, death);
        }
        putBack(part(piece, reported, offset));
      }
    });
  }

  #crash(sent: Sent, offset: number, blame: Blame, death: Death): void {
    const kills = sent.piece.kills + 1;
    const sinceMs = blame.kind === "culprit" ? blame.sinceMs : NaN;
    const reason = crashed(sent.piece.firstIndex + offset, kills, blame.kind === "culprit", death);
    this.#retryOrReject(sent, offset, "crashed", reason, sinceMs, { kills, alone: true });
  }

  #retryOrReject(
    sent: Sent,
    offset: number,
    ended: Ending,
    reason: Error,
    sinceMs: number,
    changes?: { kills: number; alone: boolean },
  ): void {
    const { settler, fail } = this.#parts;
    try {
      if (settler.retry(sent, offset, ended, reason, changes)) return;
    } catch (error) {
      fail(error); // the caller's retryIf threw
    }
    settler.reject(sent, offset, ended, reason, sinceMs);
  }

  /**
   * Makes a task stop that went on after it was asked to.
   *
   * @param sent Its chunk.
   */
  force(sent: Sent): void {
    const { pool, inFlight, putBack, whole } = this.#parts;
    const { lane, seat, piece, reported, asked } = sent;
    const at = lane.progress(sent);
    const forced = lane.force(sent);
    const others = [...seat.inFlight].filter((other) => other !== sent);
    inFlight.delete(sent);
    if (forced.lane === "retired") seat.retiring = true;
    whole(() => {
      pool.release(sent);
      if (forced.lane === "dead") pool.vacate(seat);
      const stopped = asked!.why === "cancel" ? "cancelled" : "timed-out";
      const ended = forced.task === "abandoned" ? "abandoned" : stopped;
      const offset = at.state === "running" ? at.offset : reported;
      const sinceMs = at.state === "running" ? at.sinceMs : NaN;
      putBack(part(piece, offset + 1, piece.items.length));
      this.#retryOrReject(sent, offset, ended, stopReason(sent, offset, ended), sinceMs);
      putBack(part(piece, reported, offset));
      for (const other of others) {
        if (forced.lane === "dead") other.run.recovery.onTakenAway(other);
        else if (forced.lane === "retired") other.run.recovery.recall(other);
      }
      pool.pump();
    });
  }

  /**
   * Takes back a chunk that waits on a lane behind a task that takes long.
   *
   * @param sent The chunk; left alone if it has been started.
   */
  recall(sent: Sent): void {
    if (sent.lane.progress(sent).state !== "waiting") return;
    sent.lane.ask(sent, "cancel");
    sent.lane.forget(sent);
    this.#parts.pool.release(sent);
    this.onTakenAway(sent);
    this.#parts.pool.pump();
  }

  /**
   * A chunk was taken from its lane through no fault of its own: it goes elsewhere.
   *
   * @param sent The chunk.
   */
  onTakenAway(sent: Sent): void {
    const { inFlight, putBack, whole } = this.#parts;
    inFlight.delete(sent);
    whole(() => putBack(part(sent.piece, sent.reported, sent.piece.items.length)));
  }
}
