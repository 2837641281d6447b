import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  type Candidate,
  nameOf,
  SEQUENTIAL,
  threads,
} from "../../../lib/advice/prediction/candidate.ts";
import {
  planFor,
  planRace,
  possibleCandidates,
  promising,
  withOthers,
} from "../../../lib/advice/race/race_plan.ts";
import type { LanePermissions } from "../../../lib/lanes/permissions.ts";
import { JOB } from "../../timing/fake.ts";
import { sampleOf } from "../../../lib/advice/probe/sample.ts";
import { MACHINE, probedOf, sampleFor } from "../fixture.ts";
import { predict } from "../../../lib/advice/prediction/predict.ts";

Deno.test("withOthers() takes down who came after the sample, and forgets none who was there", () => {
  const planned = planFor(
    probedOf({ computeMs: 10 }),
    MACHINE,
    { items: undefined, job: JOB },
    30_000,
  );
  const of = (used: number) => ({ used, cores: 2 });
  const busy = withOthers(planned, of(1.5));
  assertEquals(busy.sample.others, of(1.5));
  assertEquals(withOthers(busy, of(0.5)).sample.others, of(1.5));
  assertEquals(withOthers(planned, undefined), planned);
});

Deno.test("planFor() takes what the budget leaves for a few long items, where three runs buy no race", () => {
  const few = probedOf({ waitMs: 3000, items: 2 });
  const planFew = (leftMs: number) =>
    planFor(few, MACHINE, { items: undefined, job: JOB }, leftMs).plan;
  assertEquals(planFew(3000), null);
  assert((planFew(60_000)?.rounds ?? 0) >= 1);
});

Deno.test("planRace() shares what two runs of the sample cost among models and rounds", () => {
  const sample = sampleFor({ computeMs: 10 });
  const raced = [SEQUENTIAL, threads(2)];
  const size = { alone: 100, most: 100 };
  const plan = planRace(sample, raced, MACHINE, size, 60_000)!;
  // Of 1.65 runs of a second each 85% are planned: two thirds of it for a model that takes 526 ms.
  assertEquals(plan.rounds, 3);
  assertAlmostEquals(plan.allowanceMs, 1650, 5);
  assertAlmostEquals(plan.hardMs, 1750, 5);
  assertAlmostEquals(plan.items, 59, 3);
  assertAlmostEquals(plan.sequentialItems, 15, 3);
  const double = planRace(sample, raced, MACHINE, size, 60_000, 2 * plan.allowanceMs)!;
  assertEquals([double.rounds, double.items], [3, 100], "all items in three rounds");
  // Starting them takes its part of what is left: 120 ms for each process.
  const startMs = 3 * (2 * 120 + MACHINE.startMs.workers);
  const tight = planRace(sample, raced, MACHINE, size, startMs + 700)!;
  assert(tight.items < plan.items && tight.rounds === 3, JSON.stringify(tight));
});

Deno.test("planRace() has all items raced where all in flight may be the best, and five rounds if it can", () => {
  const sample = sampleFor({ waitMs: 20 });
  const all = { model: "concurrent", lanes: 1, slots: Infinity } as const;
  const plan = planRace(sample, [SEQUENTIAL, all], MACHINE, { alone: 100, most: 100 }, 60_000)!;
  assertEquals([plan.rounds, plan.items], [5, 100]);
  assertAlmostEquals(plan.sequentialItems, 27, 3);
});

Deno.test("planRace() plans none of one item, of no other model, or without time", () => {
  const sample = sampleFor({ computeMs: 10 });
  const raced = [SEQUENTIAL, threads(2)];
  const size = { alone: 100, most: 100 };
  assertEquals(planRace(sample, [SEQUENTIAL], MACHINE, size, 60_000), null);
  assertEquals(planRace(sample, raced, MACHINE, { alone: 1, most: 100 }, 60_000), null);
  assertEquals(planRace(sample, raced, MACHINE, { alone: 100, most: 1 }, 60_000), null);
  assert(planRace(sample, raced, MACHINE, { alone: 2, most: 2 }, 60_000) !== null);
  assertEquals(planRace(sample, raced, MACHINE, size, 100), null);
});

Deno.test("planFor() takes an endless job for a thousand items, or ten times the sample", () => {
  const of = (made: Parameters<typeof probedOf>[0], items?: number) => {
    const { total, horizon } = planFor(probedOf(made), MACHINE, { items, job: JOB }, 60_000);
    return [total, horizon];
  };
  assertEquals(of({ waitMs: 5, items: 40, total: null }), [null, 1000]);
  assertEquals(of({ waitMs: 5, items: 200, total: null }), [null, 2000]);
  assertEquals(of({ waitMs: 5, items: 40, total: null }, 60), [60, 60]);
  assertEquals(of({ waitMs: 5, items: 40, total: 90 }, 60), [60, 60]);
  assertEquals(of({ waitMs: 5, items: 40, total: 50 }, 60), [50, 50]);
});

