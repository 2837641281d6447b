/**
 * One `map` under way: pulls items, sends them to lanes in chunks, and settles each exactly once.
 *
 * @module
 */

import { CancelledError } from "../lanes/errors.ts";
import type { Chunk, Death, Failure, Report } from "../lanes/lane.ts";
import type { Task } from "../lanes/task.ts";
import { backoffMs } from "./backoff.ts";
import type { Blame } from "./blame.ts";
import { ChunkSizer } from "./chunk_sizer.ts";
import { crashed, MAX_KILLS } from "./crash.ts";
import type { Ending } from "./outcome.ts";
import type { Outlet, OutletRun } from "./outlet.ts";
import { part, type Piece } from "./piece.ts";
import type { LanePool } from "./pool.ts";
import type { Seat, Sent } from "./seat.ts";
import { outcomeAt, type Segment } from "./segment.ts";
import type { SettledOptions } from "./settled_options.ts";
import type { Source } from "./source.ts";
import { Watch } from "./watch.ts";

/** Below this task time a lane is sent chunks ahead, so that it needn't wait for the next message. */
const AHEAD_BELOW_MS = 1;
/** How much work a lane is to have ahead, in milliseconds, and in how many chunks at most. */
const AHEAD_MS = 0.5;
const MAX_AHEAD = 8;
/** Above this task time a lane that can't be watched says which item it starts. */
const MARK_ABOVE_MS = 1;

/** What a run is made of. */
export interface RunParts {
  readonly pool: LanePool;
  readonly task: Task;
  readonly source: Source;
  readonly options: SettledOptions;
  /** Whether the first rejection ends the run. */
  readonly failFast: boolean;
}

/** One `map` under way. */
export class Run implements OutletRun {
  readonly task: Task;
  /** Chunks that are with lanes. */
  readonly inFlight = new Set<Sent>();
  readonly options: SettledOptions;
  readonly #pool: LanePool;
  readonly #source: Source;
  readonly #failFast: boolean;
  readonly #sizer: ChunkSizer;
  readonly #watch: Watch;
  outlet!: Outlet<unknown>;
  /** Pieces to be sent before anything new is pulled. */
  #queue: Piece[] = [];
  /** Pieces that wait for their retry, by timer. */
  readonly #delayed = new Map<ReturnType<typeof setTimeout>, Piece>();
  #state: "idle" | "running" | "stopping" | "ended" = "idle";
  #failure: { readonly error: unknown } | undefined;
  #stopReason: unknown;
  readonly #ended = Promise.withResolvers<void>();
  #consumed = 0;
  #settled = 0;
  #rejected = 0;
  #collecting = false;
  readonly #onAbort = () => void this.cancel(this.options.signal!.reason);

  /** @param parts What it is made of. */
  constructor(parts: RunParts) {
    this.task = parts.task;
    this.options = parts.options;
    this.#pool = parts.pool;
    this.#source = parts.source;
    this.#failFast = parts.failFast;
    this.#sizer = new ChunkSizer(parts.options.chunk);
    this.#watch = new Watch(this, parts.pool.options.graceMs);
  }

