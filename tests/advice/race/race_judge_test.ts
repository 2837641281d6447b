import { assert, assertEquals } from "@std/assert";
import { type Candidate, SEQUENTIAL } from "../../../lib/advice/prediction/candidate.ts";
import type { Entry } from "../../../lib/advice/race/entries.ts";
import { isOneUntried, judgeOf } from "../../../lib/advice/race/race_judge.ts";
import { planFor } from "../../../lib/advice/race/race_plan.ts";
import type { Race, Runner } from "../../../lib/advice/race/runner.ts";
import { JOB } from "../../timing/fake.ts";
import { limited, MACHINE, probedOf, raceOf, roundOf, sampleFor, WORKERS } from "../fixture.ts";

function judge(
  made: Parameters<typeof probedOf>[0],
  shared?: { readonly name: string; readonly module: string; readonly line: number },
  machine = MACHINE,
) {
  const options = { items: undefined, job: JOB };
  const planned = planFor(probedOf(made), machine, options, 60_000);
  return judgeOf({ ...planned, plan: planned.plan!, shared });
}

const ran = (candidate: Candidate, ...times: number[]): Runner => ({
  candidate,
  items: 100,
  rounds: times.map((runMs, round) => roundOf({ runMs, round, succeeded: 100 })),
});

const raceWith = (runners: readonly Runner[], more: Partial<Race> = {}): Race => (
  { ...raceOf([2000]), runners, ...more }
);

Deno.test("isOneUntried() is told where nothing that ran gained, or where slots lost and fewer may gain", () => {
  const entry = (candidate: Candidate, ms: number, eligible = true): Entry => (
    { candidate, eligible, times: [{ round: 0, ms }] }
  );
  const [waits, computes] = [sampleFor({ waitMs: 20 }), sampleFor({ computeMs: 20 })];
  const plain = entry(SEQUENTIAL, 1000);
  const is = (others: readonly Entry[], sample = waits, untried = 1) =>
    isOneUntried({ untried }, sample, [plain, ...others]);
  assertEquals([is([]), is([], waits, 0)], [true, false]);
  assertEquals([is([entry(limited(8), 200)]), is([entry(limited(8), 200, false)])], [false, true]);
  assertEquals([is([entry(limited(8), 1300)]), is([entry(limited(8), 1100)])], [true, false]);
  assertEquals(is([entry(limited(8), 1300)], computes), false, "fewer slots compute no faster");
  assertEquals(is([entry(WORKERS, 1300)]), false, "they have one slot each already");
});

Deno.test("a race is decided once a gain is sure and its interval narrow, and not by one round", () => {
  const { isDecided, isUnclear } = judge({ waitMs: 20 });
  const sure = [
    ran(SEQUENTIAL, 2000, 2010, 1990, 2005, 1995),
    ran(limited(8), 260, 262, 258, 261, 259),
  ];
  assert(isDecided(sure) && !isUnclear(raceWith(sure)));
  const once = [ran(SEQUENTIAL, 2000), ran(limited(8), 1500)];
  assert(!isDecided(once) && isUnclear(raceWith(once)));
  const open = [ran(SEQUENTIAL, 2000, 2900, 1400), ran(limited(8), 1500, 2600, 1900)];
  assert(!isDecided(open) && isUnclear(raceWith(open)));
  // More rounds don't help if results differ from run to run, or the work isn't the sample's.
  assert(!isUnclear(raceWith(once, { unrepeatable: true })));
  const other = [ran(SEQUENTIAL, 200), ran(limited(8), 150)];
  assert(!isUnclear(raceWith(other)));
});

Deno.test("more rounds don't help a race of tasks that compute while others have the cores", () => {
  const open = [ran(SEQUENTIAL, 2000, 2900), ran(WORKERS, 1900, 2600)];
  const isUnclear = (made: Parameters<typeof judge>[0], ceiling: number, runners = open) =>
    judge(made, undefined, { ...MACHINE, ceiling }).isUnclear(raceWith(runners));
  const busy = { computeMs: 20, othersUse: 1.2 };
  assertEquals([isUnclear(busy, 1.04), isUnclear(busy, 1.9)], [false, true]);
  assert(isUnclear({ ...busy, othersUse: 0 }, 1.04), "nobody else had them");
  assert(!isUnclear({ ...busy, onLoop: 0.1 }, 1.04), "slots need the same cores");
  assert(isUnclear({ computeMs: 10, waitMs: 10, othersUse: 1.2 }, 1.04), "slots may fill waits");
  assert(isUnclear(busy, 1.04, [ran(SEQUENTIAL, 2000), ran(WORKERS, 1900)]), "of one round");
});

Deno.test("a race of tasks that share something is over where only lanes are left to take", () => {
  const runners = [ran(SEQUENTIAL, 2000), ran(WORKERS, 1500)];
  const shared = { name: "cache", module: "file:///job.ts", line: 3 };
  const free = judge({ computeMs: 20 });
  const kept = judge({ computeMs: 20 }, shared);
  assertEquals([free.isDecided(runners), kept.isDecided(runners)], [false, true]);
  assertEquals([free.isUnclear(raceWith(runners)), kept.isUnclear(raceWith(runners))], [
    true,
    false,
  ]);
  assertEquals(kept.instead(runners).filter(({ model }) => model === "workers"), []);
});

Deno.test("a race that shows what can't be, or has no plain loop to compare with, is unclear", () => {
  const times = (ms: number) => [ms, 1.002 * ms, 0.998 * ms, 1.001 * ms, 0.999 * ms];
  const threads = (ms: number) => ran(WORKERS, ...times(ms));
  const isUnclear = (...runners: Runner[]) => judge({ computeMs: 20 }).isUnclear(raceWith(runners));
  const plain = ran(SEQUENTIAL, ...times(2000));
  assertEquals([isUnclear(plain, threads(1100)), isUnclear(plain, threads(50))], [false, true]);
  assert(isUnclear(threads(1100)));
});