Deno.test("planRace() gives a few long items as many rounds as there is time for", () => {
  const sample = sampleFor({ computeMs: 400, items: 8 });
  const size = { alone: 8, most: 8 };
  const { rounds, items, sequentialItems } = planRace(
    sample,
    [SEQUENTIAL, threads(2)],
    MACHINE,
    size,
    60_000,
  )!;
  assertEquals([rounds, items, sequentialItems], [2, 7, 2]);
});

Deno.test("planFor() has few slots raced of tasks that may run programs, unless these are known to wait", () => {
  const names = (permissions: LanePermissions, told = {}) =>
    planFor(probedOf({ computeMs: 1, waitMs: 19, ...told }), MACHINE, {
      items: undefined,
      job: { ...JOB, permissions },
    }, 60_000).raced.map(nameOf);
  const run = ["git"];
  assert(names({ run }).includes("limited (2 slots)"));
  assert(!names({ net: true }).includes("limited (2 slots)"));
  assert(!names({ run }, { othersUse: 0, programMs: 2 }).includes("limited (2 slots)"));
  assert(names({ run }, { othersUse: 0, programMs: 14 }).includes("limited (2 slots)"));
});

Deno.test("planRace() has items for all slots of lanes, rather than more rounds of few", () => {
  const sample = sampleFor({ computeMs: 40, waitMs: 40, items: 40, total: 400 });
  const size = { alone: 40, most: 400 };
  const planned = (slots: number) =>
    planRace(sample, [SEQUENTIAL, threads(2), threads(2, slots)], MACHINE, size, 60_000)!;
  assert(planned(8).items >= 24, `${planned(8).items}`);
  assert(planned(1).rounds > planned(8).rounds, "there is time for more rounds of few");
});

Deno.test("planRace() gives each lane three items at least, as far as there is time", () => {
  const sample = sampleFor({ computeMs: 10 });
  const startMs = 2 * 120 + MACHINE.startMs.eventLoop + 1.5 * MACHINE.startMs.workers;
  const size = { alone: 100, most: 100 };
  const plan = planRace(sample, [SEQUENTIAL, threads(4)], MACHINE, size, startMs + 80);
  assertEquals([plan?.rounds, plan?.items, plan?.sequentialItems], [1, 12, 2]);
});

Deno.test("planFor() races waiting tasks on far more items than were sampled", () => {
  const long = probedOf({ waitMs: 100, items: 30, total: 100_000 });
  const { plan } = planFor(long, MACHINE, { items: undefined, job: JOB }, 60_000);
  assert(plan!.items > 200 && plan!.items <= 4096, `${plan?.items}`);
});

Deno.test("possibleCandidates() proposes concurrent only if the race tries all items at once", () => {
  const sample = sampleFor({ waitMs: 20 });
  const models = (total: number | null, tested: number) =>
    possibleCandidates(sample, MACHINE, tested, total, 100).map(({ model }) => model);
  assert(models(100, 100).includes("concurrent"));
  assert(!models(100, 60).includes("concurrent"));
  assert(!models(null, 100).includes("concurrent"));
});

Deno.test("possibleCandidates() proposes no lane that items can't be sent to", () => {
  const sample = { ...sampleFor({ computeMs: 20 }), uncloneable: "item 0: it is a function" };
  const models = possibleCandidates(sample, MACHINE, 100, 100, 100)
    .map(({ model }) => model);
  assertEquals(models.filter((model) => model === "workers" || model === "processes"), []);
});

Deno.test("possibleCandidates() proposes as many slots as keep a lane busy", () => {
  const found = possibleCandidates(
    sampleFor({ computeMs: 5, waitMs: 5 }),
    MACHINE,
    100,
    null,
    100,
  );
  const slots = found.filter(({ model }) => model === "limited").map(({ slots }) => slots);
  // With as many slots as cores beside them, for tasks that compute elsewhere.
  assertEquals(slots, [2, 4]);
});

Deno.test("promising() races sequential first, and leaves out what can't gain", () => {
  const { raced } = promising(sampleFor({ computeMs: 20 }), MACHINE, 100, 100, 100);
  assertEquals(raced.map(nameOf), ["sequential", "workers (2 lanes)", "processes (2 lanes)"]);
});

