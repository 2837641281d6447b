import { assertEquals } from "@std/assert";
import fc from "fast-check";
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

const whole = fc.nat();
const time = fc.double({ min: 0, max: 1e9, noNaN: true });

Deno.test("whatever a chunk is like, its numbers come out as they went in", () => {
  const chunk = fc.record({
    id: whole,
    firstIndex: fc.maxSafeNat(),
    items: fc.array(fc.constant(0), { maxLength: 5 }),
    attempt: whole,
    timeoutMs: fc.oneof(time, fc.constant(Infinity)),
    timed: fc.boolean(),
    giveBackMs: fc.oneof(time, fc.constant(Infinity)),
    mark: fc.boolean(),
  });
  fc.assert(fc.property(chunk, whole, (chunk, taskNumber) => {
    const { items, ...rest } = chunk;
    const head = Float64Array.from(chunkToHead(chunk as unknown as Chunk, taskNumber));
    assertEquals(headToChunk(head), { ...rest, taskNumber, count: items.length });
  }));
});

Deno.test("whatever a report is like, its numbers come out as they went in", () => {
  const report = fc.record({
    count: whole,
    startedAtMs: time,
    endedAtMs: time,
    times: fc.option(fc.array(time, { minLength: 2, maxLength: 8 }), { nil: undefined }),
    then: fc.constantFrom<Report["then"]>("end", "more"),
  });
  fc.assert(fc.property(report, whole, time, ({ times, ...rest }, chunkId, offsetMs) => {
    const sent = { ...rest, values: undefined, failures: undefined };
    const head = reportToHead(chunkId, { ...sent, times: times && Float64Array.from(times) });
    assertEquals(headToReport(head, offsetMs), {
      ...rest,
      chunkId,
      startedAtMs: rest.startedAtMs + offsetMs,
      endedAtMs: rest.endedAtMs + offsetMs,
      times: times && Float64Array.from(times, (ms) => ms + offsetMs),
    });
  }));
});
