import fc from "../properties.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  confidenceAbove,
  differenceOf,
  pairedRatio,
  timeInterval,
  unpairedRatio,
} from "../../lib/timing/interval.ts";
import { schedule, seededRandom } from "../../lib/timing/random.ts";

const time = fc.double({ min: 0.1, max: 1e6, noNaN: true });
const rounds = fc.array(fc.tuple(time, time), { minLength: 1, maxLength: 9 });

Deno.test("pairedRatio() holds its median, and turns over when the sides are swapped", () => {
  fc.assert(fc.property(rounds, (pairs) => {
    const [a, b] = [pairs.map(([first]) => first), pairs.map(([, second]) => second)];
    const ratio = pairedRatio(a, b);
    const back = pairedRatio(b, a);
    assert(ratio.low <= ratio.median && ratio.median <= ratio.high);
    assertAlmostEquals(ratio.median * back.median, 1, 1e-9);
  }));
});

Deno.test("pairedRatio() doesn't change when both sides are measured in another unit", () => {
  fc.assert(fc.property(rounds, (pairs) => {
    const [a, b] = [pairs.map(([first]) => first), pairs.map(([, second]) => second)];
    const scaled = pairedRatio(a.map((ms) => ms * 8), b.map((ms) => ms * 8));
    const ratio = pairedRatio(a, b);
    assertAlmostEquals(Math.log(scaled.low), Math.log(ratio.low), 1e-6);
    assertAlmostEquals(Math.log(scaled.high), Math.log(ratio.high), 1e-6);
  }));
});

Deno.test("pairedRatio() pairs by round: what slows a whole round cancels out", () => {
  const steady = pairedRatio([200, 400, 800], [100, 200, 400]);
  assertAlmostEquals(steady.median, 2, 1e-12);
  assert(steady.low > 1.9 && steady.high < 2.1);
});

Deno.test("One round is believed to a factor of two and no further", () => {
  const { low, median, high } = pairedRatio([300], [100]);
  assertAlmostEquals(low, 1.5, 1e-9);
  assertAlmostEquals(median, 3, 1e-9);
  assertAlmostEquals(high, 6, 1e-9);
  assertEquals(differenceOf(pairedRatio([190], [100])), "no detectable difference");
});

Deno.test("Rounds that agree to the last digit are still not believed below 1 %", () => {
  const { low, high } = pairedRatio([100, 100, 100], [100, 100, 100]);
  assert(low < 0.99 && high > 1.01);
});

Deno.test("Six rounds have the sign test's interval at least: from the least to the greatest", () => {
  const { low, high } = pairedRatio([101, 102, 103, 104, 105, 106], Array(6).fill(100));
  assertAlmostEquals(low, 1.01, 1e-9);
  assertAlmostEquals(high, 1.06, 1e-9);
});

Deno.test("One wild round of ten doesn't hide a difference", () => {
  const after = [120, 121, 119, 122, 120, 118, 121, 120, 119, 30];
  assertEquals(differenceOf(pairedRatio(after, Array(10).fill(100))), "slower");
});

Deno.test("Times that are none are refused, and rounds that can't be paired", () => {
  for (const bad of [NaN, -1, Infinity]) {
    assertThrows(() => timeInterval([1, bad]), RangeError, "not a time");
  }
  assertThrows(() => timeInterval([]), RangeError);
  assertThrows(() => pairedRatio([1, 2], [1]), RangeError, "2 against 1");
  assertEquals(timeInterval([0, 0, 0]).median, 0);
});

Deno.test("confidenceAbove() grows with the distance and adds up to 1 when turned over", () => {
  const [slow, fast] = [[200, 204, 196], [100, 101, 99]];
  assert(confidenceAbove(slow, fast) > 0.99);
  assert(confidenceAbove(slow, fast, 3) < 0.01);
  assertAlmostEquals(confidenceAbove(slow, fast) + confidenceAbove(fast, slow), 1, 1e-9);
  assertAlmostEquals(confidenceAbove([300], [100]), 0.9, 1e-9);
});

