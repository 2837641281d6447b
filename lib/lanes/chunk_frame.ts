/**
 * Chunks and reports as the heads of frames.
 *
 * @module
 */

import type { Chunk, Report } from "./lane.ts";

/** A chunk without its items and task, which travel in the body and in a frame of their own. */
export type ChunkHead = Omit<Chunk, "items" | "task" | "transfer" | "sentAtMs" | "note"> & {
  readonly taskNumber: number;
  readonly count: number;
};

/** Puts a chunk's numbers in a row. */
export function chunkToHead(chunk: Chunk, taskNumber: number): number[] {
  return [
    chunk.id,
    taskNumber,
    chunk.items.length,
    chunk.firstIndex,
    chunk.attempt,
    chunk.timeoutMs,
    Number(chunk.timed),
    chunk.giveBackMs,
    Number(chunk.mark),
  ];
}

/** Reads what {@linkcode chunkToHead} wrote. */
export function headToChunk(head: ArrayLike<number>): ChunkHead {
  return {
    id: head[0]!,
    taskNumber: head[1]!,
    count: head[2]!,
    firstIndex: head[3]!,
    attempt: head[4]!,
    timeoutMs: head[5]!,
    timed: head[6] === 1,
    giveBackMs: head[7]!,
    mark: head[8] === 1,
  };
}

const REPORT_FIELDS = 5;

/** A report without its values and failures, and the chunk that it is about. */
export interface ReportHead {
  readonly chunkId: number;
  readonly count: number;
  readonly then: Report["then"];
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly times: Float64Array | undefined;
}

/** Puts a report's numbers in a row. */
export function reportToHead(chunkId: number, report: Report): Float64Array {
  const times = report.times ?? new Float64Array(0);
  const head = new Float64Array(REPORT_FIELDS + times.length);
  head.set([
    chunkId,
    report.count,
    Number(report.then === "more"),
    report.startedAtMs,
    report.endedAtMs,
  ]);
  head.set(times, REPORT_FIELDS);
  return head;
}

/**
 * Reads what {@linkcode reportToHead} wrote.
 *
 * @param head The numbers.
 * @param offsetMs Added to every time: from the child's clock to the caller's.
 */
export function headToReport(head: Float64Array, offsetMs: number): ReportHead {
  const times = head.length > REPORT_FIELDS ? head.slice(REPORT_FIELDS) : undefined;
  if (times !== undefined) { for (let at = 0; at < times.length; at++) times[at]! += offsetMs; }
  return {
    chunkId: head[0]!,
    count: head[1]!,
    then: head[2] === 1 ? "more" : "end",
    startedAtMs: head[3]! + offsetMs,
    endedAtMs: head[4]! + offsetMs,
    times,
  };
}
