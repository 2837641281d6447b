import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Sent, SentList } from "../../lib/dispatch/sent.ts";
import { pieceOf, seatWith, sentTo, StubLane } from "./fake_sent.ts";

Deno.test("a chunk takes its seat's next id, its lane, and its piece's items", () => {
  const lane = new StubLane();
  const seat = seatWith(lane);
  const piece = pieceOf(["a", "b"], { firstIndex: 40, attempt: 3 });
  const sent = sentTo(seat, piece);
  seat.lane = undefined;
  assertEquals([sent.id, sentTo(seatWith(lane), piece).id], [1, 1]);
  assertEquals([sent.firstIndex, sent.items, sent.attempt], [40, piece.items, 3]);
  assertEquals([sent.lane as unknown, sent.reported], [lane, 0]);
});

/** What can be done to a list, and to a set that stands for it. */
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ does: fc.constant("add"), which: fc.nat({ max: 9 }) }) },
  { weight: 5, arbitrary: fc.record({ does: fc.constant("delete"), which: fc.nat({ max: 9 }) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("clear"), which: fc.constant(0) }) },
);

Deno.test("a list holds what a set would hold, whatever comes and goes", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const seat = seatWith(new StubLane());
      const chunks = Array.from({ length: 10 }, () => sentTo(seat, pieceOf(["x"])));
      const list = new SentList("runPlace");
      const model = new Set<Sent>();
      for (const { does, which } of steps) {
        const sent = chunks[which]!;
        if (does === "clear") {
          list.clear();
          model.clear();
        } else if (does === "delete") {
          list.delete(sent);
          model.delete(sent);
        } else if (!model.has(sent)) {
          list.add(sent);
          model.add(sent);
        }
        assertEquals(list.size, model.size);
        assertEquals(new Set(list), model);
        for (const sent of chunks) assertEquals(list.has(sent), model.has(sent));
      }
      // The other list that they are in has not changed.
      assertEquals([...seat.inFlight], chunks);
    }),
  );
});

Deno.test("a list may change while it is gone through", () => {
  const seat = seatWith(new StubLane());
  const chunks = [1, 2, 3].map(() => sentTo(seat, pieceOf(["x"])));
  const seen: Sent[] = [];
  for (const sent of seat.inFlight) {
    seen.push(sent);
    seat.inFlight.delete(sent);
  }
  assertEquals([seen, seat.inFlight.size], [chunks, 0]);
});