Deno.test("planRace() stays below two sequential runs of the sample, whatever the job", () => {
  for (
    const  of of[
      { computeMs: 20 }, { waitMs: 20 }, { computeMs: 8, waitMs: 8 }, { computeMs: 400, items: 9 }
    ]
  ) {
    const sample = sampleFor(of);
    const { raced } = promising(sample, MACHINE, 8 * sample.items, null, 1000);
    const plan = planRace(
      sample,
      raced,
      MACHINE,
      { alone: sample.items, most: 8 * sample.items },
      60_000,
    );
    if (plan === null) continue;
    const costMs = plan.rounds * raced.reduce((sum, candidate) => {
      const items = candidate.model === "sequential" ? plan.sequentialItems : plan.items;
      return sum + predict(sample, candidate, items, MACHINE).runMs;
    }, 0);
    assert(costMs < 2 * sample.tasksMs, `${JSON.stringify(of)}: ${costMs} of ${sample.tasksMs}`);
  }
});

Deno.test("planRace() plans no race for which there is no time", () => {
  const sample = sampleFor({ computeMs: 20 });
  const { raced } = promising(sample, MACHINE, 100, 100, 100);
  assertEquals(planRace(sample, raced, MACHINE, { alone: 100, most: 100 }, 50), null);
});

Deno.test("planRace() races waiting tasks on more items than the sample had time for", () => {
  const sample = sampleFor({ waitMs: 100, items: 30, total: 200 });
  const raced: Candidate[] = [SEQUENTIAL, { model: "concurrent", lanes: 1, slots: Infinity }];
  const plan = planRace(sample, raced, MACHINE, { alone: 30, most: 200 }, 60_000);
  assertEquals(plan?.items, 200);
  assert(plan!.sequentialItems <= 30);
});

Deno.test("possibleCandidates() proposes more lanes than cores where tasks block their thread, and no slots", () => {
  const sample = sampleFor({ computeMs: 1, waitMs: 19, blocks: true });
  const candidates = possibleCandidates(sample, MACHINE, 100, 100, 100);
  assertEquals(candidates.filter(({ lanes, slots }) => lanes === 1 && slots > 1), []);
  assert(Math.max(...candidates.map(({ lanes }) => lanes)) >= 8);
});

Deno.test("possibleCandidates() proposes no more slots than a slow source can fill", () => {
  const slow = possibleCandidates(sampleFor({ waitMs: 12, sourceMs: 6 }), MACHINE, 100, null, 100);
  const slots = slow.filter(({ model }) => model === "limited").map(({ slots }) => slots);
  assertEquals(Math.max(...slots), 8);
});

Deno.test("possibleCandidates() proposes more slots on lanes elsewhere, where tasks come to wait together", () => {
  const sample = sampleFor({ computeMs: 5, waitMs: 4 });
  const found = possibleCandidates(sample, MACHINE, 100, null, 100);
  const slotsOf = (model: string) =>
    Math.max(...found.filter((of) => of.model === model).map(({ slots }) => slots));
  assertEquals([slotsOf("limited"), slotsOf("workers")], [4, 8]);
});

Deno.test("promising() races few slots where tasks run programs, or compute on other threads", () => {
  const names = (beside: boolean, loopShare = 1, computeMs = 1) => {
    const sample = sampleFor({ computeMs, waitMs: 20 - computeMs });
    const partly = { ...sample, loopMs: sample.cpuMs * loopShare };
    return promising(partly, MACHINE, 100, 100, 100, { runsPrograms: beside }).raced.map(nameOf);
  };
  const few = ["limited (2 slots)", "limited (4 slots)"];
  assertEquals(names(false).filter((name) => few.includes(name)), []);
  assertEquals(names(true).filter((name) => few.includes(name)), few);
  assertEquals(names(false, 0.2, 12).filter((name) => few.includes(name)), few);
  // What mostly waits needs more of them.
  assertEquals(names(false, 0.2).filter((name) => few.includes(name)), []);
});

Deno.test("possibleCandidates() has no more tasks in flight than memory holds", () => {
  const sample = { ...sampleFor({ waitMs: 300, items: 6 }), taskBytes: 700e6 };
  const most = (memoryBytes: number) =>
    Math.max(
      ...possibleCandidates(sample, { ...MACHINE, memoryBytes }, 6, 6, 6)
        .map(({ lanes, slots }) => Math.min(6, lanes * slots)),
    );
  assertEquals([most(24e9), most(3.1e9), most(1.2e9)], [6, 3, 1]);
});

Deno.test("planRace() races no part of a job whose first items don't stand for all", () => {
  const probed = probedOf({ computeMs: 5, items: 100 });
  const stretches = probed.stretches.map((of, at) => ({
    ...of,
    wallMs: at < 20 ? 25 : 0.001,
    cpuMs: at < 20 ? 25 : 0.001,
  }));
  const sample = sampleOf({ ...probed, stretches });
  const size = { alone: 100, most: 100 };
  const raced = [SEQUENTIAL, threads(2)];
  assert((planRace(sample, raced, MACHINE, size, 60_000)?.items ?? 0) > 60);
});