  start(collecting: boolean): void {
    this.#collecting = collecting;
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

  taken(count: number): void {
    this.#consumed += count;
    if (this.#state === "running") this.#pool.pump();
  }

  stop(): Promise<void> {
    return this.cancel(new CancelledError("The consumer left the loop"));
  }

  /** Sends one chunk to a lane with a free slot; false if there is no chunk or no such lane. */
  dispatch(): boolean {
    if (this.#state !== "running") return false;
    try {
      const queued = this.#queue[0];
      if (queued === undefined && !this.#mayPull()) return false;
      const seat = this.#pool.seatFor(this, this.#ahead(), queued?.alone ?? false);
      if (seat === undefined) return false;
      const piece = queued === undefined ? this.#pull() : this.#takeQueued(queued);
      if (piece === undefined) return false;
      this.#send(seat, piece);
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  #ahead(): number {
    const { itemMs } = this.#sizer;
    if (itemMs === undefined || itemMs >= AHEAD_BELOW_MS || this.#pool.slots === Infinity) return 0;
    if (this.#pool.seats[0]!.lane?.remote === false) return 0;
    const chunkMs = Math.max(itemMs * this.#sizer.current, 1e-3);
    return Math.min(Math.ceil(AHEAD_MS / chunkMs), MAX_AHEAD);
  }

  /** How many items may still be pulled before the consumer takes some. */
  #room(): number {
    const { buffer } = this.options;
    const { slots } = this.#pool;
    if (slots === Infinity || (buffer === "auto" && this.#collecting)) return Infinity;
    const chunks = slots * this.#sizer.current;
    const beyond = buffer === "auto" ? chunks * (2 + this.#ahead()) : buffer;
    return slots + beyond - (this.#source.pulled - this.#consumed);
  }

  #mayPull(): boolean {
    return !this.#source.done && this.#room() >= 1;
  }

  #pull(): Piece | undefined {
    const { total, pulled } = this.#source;
    const remaining = total === undefined ? undefined : total - pulled;
    const remote = this.#pool.seats[0]!.lane?.remote === true;
    const auto = this.options.chunk === "auto" && !remote;
    const wanted = auto ? 1 : this.#sizer.next(remaining, this.#pool.slots);
    const items = this.#source.pull(Math.min(wanted, this.#room()), this.#onArrival);
    if (items.length === 0) {
      this.#endIfDone();
      return undefined;
    }
    const piece: Piece = {
      firstIndex: pulled,
      items,
      attempt: 1,
      queuedAtMs: performance.now(),
      kills: 0,
      losses: 0,
      alone: false,
    };
    return this.#split(piece, this.#sizer.fit(items));
  }

  readonly #onArrival = (error?: unknown, failed?: boolean): void => {
    if (failed) return this.fail(error);
    this.#pool.pump();
    this.#endIfDone();
  };

  #takeQueued(piece: Piece): Piece {
    this.#queue.shift();
    return piece.alone ? this.#split(piece, 1) : piece;
  }

  /** The first items of a piece; the rest goes to the front of the queue. */
  #split(piece: Piece, count: number): Piece {
    if (count >= piece.items.length) return piece;
    this.#queue.unshift(part(piece, count, piece.items.length));
    return part(piece, 0, count);
  }

  #send(seat: Seat, piece: Piece): void {
    const { timeoutMs, transfer } = this.options;
    const lane = seat.lane!;
    const chunk: Chunk = {
      id: seat.nextChunkId(),
      task: this.task,
      firstIndex: piece.firstIndex,
      items: piece.items,
      attempt: piece.attempt,
      timeoutMs,
      timed: !this.#failFast,
      giveBackMs: this.#sizer.giveBackMs,
      mark: timeoutMs !== Infinity || piece.alone || (this.#sizer.itemMs ?? 0) > MARK_ABOVE_MS,
      transfer,
    };
    const sent: Sent = { run: this, seat, lane, chunk, piece, reported: 0, asked: undefined };
    this.inFlight.add(sent);
    seat.inFlight.set(chunk.id, sent);
    if (piece.alone) seat.exclusive = true;
    lane.send(chunk);
    if (timeoutMs !== Infinity) this.#watch.arm(timeoutMs);
  }

  /** What became of the next items of a chunk. */
  onReport(sent: Sent, report: Report): void {
    const { failures, count, then } = report;
    const from = sent.reported;
    sent.reported += count;
    this.#sizer.learn(count, report.endedAtMs - report.startedAtMs);
    let offset = 0;
    for (const failure of failures ?? []) {
      this.#fulfil(sent, report, from, offset, failure.offset);
      this.#onFailure(sent, report, from, failure);
      offset = failure.offset + 1;
    }
    this.#fulfil(sent, report, from, offset, count);
    if (then === "end") {
      this.inFlight.delete(sent);
      this.#giveBack(sent, report);
    }
    this.#tellProgress();
    this.#endIfDone();
  }

  #giveBack({ piece, reported }: Sent, { sendable }: Report): void {
    const { length } = piece.items;
    if (reported === length) return;
    const border = sendable === undefined ? length : reported + sendable;
    this.#requeue(part(piece, border, length));
    this.#requeue(part(piece, reported, border));
  }

  #fulfil(sent: Sent, report: Report, base: number, from: number, to: number): void {
    if (to <= from) return;
    const { values } = report;
    const whole = from === 0 && values?.length === to;
    this.#push(sent, report, base + from, to - from, {
      values: whole || values === undefined ? values : Array.prototype.slice.call(values, from, to),
      rejection: undefined,
      timesFrom: from,
    });
  }

  #onFailure(sent: Sent, report: Report, base: number, failure: Failure): void {
    const { offset, ended, reason } = failure;
    if (this.#retry(sent, base + offset, ended, reason, {})) return;
    this.#push(sent, report, base + offset, 1, {
      values: undefined,
      rejection: { ended, reason },
      timesFrom: offset,
    });
  }

