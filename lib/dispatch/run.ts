/**
 * One `map` under way: sends items to lanes, takes what they report, and ends when all is settled.
 *
 * @module
 */

import { CancelledError } from "../lanes/errors.ts";
import type { Report } from "../lanes/lane.ts";
import type { Task } from "../lanes/task.ts";
import { ChunkSizer } from "./chunk_sizer.ts";
import { Intake } from "./intake.ts";
import type { Outlet, OutletRun } from "./outlet.ts";
import { part, type Piece } from "./piece.ts";
import type { LanePool } from "./pool.ts";
import { Recovery } from "./recovery.ts";
import type { Seat } from "./seat.ts";
import { Sent, SentList } from "./sent.ts";
import type { Segment } from "./segment.ts";
import type { RunParts } from "./run_parts.ts";
import type { SettledOptions } from "./settled_options.ts";
import { Settler } from "./settler.ts";
import type { Source } from "./source.ts";
import { STUCK_MS, Watch } from "./watch.ts";

/** One `map` under way. */
export class Run implements OutletRun {
  /** What it runs, and how. */
  readonly task: Task;
  /** How it runs. */
  readonly options: SettledOptions;
  /** Chunks that are with lanes. */
  readonly inFlight = new SentList("runPlace");
  /** Where results go; set once, before the first is asked for. */
  outlet!: Outlet<unknown>;
  /** Sees to chunks whose lane was lost, or whose task had to be stopped. */
  readonly recovery: Recovery;
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
    this.recovery = new Recovery({
      pool,
      inFlight: this.inFlight,
      settler: this.#settler,
      putBack: (piece) => this.#putBack(piece),
      fail: (error) => this.fail(error),
      whole: (settle) => this.#whole(settle),
    });
    this.#watch = new Watch(this, pool);
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

  /** Makes room for new items: the consumer has taken so many. */
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
      const piece = this.#take(seat, ahead);
      if (piece === undefined) this.#endIfDone();
      else if (this.#state === "running") this.#send(seat, piece);
      else this.#whole(() => this.#putBack(piece));
      return piece !== undefined;
    } catch (error) {
      this.fail(error);
      this.#endIfDone();
      return false;
    }
  }

  /** The next items. The input may stop the run while it is asked, but that must not lose them. */
  #take(seat: Seat, ahead: number): Piece | undefined {
    this.#settling++;
    try {
      return this.#intake.take(seat.lane!.remote, ahead);
    } finally {
      this.#settling--;
    }
  }

  #send(seat: Seat, piece: Piece): void {
    const { timeoutMs, transfer } = this.options;
    const { isLong, giveBackMs } = this.#sizer;
    const sent = new Sent(this, seat, piece, {
      timeoutMs,
      timed: !this.#failFast,
      giveBackMs,
      mark: timeoutMs !== Infinity || piece.alone || isLong,
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
    const { count, then, sendable } = report;
    const base = sent.reported;
    sent.reported += count;
    this.#sizer.learn(count, report.endedAtMs - report.startedAtMs);
    if (then === "end") this.inFlight.delete(sent);
    this.#whole(() => {
      try {
        this.#settler.report(sent, report, base);
        if (this.#state === "running") this.#settler.tellProgress(this.#source);
      } catch (error) {
        this.fail(error); // the caller's retryIf or onProgress threw
      }
      if (then === "end" && sent.reported < sent.piece.items.length) {
        const { piece, reported } = sent;
        const border = sendable === undefined ? piece.items.length : reported + sendable;
        this.#putBack(part(piece, border, piece.items.length));
        this.#putBack(part(piece, reported, border));
      }
    });
  }

  #onSettled(segment: Segment): void {
    if (segment.rejection !== undefined && this.#failFast) this.fail(segment.rejection.reason);
    else this.outlet.push(segment);
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

  /** Settles and puts back a chunk's items; the run can't end before all of them are. */
  #whole(settle: () => void): void {
    this.#settling++;
    settle();
    this.#settling--;
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#state === "idle" || this.#state === "ended") return;
    if (this.inFlight.size > 0 || this.#settling > 0) return;
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
