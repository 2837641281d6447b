import { assertEquals } from "@std/assert";
import type { Candidate } from "../../../lib/advice/prediction/candidate.ts";
import { clearlySlower } from "../../../lib/advice/race/clearly_slower.ts";
import type { Runner } from "../../../lib/advice/race/race_options.ts";
import { roundOf } from "../fixture.ts";

function runner(model: Candidate["model"], ...times: number[]): Runner {
  return {
    candidate: { model, lanes: 2, slots: 1 },
    items: 10,
    rounds: times.map((runMs, round) => roundOf({ runMs, round })),
  };
}

const out = (...runners: Runner[]) =>
  clearlySlower(runners, (_candidate, _items, { runMs }) => runMs).map(({ candidate }) =>
    candidate.model
  );

Deno.test("clearlySlower() asks less of a difference the more rounds agree on it", () => {
  assertEquals(out(runner("workers", 100), runner("processes", 290)), []);
  assertEquals(out(runner("workers", 100), runner("processes", 310)), ["processes"]);
  const three = runner("workers", 100, 100, 100);
  assertEquals(out(three, runner("processes", 140, 150, 140)), ["processes"]);
  assertEquals(out(three, runner("processes", 140, 150, 110)), []);
});

Deno.test("clearlySlower() pairs rounds, so that a slow moment of the machine blames nobody", () => {
  assertEquals(out(runner("workers", 100, 300), runner("processes", 120, 330)), []);
});

Deno.test("clearlySlower() never takes out the plain loop", () => {
  assertEquals(out(runner("sequential", 900, 900), runner("workers", 100, 100)), []);
});
