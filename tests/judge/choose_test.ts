import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { choose, gainLimit, mostSaved, type Standing } from "../../lib/judge/choose.ts";
import { seededRandom } from "../../lib/timing/random.ts";

/** A standing of candidates with these times; intervals and certainty follow from `spread`. */
function standingOf(times: Record<string, number>, spread = 1.02): Standing<string> {
  const ratio = (slow: string, fast: string) => {
    const median = times[slow]! / times[fast]!;
    return { median, low: median / spread, high: median * spread };
  };
  const sureAbove = (slow: string, fast: string, bound: number) => {
    const { low, high } = ratio(slow, fast);
    return low > bound ? 0.99 : high < bound ? 0.01 : 0.5;
  };
  return { ratio, sureAbove };
}

function chosenOf(times: Record<string, number>, spread?: number) {
  const [plain, ...others] = Object.keys(times);
  return choose(plain!, others, standingOf(times, spread));
}

Deno.test("choose() takes the simplest that is as good as the best", () => {
  const choice = chosenOf({ plain: 100, simple: 52, best: 50 });
  assertEquals([choice.chosen, choice.best, choice.decision], ["simple", "best", "gain"]);
  assertEquals([choice.bestGain?.median, choice.confidence], [2, 0.99]);
  assertEquals(chosenOf({ plain: 100, simple: 54, best: 50 }).chosen, "best");
  // If the best is at least 1.05 times as fast as the simpler one, the best is chosen.
  assertEquals(chosenOf({ plain: 100, simple: 105, best: 100.5 }).chosen, "plain");
});

Deno.test("choose() is as sure of it as of the least sure comparison", () => {
  // If the best is 1.05 to 1.1 times as fast, it isn't certain that no other beats the choice by a tenth.
  assertEquals(chosenOf({ plain: 100, simple: 53.9, best: 50 }, 1.03).confidence, 0.99);
  assertEquals(chosenOf({ plain: 100, simple: 52, best: 50 }, 1.06).confidence, 0.5);
  assertEquals(chosenOf({ plain: 100, simple: 51, best: 50, other: 70 }).confidence, 0.99);
});

Deno.test("choose() stays plain where nothing gains a twentieth, and says so if it is sure", () => {
  const none = chosenOf({ plain: 100, simple: 98, best: 97 });
  assertEquals([none.chosen, none.best, none.decision], ["plain", "best", "no gain"]);
  assert(none.confidence > 0.9);
  const slower = chosenOf({ plain: 100, simple: 140 });
  assertEquals([slower.chosen, slower.decision], ["plain", "no gain"]);
});

Deno.test("choose() says that it can't tell what may yet gain a tenth", () => {
  assertEquals(chosenOf({ plain: 100, simple: 80 }, 1.4).decision, "can't tell");
  assertEquals(chosenOf({ plain: 100, simple: 99 }, 2.5).decision, "can't tell");
  const never = choose("plain", ["other"], { ratio: () => null, sureAbove: () => 0.5 });
  assertEquals([never.chosen, never.bestGain, never.decision], ["plain", null, "can't tell"]);
});

Deno.test("choose() knows of nothing but the plain one", () => {
  assertEquals(chosenOf({ plain: 100 }), {
    chosen: "plain",
    best: "plain",
    bestGain: null,
    confidence: 0.7,
    decision: "no gain",
  });
});

Deno.test("choose() takes a best one for luck where a simpler one is as good and isn't shown to pay", () => {
  const standing = standingOf({ plain: 100, simple: 82, best: 80 });
  const choice = choose("plain", ["simple", "best"], standing, (of) => of === "best");
  assertEquals([choice.chosen, choice.best, choice.decision], ["plain", "simple", "can't tell"]);
});

/** The decision for one candidate with this gain and certainty. */
function decisionOf(
  gain: { low: number; median: number; high: number },
  sureAbove = 0,
  isShown?: boolean,
) {
  const standing: Standing<string> = {
    ratio: () => gain,
    sureAbove: (_, __, bound) => bound > 1 ? sureAbove : 0.9,
  };
  return choose("plain", ["other"], standing, isShown === undefined ? undefined : () => isShown)
    .decision;
}

