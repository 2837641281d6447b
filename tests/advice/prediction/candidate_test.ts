import { assertEquals } from "@std/assert";
import {
  bySimplicity,
  type Candidate,
  isLoop,
  nameOf,
} from "../../../lib/advice/prediction/candidate.ts";

Deno.test("the simplest comes first: by model, then by lanes, then by slots", () => {
  const sorted: Candidate[] = [
    { model: "sequential", lanes: 1, slots: 1 },
    { model: "concurrent", lanes: 1, slots: Infinity },
    { model: "limited", lanes: 1, slots: 4 },
    { model: "limited", lanes: 1, slots: 16 },
    { model: "workers", lanes: 2, slots: 1 },
    { model: "workers", lanes: 2, slots: Infinity },
    { model: "workers", lanes: 4, slots: 1 },
  ];
  assertEquals(sorted.toReversed().sort(bySimplicity).map(nameOf), sorted.map(nameOf));
  for (const of of sorted) assertEquals(bySimplicity(of, { ...of }), 0, nameOf(of));
});

Deno.test("a loop is what runs several at once in this event loop", () => {
  assertEquals(isLoop({ model: "limited", lanes: 1, slots: 2 }), true);
  assertEquals(isLoop({ model: "sequential", lanes: 1, slots: 1 }), false);
  assertEquals(isLoop({ model: "workers", lanes: 1, slots: 2 }), false);
});
