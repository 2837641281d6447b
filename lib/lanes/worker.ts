/**
 * The lane that is a thread: a Web Worker.
 *
 * Its tasks run beside this event loop, on a core of their own: parallelism. It pays for tasks that
 * compute for more than a fraction of a millisecond, and isolates an uncaught error, but neither
 * memory (one worker out of memory ends the program) nor, without `--unstable-worker-options`,
 * permissions: it may do what the program may. A thread takes about 12 ms and 8 MB. A busy loop in it
 * can be asked to stop, through shared memory, but not be made to. Python: `ThreadPoolExecutor`,
 * for CPU work what the GIL forbids.
 *
 * @module
 */

import { openEnvelope } from "./envelope.ts";
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
import { chunkToHead } from "./chunk_frame.ts";
import { reserveSignalPipe } from "./descriptor_reserve.ts";
import { Life } from "./life.ts";
import { pack } from "./packing.ts";
import type { Task } from "./task.ts";
import { TaskNumbers } from "./task_numbers.ts";
import { buffersOf } from "./transfer.ts";
import { refuseEmptied } from "./emptied.ts";
import { uncloneableReport } from "./uncloneable.ts";
import { abandonWorker } from "./abandoned.ts";
import { WorkerCells } from "./worker_cells.ts";
import { mayImport, workerPermissions } from "./worker_permissions.ts";
import { type FromWorker, FromWorkerKind, type ToWorker, ToWorkerKind } from "./worker_message.ts";

/** What a worker lane is made of. */
export interface WorkerLaneOptions {
  /** Slots on the lane, from 1. */
  readonly slots: number;
  /** The lane's number, for the thread's name. */
  readonly number: number;
  /** Narrower permissions; needs `--unstable-worker-options`. The program's own unless given. */
  readonly permissions?: Deno.PermissionOptions;
  /** Tasks whose folders the thread may read even so, for their modules are imported in it. */
  readonly tasks: readonly Task[];
}

