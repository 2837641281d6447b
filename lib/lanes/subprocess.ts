/**
 * The lane that is a process of its own: a `Deno.Command` subprocess.
 *
 * Its tasks run in parallel and share nothing: memory that runs out, an exit or a busy loop end
 * only the child, which can always be killed. It pays for long or risky tasks; it costs a start of
 * 25–45 ms, some 50 MB, and a copy of all that goes in and out. The child may touch nothing but what
 * `permissions` says. Python: `multiprocessing.Pool`.
 *
 * @module
 */

import { chunkToHead, headToReport } from "./chunk_frame.ts";
import { type Envelope, openEnvelope } from "./envelope.ts";
import {
  decodeJson,
  decodeValues,
  encodeFrame,
  encodeJsonFrame,
  encodePlain,
  Encoding,
  type Frame,
  FrameKind,
} from "./frame.ts";
import type {
  AskReason,
  Chunk,
  ChunkProgress,
  Death,
  Forced,
  Lane,
  LaneEvents,
  Usage,
} from "./lane.ts";
import { refuseEmptied } from "./emptied.ts";
import { uncloneableReport } from "./uncloneable.ts";
import { type ChildOptions, ChildPipe } from "./child_pipe.ts";
import type { Task } from "./task.ts";
import { TaskNumbers } from "./task_numbers.ts";
import { cloneThrough, serializerOf } from "./v8_clone.ts";
import * as v8 from "node:v8";

const serializer = serializerOf(v8);
const clone = (value: unknown) => cloneThrough(serializer, value);

interface Sent {
  readonly chunk: Chunk;
  mark: { readonly offset: number; readonly sinceMs: number } | undefined;
  asked: boolean;
}

/** Runs chunks in a subprocess. */
export class SubprocessLane implements Lane {
  readonly ready: Promise<number>;
  readonly remote = true;
  // A child in a busy loop reads no message, so what waits there could not be taken back.
  readonly takesAhead = false;
  readonly #events: LaneEvents;
  readonly #options: ChildOptions;
  readonly #startedMs = performance.now();
  readonly #sent = new Map<number, Sent>();
  #taskNumbers = this.#newTaskNumbers();
  readonly #usageWaiters: ((usage: Usage) => void)[] = [];
  #pipe: ChildPipe;
  #usage: Usage = { cpuMs: undefined, peakRssBytes: undefined };
  #becomeReady!: (startMs: number) => void;
  #isReady = false;
  #gone = false;
  #dying: { how: string; error?: unknown } | undefined;
  #clockOffsetMs = 0;

  /**
   * Starts the child.
   *
   * @param events Told of every chunk's end and of the lane's death.
   * @param options The lane's size, tasks and permissions.
   * @throws {LaneStartError} If this program may not run the child.
   */
  constructor(events: LaneEvents, options: ChildOptions) {
    this.#events = events;
    this.#options = options;
    this.ready = new Promise((resolve) => this.#becomeReady = resolve);
    this.#pipe = this.#spawn(true);
  }

  #spawn(preload: boolean): ChildPipe {
    return new ChildPipe({
      ...this.#options,
      preload,
      onFrame: (frame) => this.#receive(frame),
      onEnd: (how) => this.#ended(preload, how),
    });
  }

  accepts(task: Task): boolean {
    return !task.module.startsWith("file:") ||
      this.#options.tasks.some(({ module }) => module === task.module);
  }

  send(chunk: Chunk): void {
    this.#sent.set(chunk.id, { chunk, mark: undefined, asked: false });
    let parts: Uint8Array[];
    try {
      const { encoding, body } = encodePlain(chunk.items) ?? this.#serialize(chunk.items);
      const head = chunkToHead(chunk, this.#taskNumbers.of(chunk.task));
      parts = encodeFrame(FrameKind.chunk, head, encoding, body);
    } catch (error) {
      this.#sent.delete(chunk.id);
      return this.#rejectUncloneable(chunk, error);
    }
    this.#pipe.write(parts);
  }

  #newTaskNumbers(): TaskNumbers {
    return new TaskNumbers(({ module, export: name }, number) => {
      this.#pipe.write(encodeJsonFrame(FrameKind.task, { number, module, export: name }));
    });
  }

