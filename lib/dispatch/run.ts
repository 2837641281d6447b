/**
 * One `map` under way: sends items to lanes, takes what they report, and ends when all is settled.
 *
 * @module
 */

import { CancelledError } from "../lanes/errors.ts";
import type { Death, Report } from "../lanes/lane.ts";
import type { Task } from "../lanes/task.ts";
import type { Blame } from "./blame.ts";
import { ChunkSizer } from "./chunk_sizer.ts";
import { crashed, MAX_KILLS } from "./crash.ts";
import { Intake } from "./intake.ts";
import type { Ending } from "./outcome.ts";
import type { Outlet, OutletRun } from "./outlet.ts";
import { part, type Piece } from "./piece.ts";
import type { LanePool } from "./pool.ts";
import type { Seat } from "./seat.ts";
import { Sent, SentList } from "./sent.ts";
import type { Segment } from "./segment.ts";
import type { SettledOptions } from "./settled_options.ts";
import { Settler } from "./settler.ts";
import type { Source } from "./source.ts";
import { STUCK_MS, Watch } from "./watch.ts";

/** Above this task time a lane that can't be watched says which item it starts. */
const MARK_ABOVE_MS = 1;

/** What a run is made of. */
export interface RunParts {
  /** The lanes to run on, shared with the executor's other runs. */
  readonly pool: LanePool;
  /** What to run. */
  readonly task: Task;
  /** The input. */
  readonly source: Source;
  /** How to run it. */
  readonly options: SettledOptions;
  /** Whether the first rejection ends the run. */
  readonly failFast: boolean;
}

/** One `map` under way. */
export class Run implements OutletRun {
  /** What it runs. */
  readonly task: Task;
  /** How it runs. */
  readonly options: SettledOptions;
  /** Chunks that are with lanes. */
  readonly inFlight = new SentList("runPlace");
  /** Where results go; set once, before the first is asked for. */
  outlet!: Outlet<unknown>;
  /** Chunks of which only a part is settled or put back: settling brings the consumer to ask for more. */
  #settling = 0;
  readonly #pool: LanePool;
  readonly #source: Source;
  readonly #failFast: boolean;
  readonly #sizer: ChunkSizer;
  readonly #intake: Intake;
  readonly #settler: Settler;
  readonly #watch: Watch;
  readonly #ended = Promise.withResolvers<void>();
  #state: "idle" | "running" | "stopping" | "ended" = "idle";
  #failure: { readonly error: unknown } | undefined;
  #stopReason: unknown;
  readonly #onAbort = () => void this.cancel(this.options.signal!.reason);

