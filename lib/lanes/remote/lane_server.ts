/** The side of a remote lane that runs tasks. It imports no npm package, so that lanes start fast. */

import { batchOfContext, contextOfBatch, inAsyncContext } from "../async_context.ts";
import { attempt } from "../attempt.ts";
import type { Device, Report } from "../lane.ts";
import { GIVEN_NOTHING, LaneTasks, loadFromProgram, loadTask } from "../lane_tasks.ts";
import { type BatchHost, BatchRun, type LaneRun } from "../run_batch.ts";
import { type Task, titleOf } from "../task.ts";
import { traced } from "../telemetry.ts";
import { type Cells, SEVERAL } from "./cells.ts";
import {
  BATCH_TASK,
  decode,
  droppedHead,
  encode,
  encodeAlone,
  encodeAtOnce,
  FromLane,
  type Payload,
  readBatch,
  reportHead,
  type ServedBatch,
  type TaskToLoad,
  ToLane,
} from "./channel.ts";
import { keptIn, movable, MOVE_BYTES, ownBuffer, sendMoving } from "./buffers.ts";
import { type Cloning, inspect } from "./clone.ts";
import { type Envelope, openEnvelope, sealEnvelope } from "./envelope.ts";
import { failureLoss, isMoreThanBytes, lossError, objectionsOn, valueLoss } from "./fidelity.ts";

export type MakeRun = (batch: ServedBatch, host: BatchHost<ServedBatch>) => LaneRun<ServedBatch>;

/** Runs tasks by other means than calling their functions, for example on a GPU. */
export interface BatchRunner {
  readonly device: Device;
  /** Makes a task ready; rejects with {@linkcode TaskLoadError} if that can't be done. */
  ready(task: Task): Promise<MakeRun>;
}

interface ServerHost {
  readonly slots: number;
  readonly cloning: Cloning;
  readonly cells?: Cells;
  /** Runs the tasks; their functions are called unless given. */
  readonly runner?: BatchRunner | undefined;
  /** Sends a message to the caller; throws if the payload can't be cloned. */
  send(kind: number, head: ArrayLike<number>, payload?: unknown, moves?: ArrayBuffer[]): void;
  /** CPU time in milliseconds and peak memory in bytes of this lane alone; NaN if not measured separately. */
  usage(): readonly [cpuMs: number, peakRssBytes: number];
}

/** A resource of more parts than this isn't searched for each large buffer: copying the buffer is quicker. */
const MOST_LOOKED_AT = 1000;

export class LaneServer {
  /** Loaded tasks by their numbers. */
  readonly #ready = new Map<number, { readonly task: Task; readonly makeRun: MakeRun }>();
  readonly #waiting: LaneRun<ServedBatch>[] = [];
  readonly #running = new Map<number, LaneRun<ServedBatch>>();
  readonly #batchHost: BatchHost<ServedBatch>;
  #keptInShared: ReturnType<typeof keptIn> | undefined;
  /** Modules load one after another, so that the caller knows which one hangs or ends the lane. */
  #loading: Promise<void> = Promise.resolve();
  #tasks: LaneTasks | undefined;
  #shared: unknown;
  /** The number of the task that is being loaded. */
  #loads = 0;

  constructor(private readonly host: ServerHost) {
    const { cells } = host;
    this.#batchHost = {
      report: (run, report) => this.#onReport(run, report),
      // A result that would be refused for its class isn't copied, because the copy would lose that class.
      keep: (result, run) => {
        const { transfer, fidelity } = run.batch.settings;
        if (isMoreThanBytes(result, host.cloning, fidelity)) return result;
        return ownBuffer(result, (buffer) => transfer && this.#notKept([buffer], run).length > 0);
      },
      starting: (run) => {
        if (cells !== undefined) return cells.starting(run.batch.id, run.current, run.sinceMs);
        if (run.batch.tellsStarts) this.#tellStart(run);
        return false;
      },
      waiting: (run) => cells?.waiting(run.batch.id),
      isCancelled: ({ id }) => cells?.isCancelled(id) ?? false,
    };
  }

