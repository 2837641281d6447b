import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { SEQUENTIAL } from "../../../lib/advice/prediction/candidate.ts";
import { listSchedule } from "../../../lib/advice/prediction/predict.ts";
import type { Race, Runner } from "../../../lib/advice/race/runner.ts";
import { asRaced, classLostOf, compareWork, sameWork } from "../../../lib/advice/race/same_work.ts";
import { seededRandom } from "../../../lib/timing/random.ts";
import { adviceOn } from "../advice_on.ts";
import { limited, raceOf, roundOf, runner, sampleFor, WORKERS } from "../fixture.ts";

Deno.test("sameWork() notices work that is done already, and work that grows", () => {
  const waiting = sampleFor({ waitMs: 10 });
  assert(sameWork(waiting, raceOf([1000, 1010, 990]))?.same);
  assertEquals(sameWork(waiting, raceOf([500, 510, 490]))?.same, false);
  assertEquals(sameWork(waiting, raceOf([2000, 2100, 1900]))?.same, false);
  const computing = sampleFor({ computeMs: 10 });
  assertEquals(sameWork(computing, raceOf([200, 210, 190], 200))?.same, false);
  // If tasks compute and wait, the waits alone may vanish.
  assertEquals(
    sameWork(sampleFor({ computeMs: 5, waitMs: 5 }), raceOf([520, 530, 510], 500))?.same,
    false,
  );
  // A loop that was compiled better does the same work.
  assert(sameWork(computing, raceOf([500, 510, 490], 500))?.same);
});

Deno.test("sameWork() sees by what lanes computed that work is done already, where the plain loop ran few items", () => {
  const busy = sampleFor({ computeMs: 40, available: 0.4, othersUse: 1.6, items: 26, total: 40 });
  const lanes = (runCpuMs: number, candidate = WORKERS): Runner => ({
    candidate,
    items: 6,
    rounds: [roundOf({ runMs: 150, runCpuMs })],
  });
  // In a trial of two items, much of the computing is the trial's own start.
  const plain: Runner = {
    candidate: SEQUENTIAL,
    items: 2,
    rounds: [roundOf({ runMs: 80, runCpuMs: 35 })],
  };
  const of = (...others: Runner[]) =>
    sameWork(busy, { ...raceOf([1]), runners: [plain, ...others] })!;
  assertEquals([of().same, of(lanes(240)).same], [true, true]);
  assertEquals(of(lanes(30)).same, false);
  assertAlmostEquals(of(lanes(30)).ratio, 30 / 240, 0.01);
  // Subprocesses count only the CPU time that they report, and a failed model did no work.
  const processes = { ...WORKERS, model: "processes" } as const;
  assert(of(lanes(30, processes), { ...lanes(30), out: "failures" }).same);
});

Deno.test("sameWork() takes a busy machine for no other work", () => {
  // Others used half of the CPU during the sample, or during the race: the CPU time is the same.
  const busy = sampleFor({ computeMs: 10, available: 0.5 });
  assert(sameWork(busy, raceOf([1000, 1010, 990], 1000))?.same);
  const computing = sampleFor({ computeMs: 10 });
  assert(sameWork(computing, raceOf([2000, 2100, 1900], 1000))?.same);
  // Sharing a core and its caches also costs CPU time for the same work.
  const crowded = sampleFor({ computeMs: 13, available: 0.5 });
  assert(sameWork(crowded, raceOf([1000, 1010, 990], 800))?.same);
  // One disturbed round of three doesn't count.
  assert(sameWork(sampleFor({ waitMs: 10 }), raceOf([1000, 2400, 1010]))?.same);
});

Deno.test("compareWork() takes waits that a busy machine makes longer for the same work", () => {
  const of = (othersUse: number, runMs = 417, runCpuMs = 8) =>
    compareWork(sampleFor({ computeMs: 0.2, waitMs: 6, items: 30, othersUse }), {
      items: 30,
      rounds: [{ runMs, runCpuMs }],
    })!.same;
  assertEquals([of(1.9), of(0)], [true, false]);
  // With shared caches, the little computing takes longer as well; three times as long is too much.
  assertEquals([of(1.9, 417, 16), of(1.9, 700, 30)], [true, false]);
  // No other program makes waits shorter.
  assertEquals(of(1.9, 100, 4), false);
});

Deno.test("compareWork() takes tiny tasks for the same work, however long a trial of them takes to begin", () => {
  const of = (runMs: number) =>
    compareWork(sampleFor({ computeMs: 0.01, items: 20 }), {
      items: 20,
      rounds: [{ runMs, runCpuMs: runMs }],
    })!.same;
  assertEquals([of(45), of(60)], [true, false]);
});

Deno.test("sameWork() notices results that changed once and for all", () => {
  assertEquals(sameWork(sampleFor({ waitMs: 10 }), raceOf([1000, 1000], 0, true))?.same, false);
});