Deno.test("choose() calls a gain none only if it is sure, shown to be little, and its interval tells", () => {
  const little = { low: 0.99, median: 1.02, high: 1.05 };
  assertEquals(decisionOf(little), "no gain");
  assertEquals([decisionOf(little, 0.25), decisionOf(little, 0.26)], ["no gain", "can't tell"]);
  // A median gain of a tenth that isn't shown leaves it open; a smaller one, or one that is shown, doesn't.
  const tenth = { low: 0.99, median: 1.1, high: 1.2 };
  assertEquals(decisionOf(tenth), "can't tell");
  assertEquals(decisionOf({ ...tenth, median: 1.09 }), "no gain");
  // An interval that is too wide decides nothing if it includes a gain of a tenth.
  assertEquals(decisionOf({ low: 0.5, median: 1, high: 2 }), "no gain");
  assertEquals(decisionOf({ low: 0.5, median: 1, high: 2.01 }), "can't tell");
  assertEquals(decisionOf({ low: 1, median: 1.02, high: 4.01 }, 0, false), "can't tell");
  assertEquals(decisionOf({ low: 1.01, median: 1.02, high: 5 }, 0, false), "no gain");
  assertEquals(decisionOf({ low: 0.2, median: 0.5, high: 1.1 }), "no gain");
  assertEquals(decisionOf({ low: 0.2, median: 0.5, high: 1.11 }), "can't tell");
});

Deno.test("choose() takes a gain only above a twentieth, and only one whose interval leaves out 1", () => {
  assertEquals(decisionOf({ low: 1.04, median: 1.05, high: 1.06 }), "no gain");
  assertEquals(decisionOf({ low: 1.04, median: 1.051, high: 1.06 }), "gain");
  assertEquals(decisionOf({ low: 1, median: 1.09, high: 1.1 }), "no gain");
  assertEquals(decisionOf({ low: 1.01, median: 1.09, high: 1.1 }), "gain");
});

Deno.test("choose() takes a simpler one that the best beats by just a twentieth", () => {
  assertEquals(chosenOf({ plain: 210, simple: 105, best: 100 }).chosen, "simple");
});

Deno.test("choose() holds the chosen against the plain one, simpler ones and others in their ways", () => {
  const asked: string[] = [];
  const times: Record<string, number> = { plain: 100, simple: 80, chosen: 40, other: 50 };
  const choice = choose("plain", ["simple", "chosen", "other"], {
    ...standingOf(times),
    sureAbove: (slow, fast, bound) => {
      asked.push(`${slow} ${fast} ${bound}`);
      return slow === "plain" ? 0.97 : slow === "simple" ? 0.95 : 0.06;
    },
  });
  assertEquals(asked, ["simple chosen 1", "plain chosen 1", "simple chosen 1", "chosen other 1.1"]);
  assertEquals([choice.chosen, choice.confidence], ["chosen", 0.94]);
});

Deno.test("choose() takes the simpler of two that gain, unless the other is likely faster", () => {
  const of = (sure: number) =>
    choose("plain", ["simple", "best"], {
      ...standingOf({ plain: 400, simple: 100, best: 88 }),
      sureAbove: (slow) => slow === "simple" ? sure : 0.99,
    }).chosen;
  assertEquals([of(0.74), of(0.75)], ["simple", "best"]);
});

Deno.test("choose() takes the slower of two that are as simple only within a tenth", () => {
  const of = (best: number, isAlike: boolean) =>
    choose(
      "plain",
      ["simple", "best"],
      {
        ...standingOf({ plain: 400, simple: 110, best }),
        sureAbove: (slow) => slow === "simple" ? 0.6 : 0.99,
      },
      undefined,
      () => isAlike,
    ).chosen;
  assertEquals([of(100, true), of(101, true), of(100, false)], ["best", "simple", "simple"]);
});

