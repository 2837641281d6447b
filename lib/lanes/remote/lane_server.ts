/**
 * The side of a remote lane that runs the tasks. It imports no npm package: a lane must start fast.
 *
 * @module
 */

import type { Device, Report } from "../lane.ts";
import { LaneTasks } from "../lane_tasks.ts";
import { loadFromProgram, loadTask } from "../load_task.ts";
import { type BatchHost, BatchRun, type LaneRun } from "../run_batch.ts";
import type { Task } from "../task.ts";
import { traced } from "../telemetry.ts";
import { type Cells, SEVERAL } from "./cells.ts";
import {
  type BatchHead,
  FromLane,
  readBatchHead,
  reportHead,
  type TaskToLoad,
  ToLane,
} from "./channel.ts";
import { type Envelope, openEnvelope, sealEnvelope } from "./envelope.ts";
import { copyOfBuffer, inspect, movable, MOVE_BYTES, refusal } from "./inspect.ts";
import { decode, encode, encodeAtOnce, type Encoded, type Payload } from "./values.ts";
import type { Way } from "./way.ts";

/** A batch, and its items once they are read. */
export interface ServedBatch extends BatchHead {
  items: readonly unknown[];
}

/** Makes a run of a batch whose task is ready. */
export type MakeRun = (batch: ServedBatch, host: BatchHost<ServedBatch>) => LaneRun<ServedBatch>;

/** What runs tasks in another way than by their functions. */
export interface Runner {
  /** What it computes on. */
  readonly device: Device;
  /** Makes a task ready; rejects with {@linkcode TaskLoadError} if that can't be done. */
  ready(task: Task): Promise<MakeRun>;
}

/** What the lane's place gives it. */
interface ServerHost {
  readonly slots: number;
  readonly way: Way;
  /** Memory that is shared with the caller. */
  readonly cells?: Cells;
  /** Runs tasks; their functions do unless given. */
  readonly runner?: Runner | undefined;
  /** Sends a message to the caller; throws if the payload can't be cloned. */
  send(
    kind: number,
    head: ArrayLike<number>,
    payload?: unknown,
    moves?: ArrayBuffer[],
  ): void;
  /** CPU time and peak memory of this place alone, in milliseconds and bytes; NaN if not its own. */
  usage(): readonly [cpuMs: number, peakRssBytes: number];
}

/** Runs the batches that it is sent, as many at a time as there are slots. */
export class LaneServer {
  readonly #host: ServerHost;
  readonly #ready = new Map<number, MakeRun>();
  readonly #waiting: ServedBatch[] = [];
  /** Batches whose task is not ready. */
  readonly #early: ServedBatch[] = [];
  readonly #running = new Map<number, LaneRun<ServedBatch>>();
  readonly #batchHost: BatchHost<ServedBatch>;
  #freeSlots: number;
  /** One after another, so that the caller knows which one it is that doesn't end, or ends the lane. */
  #loading: Promise<void> = Promise.resolve();
  #tasks: LaneTasks | undefined;
  #shared: unknown;
  /** The task that is just being loaded. */
  #loads: { readonly number: number; readonly isProgram: boolean } | undefined;

