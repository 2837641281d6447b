/**
 * Chunks and reports as the heads of frames.
 *
 * @module
 */

import type { Chunk, Report } from "./lane.ts";

/** A chunk without its items and task, which travel in the body and in a frame of their own. */
export type ChunkHead = Omit<Chunk, "items" | "task" | "transfer" | "sentAtMs" | "note"> & {
  /** The number by which the child was told of the task. */
  readonly taskNumber: number;
  /** How many items follow in the body. */
  readonly count: number;
};

/**
 * Puts a chunk's numbers in a row.
 *
 * @param chunk The chunk.
 * @param taskNumber The number by which the lane was told of its task.
 * @returns The numbers, for a frame's head or a message to a worker.
 *
 * @example
 * ```ts
 * import { chunkToHead, headToChunk } from "./chunk_frame.ts";
 *
 * const chunk = {
 *   id: 1,
 *   task: { module: "file:///double.ts", export: "default" },
 *   firstIndex: 40,
 *   items: [1, 2],
 *   attempt: 1,
 *   timeoutMs: Infinity,
 *   timed: false,
 *   giveBackMs: Infinity,
 *   mark: false,
 *   sentAtMs: 0,
 *   transfer: false,
 *   note: undefined,
 * };
 * console.log(headToChunk(chunkToHead(chunk, 0)).firstIndex); // 40
 * ```
 */
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

/**
 * Reads what {@linkcode chunkToHead} wrote.
 *
 * @param head The numbers.
 * @returns The chunk without its items and task.
 *
 * @example
 * ```ts
 * import { headToChunk } from "./chunk_frame.ts";
 *
 * const head = headToChunk([1, 0, 2, 40, 1, 5000, 0, Infinity, 0]);
 * console.log(head.count, head.timeoutMs); // 2 5000
 * ```
 */
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
  /** The chunk's id on its lane. */
  readonly chunkId: number;
  /** How many items the report speaks of. */
  readonly count: number;
  /** Whether another report of the chunk will come. */
  readonly then: Report["then"];
  /** When the first of them started. */
  readonly startedAtMs: number;
  /** When the last of them ended. */
  readonly endedAtMs: number;
  /** Start and end of each, alternating; undefined if they weren't wanted. */
  readonly times: Float64Array | undefined;
}

/**
 * Puts a report's numbers in a row.
 *
 * @param chunkId The chunk that it is about.
 * @param report The report; its values and failures travel in the frame's body.
 * @returns The numbers, for a frame's head.
 *
 * @example
 * ```ts
 * import { headToReport, reportToHead } from "./chunk_frame.ts";
 *
 * const report = {
 *   count: 2,
 *   values: [1, 4],
 *   failures: undefined,
 *   startedAtMs: 10,
 *   endedAtMs: 12,
 *   times: undefined,
 *   then: "end" as const,
 * };
 * console.log(headToReport(reportToHead(7, report), 100).endedAtMs); // 112
 * ```
 */
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
 * @returns The report without its values and failures.
 *
 * @example
 * ```ts
 * import { headToReport } from "./chunk_frame.ts";
 *
 * const report = headToReport(Float64Array.of(7, 2, 0, 10, 12), 100);
 * console.log(report.then, report.startedAtMs); // "end" 110
 * ```
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
