import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { blame } from "../../lib/dispatch/blame.ts";
import type { ChunkProgress } from "../../lib/lanes/lane.ts";
import { pieceOf, seatWith, sentTo, StubLane } from "./fake_sent.ts";

/** A chunk whose lane tells this of it. */
function lostAt(at: ChunkProgress, items = 3, reported = 0) {
  const lane = new StubLane();
  lane.at = at;
  const sent = sentTo(seatWith(lane), pieceOf(new Array(items).fill("x")));
  sent.reported = reported;
  return sent;
}

const running = { state: "running", offset: 1, sinceMs: 40 } as const;

Deno.test("the only item that ran when a lane died is the culprit", () => {
  const verdicts = blame([lostAt({ state: "waiting" }), lostAt(running)]);
  assertEquals(verdicts, [{ kind: "innocent" }, { kind: "culprit", offset: 1, sinceMs: 40 }]);
});

Deno.test("items that ran beside each other are all suspect", () => {
  const kinds = blame([lostAt(running), lostAt(running)]).map(({ kind }) => kind);
  assertEquals(kinds, ["suspect", "suspect"]);
});

Deno.test("where a lane can't tell which item ran, each unreported one may have been it", () => {
  assertEquals(blame([lostAt({ state: "unknown" })]), [{ kind: "suspects" }]);
  const beside = blame([lostAt({ state: "unknown" }), lostAt(running)]).map(({ kind }) => kind);
  assertEquals(beside, ["suspects", "suspect"]);
});

Deno.test("the only item left is the one that ran, even where the lane can't tell", () => {
  const [verdict] = blame([lostAt({ state: "unknown" }, 3, 2)]);
  assertEquals(verdict, { kind: "culprit", offset: 2, sinceMs: NaN });
});

Deno.test("no chunk that waited is blamed, and at most one is the culprit", () => {
  const progress = fc.constantFrom<ChunkProgress>(
    { state: "waiting" },
    { state: "unknown" },
    running,
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(progress, fc.nat({ max: 2 })), { maxLength: 6 }), (lost) => {
      const verdicts = blame(lost.map(([at, reported]) => lostAt(at, 3, reported)));
      assertEquals(verdicts.length, lost.length);
      const active = lost.filter(([{ state }]) => state !== "waiting").length;
      for (const [at, { kind }] of verdicts.entries()) {
        assertEquals(kind === "innocent", lost[at]![0].state === "waiting");
        if (kind === "culprit") assertEquals(active, 1);
      }
    }),
  );
});
