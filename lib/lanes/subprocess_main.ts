/**
 * What runs in a subprocess lane's child. It imports no npm package, and `node:v8` only when a value
 * needs it: a lane must start fast. It ends when its stdin does, or when its parent is gone, so it is
 * never left behind.
 *
 * @module
 */

import { headToChunk, reportToHead } from "./chunk_frame.ts";
import { sealEnvelope } from "./envelope.ts";
import {
  decodeJson,
  decodeValues,
  encodeFrame,
  encodeJsonFrame,
  encodePlain,
  Encoding,
  type Frame,
  FrameKind,
  type Serializer,
} from "./frame.ts";
import { FrameDecoder } from "./frame_decoder.ts";
import type { Chunk, Report } from "./lane.ts";
import { loadTask } from "./load_task.ts";
import { endWithParent } from "./orphan_watch.ts";
import { type ChunkHost, ChunkRun } from "./run_chunk.ts";
import { writeParts } from "./subprocess_guard.ts";
import type { Task, TaskFunction } from "./task.ts";
import { refuseEmptied } from "./emptied.ts";
import { withoutUncloneable } from "./uncloneable.ts";
import { cloneThrough, serializerOf } from "./v8_clone.ts";

const READ_BYTES = 1 << 16; // what a pipe holds

const tasks = new Map<number, Task>();
const waiting: ChunkRun[] = [];
const running = new Map<number, ChunkRun>();
const cancelled = new Set<number>();
let freeSlots = Number(Deno.args[0]);
let serializer: Serializer | undefined;

async function loadSerializer(): Promise<Serializer> {
  return serializer ??= serializerOf(await import("node:v8"));
}

const host: ChunkHost = {
  report(run, report) {
    sendReport(run.chunk, report, run.offset - report.count);
    if (report.then !== "end") return;
    running.delete(run.chunk.id);
    cancelled.delete(run.chunk.id);
    freeSlots++;
    startNext();
  },
  starting(run) {
    if (run.chunk.mark) mark(run);
  },
  isCancelled: (chunkId) => cancelled.has(chunkId),
};

function mark(run: ChunkRun): void {
  writeParts(encodeFrame(FrameKind.mark, [run.chunk.id, run.offset, run.sinceMs]));
}

function startNext(): void {
  if (freeSlots === 0) return;
  const run = waiting.shift();
  if (run === undefined) return;
  freeSlots--;
  running.set(run.chunk.id, run);
  run.start();
}

function hold(chunk: Chunk, fn: TaskFunction): void {
  waiting.push(new ChunkRun(chunk, fn, host));
  startNext();
}

/** Reports that wait for the serializer; what comes after them waits too, to keep the order. */
let serializing: Promise<void> | undefined;

function sendReport(chunk: Chunk, report: Report, base: number): void {
  if (serializing !== undefined) {
    serializing = serializing.then(() => void sendNow(chunk, report, base));
  } else if (!sendNow(chunk, report, base)) {
    const mine = serializing = loadSerializer().then(() => void sendNow(chunk, report, base));
    mine.then(() => {
      if (serializing === mine) serializing = undefined;
    });
  }
}

/** Sends a report; false if that needs the serializer, and it isn't there. */
function sendNow(chunk: Chunk, report: Report, base: number): boolean {
  const head = reportToHead(chunk.id, report);
  const plain = report.failures === undefined ? encodePlain(report.values ?? []) : undefined;
  if (plain !== undefined) {
    writeParts(encodeFrame(FrameKind.report, head, plain.encoding, plain.body));
    return true;
  }
  if (serializer === undefined) return false;
  writeParts(encodeFrame(FrameKind.report, head, Encoding.v8, [
    serialized(serializer, chunk, report, base),
  ]));
  return true;
}

