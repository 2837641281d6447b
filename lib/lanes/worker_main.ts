/// <reference lib="deno.worker" />
/**
 * What runs in a worker lane's thread. It imports no npm package: a lane must start fast.
 *
 * @module
 */

import { headToChunk } from "./chunk_frame.ts";
import { sealEnvelope } from "./envelope.ts";
import type { Chunk, Report } from "./lane.ts";
import { loadTask } from "./load_task.ts";
import { holdWhileAlive } from "./life.ts";
import { pack } from "./packing.ts";
import { type ChunkHost, ChunkRun } from "./run_chunk.ts";
import type { Task, TaskFunction } from "./task.ts";
import { buffersOf } from "./transfer.ts";
import { refuseEmptied } from "./emptied.ts";
import { withoutUncloneable } from "./uncloneable.ts";
import { WorkerCells } from "./worker_cells.ts";
import { type FromWorker, FromWorkerKind, type ToWorker, ToWorkerKind } from "./worker_message.ts";

const scope = self as unknown as DedicatedWorkerGlobalScope;

/** What a slot does for the chunk that runs in it. */
class SlotHost implements ChunkHost {
  readonly #slot: number;

  constructor(slot: number) {
    this.#slot = slot;
  }

  report(run: ChunkRun, report: Report): void {
    postReport(run.chunk, report, run.offset - report.count);
    if (report.then !== "end") return;
    running.delete(run.chunk.id);
    cells.idle(this.#slot);
    freeSlots.push(this);
    startNext();
  }

  starting(run: ChunkRun): void {
    cells.starting(this.#slot, run.chunk.id, run.offset, run.sinceMs);
  }

  isCancelled(chunkId: number): boolean {
    return cells.isCancelled(chunkId);
  }
}

let cells: WorkerCells;
const tasks: Task[] = [];
const freeSlots: SlotHost[] = [];
const waiting: { readonly chunk: Chunk; readonly fn: TaskFunction }[] = [];
const running = new Map<number, ChunkRun>();

function startNext(): void {
  if (freeSlots.length === 0) return;
  const next = waiting.shift();
  if (next === undefined) return;
  const run = new ChunkRun(next.chunk, next.fn, freeSlots.pop()!);
  running.set(next.chunk.id, run);
  run.start();
}

function take(chunk: Chunk): void {
  const fn = loadTask(chunk.task);
  if (typeof fn === "function") return hold(chunk, fn);
  fn.then((fn) => hold(chunk, fn), (error) => {
    hold(chunk, () => {
      throw error;
    });
  });
}

function hold(chunk: Chunk, fn: TaskFunction): void {
  waiting.push({ chunk, fn });
  startNext();
}

function postReport(chunk: Chunk, report: Report, base: number, isMended = false): void {
  const values = pack(report.values ?? []);
  const failures = report.failures?.map((f) => ({ ...f, reason: sealEnvelope(f.reason) }));
  const move: Transferable[] = chunk.transfer ? buffersOf(report.values) : [];
  if (values instanceof Float64Array) move.push(values.buffer);
  const { count, startedAtMs, endedAtMs, then, times } = report;
  try {
    if (Array.isArray(values)) refuseEmptied(values);
    post([
      FromWorkerKind.report,
      chunk.id,
      count,
      startedAtMs,
      endedAtMs,
      then,
      values,
      failures,
      times,
    ], move);
  } catch (error) {
    if (isMended) throw error;
    const sendable = withoutUncloneable(chunk.firstIndex + base, report, structuredClone);
    postReport(chunk, sendable, base, true);
  }
}

function post(message: FromWorker, move: Transferable[] = []): void {
  scope.postMessage(message, move);
}

function sayDying(how: string, error?: unknown): void {
  post([FromWorkerKind.dying, how, error === undefined ? undefined : sealEnvelope(error)]);
}

// A thread that ends by itself raises no event in its parent, so it says so first.
const close = scope.close.bind(scope);
scope.close = () => {
  sayDying("called self.close()");
  close();
};
const exit = Deno.exit;
Deno.exit = (code) => {
  sayDying(`called Deno.exit(${code ?? ""})`);
  return exit(code);
};
// Without these, an uncaught error would end the parent, or this thread in silence.
scope.addEventListener("error", (event) => {
  event.preventDefault();
  sayDying("threw outside the task", event.error);
});
scope.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  sayDying("left a rejection unhandled", event.reason);
});

scope.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  switch (data[0]) {
    case ToWorkerKind.open: {
      const [, slots, buffer, life] = data;
      cells = new WorkerCells(slots, buffer);
      for (let slot = slots - 1; slot >= 0; slot--) freeSlots.push(new SlotHost(slot));
      holdWhileAlive(life, () => post([FromWorkerKind.ready, performance.timeOrigin]));
      break;
    }
    case ToWorkerKind.task: {
      const [, number, module, name] = data;
      tasks[number] = { module, export: name };
      break;
    }
    case ToWorkerKind.chunk: {
      const [, head, packed, transfer] = data;
      const { taskNumber, count, ...chunk } = headToChunk(head);
      const items = (packed ?? new Array(count).fill(undefined)) as unknown[];
      take({ ...chunk, task: tasks[taskNumber]!, items, transfer, sentAtMs: NaN, note: undefined });
      break;
    }
    case ToWorkerKind.ask:
      running.get(data[1])?.ask(data[2]);
      post([FromWorkerKind.asked, data[1]]);
      break;
    case ToWorkerKind.usage: {
      const { user, system } = process.threadCpuUsage();
      post([FromWorkerKind.usage, (user + system) / 1000]);
      break;
    }
  }
});
