import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Blame } from "../../lib/dispatch/blame.ts";
import { MAX_KILLS } from "../../lib/dispatch/crash.ts";
import type { Ending } from "../../lib/dispatch/outcome.ts";
import type { Piece } from "../../lib/dispatch/piece.ts";
import type { LanePool } from "../../lib/dispatch/pool.ts";
import { Recovery } from "../../lib/dispatch/recovery.ts";
import type { Run } from "../../lib/dispatch/run.ts";
import { type Sent, SentList } from "../../lib/dispatch/sent.ts";
import type { Settler } from "../../lib/dispatch/settler.ts";
import type { Forced } from "../../lib/lanes/lane.ts";
import { pieceOf, seatWith, sentTo, StubLane } from "./fake_sent.ts";

const DEATH = { how: "was ended by SIGKILL", starting: false };

/** A recovery that notes what it puts back, settles, and does to the pool. */
function recovering(retries: boolean | Error = false) {
  const back: Piece[] = [];
  const settled: { index: number; ended: Ending; reason: Error }[] = [];
  const again: { index: number; kills: number }[] = [];
  const failures: unknown[] = [];
  const vacated: number[] = [];
  let inWhole = 0;
  const note = <T>(list: T[], entry: T) => {
    assert(inWhole > 0, "the run could have ended in between");
    list.push(entry);
  };
  const inFlight = new SentList("runPlace");
  const recovery = new Recovery({
    pool: {
      release: (sent: Sent) => sent.seat.inFlight.delete(sent),
      vacate: ({ number }: { number: number }) => vacated.push(number),
      pump() {},
    } as unknown as LanePool,
    inFlight,
    settler: {
      retry({ piece }: Sent, offset: number, _ended: Ending, _reason: unknown, changes?: Piece) {
        if (retries instanceof Error) throw retries;
        if (retries) note(again, { index: piece.firstIndex + offset, kills: changes?.kills ?? 0 });
        return retries;
      },
      reject({ piece }: Sent, offset: number, ended: Ending, reason: Error) {
        note(settled, { index: piece.firstIndex + offset, ended, reason });
      },
    } as unknown as Settler,
    putBack: (piece) => {
      if (piece.items.length > 0) note(back, piece);
    },
    fail: (error) => void failures.push(error),
    whole(settle) {
      inWhole++;
      settle();
      inWhole--;
    },
  });
  const send = (items: readonly unknown[], more: Partial<Piece> = {}, lane = new StubLane()) => {
    const sent = sentTo(seatWith(lane, 4), pieceOf(items, more), { recovery } as Partial<Run>);
    inFlight.add(sent);
    return sent;
  };
  return { recovery, back, settled, again, failures, vacated, inFlight, send };
}

/** The indexes of pieces that were put back, in the order in which they will go. */
function order(back: readonly Piece[]): number[] {
  return back.toReversed().flatMap(({ firstIndex, items }) =>
    items.map((_, at) => firstIndex + at)
  );
}

const BLAMES: readonly Blame[] = [
  { kind: "innocent" },
  { kind: "suspects" },
  { kind: "culprit", offset: 2, sinceMs: 7 },
  { kind: "suspect", offset: 2, sinceMs: 7 },
];

Deno.test("of a lost chunk every unreported item is put back or settled, once and in order", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...BLAMES),
      fc.integer({ min: 3, max: 8 }),
      fc.nat({ max: 2 }),
      fc.nat({ max: 4 }),
      fc.boolean(),
      (blame, length, reported, losses, alone) => {
        const { recovery, back, settled, inFlight, send } = recovering();
        const sent = send(new Array(length).fill("x"), { losses, alone });
        sent.reported = reported;
        recovery.onLost(sent, blame, DEATH);
        assertEquals(inFlight.size, 0);
        const all = [...order(back), ...settled.map(({ index }) => index)];
        const wanted = Array.from({ length: length - reported }, (_, at) => 10 + reported + at);
        assertEquals(all.toSorted((a, b) => a - b), wanted);
        assertEquals(order(back), order(back).toSorted((a, b) => a - b));
        if (blame.kind !== "culprit" && blame.kind !== "innocent") assertEquals(settled, []);
        if (blame.kind === "culprit") {
          assertEquals(settled.map(({ index, ended }) => [index, ended]), [[12, "crashed"]]);
        }
      },
    ),
  );
});