Deno.test("compareWork() holds a plain loop against the sample's own items, and against the mean beyond them", () => {
  const sample = sampleFor({ waitMs: 10, items: 20 });
  const ratioOf = (items: number, runMs: number, ...more: [boolean?]) =>
    compareWork(sample, { items, rounds: [{ runMs }] }, ...more)!;
  // Handing out an item takes up to 0.05 ms, which isn't the job's time.
  assertAlmostEquals(ratioOf(20, 200).ratio, 1, 0.01);
  assertAlmostEquals(ratioOf(20, 400 + 1).ratio, 2, 0.03);
  assertAlmostEquals(ratioOf(40, 800 + 2).ratio, 2, 0.03);
  assertAlmostEquals(ratioOf(40, 200).ratio, 0.5, 0.02);
  assertEquals([ratioOf(20, 270).same, ratioOf(20, 330).same, ratioOf(20, 120).same], [
    true,
    false,
    false,
  ]);
  assertEquals(ratioOf(20, 200, false).same, false);
  assertEquals(compareWork(sample, { items: 20, rounds: [] }), undefined);
});

Deno.test("compareWork() takes longer computing on a busy machine for the same work, by its CPU time", () => {
  const sample = sampleFor({ computeMs: 10, items: 20 });
  const of = (runMs: number, runCpuMs?: number) =>
    compareWork(sample, { items: 20, rounds: [{ runMs, runCpuMs }] })!.ratio;
  assertEquals(of(800, 201), 1);
  assertAlmostEquals(of(800, 402), 2, 0.03);
  assertAlmostEquals(of(100, 201), 1, 0.01, "and faster, too");
  assertAlmostEquals(of(50, 100), 0.5, 0.02);
});

Deno.test("asRaced() forgets what each item took where the same ones take other times again", () => {
  const even = sampleFor({ waitMs: 10, items: 60 });
  // Each of the first ten items took 4 ms, and the average of all is 10 ms.
  const walls = [
    { count: 10, wallMs: 4, cpuMs: 0, sourceMs: 0 },
    { count: 50, wallMs: 11.2, cpuMs: 0, sourceMs: 0 },
  ];
  const uneven = { ...even, wallMs: 10, variation: 0.4, walls };
  const of = (...times: number[]) => {
    const rounds = times.map((runMs, round) => roundOf({ round, runMs }));
    return asRaced(uneven, [{ candidate: SEQUENTIAL, items: 10, rounds }]);
  };
  assertEquals([of(41, 40), of(60), of()], [uneven, uneven, uneven]);
  const drawn = of(90, 120, 70);
  assertEquals([drawn.isDrawn, drawn.walls.length, drawn.walls[0]!.wallMs], [true, 1, 10]);
  assertEquals(compareWork(uneven, { items: 10, rounds: [{ runMs: 90 }] })?.same, false);
  assertEquals(compareWork(drawn, { items: 10, rounds: [{ runMs: 90 }] })?.same, true);
  assertEquals(asRaced(drawn, [{ candidate: SEQUENTIAL, items: 10, rounds: [] }]), drawn);
});

Deno.test("advise() scales no item's time that is drawn anew, and finds the job the same", async () => {
  const seed = seededRandom(3);
  const advice = await adviceOn({ waitMs: 20, items: 100 }, ({ model, slots = 100 }, items) => {
    const times = Array.from({ length: items }, () => seed() < 0.1 ? 150 : 6);
    return { runMs: listSchedule(times, model === "sequential" ? 1 : slots).endMs };
  });
  assert(!advice.hazards.some(({ kind }) => kind === "other-work" || kind === "impossible"));
  const { gain } = advice.recommended;
  assert(gain !== null && gain.median > 3 && gain.median < 20, JSON.stringify(gain));
});

Deno.test("compareWork() holds a loop that runs programs against its own CPU time, which is all that a trial counts", () => {
  const of = (runMs: number, runCpuMs: number, programs: object) => {
    const sample = sampleFor({ computeMs: 1, waitMs: 9, items: 20, ...programs });
    return compareWork(sample, { items: 20, rounds: [{ runMs, runCpuMs }] })!;
  };
  const computing = { programMs: 8, othersUse: 0 };
  assertEquals(of(400, 21, computing).ratio, 1, "a program that a neighbour holds up is the same");
  assertEquals(of(60, 3, computing).same, false, "one that didn't run isn't");
  // Other programs that ran only during the sample, or only during the race, change nothing.
  const held = { programMs: 3, othersUse: 1.9 };
  assert(of(400, 21, held).same && of(90, 21, held).same);
});

Deno.test("classLostOf() minds no class that lanes were seen to do without", () => {
  const sample = { ...sampleFor({ computeMs: 5 }), classLost: "item 0: it is P" };
  const race = (out?: Runner["out"], more: Partial<Race> = {}, model = WORKERS): Race => ({
    ...raceOf([10]),
    runners: [{ ...runner(model), ...(out && { out }) }],
    ...more,
  });
  const lost = (of: Race | undefined) => classLostOf({ sample, race: of }) !== undefined;
  assertEquals([lost(race()), lost(race("slower"))], [false, false]);
  assertEquals([lost(undefined), lost(race("failures")), lost(race("results"))], [
    true,
    true,
    true,
  ]);
  assertEquals(lost(race(undefined, { unrepeatable: true })), true, "nobody knows what is right");
  assertEquals(lost(race(undefined, {}, limited(4))), true, "this event loop has the class");
  const unrun = race();
  assertEquals(lost({ ...unrun, runners: [{ ...unrun.runners[0]!, rounds: [] }] }), true);
});
