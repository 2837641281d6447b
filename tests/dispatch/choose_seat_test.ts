import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { chooseSeat } from "../../lib/dispatch/choose_seat.ts";
import type { Run } from "../../lib/dispatch/run.ts";
import { Seat } from "../../lib/dispatch/seat.ts";
import { pieceOf, seatWith, sentTo, StubLane } from "./fake_sent.ts";

const RUN = { task: { module: "fake:", export: "default" } } as unknown as Run;
const OTHER = { ...RUN } as Run;

/** Seats whose lanes have so many chunks; undefined for one without a lane. */
function seats(...loads: (number | undefined)[]): Seat[] {
  return loads.map((load, number) => {
    if (load === undefined) return new Seat(number);
    const seat = seatWith(new StubLane(), number);
    for (let at = 0; at < load; at++) sentTo(seat, pieceOf(["x"]));
    return seat;
  });
}

function best(from: readonly Seat[], slots: number, alone = false): number | undefined {
  return chooseSeat(from, RUN, alone, slots).best?.number;
}

Deno.test("an idle lane comes first, then a seat without one, then the least busy", () => {
  assertEquals(best(seats(1, undefined, 0), 2), 2);
  assertEquals(best(seats(2, undefined, 2), 2), 1);
  assertEquals(best(seats(3, 2, 3), 2), 1);
  assertEquals(best(seats(1, undefined), 2), 0);
  assertEquals(best(seats(), 2), undefined);
});

Deno.test("chunks one by one fill every lane alike", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 60 }),
      (lanes, slots, chunks) => {
        const all = seats(...new Array<number>(lanes).fill(0));
        for (let at = 0; at < chunks; at++) {
          sentTo(chooseSeat(all, RUN, false, slots).best!, pieceOf(["x"]));
        }
        const loads = all.map(({ inFlight }) => inFlight.size);
        assert(Math.max(...loads) - Math.min(...loads) <= 1, loads.join());
      },
    ),
  );
});

Deno.test("seats that are taken, retiring, or kept for another run are left out", () => {
  const all = seats(0, 0, 0, 1);
  all[0]!.exclusive = true;
  all[1]!.retiring = true;
  all[2]!.reservedFor = OTHER;
  assertEquals(best(all, 2), 3);
  all[2]!.reservedFor = RUN;
  assertEquals(best(all, 2), 2);
});

Deno.test("a seat kept for this run's lone chunk takes no other of its chunks meanwhile", () => {
  const all = seats(1);
  all[0]!.reservedFor = RUN;
  assertEquals([best(all, 2), best(all, 2, true)], [undefined, 0]);
});

Deno.test("a busy lane that can't run the task is told apart; an idle one is replaced", () => {
  const all = seats(1, 2);
  for (const seat of all) (seat.lane as unknown as StubLane).accepting = false;
  assertEquals(chooseSeat(all, RUN, false, 2), { best: undefined, unusable: all[0] });
  const idle = seats(0);
  (idle[0]!.lane as unknown as StubLane).accepting = false;
  assertEquals(chooseSeat(idle, RUN, false, 2), { best: idle[0], unusable: undefined });
});