Deno.test("choose() names what is likely faster but not surely, and is then sure of the gain alone", () => {
  const times = { plain: 400, simple: 100, best: 88 };
  const of = (sureOfGain: number, slower: number) =>
    choose("plain", ["simple", "best"], {
      ...standingOf(times),
      sureAbove: (slow, _, bound) => slow === "plain" ? sureOfGain : bound > 1 ? slower : 0.7,
    });
  const { chosen, rival, confidence } = of(0.97, 0.6);
  assertEquals([chosen, rival, confidence], ["simple", "best", 0.97]);
  const settled = of(0.97, 0.4);
  assertEquals([settled.chosen, settled.rival, settled.confidence], ["simple", undefined, 0.6]);
});

Deno.test("choose() names the likeliest of several that are likely faster", () => {
  const { chosen, rival } = choose("plain", ["simple", "faster", "fastest"], {
    ...standingOf({ plain: 400, simple: 100, faster: 97, fastest: 96 }),
    sureAbove: (slow, fast, bound) =>
      slow === "plain" ? 0.97 : bound === 1 ? 0.7 : fast === "fastest" ? 0.8 : 0.6,
  });
  assertEquals([chosen, rival], ["simple", "fastest"]);
});

Deno.test("choose() chooses nothing that is more likely wrong than right", () => {
  for (let seed = 0; seed < 300; seed++) {
    const random = seededRandom(seed);
    const times = Object.fromEntries(
      ["plain", "a", "b", "c"].map((name) => [name, 50 + 100 * random()]),
    );
    const standing = standingOf(times, 1.01 + random());
    const { confidence, decision } = choose("plain", ["a", "b", "c"], {
      ...standing,
      sureAbove: () => random(),
    });
    assert(decision !== "gain" || confidence >= 0.5, `seed ${seed}: ${confidence}`);
  }
});

const COMPUTES = { cpuShare: 1, onLoop: 1 };
const LOOP = { lanes: 1, inFlight: 1000 };
const LANES = { lanes: 4, inFlight: 1000 };

Deno.test("gainLimit() is what the cores give tasks that compute, and nothing on one event loop", () => {
  assertEquals(gainLimit(COMPUTES, 2, LANES), 2);
  assertEquals(gainLimit(COMPUTES, 2, LOOP), 1);
  // Outside the loop, tasks compute on all cores.
  assertEquals(gainLimit({ cpuShare: 1, onLoop: 0 }, 2, LOOP), 2);
  assertEquals(gainLimit({ cpuShare: 1, onLoop: 0.8 }, 2, LOOP), 1.25);
});

Deno.test("gainLimit() isn't above the tasks in flight, nor below 1", () => {
  const waits = { cpuShare: 0.001, onLoop: 1 };
  assertEquals(gainLimit(waits, 2, { lanes: 1, inFlight: 8 }), 8);
  assertEquals(gainLimit({ ...COMPUTES, held: 1 }, 0.5, LANES), 1);
});

Deno.test("gainLimit() lets tasks that compute all the time spare no waking", () => {
  // With two cores, tasks that always compute gain at most two.
  assertEquals(gainLimit({ cpuShare: 1, onLoop: 0 }, 2, LOOP), 2);
  // If tasks wait half of the time, four tenths of their computing may be waking up.
  const half = 1 / (0.5 * Math.SQRT1_2);
  assertAlmostEquals(gainLimit({ cpuShare: 0.5, onLoop: 1 }, 1, LANES), half / 0.6, 1e-9);
});

Deno.test("gainLimit() of one event loop ends where tasks hold it up", () => {
  const blocking = { cpuShare: 0.01, onLoop: 1, held: 0.99 };
  assert(gainLimit(blocking, 2, LOOP) < 1.02);
  assert(gainLimit(blocking, 2, LANES) > 100);
});

Deno.test("mostSaved() is what other cores compute, and all waits but one item's", () => {
  assertEquals(mostSaved(0.75, 4, 10), 0.75 * 0.75 + 0.25 * 0.9);
  assertEquals(mostSaved(0.25, 1, 4), 0.75 * 0.75);
  assertEquals(mostSaved(1, 8, 2), 0.5, "no core computes more than one item");
  assertEquals(mostSaved(0.5, 8, 1), 0);
});