/** Runs chunks in a worker thread. */
export class WorkerLane implements Lane {
  readonly ready: Promise<number>;
  readonly remote = true;
  readonly takesAhead = true;
  readonly #events: LaneEvents;
  readonly #worker: Worker;
  readonly #cells: WorkerCells;
  readonly #options: WorkerLaneOptions;
  readonly #life = new Life(() => this.#die({ how: "ended without a word" }));
  readonly #chunks = new Map<number, Chunk>();
  readonly #asked = new Set<number>();
  readonly #taskNumbers = new TaskNumbers(({ module, export: name }, number) => {
    this.#post([ToWorkerKind.task, number, module, name]);
  });
  readonly #usageWaiters: ((usage: Usage) => void)[] = [];
  #cpuMs: number | undefined;
  readonly #startedMs = performance.now();
  #becomeReady!: (startMs: number) => void;
  #isReady = false;
  #gone = false;
  #lifeEnded: Promise<void> | undefined;
  /** Add to a time of the worker's clock to get the caller's. */
  #clockOffsetMs = 0;

  /**
   * Starts the thread.
   *
   * @param events Told of every chunk's end and of the lane's death.
   * @param options The lane's size and permissions.
   */
  constructor(events: LaneEvents, options: WorkerLaneOptions) {
    this.#events = events;
    this.#cells = new WorkerCells(options.slots);
    this.ready = new Promise((resolve) => this.#becomeReady = resolve);
    this.#options = options;
    const permissions = workerPermissions(options.permissions, options.tasks);
    reserveSignalPipe();
    this.#worker = new Worker(new URL("./worker_main.ts", import.meta.url), {
      type: "module",
      name: `lane ${options.number}`,
      ...(permissions === undefined ? {} : { deno: { permissions } }),
    });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    this.#worker.onmessageerror = () => this.#die({ how: "sent a message that can't be read" });
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#die({ how: `stopped: ${event.message}` });
    };
    this.#post([ToWorkerKind.open, options.slots, this.#cells.buffer, this.#life.name]);
  }

  accepts(task: Task): boolean {
    const { permissions, tasks } = this.#options;
    return mayImport(permissions, tasks, task);
  }

  send(chunk: Chunk): void {
    const { items, transfer } = chunk;
    this.#chunks.set(chunk.id, chunk);
    const packed = pack(items);
    const move: Transferable[] = transfer ? buffersOf(items) : [];
    if (packed instanceof Float64Array) move.push(packed.buffer);
    try {
      if (Array.isArray(packed)) refuseEmptied(items);
      const head = chunkToHead(chunk, this.#taskNumbers.of(chunk.task));
      this.#post([ToWorkerKind.chunk, head, packed, transfer], move);
    } catch (error) {
      this.#chunks.delete(chunk.id);
      const report = uncloneableReport(chunk, error, structuredClone);
      // Later, for the dispatcher is not done with sending yet.
      queueMicrotask(() => {
        if (!this.#gone) this.#events.report(chunk, report);
      });
    }
  }

  ask(chunk: Chunk, why: AskReason): void {
    if (why === "cancel") this.#cells.cancel(chunk.id);
    this.#asked.delete(chunk.id);
    this.#post([ToWorkerKind.ask, chunk.id, why]);
  }

  progress(chunk: Chunk): ChunkProgress {
    const slot = this.#cells.find(chunk.id);
    if (slot === undefined) return { state: "waiting" };
    return { state: "running", offset: slot.offset, sinceMs: slot.sinceMs + this.#clockOffsetMs };
  }

  forget(chunk: Chunk): void {
    this.#chunks.delete(chunk.id);
  }

  force(chunk: Chunk): Forced {
    this.forget(chunk);
    // A thread that answered is only waiting, and will end when it is terminated.
    if (this.#asked.has(chunk.id)) return { task: "stopped", lane: "retired" };
    this.#end();
    // It was not the one that kept the thread busy: it never started.
    if (this.#cells.find(chunk.id) === undefined) return { task: "stopped", lane: "dead" };
    abandonWorker(this.#worker);
    return { task: "abandoned", lane: "dead" };
  }

  usage(): Promise<Usage> {
    if (this.#gone || !this.#isReady) {
      return Promise.resolve({ cpuMs: this.#cpuMs, peakRssBytes: undefined });
    }
    this.#post([ToWorkerKind.usage]);
    return new Promise((resolve) => this.#usageWaiters.push(resolve));
  }

  async close(): Promise<void> {
    this.#end();
    await this.#lifeEnded;
  }

  #receive(message: FromWorker): void {
    if (this.#gone) return;
    switch (message[0]) {
      case FromWorkerKind.ready:
        this.#clockOffsetMs = message[1] - performance.timeOrigin;
        this.#isReady = true;
        this.#life.watch();
        this.#becomeReady(performance.now() - this.#startedMs);
        break;
      case FromWorkerKind.report:
        this.#report(message);
        break;
      case FromWorkerKind.asked:
        this.#asked.add(message[1]);
        break;
      case FromWorkerKind.usage:
        this.#cpuMs = message[1];
        this.#usageWaiters.shift()?.({ cpuMs: this.#cpuMs, peakRssBytes: undefined });
        break;
      case FromWorkerKind.dying: {
        const [, how, error] = message;
        this.#die(error === undefined ? { how } : { how, error: openEnvelope(error) });
        break;
      }
    }
  }

  #report(message: FromWorker & readonly [typeof FromWorkerKind.report, ...unknown[]]): void {
    const [, chunkId, count, startedAtMs, endedAtMs, then, values, failures, times] = message;
    const chunk = this.#chunks.get(chunkId);
    if (chunk === undefined) return; // it was forced to stop, and is settled
    if (then === "end") {
      this.#chunks.delete(chunkId);
      this.#asked.delete(chunkId);
    }
    const offset = this.#clockOffsetMs;
    if (times !== undefined) { for (let at = 0; at < times.length; at++) times[at]! += offset; }
    this.#events.report(chunk, {
      count,
      then,
      values,
      times,
      startedAtMs: startedAtMs + offset,
      endedAtMs: endedAtMs + offset,
      failures: failures?.map((f) => ({ ...f, reason: openEnvelope(f.reason) })),
    });
  }

  #post(message: ToWorker, move: Transferable[] = []): void {
    this.#worker.postMessage(message, move);
  }

  #die(death: Omit<Death, "starting">): void {
    if (this.#gone) return;
    const starting = !this.#isReady;
    this.#end();
    this.#events.died({ ...death, starting });
  }

  #end(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#worker.terminate();
    this.#lifeEnded = this.#life.end();
    this.#becomeReady(NaN);
    for (const resolve of this.#usageWaiters.splice(0)) {
      resolve({ cpuMs: this.#cpuMs, peakRssBytes: undefined });
    }
  }
}
