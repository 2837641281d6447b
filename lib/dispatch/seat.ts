/**
 * A lane's place in the pool. Lanes come and go; the seat stays, so a lane that died or was stopped
 * does not shrink the pool.
 *
 * @module
 */

import type { Lane } from "../lanes/lane.ts";
import type { Run } from "./run.ts";
import { SentList } from "./sent.ts";

/** A lane's place. */
export class Seat {
  /** The lane's number in outcomes and reports, from 0. */
  readonly number: number;
  /** The lane; undefined until it is needed, and again once it is lost. */
  lane: Lane | undefined;
  /** How long the lane took to start; undefined until it has. */
  startMs: number | undefined;
  /** Chunks that are with the lane, those that wait there too. */
  readonly inFlight = new SentList("seatPlace");
  /** No new chunks: the lane is to be closed once those in flight have ended. */
  retiring = false;
  /** One chunk has it for itself, to find out whether it kills. */
  exclusive = false;
  /** A run waits for it to be free, to have it for itself. */
  reservedFor: Run | undefined;
  #lastChunkId = 0;

  /**
   * An empty seat.
   *
   * @param number The lane's number, from 0.
   */
  constructor(number: number) {
    this.number = number;
  }

  /** The id of the next chunk: below 2^31, for it is kept in shared 32-bit cells. */
  nextChunkId(): number {
    this.#lastChunkId = this.#lastChunkId % 0x7fff_ffff + 1;
    return this.#lastChunkId;
  }
}
