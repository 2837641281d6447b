import { assertEquals } from "@std/assert";
import fc from "../../properties.ts";
import {
  BATCH_COUNT,
  BATCH_TASK,
  batchHead,
  readBatch,
  readReport,
  REPORT_COUNT,
  reportHead,
} from "../../../lib/lanes/remote/channel.ts";
import { DOUBLE } from "../batch.ts";
import type { Report } from "../../../lib/lanes/lane.ts";

/** A row of numbers after its way through a pipe. */
function carried(head: ArrayLike<number>): Float64Array {
  return Float64Array.from(head);
}

Deno.test("a batch's numbers come out as they went in, infinities too", () => {
  const batch: Parameters<typeof batchHead>[2] = {
    firstIndex: 2 ** 40,
    attempt: 3,
    settings: {
      timeoutMs: Infinity,
      timed: true,
      giveBackMs: 16.5,
      transfer: true,
      fidelity: "classes",
    },
    tellsStarts: false,
    span: undefined,
  };
  const head = batchHead(2 ** 31 - 1, 4, batch, 2);
  assertEquals(readBatch(carried(head), { values: ["a"], failures: undefined }, DOUBLE), {
    ...batch,
    id: 2 ** 31 - 1,
    task: DOUBLE,
    items: ["a"],
  });
  assertEquals([head[BATCH_TASK], head[BATCH_COUNT]], [4, 2]);
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
    bytes: 4,
  };
  const decoded = { values: ["a", "b"], failures: undefined };
  const head = reportHead(9, report);
  assertEquals(readReport(head, 100, decoded), {
    ...decoded,
    count: 2,
    bytes: 4,
    last: false,
    startedAtMs: 110,
    endedAtMs: 120,
    times: Float64Array.of(110, 115, 115, 120),
  });
  assertEquals([head[0], head[REPORT_COUNT]], [9, 2]);
  const last = reportHead(9, { ...report, times: undefined, last: true });
  const short = readReport(last, 0, undefined);
  assertEquals([short.times, short.last], [undefined, true]);
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
  const head = carried(reportHead(9, report));
  const { times } = readReport(head, 5, undefined);
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
    settings: fc.record({
      timeoutMs: fc.oneof(time, fc.constant(Infinity)),
      timed: fc.boolean(),
      giveBackMs: fc.oneof(time, fc.constant(Infinity)),
      transfer: fc.boolean(),
      fidelity: fc.constantFrom("as sent", "data", "classes"),
    }),
    tellsStarts: fc.boolean(),
    span: fc.option(
      fc.record({ traceId: hex(32), spanId: hex(16), traceFlags: fc.nat({ max: 255 }) }),
      { nil: undefined },
    ),
  });
  fc.assert(
    fc.property(
      batch,
      fc.record({ id: whole, task: whole, count: whole, holdsErrors: fc.boolean() }),
      (batch, rest) => {
        const { id, task, count, holdsErrors } = rest;
        const head = carried(batchHead(id, task, batch, count));
        const payload = holdsErrors ? { values: [], failures: undefined } : [];
        assertEquals(readBatch(head, payload, DOUBLE), { ...batch, id, task: DOUBLE, items: [] });
        assertEquals([head[BATCH_TASK], head[BATCH_COUNT]], [task, count]);
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
    bytes: whole,
  });
  fc.assert(
    fc.property(
      report,
      whole,
      time,
      fc.boolean(),
      ({ times, ...rest }, id, offsetMs, errors) => {
        const sent = { ...rest, values: undefined, failures: undefined };
        const head = reportHead(id, { ...sent, times: times && Float64Array.from(times) });
        assertEquals(head[0], id);
        const payload = errors ? { values: undefined, failures: undefined } : undefined;
        for (const arrived of [carried(head), [...carried(head)]]) {
          assertEquals(readReport(arrived, offsetMs, payload), {
            ...sent,
            startedAtMs: rest.startedAtMs + offsetMs,
            endedAtMs: rest.endedAtMs + offsetMs,
            times: times && Float64Array.from(times, (ms) => ms + offsetMs),
          });
        }
      },
    ),
    { seed: 1 },
  );
});
