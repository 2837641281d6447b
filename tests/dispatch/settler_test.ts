import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Intake } from "../../lib/dispatch/intake.ts";
import type { MapOptions } from "../../lib/dispatch/options.ts";
import type { Piece } from "../../lib/dispatch/piece.ts";
import { outcomeAt, type Segment } from "../../lib/dispatch/segment.ts";
import { settleOptions } from "../../lib/dispatch/settled_options.ts";
import { Settler } from "../../lib/dispatch/settler.ts";
import type { Failure, Report } from "../../lib/lanes/lane.ts";
import { pieceOf, seatWith, sentTo, StubLane } from "./fake_sent.ts";

/** A settler, what it settled, and what it wants tried again. */
function settling(options: MapOptions = {}, mayRetry: () => boolean = () => true) {
  const segments: Segment[] = [];
  const again: { piece: Piece; waitMs: number }[] = [];
  const settler = new Settler({
    options: settleOptions(options),
    intake: {
      later: (piece: Piece, waitMs: number) => again.push({ piece, waitMs }),
    } as unknown as Intake,
    mayRetry,
    onSettled: (segment) => segments.push(segment),
  });
  const outcomes = () =>
    segments.flatMap((segment) =>
      Array.from({ length: segment.count }, (_, offset) => outcomeAt(segment, offset))
    );
  return { settler, segments, again, outcomes };
}

function reportOf(values: unknown[], failures: readonly Failure[] | undefined): Report {
  const times = Float64Array.from({ length: 2 * values.length }, (_, at) => at);
  return {
    count: values.length,
    values,
    failures,
    startedAtMs: 0,
    endedAtMs: 99,
    times,
    then: "end",
  };
}

function sentOf(items: readonly unknown[], more: Partial<Piece> = {}) {
  return sentTo(seatWith(new StubLane(), 2), pieceOf(items, more));
}

const failed = (offset: number): Failure => ({ offset, ended: "failed", reason: `item ${offset}` });

Deno.test("each reported item is settled once, in order, with its own value, end and times", () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
      fc.nat({ max: 5 }),
      (fails, base) => {
        const { settler, outcomes } = settling();
        const items = new Array(base + fails.length).fill("x");
        const failures = [...fails.keys()].filter((at) => fails[at]).map(failed);
        const values = fails.map((fails, at) => fails ? undefined : at);
        settler.report(
          sentOf(items),
          reportOf(values, failures.length ? failures : undefined),
          base,
        );
        assertEquals(
          outcomes().map((o) => [
            o.index,
            o.status === "fulfilled" ? o.value : o.reason,
            o.startedAtMs,
            o.endedAtMs,
            o.lane,
          ]),
          fails.map((fails, at) => [
            10 + base + at,
            fails ? `item ${at}` : at,
            2 * at,
            2 * at + 1,
            2,
          ]),
        );
        assertEquals([settler.settled, settler.rejected], [fails.length, failures.length]);
      },
    ),
  );
});

Deno.test("an item that may be tried again is settled only when its last try has ended", () => {
  const { settler, again, outcomes } = settling({
    retries: { limit: 1, baseMs: 8, jitter: false },
  });
  settler.report(sentOf(["a", "b"]), reportOf([undefined, 1], [failed(0)]), 0);
  assertEquals(outcomes().map(({ index }) => index), [11]);
  assertEquals([again.length, again[0]!.waitMs], [1, 8]);
  const { piece } = again[0]!;
  assertEquals([piece.firstIndex, piece.items, piece.attempt], [10, ["a"], 2]);
  settler.report(sentOf(piece.items, piece), reportOf([undefined], [failed(0)]), 0);
  assertEquals(outcomes().map(({ index, attempts }) => [index, attempts]), [[11, 1], [10, 2]]);
  assertEquals([settler.settled, settler.rejected], [2, 1]);
});

Deno.test("an item whose retryIf stops the run is settled, and not tried again", () => {
  let running = true;
  const retries = {
    limit: 3,
    retryIf: () => {
      running = false;
      return true;
    },
  };
  const { settler, again, outcomes } = settling({ retries }, () => running);
  settler.report(sentOf(["a"]), reportOf([undefined], [failed(0)]), 0);
  assertEquals([again.length, outcomes().map(({ index }) => index)], [0, [10]]);
});

Deno.test("nobody is asked about another try once the run is stopping", () => {
  let asked = 0;
  const retryIf = () => ++asked > 0;
  const { settler, outcomes } = settling({ retries: { limit: 3, retryIf } }, () => false);
  settler.report(sentOf(["a"]), reportOf([undefined], [failed(0)]), 0);
  assertEquals([asked, outcomes().length], [0, 1]);
});

Deno.test("a task that has killed twice is not tried again, however many retries are left", () => {
  const { settler, again } = settling({ retries: 9 });
  assertEquals(settler.retry(sentOf(["a"]), 0, "crashed", new Error("x"), { kills: 1 }), true);
  assertEquals(settler.retry(sentOf(["a"]), 0, "crashed", new Error("x"), { kills: 2 }), false);
  assertEquals(again.map(({ piece }) => piece.kills), [1]);
});

Deno.test("a wait that the task asked for is kept", () => {
  const { settler, again } = settling({ retries: { limit: 1, baseMs: 1 } });
  settler.retry(sentOf(["a"]), 0, "failed", { retryAfterMs: 5e9 });
  assert(again[0]!.waitMs >= 5e9);
});

Deno.test("cancelled items tell how often they were started, and why they were cancelled", () => {
  const { settler, outcomes } = settling();
  const cause = new Error("enough");
  settler.cancel(pieceOf(["a", "b"], { attempt: 3 }), cause);
  settler.cancel(pieceOf([]), cause);
  for (const outcome of outcomes()) {
    assert(outcome.status === "rejected" && outcome.ended === "cancelled");
    assertEquals([outcome.attempts, outcome.lane], [2, -1]);
    assert((outcome.reason as Error).cause === cause);
  }
  assertEquals(outcomes().map(({ index }) => index), [10, 11]);
});

Deno.test("progress counts what has ended for good; what onProgress throws comes through", () => {
  const told: unknown[] = [];
  const { settler } = settling({ onProgress: (progress) => told.push(progress) });
  settler.report(sentOf(["a", "b"]), reportOf([1, undefined], [failed(1)]), 0);
  settler.tellProgress({ pulled: 5, total: 9 });
  assertEquals(told, [{ pulled: 5, settled: 2, rejected: 1, total: 9 }]);
  const broken = settling({
    onProgress() {
      throw new RangeError("bar");
    },
  });
  assertThrows(() => broken.settler.tellProgress({ pulled: 0, total: 0 }), RangeError, "bar");
});