  constructor(host: ServerHost) {
    this.#host = host;
    this.#freeSlots = host.slots;
    const { cells } = host;
    this.#batchHost = {
      report: (run, report) => this.#onReport(run, report),
      keep: (result, { transfer }) => copyOfBuffer(result, transfer ? MOVE_BYTES : Infinity),
      starting: (run) => {
        const { id, mark } = run.batch;
        if (cells !== undefined) cells.starting(id, run.offset, run.sinceMs);
        else if (mark) this.#mark(run);
      },
      ...(cells !== undefined && {
        waiting: (run) => cells.waiting(run.batch.id),
        isCancelled: ({ id }) => cells.isCancelled(id),
      }),
    };
  }

  /** Says that tasks can be taken. */
  start(): void {
    this.#host.send(FromLane.ready, [performance.timeOrigin]);
  }

  receive(kind: number, head: ArrayLike<number>, payload: unknown): void {
    switch (kind) {
      case ToLane.load:
        this.#loading = this.#loading.then(() => this.#load(head[0]!, payload as TaskToLoad));
        break;
      case ToLane.shared:
        this.#shared = decode(head[0] === 1, payload as Payload).values?.[0];
        break;
      case ToLane.dispose:
        void this.#dispose();
        break;
      case ToLane.batch:
        this.#take(readBatchHead(head), payload as Payload);
        break;
      case ToLane.ask:
        this.#ask(head[0]!, head[1] === 1, payload as Envelope | undefined);
        break;
      case ToLane.usage:
        this.#host.send(FromLane.usage, this.#host.usage(), this.#host.runner?.device);
        break;
    }
  }

  async #load(number: number, { isProgram, ...task }: TaskToLoad): Promise<void> {
    this.#loads = { number, isProgram };
    try {
      this.#ready.set(number, await this.#makeReady(task));
    } catch (error) {
      return this.#host.send(FromLane.unloadable, [number], sealEnvelope(error, this.#host.way));
    }
    this.#host.send(FromLane.loaded, [number]);
    for (const batch of this.#early.splice(0)) this.#hold(batch);
  }

  async #makeReady(task: Task): Promise<MakeRun> {
    const load = (task: Task) => this.#loads!.isProgram ? loadFromProgram(task) : loadTask(task);
    const { runner } = this.#host;
    if (runner !== undefined) {
      await load(task);
      return await runner.ready(task);
    }
    this.#tasks ??= new LaneTasks({
      shared: this.#shared,
      onSetup: () => this.#host.send(FromLane.settingUp, [this.#loads!.number]),
      load,
    });
    const ready = await this.#tasks.ready(task);
    return (batch, host) => new BatchRun(batch, traced(ready, batch.span), host, ready.given);
  }

  async #dispose(): Promise<void> {
    const failures = await this.#tasks?.close() ?? [];
    const envelopes = failures.map((failure) => sealEnvelope(failure, this.#host.way));
    this.#host.send(FromLane.disposed, [], envelopes);
  }

  #take(head: BatchHead, payload: Payload): void {
    const { values } = decode(head.special, payload);
    const batch = head as ServedBatch;
    batch.items = (values ?? new Array(head.count).fill(undefined)) as unknown[];
    this.#hold(batch);
  }

  #hold(batch: ServedBatch): void {
    if (!this.#ready.has(batch.task)) return void this.#early.push(batch);
    this.#waiting.push(batch);
    this.#startNext();
  }

  #startNext(): void {
    while (this.#freeSlots > 0) {
      const batch = this.#waiting.shift();
      if (batch === undefined) return;
      // It may have been taken back.
      if (this.#host.cells?.take(batch.id) === false) continue;
      const run = this.#ready.get(batch.task)!(batch, this.#batchHost);
      this.#freeSlots--;
      this.#running.set(batch.id, run);
      run.start();
    }
  }

  #onReport(run: LaneRun<ServedBatch>, report: Report): void {
    const { batch } = run;
    const firstIndex = batch.firstIndex + run.offset - report.count;
    if (batch.transfer) this.#sendMoving(batch.id, report, firstIndex);
    else this.#send(batch.id, report, firstIndex, []);
    if (!report.last) return;
    this.#running.delete(batch.id);
    this.#freeSlots++;
    this.#startNext();
  }

  /** What moves travels alone: where it can't, no other result is to be harmed. */
  #sendMoving(id: number, report: Report, firstIndex: number): void {
    const { values, count } = report;
    let from = 0;
    const send = (to: number, moves: ArrayBuffer[]) => {
      const last = report.last && to === count;
      if (to > from || last) this.#send(id, part(report, from, to, last), firstIndex + from, moves);
      from = to;
    };
    for (let at = 0; values !== undefined && at < count; at++) {
      const { buffers, bytes } = movable(values[at]);
      if (bytes < MOVE_BYTES) continue;
      if (at > from) send(at, []);
      send(at + 1, buffers);
    }
    if (from < count || count === 0) send(count, []);
  }

  #send(id: number, report: Report, firstIndex: number, moves: ArrayBuffer[]): void {
    const { way } = this.#host;
    const { values = [], failures } = report;
    const atOnce = failures === undefined ? encodeAtOnce(values) : undefined;
    if (atOnce !== undefined) return this.#post(id, report, atOnce, []);
    try {
      const { refused, count, special } = inspect(values, way);
      if (refused || count < values.length) throw undefined;
      this.#post(id, report, encode(values, failures, special, way), moves);
    } catch {
      const sendable = withoutRefused(report, firstIndex, way);
      const { special } = inspect(sendable.values ?? [], way);
      this.#post(id, sendable, encode(sendable.values ?? [], sendable.failures, special, way), []);
    }
  }

  #post(id: number, report: Report, { special, payload }: Encoded, moves: ArrayBuffer[]): void {
    const head = reportHead(id, report, special);
    const all = payload instanceof Float64Array ? [payload.buffer as ArrayBuffer] : moves;
    try {
      this.#host.send(FromLane.report, head, payload, all);
    } catch (error) {
      if (moves.length === 0) throw error;
      // Such as WebAssembly's memory, which can't be moved; nothing was, so it is copied.
      this.#host.send(FromLane.report, head, payload);
    }
  }

  #ask(id: number, isCancel: boolean, reason: Envelope | undefined): void {
    const run = this.#running.get(id);
    if (run === undefined) {
      if (isCancel) this.#drop(id);
    } else {
      const given = reason === undefined ? undefined : openEnvelope(reason);
      run.ask(isCancel ? "cancel" : "timeout", given);
    }
    this.#host.send(FromLane.asked, [id]);
  }

  /** A batch that waits for a slot is not to be started any more. */
  #drop(id: number): void {
    for (const queue of [this.#waiting, this.#early]) {
      const at = queue.findIndex((batch) => batch.id === id);
      if (at < 0) continue;
      queue.splice(at, 1);
      const nowMs = performance.now();
      this.#send(
        id,
        {
          count: 0,
          values: undefined,
          failures: undefined,
          startedAtMs: nowMs,
          endedAtMs: nowMs,
          times: undefined,
          last: true,
        },
        0,
        [],
      );
    }
  }

  #mark(run: LaneRun<ServedBatch>): void {
    this.#host.send(FromLane.mark, [run.batch.id, run.offset, run.sinceMs]);
  }

  /**
   * Says that this place is about to end: first what has ended in it and what runs, so that no
   * result is lost and nobody else is blamed.
   */
  announceEnd(how: string, error?: unknown): void {
    for (const run of this.#running.values()) {
      if (!run.running) continue;
      run.reportEnded();
      const { cells } = this.#host;
      if (cells === undefined) this.#mark(run);
      else if (run.together > 1) cells.starting(run.batch.id, SEVERAL, run.sinceMs);
    }
    const envelope = error === undefined ? undefined : sealEnvelope(error, this.#host.way);
    this.#host.send(FromLane.ending, [], { how, error: envelope });
  }
}

function part(report: Report, from: number, to: number, last: boolean): Report {
  const { values, failures, times } = report;
  return {
    ...report,
    count: to - from,
    last,
    values: values === undefined ? undefined : Array.prototype.slice.call(values, from, to),
    failures: failures?.filter(({ offset }) => offset >= from && offset < to).map((failure) => ({
      ...failure,
      offset: failure.offset - from,
    })),
    times: times?.slice(2 * from, 2 * to),
  };
}

/** A report without the values that can't be sent: they become failures that say why. */
function withoutRefused(report: Report, firstIndex: number, way: Way): Report {
  const values = Array.from(report.values ?? []);
  const failures = [...report.failures ?? []];
  for (const [offset, value] of values.entries()) {
    const { refused, special } = inspect([value], way);
    let cause: unknown;
    try {
      if (!refused) {
        way.clone(encode([value], undefined, special, way).payload);
        continue;
      }
    } catch (error) {
      cause = error;
    }
    values[offset] = undefined;
    const reason = refusal(`the result of item ${firstIndex + offset}`, value, way, cause);
    failures.push({ offset, ended: "failed", reason });
  }
  failures.sort((a, b) => a.offset - b.offset);
  return { ...report, values, failures };
}
