import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { type Candidate, nameOf, SEQUENTIAL } from "../../../lib/advice/prediction/candidate.ts";
import { type Entry } from "../../../lib/advice/race/entries.ts";
import { recommend, staysPlain } from "../../../lib/advice/race/recommend.ts";
import { adviceOn } from "../advice_on.ts";

const WORKERS: Candidate = { model: "workers", lanes: 2, slots: 1 };
const LIMITED: Candidate = { model: "limited", lanes: 1, slots: 8 };
const PROCESSES: Candidate = { model: "processes", lanes: 2, slots: 1 };

Deno.test("staysPlain() claims no gain of what wasn't measured", () => {
  const of = (decision: Parameters<typeof staysPlain>[0]) => staysPlain(decision, 0.5).gain?.median;
  assertEquals(
    [of("no gain"), of("can't tell"), of("unmeasured"), of("server's pace")],
    [1, 1, undefined, undefined],
  );
});

function entry(candidate: Candidate, times: number[], eligible = true): Entry {
  return { candidate, eligible, times: times.map((ms, round) => ({ round, ms })) };
}

Deno.test("recommend() claims no gain that cores and waiting can't give, and is unsure of one that was measured", () => {
  const of = (most: number) =>
    recommend([
      entry(SEQUENTIAL, [1000, 1010, 990]),
      { ...entry(WORKERS, [430, 435, 425]), most },
    ]);
  const high = of(1.9);
  assertEquals(high.candidate, WORKERS);
  assert(high.gain!.median === 1.9 && high.gain!.low <= 1.9 && high.gain!.high === 1.9);
  assertEquals(high.confidence, 0.6);
  // If noise can explain how far a gain exceeds the possible one, it is reported as measured.
  const near = of(2.2);
  assert(near.gain!.median > 2.2 && near.confidence > 0.9);
});

Deno.test("recommend() takes the simplest model that is as good as the best", () => {
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

Deno.test("advise() says from how many items on a model has saved its start", async () => {
  const { recommended } = await adviceOn(
    { computeMs: 10, items: 200 },
    ({ model }, items) =>
      model === "sequential"
        ? { startMs: 0, runMs: 10 * items }
        : { startMs: 98, runMs: (model === "workers" ? 5.5 : 5.6) * items },
  );
  assertEquals(recommended.name, "workers (2 lanes)");
  // An item saves 9.5 ms, a twentieth off, less 5.5 ms: 24.5 items save the 98 ms of the start.
  assertAlmostEquals(recommended.breakEven!, 24.5, 1);
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

Deno.test("recommend() is as sure of few slots as of many that only queue and are no faster", () => {
  const crowd = {
    ...entry({ ...LIMITED, model: "concurrent", slots: Infinity }, [300, 301, 302]),
    inFlight: 120,
  };
  const few = { ...entry(LIMITED, [303, 305, 307]), inFlight: 8 };
  const { candidate, confidence } = recommend([
    entry(SEQUENTIAL, [1200, 1210, 1190]),
    crowd,
    few,
  ]);
  assertEquals(candidate, LIMITED);
  assert(confidence > 0.7, `${confidence}`);
});

Deno.test("recommend() takes more slots where they are a tenth faster, though chance may be the reason", () => {
  const entry = (candidate: Candidate, ...times: readonly number[]): Entry => ({
    candidate,
    times: times.map((ms, round) => ({ round, ms })),
    eligible: true,
  });
  const slots = (count: number): Candidate => ({ model: "limited", lanes: 1, slots: count });
  const { candidate } = recommend([
    entry(SEQUENTIAL, 700, 720, 690),
    entry(slots(2), 450, 380, 520),
    entry(slots(8), 400, 385, 390),
  ]);
  assertEquals(candidate, slots(8));
});

Deno.test("recommend() names what is likely faster but not surely, and is sure of the gain alone", () => {
  const entry = (candidate: Candidate, ...times: readonly number[]): Entry => ({
    candidate,
    times: times.map((ms, round) => ({ round, ms })),
    eligible: true,
  });
  const lanes = (count: number): Candidate => ({ model: "workers", lanes: count, slots: 1 });
  const entries = [
    entry(SEQUENTIAL, 400, 400),
    entry(lanes(2), 100, 100),
    entry(lanes(4), 55, 130),
  ];
  const { candidate, rival, confidence, decision } = recommend(entries);
  assertEquals([candidate, rival, decision], [lanes(2), lanes(4), "gain"]);
  assert(confidence > 0.9, `${confidence}`);
});

Deno.test("recommend() takes fewer slots that come within a tenth of so many that little more fails", () => {
  const slots = (count: number): Candidate => ({ model: "limited", lanes: 1, slots: count });
  const of = (isAtEdge: boolean, ms = 541) =>
    recommend([
      entry(SEQUENTIAL, [4000, 4010, 3990]),
      entry(slots(8), [ms, ms + 1, ms - 1]),
      { ...entry(slots(12), [500, 501, 499]), isAtEdge },
    ]).candidate;
  assertEquals([of(false), of(true), of(true, 600)], [slots(12), slots(8), slots(12)]);
});