Deno.test("an innocent item goes again, at last alone, and is told to have crashed only then", () => {
  let piece = pieceOf(["a"]);
  const history: string[] = [];
  for (let loss = 0; loss < 9; loss++) {
    const { recovery, back, settled, send } = recovering();
    recovery.onLost(send(piece.items, piece), { kind: "innocent" }, DEATH);
    if (settled.length > 0) {
      history.push(settled[0]!.ended);
      assert(settled[0]!.reason.message.includes("before its task could start"));
      break;
    }
    piece = back[0]!;
    history.push(piece.alone ? "alone" : "again");
  }
  assertEquals(history, [...new Array(MAX_KILLS).fill("again"), "alone", "crashed"]);
});

Deno.test("suspects are tried alone, and count as no killers yet", () => {
  const { recovery, back, send } = recovering();
  recovery.onLost(send(["a", "b"]), { kind: "suspects" }, DEATH);
  assertEquals(back.map(({ alone, kills, losses }) => [alone, kills, losses]), [[true, 0, 1]]);
});

Deno.test("a culprit that may be tried again has one more kill on its record", () => {
  const { recovery, again, settled, send } = recovering(true);
  recovery.onLost(
    send(["a", "b", "c"], { kills: 1 }),
    { kind: "culprit", offset: 1, sinceMs: 0 },
    DEATH,
  );
  assertEquals([again, settled], [[{ index: 11, kills: 2 }], []]);
});

Deno.test("if retryIf throws, the run fails with that, and the item is settled all the same", () => {
  const error = new Error("retryIf");
  const { recovery, failures, settled, send } = recovering(error);
  recovery.onLost(send(["a"]), { kind: "culprit", offset: 0, sinceMs: 0 }, DEATH);
  assertEquals([failures, settled.length], [[error], 1]);
});

/** Forces a chunk of three items whose second one runs, beside another chunk on the lane. */
function force(forced: Forced, why: "timeout" | "cancel", otherWaits = true) {
  const parts = recovering();
  const lane = new StubLane();
  lane.forced = forced;
  const sent = parts.send(["a", "b", "c"], {}, lane);
  const other = sentTo(sent.seat, pieceOf(["d"], { firstIndex: 20 }), sent.run);
  parts.inFlight.add(other);
  sent.asked = { atMs: 0, why, offset: 1 };
  sent.reported = 1;
  lane.at = { state: "running", offset: 1, sinceMs: 0 };
  const progress = lane.progress.bind(lane);
  lane.progress = (chunk?: unknown) =>
    chunk === other && otherWaits ? { state: "waiting" } : progress();
  parts.recovery.force(sent);
  return { ...parts, sent, other };
}

Deno.test("a task that was made to stop is settled by why it was asked to", () => {
  for (
    const [task, why, ended] of [
      ["stopped", "timeout", "timed-out"],
      ["stopped", "cancel", "cancelled"],
      ["abandoned", "timeout", "abandoned"],
      ["abandoned", "cancel", "abandoned"],
    ] as const
  ) {
    const { settled, back } = force({ task, lane: "alive" }, why);
    assertEquals(settled.map(({ index, ended }) => [index, ended]), [[11, ended]]);
    assertEquals(order(back), [12]);
  }
});

Deno.test("when forcing kills the lane, the other chunks on it go elsewhere", () => {
  const { back, vacated, inFlight } = force({ task: "stopped", lane: "dead" }, "timeout");
  assertEquals([order(back).toSorted((a, b) => a - b), vacated, inFlight.size], [[12, 20], [4], 0]);
});

Deno.test("on a lane that retires, what waits goes elsewhere and what runs ends in peace", () => {
  for (const waits of [true, false]) {
    const { back, vacated, sent, other } = force(
      { task: "stopped", lane: "retired" },
      "timeout",
      waits,
    );
    assertEquals([sent.seat.retiring, vacated], [true, []]);
    assertEquals(order(back).includes(20), waits);
    assertEquals(sent.seat.inFlight.has(other), !waits);
  }
});

Deno.test("a chunk is taken back only if it has not been started", () => {
  const { recovery, back, send } = recovering();
  const lane = new StubLane();
  const sent = send(["a", "b"], {}, lane);
  lane.at = { state: "running", offset: 0, sinceMs: 0 };
  recovery.recall(sent);
  assertEquals([back, lane.asked], [[], []]);
  lane.at = { state: "waiting" };
  recovery.recall(sent);
  assertEquals([order(back), lane.asked, lane.forgotten], [[10, 11], ["cancel"], [sent]]);
});
