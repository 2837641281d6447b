/// <reference lib="deno.worker" />
/**
 * What runs in a worker lane's thread. It imports no npm package: a lane must start fast.
 *
 * @module
 */

import { sealEnvelope } from "./envelope.ts";
import type { Chunk, Report } from "./lane.ts";
import { loadTask } from "./load_task.ts";
import { pack, unpack } from "./packing.ts";
import { type ChunkHost, ChunkRun } from "./run_chunk.ts";
import type { TaskFunction } from "./task.ts";
import { buffersOf } from "./transfer.ts";
import { cloneError } from "./uncloneable.ts";
import { WorkerCells } from "./worker_cells.ts";
import type { FromWorker, ToWorker } from "./worker_message.ts";

const scope = self as unknown as DedicatedWorkerGlobalScope;

/** A chunk and the slot in which it runs; −1 while it waits for one. */
interface Held {
  readonly run: ChunkRun;
  slot: number;
}

let cells: WorkerCells;
const freeSlots: number[] = [];
const waiting: Held[] = [];
const running = new Map<number, Held>();

const host: ChunkHost = {
  report(run, report) {
    postReport(run.chunk, report);
    if (report.then !== "end") return;
    const held = running.get(run.chunk.id)!;
    running.delete(run.chunk.id);
    cells.idle(held.slot);
    freeSlots.push(held.slot);
    startNext();
  },
  starting(run) {
    const { slot } = running.get(run.chunk.id)!;
    cells.starting(slot, run.chunk.id, run.offset, run.sinceMs);
  },
  isCancelled: (chunkId) => cells.isCancelled(chunkId),
};

function startNext(): void {
  if (waiting.length === 0 || freeSlots.length === 0) return;
  const held = waiting.shift()!;
  held.slot = freeSlots.pop()!;
  running.set(held.run.chunk.id, held);
  held.run.start();
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
  waiting.push({ run: new ChunkRun(chunk, fn, host), slot: -1 });
  startNext();
}

function postReport(chunk: Chunk, report: Report): void {
  const { count, startedAtMs, endedAtMs, times, then, failures } = report;
  const message: FromWorker = {
    kind: "report",
    chunkId: chunk.id,
    values: pack(report.values ?? []),
    failures: failures?.map((failure) => ({ ...failure, reason: sealEnvelope(failure.reason) })),
    report: { count, startedAtMs, endedAtMs, times, then },
  };
  const move: Transferable[] = chunk.transfer ? buffersOf(report.values) : [];
  if (message.values.kind === "numbers") move.push(message.values.numbers.buffer);
  try {
    scope.postMessage(message, move);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    postReport(chunk, withoutUncloneable(chunk, report));
  }
}

/** The same report, with the values that can't be sent turned into failures that say why. */
function withoutUncloneable(chunk: Chunk, report: Report): Report {
  const values = Array.from(report.values ?? []);
  const failures = [...report.failures ?? []];
  for (const [offset, value] of values.entries()) {
    try {
      structuredClone(value);
    } catch (cause) {
      values[offset] = undefined;
      const item = chunk.firstIndex + offset;
      const reason = cloneError(`the result of item ${item}`, value, cause);
      failures.push({ offset, ended: "failed", reason });
    }
  }
  return { ...report, values, failures };
}

function post(message: FromWorker): void {
  scope.postMessage(message);
}

// A thread that ends by itself raises no event in its parent, so it says so first.
const close = scope.close.bind(scope);
scope.close = () => {
  post({ kind: "dying", how: "called self.close()" });
  close();
};
const exit = Deno.exit;
Deno.exit = (code) => {
  post({ kind: "dying", how: `called Deno.exit(${code ?? ""})` });
  return exit(code);
};
// Without these, an uncaught error would end the parent, or this thread in silence.
scope.addEventListener("error", (event) => {
  event.preventDefault();
  post({ kind: "dying", how: "threw outside the task", error: sealEnvelope(event.error) });
});
scope.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  post({ kind: "dying", how: "left a rejection unhandled", error: sealEnvelope(event.reason) });
});

scope.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  switch (data.kind) {
    case "open":
      cells = new WorkerCells(data.slots, data.cells);
      for (let slot = data.slots - 1; slot >= 0; slot--) freeSlots.push(slot);
      post({ kind: "ready", timeOriginMs: performance.timeOrigin });
      break;
    case "chunk": {
      const items = unpack(data.items) ?? new Array(data.count).fill(undefined);
      take({ ...data.chunk, items: items as unknown[] });
      break;
    }
    case "ask":
      running.get(data.chunkId)?.run.ask(data.why);
      post({ kind: "asked", chunkId: data.chunkId });
      break;
    case "usage":
      post({ kind: "usage", cpuMs: threadCpuMs() });
      break;
  }
});

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
