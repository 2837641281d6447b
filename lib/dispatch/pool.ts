/**
 * The lanes of an executor, shared by all its runs: finds a free slot for each chunk, and replaces
 * lanes that were lost.
 *
 * @module
 */

import { LaneStartError } from "../lanes/errors.ts";
import type { Chunk, Death, Lane, LaneEvents, Report } from "../lanes/lane.ts";
import type { Task } from "../lanes/task.ts";
import { blame } from "./blame.ts";
import { chooseSeat } from "./choose_seat.ts";
import type { Run } from "./run.ts";
import { Seat } from "./seat.ts";
import type { Sent } from "./sent.ts";
import { Turn } from "./turn.ts";

/**
 * Makes a lane of the executor's kind.
 *
 * @param number The lane's number, from 0.
 * @param events Whom the lane tells of ends and of its death.
 * @param tasks Every task that the executor was asked to run until now.
 * @returns The lane, perhaps still starting.
 */
export type LaneFactory = (number: number, events: LaneEvents, tasks: readonly Task[]) => Lane;

/** How a pool is made up. */
export interface PoolOptions {
  /** How many lanes, from 1. */
  readonly lanes: number;
  /** Slots on each lane, from 1; Infinity for no limit. */
  readonly slots: number;
  /** How long a task that was asked to stop may go on before it is made to, in milliseconds. */
  readonly graceMs: number;
  /** Makes each lane when it is first needed, and again when one was lost. */
  readonly makeLane: LaneFactory;
}

/** So many lanes may die in a row before they could take tasks; then it isn't by chance. */
const MAX_START_DEATHS = 3;

/** The lanes of one executor. */
export class LanePool {
  /** How it is made up. */
  readonly options: PoolOptions;
  /** A place for each lane. */
  readonly seats: readonly Seat[];
  /** When a chunk was last sent: saves a look at the clock. */
  sentAtMs = 0;
  readonly #runs: Run[] = [];
  readonly #tasks = new Map<string, Task>();
  readonly #closing = new Set<Promise<void>>();
  readonly #turn = new Turn(() => this.pump());
  #startDeaths = 0;
  #startFailure: string | undefined;
  #pumping = false;
  #again = false;
  #closed = false;

  /**
   * Starts no lane yet.
   *
   * @param options How many lanes of which kind.
   */
  constructor(options: PoolOptions) {
    this.options = options;
    this.seats = Array.from({ length: options.lanes }, (_, number) => new Seat(number));
  }

  /** Slots on all lanes together. */
  get slots(): number {
    return this.options.lanes * this.options.slots;
  }

  /** Whether a chunk may be sent to a lane that is busy, to wait there. */
  get allowsAhead(): boolean {
    return this.seats[0]!.lane?.takesAhead ?? false;
  }

  /** Whether some lane has nothing to do. */
  get hasIdleLane(): boolean {
    return this.seats.some((seat) => seat.inFlight.size === 0);
  }

  /**
   * Lets a run take part.
   *
   * @throws {TypeError} If the executor is closed.
   */
  add(run: Run): void {
    if (this.#closed) throw new TypeError("Cannot map: the executor is closed");
    this.#runs.push(run);
    this.#tasks.set(run.task.module, run.task);
    this.pump();
  }

  /** A run is over. */
  remove(run: Run): void {
    const at = this.#runs.indexOf(run);
    if (at >= 0) this.#runs.splice(at, 1);
    this.#unreserve(run);
  }

  #unreserve(run: Run): void {
    for (const seat of this.seats) if (seat.reservedFor === run) seat.reservedFor = undefined;
  }

  /** Fills free slots, run by run in turn. */
  pump(): void {
    this.#again = true;
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      do {
        this.#again = false;
        this.#fill();
      } while (this.#again);
    } finally {
      this.#pumping = false;
    }
  }

  #fill(): void {
    let idle = 0;
    while (idle < this.#runs.length) {
      if (this.seats[0]!.lane?.remote === false && this.#turn.isOver(this.sentAtMs)) return;
      const run = this.#runs.shift()!;
      this.#runs.push(run);
      if (run.dispatch()) idle = 0;
      else idle++;
    }
  }

