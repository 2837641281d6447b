import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  batchHead,
  readBatchHead,
  readReportHead,
  reportHead,
} from "../../../lib/lanes/remote/channel.ts";
import type { Report } from "../../../lib/lanes/lane.ts";

/** What a row of numbers is after its way through a pipe. */
function carried(head: ArrayLike<number>): Float64Array {
  return Float64Array.from(head);
}

Deno.test("a batch's numbers come out as they went in, infinities too", () => {
  const batch = {
    firstIndex: 2 ** 40,
    attempt: 3,
    timeoutMs: Infinity,
    timed: true,
    giveBackMs: 16.5,
    mark: false,
    transfer: true,
    span: undefined,
  };
  const head = batchHead(2 ** 31 - 1, 4, batch, 2, true);
  assertEquals(readBatchHead(carried(head)), {
    ...batch,
    id: 2 ** 31 - 1,
    task: 4,
    count: 2,
    special: true,
  });
});

Deno.test("a report's numbers come out as they went in, on the caller's clock", () => {
  const report: Report = {
    count: 2,
    values: undefined,
    failures: undefined,
    startedAtMs: 10,
    endedAtMs: 20,
    times: Float64Array.of(10, 15, 15, 20),
    last: false,
  };
  assertEquals(readReportHead(reportHead(9, report, true), 100), {
    id: 9,
    count: 2,
    last: false,
    special: true,
    startedAtMs: 110,
    endedAtMs: 120,
    times: Float64Array.of(110, 115, 115, 120),
  });
  const short = readReportHead(
    reportHead(9, { ...report, times: undefined, last: true }, false),
    0,
  );
  assertEquals([short.times, short.last, short.special], [undefined, true, false]);
});

Deno.test("a report's times own their memory, wherever their head was read from", () => {
  const report: Report = {
    count: 1,
    values: undefined,
    failures: undefined,
    startedAtMs: 1,
    endedAtMs: 2,
    times: Float64Array.of(1, 2),
    last: true,
  };
  const head = carried(reportHead(9, report, false));
  const { times } = readReportHead(head, 5);
  assertEquals([...times!], [6, 7]);
  assertEquals(times!.buffer.byteLength, 16);
  assertEquals([...head.subarray(-2)], [1, 2]);
});

const whole = fc.nat();
const time = fc.double({ min: 0, max: 1e9, noNaN: true });

const hex = (digits: number) =>
  fc.array(fc.nat({ max: 15 }), { minLength: digits, maxLength: digits })
    .map((all) => all.map((digit) => digit.toString(16)).join(""));

Deno.test("whatever a batch is like, its numbers come out as they went in (seed 1)", () => {
  const batch = fc.record({
    firstIndex: fc.maxSafeNat(),
    attempt: whole,
    timeoutMs: fc.oneof(time, fc.constant(Infinity)),
    timed: fc.boolean(),
    giveBackMs: fc.oneof(time, fc.constant(Infinity)),
    mark: fc.boolean(),
    transfer: fc.boolean(),
    span: fc.option(
      fc.record({ traceId: hex(32), spanId: hex(16), traceFlags: fc.nat({ max: 255 }) }),
      { nil: undefined },
    ),
  });
  fc.assert(
    fc.property(
      batch,
      fc.record({ id: whole, task: whole, count: whole, special: fc.boolean() }),
      (batch, rest) => {
        const { id, task, count, special } = rest;
        const head = carried(batchHead(id, task, batch, count, special));
        assertEquals(readBatchHead(head), { ...batch, ...rest });
      },
    ),
    { seed: 1 },
  );
});

Deno.test("whatever a report is like, its numbers come out as they went in (seed 1)", () => {
  const report = fc.record({
    count: whole,
    startedAtMs: time,
    endedAtMs: time,
    times: fc.option(fc.array(time, { minLength: 2, maxLength: 8 }), { nil: undefined }),
    last: fc.boolean(),
  });
  fc.assert(
    fc.property(report, whole, time, fc.boolean(), ({ times, ...rest }, id, offsetMs, special) => {
      const sent = { ...rest, values: undefined, failures: undefined };
      const head = reportHead(id, { ...sent, times: times && Float64Array.from(times) }, special);
      assertEquals(readReportHead(carried(head), offsetMs), {
        ...rest,
        id,
        special,
        startedAtMs: rest.startedAtMs + offsetMs,
        endedAtMs: rest.endedAtMs + offsetMs,
        times: times && Float64Array.from(times, (ms) => ms + offsetMs),
      });
    }),
    { seed: 1 },
  );
});