  #serialize(items: readonly unknown[]): { encoding: number; body: Uint8Array[] } {
    refuseEmptied(items, clone);
    return { encoding: Encoding.v8, body: [serializer.serialize(items)] };
  }

  #rejectUncloneable(chunk: Chunk, error: unknown): void {
    const report = uncloneableReport(chunk, error, clone);
    // Later, for the dispatcher is not done with sending yet.
    queueMicrotask(() => {
      if (!this.#gone) this.#events.report(chunk, report);
    });
  }

  ask(chunk: Chunk, why: AskReason): void {
    const sent = this.#sent.get(chunk.id);
    if (sent !== undefined) sent.asked = false;
    this.#pipe.write(encodeFrame(FrameKind.ask, [chunk.id, Number(why === "cancel")]));
  }

  progress(chunk: Chunk): ChunkProgress {
    const mark = this.#sent.get(chunk.id)?.mark;
    if (mark !== undefined) return { state: "running", ...mark };
    return { state: chunk.mark ? "waiting" : "unknown" };
  }

  forget(chunk: Chunk): void {
    this.#sent.delete(chunk.id);
  }

  force(chunk: Chunk): Forced {
    const answered = this.#sent.get(chunk.id)?.asked ?? false;
    this.forget(chunk);
    // A child that answered is only waiting: its other tasks may end in peace.
    if (answered) return { task: "stopped", lane: "retired" };
    this.#gone = true;
    this.#settleUsage();
    this.#pipe.kill();
    return { task: "stopped", lane: "dead" };
  }

  usage(): Promise<Usage> {
    if (this.#gone || !this.#isReady) return Promise.resolve(this.#usage);
    this.#pipe.write(encodeFrame(FrameKind.askUsage, []));
    return new Promise((resolve) => this.#usageWaiters.push(resolve));
  }

  async close(): Promise<void> {
    const wasGone = this.#gone;
    this.#gone = true;
    this.#settleUsage();
    this.#becomeReady(NaN);
    if (wasGone) await this.#pipe.ended;
    else await this.#pipe.close();
  }

  #receive(frame: Frame): void {
    if (this.#gone) return;
    switch (frame.kind) {
      case FrameKind.ready:
        this.#isReady = true;
        this.#clockOffsetMs = frame.head[0]! - performance.timeOrigin;
        this.#becomeReady(performance.now() - this.#startedMs);
        break;
      case FrameKind.report:
        this.#report(frame);
        break;
      case FrameKind.mark: {
        const [chunkId, offset, sinceMs] = frame.head;
        const sent = this.#sent.get(chunkId!);
        if (sent) sent.mark = { offset: offset!, sinceMs: sinceMs! + this.#clockOffsetMs };
        break;
      }
      case FrameKind.asked: {
        const sent = this.#sent.get(frame.head[0]!);
        if (sent) sent.asked = true;
        break;
      }
      case FrameKind.usage:
        this.#usage = { cpuMs: frame.head[0], peakRssBytes: frame.head[1] };
        this.#usageWaiters.shift()?.(this.#usage);
        break;
      case FrameKind.dying: {
        const { how, error } = decodeJson(frame) as { how: string; error?: string };
        const envelope = error === undefined ? undefined : JSON.parse(error) as Envelope;
        this.#dying = envelope === undefined ? { how } : { how, error: openEnvelope(envelope) };
        break;
      }
    }
  }

  #report(frame: Frame): void {
    const { chunkId, ...head } = headToReport(frame.head, this.#clockOffsetMs);
    const sent = this.#sent.get(chunkId);
    if (sent === undefined) return; // it was forced to stop, and is settled
    if (head.then === "end") this.#sent.delete(chunkId);
    if (frame.encoding !== Encoding.v8) {
      const values = decodeValues(frame, head.count, undefined);
      return this.#events.report(sent.chunk, { ...head, values, failures: undefined });
    }
    const { values, failures } = serializer.deserialize(frame.body) as {
      values: unknown[];
      failures: { offset: number; ended: "failed"; reason: Envelope }[] | undefined;
    };
    this.#events.report(sent.chunk, {
      ...head,
      values,
      failures: failures?.map((f) => ({ ...f, reason: openEnvelope(f.reason) })),
    });
  }

  #ended(preloaded: boolean, how: string): void {
    if (this.#gone) return;
    if (!this.#isReady && preloaded && this.#options.tasks.length > 0) {
      // The task's module failed to load. Without it the child starts, and says what is wrong with it.
      this.#pipe = this.#spawn(false);
      this.#taskNumbers = this.#newTaskNumbers();
      for (const { chunk } of [...this.#sent.values()]) this.send(chunk);
      return;
    }
    this.#gone = true;
    this.#settleUsage();
    const starting = !this.#isReady;
    this.#becomeReady(NaN);
    const death: Death = { how, ...this.#dying, starting };
    this.#events.died(death);
  }

  #settleUsage(): void {
    for (const resolve of this.#usageWaiters.splice(0)) resolve(this.#usage);
  }
}
