import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Standings } from "../../lib/timing/standings.ts";

const series = (...ms: number[]) => ({ times: ms.map((ms, round) => ({ round, ms })) });
type Times = ReturnType<typeof series>;

Deno.test("Standings takes off what a round does to all models", () => {
  const [a, b] = [series(100, 200, 100), series(50, 100, 50)];
  const ratio = new Standings([a, b]).ratio(a, b)!;
  assertAlmostEquals(ratio.median, 2, 1e-6);
  assert(ratio.low > 1.6 && ratio.high < 2.5);
});

Deno.test("Standings learns the noise from all models, so that three rounds suffice", () => {
  const [a, b] = [series(190, 210, 200), series(100, 97, 105)];
  const others = [series(95, 104, 100), series(120, 118, 125)];
  const alone = new Standings([a, b]).ratio(a, b)!;
  const together = new Standings([a, b, ...others]).ratio(a, b)!;
  assert(together.high / together.low < alone.high / alone.low);
});

Deno.test("Standings holds the truth in about 95 % of cases", async () => {
  const { seededRandom } = await import("../../lib/timing/random.ts");
  const random = seededRandom(5);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  let held = 0;
  const runs = 1000;
  for (let run = 0; run < runs; run++) {
    const drifts = [0, 0, 0].map(() => 0.2 * normal());
    const made = [300, 150, 160, 400].map((ms) =>
      series(...drifts.map((drift) => ms * Math.exp(drift + 0.1 * normal())))
    );
    const { low, high } = new Standings(made).ratio(made[0]!, made[1]!)!;
    if (low <= 2 && high >= 2) held++;
  }
  assertAlmostEquals(held / runs, 0.95, 0.02);
});

Deno.test("Standings is no surer of two models for rounds in which one of them ran alone", () => {
  const [a, few, many] = [[300, 290, 330], [100, 104, 103], [100, 104, 103, 70, 160, 99]]
    .map((ms) => series(...ms)) as [Times, Times, Times];
  const of = (b: Times) => new Standings([a, b]).ratio(a, b)!;
  for (const end of ["low", "median", "high"] as const) {
    assertAlmostEquals(of(many)[end], of(few)[end], 1e-6);
  }
});

Deno.test("Standings compares models that share no round through one that ran with both", () => {
  const rounds = (from: number, ...ms: number[]) => ms.map((ms, at) => ({ round: from + at, ms }));
  const early = { times: rounds(0, 300, 303, 297) };
  const late = { times: rounds(3, 50, 49, 51) };
  // The machine is twice as fast in the last three rounds.
  const both = { times: rounds(0, 200, 198, 202, 100, 101, 99) };
  const { median, low, high } = new Standings([early, both, late]).ratio(early, late)!;
  assertAlmostEquals(median, 3, 0.05);
  assert(low > 2 && high < 4.5);
  assertEquals(new Standings([early, late]).ratio(early, late), null);
});

Deno.test("Standings says nothing of models that share no round", () => {
  const [a, b] = [series(100), { times: [{ round: 1, ms: 50 }] }];
  assertEquals(new Standings([a, b]).ratio(a, b), null);
});

Deno.test("Standings trusts two rounds less on a machine that others use", () => {
  const [a, b] = [series(150, 148), series(100, 101)];
  const low = (noise?: number) => new Standings([a, b], noise).ratio(a, b)!.low;
  assert(low() > 1 && low(0.2) < 1);
});

Deno.test("Standings is as sure of a bound as the noise and the number of rounds allow", () => {
  const [a, b] = [series(200, 206, 194), series(100, 98, 103)];
  const standings = new Standings([a, b]);
  const { median, low } = standings.ratio(a, b)!;
  assertAlmostEquals(standings.sureAbove(a, b, median), 0.5, 1e-6);
  // Each end of the interval leaves out a fortieth.
  assertAlmostEquals(standings.sureAbove(a, b, low), 0.975, 1e-3);
  assertAlmostEquals(standings.sureAbove(b, a, 1 / low), 0.025, 1e-3);
  // More rounds make the ratio surer.
  const more = [series(200, 206, 194, 201), series(100, 98, 103, 99)];
  const narrow = new Standings(more).ratio(more[0]!, more[1]!)!;
  assert(narrow.high / narrow.low < standings.ratio(a, b)!.high / low);
});

Deno.test("Standings is never sure of one round, and half sure of what was never held against it", () => {
  const [a, b, c] = [series(300), series(100), { times: [{ round: 1, ms: 50 }] }];
  assertEquals(new Standings([a, b, c]).sureAbove(a, c, 1), 0.5);
  const standings = new Standings([a, b]);
  assertAlmostEquals(standings.sureAbove(a, b, 3), 0.5, 1e-6);
  assertAlmostEquals(standings.sureAbove(a, b, 1), 0.8, 1e-6);
  assertAlmostEquals(standings.sureAbove(a, b, Math.sqrt(3)), 0.65, 1e-6);
  assertAlmostEquals(standings.sureAbove(b, a, 3), 0.2, 1e-6);
  // A round in which one ran alone compares nothing.
  const twice = series(100, 50);
  assertAlmostEquals(new Standings([a, twice]).sureAbove(a, twice, 1), 0.8, 1e-6);
});
