import { assertEquals } from "@std/assert";
import {
  chunkToHead,
  headToChunk,
  headToReport,
  reportToHead,
} from "../../lib/lanes/chunk_frame.ts";
import type { Chunk, Report } from "../../lib/lanes/lane.ts";

Deno.test("a chunk's numbers come out as they went in, infinities too", () => {
  const chunk = {
    id: 2 ** 31 - 1,
    firstIndex: 2 ** 40,
    items: ["a", "b"],
    attempt: 3,
    timeoutMs: Infinity,
    timed: true,
    giveBackMs: 16.5,
    mark: false,
  };
  const { items, ...rest } = chunk;
  const head = Float64Array.from(chunkToHead(chunk as unknown as Chunk, 4));
  assertEquals(headToChunk(head), { ...rest, taskNumber: 4, count: items.length });
});

Deno.test("a report's numbers come out as they went in, on the caller's clock", () => {
  const report: Report = {
    count: 2,
    values: undefined,
    failures: undefined,
    startedAtMs: 10,
    endedAtMs: 20,
    times: Float64Array.of(10, 15, 15, 20),
    then: "more",
  };
  assertEquals(headToReport(reportToHead(9, report), 100), {
    chunkId: 9,
    count: 2,
    then: "more",
    startedAtMs: 110,
    endedAtMs: 120,
    times: Float64Array.of(110, 115, 115, 120),
  });
  const short = headToReport(reportToHead(9, { ...report, times: undefined, then: "end" }), 0);
  assertEquals([short.times, short.then], [undefined, "end"]);
});