  #push(
    { piece, seat }: Sent,
    report: Pick<Report, "startedAtMs" | "endedAtMs" | "times">,
    offset: number,
    count: number,
    rest: Pick<Segment, "values" | "rejection" | "timesFrom">,
  ): void {
    this.#settle({
      firstIndex: piece.firstIndex + offset,
      count,
      lane: seat.number,
      attempts: piece.attempt,
      queuedAtMs: piece.queuedAtMs,
      startedAtMs: report.startedAtMs,
      endedAtMs: report.endedAtMs,
      times: report.times,
      ...rest,
    });
  }

  #settle(segment: Segment): void {
    this.#settled += segment.count;
    if (segment.rejection !== undefined) {
      this.#rejected += segment.count;
      if (this.#failFast) return this.fail(segment.rejection.reason);
    }
    this.outlet.push(segment);
  }

  /** Tries an item again, if that is allowed. */
  #retry(
    { piece, seat }: Sent,
    offset: number,
    ended: Ending,
    reason: unknown,
    changes: Partial<Pick<Piece, "kills" | "alone">>,
  ): boolean {
    const { retries } = this.options;
    if (piece.attempt > retries.limit || this.#state !== "running") return false;
    if ((changes.kills ?? 0) >= MAX_KILLS) return false;
    const again = part(piece, offset, offset + 1, { ...changes, attempt: piece.attempt + 1 });
    const rejected = outcomeAt(rejectedSegment(again, seat.number, ended, reason), 0);
    if (rejected.status !== "rejected" || !retries.retryIf(rejected)) return false;
    const timer = setTimeout(() => {
      this.#delayed.delete(timer);
      this.#requeue(again);
      this.#pool.pump();
    }, backoffMs(piece.attempt, retries, reason));
    this.#delayed.set(timer, again);
    return true;
  }

  /** A lane died with a chunk of this run. */
  onLost(sent: Sent, blame: Blame, death: Death): void {
    this.inFlight.delete(sent);
    const { piece, reported } = sent;
    const { length } = piece.items;
    const losses = piece.losses + 1;
    if (blame.kind === "suspects") {
      this.#requeue(part(piece, reported, length, { losses, alone: true }));
    } else if (blame.kind === "innocent" && losses <= MAX_KILLS) {
      this.#requeue(part(piece, reported, length, { losses }));
    } else {
      const offset = blame.kind === "innocent" ? reported : blame.offset;
      this.#requeue(part(piece, offset + 1, length));
      if (blame.kind === "suspect") {
        this.#requeue(part(piece, offset, offset + 1, { losses, alone: true }));
      } else {
        this.#crash(sent, offset, blame.kind === "culprit", death);
      }
      this.#requeue(part(piece, reported, offset));
    }
    this.#endIfDone();
  }

  #crash(sent: Sent, offset: number, started: boolean, death: Death): void {
    const kills = sent.piece.kills + 1;
    const index = sent.piece.firstIndex + offset;
    const reason = crashed(index, kills, started, death);
    if (this.#retry(sent, offset, "crashed", reason, { kills, alone: true })) return;
    this.#rejectOne(sent, offset, "crashed", reason);
  }

  #rejectOne(sent: Sent, offset: number, ended: Ending, reason: unknown): void {
    const { piece, seat } = sent;
    const one = part(piece, offset, offset + 1);
    this.#settle(rejectedSegment(one, seat.number, ended, reason));
  }

  /** Makes a task stop that went on after it was asked to. */
  force(sent: Sent): void {
    const { lane, seat, chunk, piece, reported, asked } = sent;
    const at = lane.progress(chunk);
    const { task, lane: lostLane } = lane.force(chunk);
    const others = [...seat.inFlight.values()].filter((other) => other !== sent);
    this.inFlight.delete(sent);
    if (lostLane === "retired") seat.retiring = true;
    this.#pool.release(sent);
    if (lostLane === "dead") this.#pool.vacate(seat);
    const ended = task === "abandoned"
      ? "abandoned"
      : asked!.why === "cancel"
      ? "cancelled"
      : "timed-out";
    const offset = at.state === "running" ? at.offset : reported;
    this.#requeue(part(piece, offset + 1, piece.items.length));
    this.#rejectOne(sent, offset, ended, this.#watch.reasonFor(sent, offset, ended));
    this.#requeue(part(piece, reported, offset));
    if (lostLane === "dead") {
      for (const other of others) other.run.onForcedAway(other);
    }
    this.#pool.pump();
    this.#endIfDone();
  }

  /** Another task had to be stopped together with the lane on which this chunk was: it runs again. */
  onForcedAway({ piece, reported, ...sent }: Sent): void {
    this.inFlight.forEach((other) => {
      if (other.chunk === sent.chunk) this.inFlight.delete(other);
    });
    this.#requeue(part(piece, reported, piece.items.length));
    this.#endIfDone();
  }

  /** Puts items back to the front of the queue, or cancels them if the run is stopping. */
  #requeue(piece: Piece): void {
    if (piece.items.length === 0) return;
    if (this.#state === "running") this.#queue.unshift(piece);
    else this.#cancelPiece(piece);
  }

  #cancelPiece(piece: Piece): void {
    const reason = new CancelledError(`Item ${piece.firstIndex} was cancelled`, {
      cause: this.#stopReason,
    });
    this.#settle({ ...rejectedSegment(piece, -1, "cancelled", reason), startedAtMs: NaN });
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
    const { unpulled, pulled } = this.#source;
    void this.#source.close();
    const dropped = [...this.#queue, ...this.#delayed.values()];
    for (const timer of this.#delayed.keys()) clearTimeout(timer);
    this.#queue = [];
    this.#delayed.clear();
    for (const piece of dropped) this.#cancelPiece(piece);
    if (unpulled > 0) this.#cancelUnpulled(pulled, unpulled);
    for (const sent of this.inFlight) this.#watch.ask(sent, "cancel");
    this.#endIfDone();
    return this.#ended.promise;
  }

  #cancelUnpulled(firstIndex: number, count: number): void {
    const items = { length: count } as unknown[];
    const now = performance.now();
    this.#cancelPiece({
      firstIndex,
      items,
      attempt: 1,
      queuedAtMs: now,
      kills: 0,
      losses: 0,
      alone: false,
    });
  }

  #tellProgress(): void {
    const { onProgress } = this.options;
    if (onProgress === undefined || this.#state !== "running") return;
    try {
      onProgress({
        pulled: this.#source.pulled,
        settled: this.#settled,
        rejected: this.#rejected,
        total: this.#source.total,
      });
    } catch (error) {
      this.fail(error);
    }
  }

  #endIfDone(): void {
    if (this.#state === "idle" || this.#state === "ended" || this.inFlight.size > 0) return;
    const nothingLeft = this.#source.done && this.#queue.length === 0 && this.#delayed.size === 0;
    if (this.#state === "stopping" || nothingLeft) this.#finish();
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

function rejectedSegment(piece: Piece, lane: number, ended: Ending, reason: unknown): Segment {
  const now = performance.now();
  return {
    firstIndex: piece.firstIndex,
    count: piece.items.length,
    values: undefined,
    rejection: { ended, reason },
    lane,
    attempts: lane < 0 ? piece.attempt - 1 : piece.attempt,
    queuedAtMs: piece.queuedAtMs,
    startedAtMs: now,
    endedAtMs: now,
    times: undefined,
    timesFrom: 0,
  };
}