/** The noise of one trial, as a factor of its time; each kind has the median 1. */
function noises(random: () => number): Record<string, () => number> {
  // The transform of Box and Muller (1958).
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return {
    "log-normal, 2 %": () => Math.exp(0.02 * normal()),
    "log-normal, 5 %": () => Math.exp(0.05 * normal()),
    // The ratio of two normals has Cauchy's tails, cut off where a trial would be stopped.
    "heavy tail": () => Math.exp(0.02 * normal() / Math.max(0.05, Math.abs(normal()))),
    "one spike in ten": () => Math.exp(0.02 * normal()) * (random() < 0.1 ? 1 + random() : 1),
  };
}

/** Runs of two models; the second takes `factor` times as long. */
function calls(
  noise: () => number,
  { count, driftPerTrial, factor, cases }: {
    count: number;
    driftPerTrial: number;
    factor: number;
    cases: number;
  },
): { slower: number; any: number } {
  const found = { slower: 0, any: 0 };
  for (let seed = 0; seed < cases; seed++) {
    const times = { a: [] as number[], b: [] as number[] };
    let trial = 0;
    for (const order of schedule(["a", "b"] as const, count, seed)) {
      for (const name of order) {
        const drift = 1 + driftPerTrial * trial++;
        times[name].push(100 * drift * noise() * (name === "b" ? factor : 1));
      }
    }
    const verdict = differenceOf(pairedRatio(times.b, times.a));
    if (verdict !== "no detectable difference") found.any++;
    if (verdict === "slower") found.slower++;
  }
  return found;
}

for (const driftPerTrial of [0, 0.02, 0.05]) {
  const drift = driftPerTrial === 0 ? "no drift" : `${driftPerTrial * 100} % drift a trial`;
  for (const count of [2, 3, 4, 5, 6, 10]) {
    Deno.test(`A/A: ${count} rounds with ${drift} call a difference in 5 % of cases at most`, () => {
      const cases = count < 6 ? 1000 : 160;
      for (const [name, noise] of Object.entries(noises(seededRandom(count)))) {
        const { any } = calls(noise, { count, driftPerTrial, factor: 1, cases });
        assert(any <= 0.05 * cases, `${name}: ${any} of ${cases}`);
      }
    });
  }
}

Deno.test("A/A: a drift without any noise calls no difference", () => {
  for (const count of [2, 3, 4, 5, 6, 7, 10]) {
    const { any } = calls(() => 1, { count, driftPerTrial: 0.05, factor: 1, cases: 50 });
    assertEquals(any, 0, `${count} rounds`);
  }
});

Deno.test("A slow-down of 20 % is found in 3 rounds at 2 % noise, and in 5 at 5 %", () => {
  for (const [name, count] of [["log-normal, 2 %", 3], ["log-normal, 5 %", 5]] as const) {
    const noise = noises(seededRandom(1))[name]!;
    const { slower } = calls(noise, { count, driftPerTrial: 0, factor: 1.2, cases: 500 });
    assert(slower >= 0.95 * 500, `${name}, ${count} rounds: found in ${slower} of 500`);
  }
});

Deno.test("unpairedRatio() holds its own ratio, and turns over when the sides are swapped", () => {
  const series = fc.array(time, { minLength: 1, maxLength: 12 });
  fc.assert(fc.property(series, series, (now, then) => {
    const { median, low, high } = unpairedRatio(now, then);
    assert(low <= median && median <= high);
    assertAlmostEquals(median * unpairedRatio(then, now).median, 1, 1e-9);
  }));
});

Deno.test("unpairedRatio() takes a slow-down in fewer than half of the rounds for none of all", () => {
  const steady = Array.from({ length: 20 }, (_, round) => 100 + round / 20);
  const now = steady.map((ms, round) => round % 5 < 2 ? 2 * ms : ms);
  const { median, low, high } = unpairedRatio(now, steady);
  assert(median < 1.01 && low < 1.01 && high > 1.9, `${median}, ${low} to ${high}`);
});

Deno.test("unpairedRatio() calls a difference between equal series in 5 % of cases at most", () => {
  const random = seededRandom(3);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  for (const rounds of [3, 5, 6, 10]) {
    let called = 0;
    for (let run = 0; run < 1000; run++) {
      const series = () => Array.from({ length: rounds }, () => 100 * Math.exp(0.03 * normal()));
      const { low, high } = unpairedRatio(series(), series());
      if (low > 1 || high < 1) called++;
    }
    assert(called <= 50, `${rounds} rounds: ${called} of 1000`);
  }
});
