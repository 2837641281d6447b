import { assert, assertEquals } from "@std/assert";
import { breakEven } from "../../../lib/advice/prediction/break_even.ts";
import { type Candidate, nameOf } from "../../../lib/advice/prediction/candidate.ts";
import { type Entry, recommend } from "../../../lib/advice/race/recommend.ts";

const SEQUENTIAL: Candidate = { model: "sequential", lanes: 1, slots: 1 };
const LIMITED: Candidate = { model: "limited", lanes: 1, slots: 8 };
const WORKERS: Candidate = { model: "workers", lanes: 2, slots: 1 };
const PROCESSES: Candidate = { model: "processes", lanes: 2, slots: 1 };

function entry(candidate: Candidate, times: number[], eligible = true): Entry {
  return { candidate, eligible, times: times.map((ms, round) => ({ round, ms })) };
}

Deno.test("recommend() takes the simplest model that isn't detectably worse than the best", () => {
  const { candidate, best, gain } = recommend([
    entry(SEQUENTIAL, [1000, 1010, 990]),
    entry(WORKERS, [520, 525, 515]),
    entry(PROCESSES, [510, 512, 508]),
  ]);
  assertEquals(nameOf(candidate), "workers (2 lanes)");
  assertEquals(nameOf(best), "processes (2 lanes)");
  assert(gain !== null && gain.low < 1.93 && gain.high > 1.9);
});

Deno.test("recommend() leaves a job sequential that gains nothing", () => {
  const { candidate } = recommend([
    entry(SEQUENTIAL, [100, 101, 99]),
    entry(LIMITED, [98, 100, 99]),
  ]);
  assertEquals(candidate.model, "sequential");
});

Deno.test("recommend() sees no gain in an interval that spans 1, and says that it can't tell", () => {
  const { candidate, decision, bestGain, confidence } = recommend([
    entry(SEQUENTIAL, [900, 1500, 1200]),
    entry(WORKERS, [700, 1600, 1000]),
  ]);
  assertEquals([candidate.model, decision], ["sequential", "can't tell"]);
  assert(bestGain !== null && bestGain.low < 1 && bestGain.high > 1);
  assert(confidence < 0.6);
});

Deno.test("recommend() leaves out a gain that is sure but hardly one", () => {
  const { candidate, decision } = recommend([
    entry(SEQUENTIAL, [103, 103.1, 102.9, 103]),
    entry(LIMITED, [100, 100.1, 99.9, 100]),
  ]);
  assertEquals([candidate.model, decision], ["sequential", "no gain"]);
});

Deno.test("recommend() says the same of a job whatever order its noise comes in", () => {
  const noise = [0.94, 1.07, 1, 0.97];
  const chosen = noise.map((_, turn) => {
    const at = (place: number) => noise[(place + turn) % noise.length]!;
    return recommend([
      entry(SEQUENTIAL, noise.map((_, round) => 450 * at(round))),
      entry(WORKERS, noise.map((_, round) => 440 * at(round + 2))),
      entry(PROCESSES, noise.map((_, round) => 460 * at(round + 1))),
    ]).candidate.model;
  });
  assertEquals(chosen, noise.map(() => "sequential"));
});

Deno.test("recommend() passes over what failed or gave other results", () => {
  const { candidate } = recommend([
    entry(SEQUENTIAL, [1000, 1000, 1000]),
    entry({ model: "concurrent", lanes: 1, slots: Infinity }, [50, 50, 50], false),
    entry(LIMITED, [130, 130, 130]),
  ]);
  assertEquals(candidate, LIMITED);
});

Deno.test("recommend() is less sure of one round than of five", () => {
  const of = (rounds: number) =>
    recommend([
      entry(SEQUENTIAL, Array(rounds).fill(1000)),
      entry(LIMITED, Array(rounds).fill(200)),
    ]).confidence;
  assert(of(1) < of(5));
});

Deno.test("breakEven() finds the first number of items that pays", () => {
  assertEquals(breakEven((n) => 10 * n, (n) => 40 + 5 * n), 9);
  assertEquals(breakEven((n) => 10 * n, (n) => 40 + 10 * n), null);
  assertEquals(breakEven((n) => 10 * n, () => 1), 2);
});

Deno.test("recommend() prefers few slots that serve as well to many that only queue", () => {
  const crowd = { ...entry({ ...LIMITED, model: "concurrent", slots: Infinity }, [300, 301, 302]) };
  const few = { ...entry(LIMITED, [303, 300, 305]), inFlight: 8 };
  const plain = entry(SEQUENTIAL, [1200, 1210, 1190]);
  const chosen = (inFlight: number) =>
    recommend([plain, { ...crowd, inFlight }, few]).candidate.model;
  assertEquals(chosen(120), "limited");
  assertEquals(chosen(12), "concurrent");
});

Deno.test("recommend() believes one round only what nobody doubts", () => {
  const of = (ms: number) => recommend([entry(SEQUENTIAL, [100]), entry(WORKERS, [ms])]);
  assertEquals(of(104).candidate.model, "sequential");
  assertEquals([of(70).candidate.model, of(70).decision], ["sequential", "can't tell"]);
  assertEquals(of(20).candidate.model, "workers");
});

Deno.test("recommend() takes a lucky winner for none, where a simpler one is as good and isn't shown to pay", () => {
  const { candidate, decision, bestGain, best } = recommend([
    entry(SEQUENTIAL, [359, 286, 400]),
    entry(LIMITED, [255, 310, 225]),
    entry(WORKERS, [247, 300, 219]),
  ]);
  assertEquals([candidate.model, decision, best], ["sequential", "can't tell", LIMITED]);
  assert(bestGain !== null && bestGain.low <= 1);
});