  receive(kind: number, head: ArrayLike<number>, payload: unknown): void {
    switch (kind) {
      case ToLane.load:
        this.#loading = this.#loading.then(() => this.#load(head[0]!, payload as TaskToLoad));
        break;
      case ToLane.shared:
        this.#shared = decode(payload as Payload).values?.[0];
        break;
      case ToLane.dispose:
        void this.#dispose();
        break;
      case ToLane.batch: {
        const { task, makeRun } = this.#ready.get(head[BATCH_TASK]!)!;
        this.#waiting.push(makeRun(readBatch(head, payload as Payload, task), this.#batchHost));
        this.#startNext();
        break;
      }
      case ToLane.ask:
        this.#ask(head, payload as Envelope | undefined);
        break;
      case ToLane.usage:
        this.host.send(FromLane.usage, this.host.usage(), this.host.runner?.device);
        break;
    }
  }

  async #load(number: number, { isProgram, ...task }: TaskToLoad): Promise<void> {
    this.#loads = number;
    this.host.send(FromLane.loading, [number, 0]);
    try {
      await (isProgram ? loadFromProgram : loadTask)(task);
      this.#ready.set(number, { task, makeRun: await this.#makeReady(task) });
    } catch (error) {
      return this.host.send(FromLane.unloadable, [number], sealEnvelope(error, this.host.cloning));
    }
    this.host.send(FromLane.loaded, [number]);
  }

  async #makeReady(task: Task): Promise<MakeRun> {
    const { runner } = this.host;
    if (runner !== undefined) return await runner.ready(task);
    const onSetup = (_: string, mayHold: boolean) =>
      this.host.send(FromLane.loading, [this.#loads, Number(mayHold)]);
    this.#tasks ??= new LaneTasks({ shared: this.#shared, onSetup });
    const ready = await this.#tasks.ready(task);
    return (batch, host) => new BatchRun(batch, traced(ready, batch.span), host, ready.given);
  }

  async #dispose(): Promise<void> {
    const failures = await this.#tasks?.close() ?? [];
    const envelopes = failures.map((failure) => sealEnvelope(failure, this.host.cloning));
    this.host.send(FromLane.disposed, [], envelopes);
  }

  #startNext(): void {
    while (this.#running.size < this.host.slots) {
      const run = this.#waiting.shift();
      if (run === undefined) return;
      const { id } = run.batch;
      // The caller may have recalled it.
      if (this.host.cells?.take(id) === false) continue;
      this.#running.set(id, run);
      inAsyncContext(contextOfBatch(id), () => run.start());
    }
  }

  #onReport(run: LaneRun<ServedBatch>, report: Report): void {
    const { batch } = run;
    this.#send(run, report);
    if (!report.last) return;
    this.#running.delete(batch.id);
    this.#startNext();
  }

  #send(run: LaneRun<ServedBatch>, report: Report): void {
    const { id, settings: { fidelity } } = run.batch;
    const { cloning } = this.host;
    const { values = [] } = report;
    const failures = fidelity === "as sent"
      ? report.failures
      : report.failures?.map((of) => ({ ...of, lost: failureLoss(of, cloning, fidelity) }));
    const atOnce = failures === undefined ? encodeAtOnce(values) : null;
    if (atOnce !== null) return this.#post(id, report, atOnce);
    // A proxy, for example, passes the inspection but can't be cloned.
    if (attempt(() => this.#sendAll(run, report, failures), false)) return;
    const sendable = this.#withoutRefused(run, report, failures);
    const { bytes } = inspect(sendable.values, cloning);
    const encoded = encode(sendable.values, sendable.failures, true, cloning);
    this.#post(id, { ...report, bytes }, encoded);
  }

  /** Sends a report if all of its values can be sent; returns false or throws if some can't. */
  #sendAll(run: LaneRun<ServedBatch>, report: Report, failures: Report["failures"]): boolean {
    const { id, settings: { transfer, fidelity } } = run.batch;
    const { cloning } = this.host;
    const { values = [] } = report;
    const found = inspect(values, cloning, { objects: objectionsOn(cloning, fidelity) });
    if (found.refused || found.count < values.length) return false;
    const encoded = encode(values, failures, found.special, cloning);
    const moves = transfer ? movable(values) : [];
    const large = moves.filter((buffer) => buffer.byteLength >= MOVE_BYTES);
    this.#post(id, { ...report, bytes: found.bytes }, encoded, this.#notKept(large, run));
    return true;
  }

  /** The report's values that can be sent; the others become failures that say why. */
  #withoutRefused(run: LaneRun<ServedBatch>, report: Report, others: Report["failures"] = []) {
    const { task, firstIndex, settings: { fidelity } } = run.batch;
    const { cloning } = this.host;
    const values = Array.from(report.values ?? []);
    const failures = [...others];
    for (const [offset, value] of values.entries()) {
      const index = firstIndex + run.offset - report.count + offset;
      const lost = valueLoss(value, cloning, fidelity);
      try {
        if (lost !== undefined) throw lossError(task, index, lost);
        encodeAlone(`the result of item ${index} of ${titleOf(task)}`, value, cloning);
      } catch (reason) {
        values[offset] = undefined;
        failures.push({ offset, ended: "failed", reason, ...(lost !== undefined && { lost }) });
      }
    }
    // Values that couldn't be sent together can be sent one by one.
    if (failures.length === 0) return { values, failures: undefined };
    return { values, failures: failures.sort((a, b) => a.offset - b.offset) };
  }

  /** Those of the buffers that are neither in `shared` nor, by now, in `resource`, which later tasks use. */
  #notKept(buffers: ArrayBuffer[], { given = GIVEN_NOTHING }: LaneRun): ArrayBuffer[] {
    if (buffers.length === 0) return buffers;
    const inShared = this.#keptInShared ??= keptIn(given.shared);
    const inResource = keptIn(given.resource, MOST_LOOKED_AT);
    return buffers.filter((buffer) => !inShared(buffer) && !inResource(buffer));
  }

  #post(id: number, report: Report, payload: Payload, moves?: ArrayBuffer[]): void {
    const head = reportHead(id, report);
    sendMoving((moves) => this.host.send(FromLane.report, head, payload, moves), moves);
  }

  #ask(head: ArrayLike<number>, reason: Envelope | undefined): void {
    const [id, isCancel] = [head[0]!, head[1] === 1];
    const run = this.#running.get(id);
    if (run === undefined) {
      if (isCancel) this.#drop(id);
    } else if (isCancel || run.current === head[2]) {
      // On a timeout, the late item may have ended meanwhile, and the next item must not be stopped for it.
      const given = reason === undefined ? undefined : openEnvelope(reason);
      run.ask(isCancel ? "cancel" : "timeout", given);
    }
    this.host.send(FromLane.asked, [id]);
  }

  /** Drops a batch that waits for a slot. */
  #drop(id: number): void {
    const at = this.#waiting.findIndex(({ batch }) => batch.id === id);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    this.host.send(FromLane.report, droppedHead(id));
  }

  #tellStart(run: LaneRun<ServedBatch>): void {
    this.host.send(FromLane.started, [run.batch.id, run.current, run.sinceMs]);
  }

  /**
   * Announces that this lane is about to end. The ended items and the running ones are reported first, so that
   * no result is lost and no other task is blamed.
   */
  announceEnd(how: string, error?: unknown): void {
    const running = [...this.#running.values()].filter((run) => run.running);
    for (const run of running) {
      run.reportEnded();
      const { cells } = this.host;
      if (cells === undefined) this.#tellStart(run);
      else if (run.together > 1) cells.starting(run.batch.id, SEVERAL, run.sinceMs);
    }
    const envelope = error === undefined ? undefined : sealEnvelope(error, this.host.cloning);
    const by = batchOfContext();
    this.host.send(FromLane.ending, [], { how, error: envelope, ...(by !== undefined && { by }) });
  }
}