  /**
   * A lane with room for one more chunk of a run.
   *
   * @param run The run that asks.
   * @param ahead How many chunks may wait on a lane for each of its slots.
   * @param alone Whether the chunk needs the lane for itself.
   * @returns The lane's seat, its lane started; undefined if none has room.
   */
  seatFor(run: Run, ahead: number, alone: boolean): Seat | undefined {
    const { slots } = this.options;
    const { best, unusable } = chooseSeat(this.seats, run, alone, slots);
    if (best === undefined) {
      if (unusable !== undefined) unusable.retiring = true;
      return undefined;
    }
    if (alone && best.inFlight.size > 0) {
      best.reservedFor = run;
      return undefined;
    }
    if (best.inFlight.size >= slots * (1 + ahead)) return undefined;
    best.reservedFor = undefined;
    // It may have waited for other seats before: a reservation that is kept would be waited for.
    if (alone) this.#unreserve(run);
    if (best.lane?.accepts(run.task) === false) this.vacate(best);
    this.#open(best);
    return best;
  }

  #open(seat: Seat): Lane {
    if (seat.lane !== undefined) return seat.lane;
    const events: LaneEvents = {
      report: (chunk, report) => this.#onReport(seat, chunk, report),
      died: (death) => {
        if (seat.lane === lane) this.#onDeath(seat, death);
      },
    };
    const lane = this.options.makeLane(seat.number, events, [...this.#tasks.values()]);
    seat.lane = lane;
    lane.ready.then((startMs) => {
      if (seat.lane === lane) seat.startMs = startMs;
    });
    return lane;
  }

  /**
   * Starts every lane, and waits until all can take tasks.
   *
   * @param task A task that the lanes may load at their start.
   * @throws {TypeError} If the executor is closed.
   * @throws {LaneStartError} If a lane died before it could take tasks.
   */
  async openAll(task?: Task): Promise<void> {
    if (this.#closed) throw new TypeError("Cannot start lanes: the executor is closed");
    if (task !== undefined) this.#tasks.set(task.module, task);
    this.#startFailure = undefined;
    await Promise.all(this.seats.map((seat) => this.#open(seat).ready));
    const how = this.#startFailure;
    if (how !== undefined) throw new LaneStartError(`Cannot start lanes: ${how}`);
  }

  #onReport(seat: Seat, chunk: Chunk, report: Report): void {
    const sent = chunk as Sent; // lanes give back the chunks that they were sent
    if (!seat.inFlight.has(sent)) return;
    this.#startDeaths = 0;
    if (report.then === "end") this.release(sent);
    sent.run.onReport(sent, report);
    this.pump();
  }

  /** A chunk is done with: its slot is free. */
  release(sent: Sent): void {
    const { seat } = sent;
    seat.inFlight.delete(sent);
    if (sent.piece.alone) seat.exclusive = false;
    if (seat.retiring && seat.inFlight.size === 0) this.vacate(seat);
  }

  #onDeath(seat: Seat, death: Death): void {
    const lost = [...seat.inFlight];
    const verdicts = blame(lost);
    this.vacate(seat);
    if (death.starting) {
      this.#startDeaths++;
      this.#startFailure = death.how;
      if (this.#startDeaths >= MAX_START_DEATHS) {
        const error = new LaneStartError(`Cannot start a lane: it ${death.how}`);
        for (const run of [...this.#runs]) run.fail(error);
      }
    }
    for (const [at, sent] of lost.entries()) sent.run.recovery.onLost(sent, verdicts[at]!, death);
    this.pump();
  }

  /** Takes a lane that is no more from its seat; the next chunk gets a new one. */
  vacate(seat: Seat): void {
    const { lane } = seat;
    seat.lane = undefined;
    seat.startMs = undefined;
    seat.retiring = seat.exclusive = false;
    seat.inFlight.clear();
    if (lane === undefined) return;
    const closing = lane.close();
    this.#closing.add(closing);
    closing.finally(() => this.#closing.delete(closing));
  }

  /** Stops every run, ends every lane, and waits until nothing is left. */
  async close(): Promise<void> {
    this.#closed = true;
    const why = new TypeError("The executor was closed");
    await Promise.all(this.#runs.map((run) => run.cancel(why)));
    for (const seat of this.seats) this.vacate(seat);
    await Promise.all(this.#closing);
  }
}
