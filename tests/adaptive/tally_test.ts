/** When a task that fails on lanes is no longer sent there. */

import { assert, assertEquals } from "@std/assert";
import { Tally } from "../../lib/adaptive/tally.ts";
import { seededRandom } from "../../lib/timing/random.ts";

/**
 * How many of a task's items failed on lanes, one after another, before it was no longer sent; in doubt, items
 * run here. Infinity if it is always sent.
 */
function lostOf(
  { here, fails, failsHere = () => false }: {
    here: readonly [ended: number, failed: number];
    fails: (at: number) => boolean;
    failsHere?: (at: number) => boolean;
  },
  most = 1000,
): number {
  const tally = new Tally();
  tally.add(true, ...here);
  let lost = 0;
  for (let at = 0; at < most; at++) {
    const { verdict } = tally;
    if (verdict === "stays") return lost;
    const isHere = verdict === "in doubt";
    const failed = Number((isHere ? failsHere : fails)(at));
    tally.add(isHere, 1, failed);
    if (!isHere) lost += failed;
  }
  return Infinity;
}

Deno.test("a task that fails on lanes alone is sent no more after two failures, unless it seldom fails", () => {
  const lost = (ended: number, every: number) =>
    lostOf({ here: [ended, 0], fails: (at) => at % every === 0 });
  assertEquals([0, 1, 5, 8, 20].map((ended) => lost(ended, 1)), [2, 2, 2, 2, 2]);
  assertEquals([0, 3, 7, 10, 20].map((ended) => lost(ended, 3)), [2, 2, 2, 2, 2]);
  assertEquals([7, 20, 50].map((ended) => lost(ended, 10)), [Infinity, 2, 2]);
});

Deno.test("a task that fails here as often is still sent, in at least 80 of 100 cases", () => {
  const always = () => true;
  assertEquals(lostOf({ here: [10, 10], fails: always, failsHere: always }), Infinity);
  for (const share of [0.02, 0.1, 0.5, 0.9]) {
    for (const ended of [1, 10, 100]) {
      let kept = 0;
      for (let seed = 0; seed < 100; seed++) {
        const random = seededRandom(seed);
        const fails = () => random() < share;
        const failed = Array.from({ length: ended }, fails).filter(Boolean).length;
        kept += Number(lostOf({ here: [ended, failed], fails, failsHere: fails }) === Infinity);
      }
      assert(kept >= 80, `${share} of ${ended}: ${kept}`);
    }
  }
});

Deno.test("a task that went well for long and then always fails on lanes is sent no more, either", () => {
  assertEquals(lostOf({ here: [50, 0], fails: (at) => at >= 10_000 }, 20_000), 20);
});

Deno.test("a task is proven on lanes once one came back as it does here", () => {
  const tally = new Tally();
  const proven: boolean[] = [];
  for (const failed of [1, 0]) {
    tally.add(false, 1, failed);
    proven.push(tally.isProven);
  }
  assertEquals(proven, [false, true]);
  const failing = new Tally();
  failing.add(true, 3, 3);
  failing.add(false, 1, 1);
  assert(failing.isProven);
});

Deno.test("one failure that names what is missing on lanes ends sending, unless tasks fail here, too, or went well there", () => {
  const verdicts = [[0, 0], [5, 0], [1, 1]].map(([ended, failed]) => {
    const tally = new Tally();
    tally.add(true, ended!, failed!);
    tally.add(false, 1, 1, true);
    return tally.verdict;
  });
  assertEquals(verdicts, ["stays", "stays", "sent"]);
  const later = new Tally();
  later.add(false, 1, 0);
  later.add(false, 1, 1, true);
  assertEquals(later.verdict, "sent");
});

Deno.test("a tally's text says how many failed on lanes, and how many here", () => {
  const tally = new Tally();
  tally.add(true, 7, 0);
  tally.add(false, 4, 3);
  assertEquals(String(tally), "3 of 4 failed where they were sent, and 0 of 7 here");
});