  /**
   * Pulls and sends nothing yet.
   *
   * @param parts What it is made of.
   */
  constructor({ pool, task, source, options, failFast }: RunParts) {
    this.task = task;
    this.options = options;
    this.#pool = pool;
    this.#source = source;
    this.#failFast = failFast;
    this.#sizer = new ChunkSizer(options.chunk);
    this.#intake = new Intake({
      source,
      sizer: this.#sizer,
      slots: pool.slots,
      buffer: options.buffer,
      chunksAlways: options.chunk !== "auto",
      onMore: () => {
        pool.pump();
        this.#endIfDone();
      },
      onError: (error) => this.fail(error),
    });
    this.#settler = new Settler({
      options,
      intake: this.#intake,
      mayRetry: () => this.#state === "running",
      onSettled: (segment) => this.#onSettled(segment),
    });
    this.#watch = new Watch(this, pool.options.graceMs);
  }

  /** Joins the pool; called by the outlet when the first result is asked for. */
  start(collecting: boolean): void {
    if (collecting && this.options.buffer === "auto") this.#intake.unbounded = true;
    this.#state = "running";
    const { signal } = this.options;
    if (signal?.aborted) return void this.cancel(signal.reason);
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    try {
      this.#pool.add(this);
    } catch (error) {
      this.fail(error);
    }
    this.#endIfDone();
  }

  /** Makes room for new items, of which the consumer has taken so many. */
  taken(count: number): void {
    this.#intake.consumed += count;
    if (this.#state === "running") this.#pool.pump();
  }

  /** Cancels the run, for its consumer wants no more. */
  stop(): Promise<void> {
    return this.cancel(new CancelledError("The consumer left the loop"));
  }

  /** Sends one chunk to a lane with a free slot; false if there is no chunk or no such lane. */
  dispatch(): boolean {
    if (this.#state !== "running") return false;
    try {
      const ahead = this.#pool.allowsAhead ? this.#sizer.ahead : 0;
      const next = this.#intake.peek(ahead);
      if (next === undefined) return false;
      const seat = this.#pool.seatFor(this, ahead, next.alone);
      if (seat === undefined) return false;
      const piece = this.#intake.take(seat.lane!.remote, ahead);
      if (piece !== undefined) this.#send(seat, piece);
      else this.#endIfDone();
      return piece !== undefined;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  #send(seat: Seat, piece: Piece): void {
    const { timeoutMs, transfer } = this.options;
    const { itemMs = 0, giveBackMs } = this.#sizer;
    const sent = new Sent(this, seat, piece, {
      timeoutMs,
      timed: !this.#failFast,
      giveBackMs,
      mark: timeoutMs !== Infinity || piece.alone || itemMs > MARK_ABOVE_MS,
      transfer,
      sentAtMs: this.#intake.takenAtMs,
    });
    const waits = seat.inFlight.size >= this.#pool.options.slots;
    this.inFlight.add(sent);
    seat.inFlight.add(sent);
    if (piece.alone) seat.exclusive = true;
    this.#pool.sentAtMs = sent.sentAtMs;
    sent.lane.send(sent);
    if (!this.inFlight.has(sent)) return; // it never waited, and has ended already
    if (timeoutMs !== Infinity) this.#watch.arm(timeoutMs);
    else if (waits) this.#watch.arm(STUCK_MS);
  }

  /** What became of the next items of a chunk. */
  onReport(sent: Sent, report: Report): void {
    const { count, then, sendable, startedAtMs, endedAtMs } = report;
    const base = sent.reported;
    sent.reported += count;
    this.#sizer.learn(count, endedAtMs - startedAtMs);
    if (then === "end") this.inFlight.delete(sent);
    this.#settling++;
    try {
      this.#settler.report(sent, report, base);
    } catch (error) {
      this.fail(error); // the caller's retryIf threw
    }
    if (then === "end" && sent.reported < sent.piece.items.length) {
      const { piece, reported } = sent;
      const border = sendable === undefined ? piece.items.length : reported + sendable;
      this.#putBack(part(piece, border, piece.items.length));
      this.#putBack(part(piece, reported, border));
    }
    this.#tellProgress();
    this.#settled();
  }

  #onSettled(segment: Segment): void {
    if (segment.rejection !== undefined && this.#failFast) this.fail(segment.rejection.reason);
    else this.outlet.push(segment);
  }

  /** A lane died with a chunk of this run. */
  onLost(sent: Sent, blame: Blame, death: Death): void {
    this.inFlight.delete(sent);
    this.#settling++;
    const { piece, reported } = sent;
    const { length } = piece.items;
    const losses = piece.losses + 1;
    if (blame.kind === "suspects") {
      this.#putBack(part(piece, reported, length, { losses, alone: true }));
    } else if (blame.kind === "innocent" && losses <= MAX_KILLS) {
      this.#putBack(part(piece, reported, length, { losses }));
    } else {
      const offset = blame.kind === "innocent" ? reported : blame.offset;
      this.#putBack(part(piece, offset + 1, length));
      if (blame.kind === "suspect") {
        this.#putBack(part(piece, offset, offset + 1, { losses, alone: true }));
      } else {
        this.#crash(sent, offset, blame, death);
      }
      this.#putBack(part(piece, reported, offset));
    }
    this.#settled();
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
    try {
      if (this.#settler.retry(sent, offset, ended, reason, changes)) return;
    } catch (error) {
      this.fail(error); // the caller's retryIf threw
    }
    this.#settler.reject(sent, offset, ended, reason, sinceMs);
  }

  /** Makes a task stop that went on after it was asked to. */
  force(sent: Sent): void {
    const { lane, seat, piece, reported, asked } = sent;
    const at = lane.progress(sent);
    const forced = lane.force(sent);
    const others = [...seat.inFlight].filter((other) => other !== sent);
    this.inFlight.delete(sent);
    this.#settling++;
    if (forced.lane === "retired") seat.retiring = true;
    this.#pool.release(sent);
    if (forced.lane === "dead") this.#pool.vacate(seat);
    const stopped = asked!.why === "cancel" ? "cancelled" : "timed-out";
    const ended = forced.task === "abandoned" ? "abandoned" : stopped;
    const offset = at.state === "running" ? at.offset : reported;
    const sinceMs = at.state === "running" ? at.sinceMs : NaN;
    this.#putBack(part(piece, offset + 1, piece.items.length));
    this.#retryOrReject(sent, offset, ended, this.#watch.reasonFor(sent, offset, ended), sinceMs);
    this.#putBack(part(piece, reported, offset));
    for (const other of others) {
      if (forced.lane === "dead") other.run.onTakenAway(other);
      else if (forced.lane === "retired") other.run.recall(other);
    }
    this.#pool.pump();
    this.#settled();
  }

  /** Takes back a chunk that waits on a lane behind a task that takes long. */
  recall(sent: Sent): void {
    if (sent.lane.progress(sent).state !== "waiting") return;
    sent.lane.ask(sent, "cancel");
    sent.lane.forget(sent);
    this.#pool.release(sent);
    this.onTakenAway(sent);
    this.#pool.pump();
  }

  /** A chunk was taken from its lane through no fault of its own: it goes elsewhere. */
  onTakenAway(sent: Sent): void {
    this.inFlight.delete(sent);
    this.#putBack(part(sent.piece, sent.reported, sent.piece.items.length));
    this.#endIfDone();
  }

  /** Whether some lane has nothing to do. */
  get hasIdleLane(): boolean {
    return this.#pool.hasIdleLane;
  }

  /** Items to be sent before all others, or cancelled if the run is stopping. */
  #putBack(piece: Piece): void {
    if (this.#state === "running") this.#intake.putBack(piece);
    else this.#settler.cancel(piece, this.#stopReason);
  }

  /** Ends the run with an error, after stopping what still runs. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    void this.cancel(error);
  }

  /** Drops what is queued, asks what runs to stop, and resolves when nothing goes on. */
  cancel(reason: unknown): Promise<void> {
    if (this.#state === "idle") this.#finish();
    if (this.#state !== "running") return this.#ended.promise;
    this.#state = "stopping";
    this.#stopReason = reason;
    if (this.#failFast) this.#failure ??= { error: reason };
    for (const piece of this.#intake.drop()) this.#settler.cancel(piece, reason);
    for (const sent of this.inFlight) this.#watch.ask(sent, "cancel");
    this.#endIfDone();
    return this.#ended.promise;
  }

  #tellProgress(): void {
    const { onProgress } = this.options;
    if (onProgress === undefined || this.#state !== "running") return;
    const { settled, rejected } = this.#settler;
    const { pulled, total } = this.#source;
    try {
      onProgress({ pulled, settled, rejected, total });
    } catch (error) {
      this.fail(error);
    }
  }

  /** All of a chunk is settled or put back. */
  #settled(): void {
    this.#settling--;
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#state === "idle" || this.#state === "ended" || this.inFlight.size > 0) return;
    if (this.#settling > 0) return;
    if (this.#state === "stopping" || this.#intake.isEmpty) this.#finish();
  }

  #finish(): void {
    this.#state = "ended";
    this.#watch.stop();
    this.options.signal?.removeEventListener("abort", this.#onAbort);
    this.#pool.remove(this);
    if (this.#failure !== undefined) this.outlet.fail(this.#failure.error);
    else this.outlet.end();
    this.#ended.resolve();
  }
}
