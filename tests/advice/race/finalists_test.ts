import { assertEquals } from "@std/assert";
import type { Candidate } from "../../../lib/advice/prediction/candidate.ts";
import { finalists } from "../../../lib/advice/race/finalists.ts";
import type { Runner } from "../../../lib/advice/race/race_options.ts";
import { roundOf } from "../fixture.ts";

function runner(model: Candidate["model"], runMs: number): Runner {
  const candidate: Candidate = { model, lanes: 1, slots: 1 };
  return { candidate, items: 10, rounds: [roundOf({ runMs })] };
}

const RUNNERS = [
  runner("sequential", 30),
  runner("concurrent", 90),
  runner("limited", 70),
  runner("workers", 50),
];

const chosen = (leftMs: number) =>
  finalists(RUNNERS, leftMs, (_candidate, _items, { runMs }) => runMs)
    .map(({ candidate }) => candidate.model);

Deno.test("finalists() runs the two best again, then sequential, then the others", () => {
  assertEquals(chosen(1000), ["workers", "limited", "sequential", "concurrent"]);
  assertEquals(chosen(200), ["workers", "limited", "sequential"]);
  assertEquals(chosen(120), ["workers", "limited"]);
});

Deno.test("finalists() runs nobody where not even two can be compared", () => {
  assertEquals(chosen(119), []);
});

Deno.test("finalists() passes over what hasn't run yet", () => {
  const unstarted = { ...runner("processes", 1), rounds: [] };
  assertEquals(finalists([...RUNNERS, unstarted], 1000, () => 1).length, 4);
});