function serialized(
  through: Serializer,
  chunk: Chunk,
  report: Report,
  base: number,
  isMended = false,
): Uint8Array {
  const clone = (value: unknown) => cloneThrough(through, value);
  const failures = report.failures?.map((f) => ({ ...f, reason: sealEnvelope(f.reason, clone) }));
  const values = Array.from(report.values ?? []);
  try {
    refuseEmptied(values, clone);
    return through.serialize({ values, failures });
  } catch (error) {
    if (isMended) throw error;
    const sendable = withoutUncloneable(chunk.firstIndex + base, report, clone);
    return serialized(through, chunk, sendable, base, true);
  }
}

async function takeChunk(frame: Frame): Promise<void> {
  const { taskNumber, count, ...head } = headToChunk(frame.head);
  const v8 = frame.encoding === Encoding.v8 ? await loadSerializer() : undefined;
  const items = (decodeValues(frame, count, v8) ?? new Array(count).fill(undefined)) as unknown[];
  const task = tasks.get(taskNumber)!;
  const chunk: Chunk = { ...head, task, items, transfer: false, sentAtMs: NaN, note: undefined };
  let fn = loadTask(chunk.task);
  if (typeof fn !== "function") {
    fn = await fn.catch((error) => () => {
      throw error;
    });
  }
  hold(chunk, fn);
}

function ask(frame: Frame): void {
  const [chunkId, isCancel] = frame.head;
  if (isCancel === 1) cancelled.add(chunkId!);
  running.get(chunkId!)?.ask(isCancel === 1 ? "cancel" : "timeout");
  writeParts(encodeFrame(FrameKind.asked, [chunkId!]));
}

function sendUsage(): void {
  const { user, system } = process.cpuUsage();
  const { maxRSS } = process.resourceUsage();
  writeParts(encodeFrame(FrameKind.usage, [(user + system) / 1000, maxRSS * 1024]));
}

function receive(frame: Frame): void {
  switch (frame.kind) {
    case FrameKind.task: {
      const { number, ...task } = decodeJson(frame) as Task & { number: number };
      tasks.set(number, task);
      break;
    }
    case FrameKind.chunk:
      takeChunk(frame);
      break;
    case FrameKind.ask:
      ask(frame);
      break;
    case FrameKind.askUsage:
      sendUsage();
      break;
  }
}

/** Says why this process is about to end, and what ran in it. */
function sayDying(how: string, error?: unknown): void {
  for (const run of running.values()) if (run.running) mark(run);
  writeParts(encodeJsonFrame(FrameKind.dying, { how, error: plain(error) }));
}

/** What was thrown, as JSON, for `node:v8` may not be loaded and can't be any more. */
function plain(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  try {
    const sealed = sealEnvelope(error);
    return JSON.stringify(sealed, (_key, v) => typeof v === "bigint" ? String(v) : v);
  } catch {
    return undefined; // something cyclic that is no error
  }
}

const exit = Deno.exit;
Deno.exit = (code) => {
  sayDying(`called Deno.exit(${code ?? ""})`);
  return exit(code);
};
globalThis.addEventListener("error", (event) => {
  event.preventDefault();
  sayDying("threw outside the task", event.error);
  exit(1);
});
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  sayDying("left a rejection unhandled", event.reason);
  exit(1);
});

writeParts(encodeFrame(FrameKind.ready, [performance.timeOrigin]));
endWithParent(Deno.ppid);
// Ctrl-C in a terminal reaches the whole group. The parent decides what it means for its lanes.
Deno.addSignalListener("SIGINT", () => {});
const decoder = new FrameDecoder();
const bytes = new Uint8Array(READ_BYTES);
while (true) {
  // The rest of a large body follows at once, so waiting for it holds nothing up.
  const { missing } = decoder;
  const count = missing === undefined ? await Deno.stdin.read(bytes) : Deno.stdin.readSync(missing);
  if (count === null) break;
  if (missing === undefined) decoder.push(bytes.subarray(0, count), receive);
  else decoder.filled(missing.subarray(0, count), receive);
}
exit(0);
