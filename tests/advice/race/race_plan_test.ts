import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  type Candidate,
  nameOf,
  SEQUENTIAL,
  threads,
} from "../../../lib/advice/prediction/candidate.ts";
import { predict } from "../../../lib/advice/prediction/predict.ts";
import { sampleOf } from "../../../lib/advice/probe/sample.ts";
import { planFor, planRace, promising, withOthers } from "../../../lib/advice/race/race_plan.ts";
import type { LanePermissions } from "../../../lib/lanes/permissions.ts";
import { JOB } from "../../timing/fake.ts";
import { MACHINE, probedOf, sampleFor } from "../fixture.ts";

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
  const few = probedOf({ computeMs: 500, waitMs: 500, items: 3, total: 10_000 });
  const planFew = (leftMs: number) =>
    planFor(few, MACHINE, { items: undefined, job: JOB }, leftMs).plan;
  assertEquals(planFew(5000), null);
  assertEquals(planFew(20_000)?.allowanceMs, 0.7 * 20_000);
});

Deno.test("planFor() keeps slots in a race that only one model fits in, where lanes hardly promise more", () => {
  const endless = probedOf({ waitMs: 13, computeMs: 0.05, items: 90, total: null });
  const { predicted, raced } = planFor(endless, MACHINE, { items: undefined, job: JOB }, 400);
  const timeOf = (name: string) => {
    const { prediction } = predicted.find(({ candidate }) => nameOf(candidate) === name)!;
    return prediction.startMs + prediction.runMs;
  };
  const [slots, lanes] = ["limited (512 slots)", "workers (2 lanes, 500 slots each)"];
  assert(timeOf(slots!) > timeOf(lanes!) && timeOf(slots!) < 1.1 * timeOf(lanes!));
  assertEquals(raced.map(nameOf), ["sequential", slots!]);
});

Deno.test("planRace() shares what two runs of the sample cost among models and rounds", () => {
  const sample = sampleFor({ computeMs: 10 });
  const raced = [SEQUENTIAL, threads(2)];
  const size = { alone: 100, most: 100 };
  const plan = planRace({ sample, machine: MACHINE }, raced, { ...size, leftMs: 60_000 })!;
  // 85% of 1.65 one-second runs are planned: two thirds of that for a model that takes 526 ms.
  assertEquals(plan.rounds, 3);
  assertAlmostEquals(plan.allowanceMs, 1650, 5);
  assertAlmostEquals(plan.hardMs, 1750, 5);
  assertAlmostEquals(plan.items, 59, 3);
  assertAlmostEquals(plan.sequentialItems, 15, 3);
  const double = planRace({ sample, machine: MACHINE }, raced, {
    ...size,
    leftMs: 60_000,
    allowanceMs: 2 * plan.allowanceMs,
  })!;
  assertEquals([double.rounds, double.items], [3, 100], "all items in three rounds");
  // Starting the processes takes 120 ms each of the time that is left.
  const startMs = 3 * (2 * 120 + MACHINE.startMs.workers);
  const tight = planRace({ sample, machine: MACHINE }, raced, { ...size, leftMs: startMs + 700 })!;
  assert(tight.items < plan.items && tight.rounds === 3, JSON.stringify(tight));
});

Deno.test("planRace() races in five rounds where a trial takes 250 ms all the same", () => {
  const roundsOf = (computeMs: number) => {
    const size = { alone: 100, most: 100, leftMs: 60_000 };
    const job = { sample: sampleFor({ computeMs }), machine: MACHINE };
    return planRace(job, [SEQUENTIAL, threads(2)], size)?.rounds;
  };
  assertEquals([roundsOf(10), roundsOf(50)], [3, 5]);
});

Deno.test("planRace() gives the plain loop 40 ms of short tasks", () => {
  const slots = [4, 18].map((slots) => ({ model: "limited", lanes: 1, slots }) as const);
  const raced = [SEQUENTIAL, ...slots, threads(2), threads(2, 9)];
  const fewest = [40, 80, 120].map((items) => {
    const sample = { ...sampleFor({ computeMs: 6, items }), loopMs: 0.3 };
    const sizes = { alone: items, most: items, leftMs: 60_000 };
    const plan = planRace({ sample, machine: MACHINE }, raced, sizes)!;
    assert(plan.rounds <= 3, `${plan.rounds} rounds`);
    return plan.sequentialItems;
  });
  assert(Math.min(...fewest) >= 6, `${fewest}`);
});

Deno.test("planRace() gives the plain loop its share of a round and no more where little time is left", () => {
  const size = { alone: 100, most: 100, leftMs: 1000 };
  const sample = sampleFor({ computeMs: 10 });
  const plan = planRace({ sample, machine: MACHINE }, [SEQUENTIAL, threads(2)], size)!;
  assertEquals([plan.rounds, plan.sequentialItems], [3, 2]);
});

Deno.test("planRace() has all items raced where all in flight may be the best, and five rounds if it can", () => {
  const sample = sampleFor({ waitMs: 20 });
  const all = { model: "concurrent", lanes: 1, slots: Infinity } as const;
  const plan = planRace({ sample, machine: MACHINE }, [SEQUENTIAL, all], {
    alone: 100,
    most: 100,
    leftMs: 60_000,
  })!;
  assertEquals([plan.rounds, plan.items], [5, 100]);
  assertAlmostEquals(plan.sequentialItems, 27, 3);
});

Deno.test("planRace() plans none of one item, of no other model, or without time", () => {
  const sample = sampleFor({ computeMs: 10 });
  const raced = [SEQUENTIAL, threads(2)];
  const size = { alone: 100, most: 100 };
  assertEquals(
    planRace({ sample, machine: MACHINE }, [SEQUENTIAL], { ...size, leftMs: 60_000 }),
    null,
  );
  assertEquals(
    planRace({ sample, machine: MACHINE }, raced, { alone: 1, most: 100, leftMs: 60_000 }),
    null,
  );
  assertEquals(
    planRace({ sample, machine: MACHINE }, raced, { alone: 100, most: 1, leftMs: 60_000 }),
    null,
  );
  assert(
    planRace({ sample, machine: MACHINE }, raced, { alone: 2, most: 2, leftMs: 60_000 }) !== null,
  );
  assertEquals(planRace({ sample, machine: MACHINE }, raced, { ...size, leftMs: 100 }), null);
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
  const { rounds, items, sequentialItems } = planRace({ sample, machine: MACHINE }, [
    SEQUENTIAL,
    threads(2),
  ], { ...size, leftMs: 60_000 })!;
  assertEquals([rounds, items, sequentialItems], [2, 7, 2]);
});

Deno.test("planFor() has few slots raced of tasks that may run programs, unless these are known to wait", () => {
  const names = (permissions: LanePermissions, told = {}) =>
    planFor(probedOf({ computeMs: 1, waitMs: 19, ...told }), MACHINE, {
      items: undefined,
      job: { ...JOB, permissions },
    }, 60_000).raced.map(nameOf);
  const run = ["git"];
  assert(names({ run }).includes("limited (4 slots)"));
  assert(!names({ net: true }).includes("limited (4 slots)"));
  assert(!names({ run }, { othersUse: 0, programMs: 2 }).includes("limited (4 slots)"));
  assert(names({ run }, { othersUse: 0, programMs: 14 }).includes("limited (4 slots)"));
});

Deno.test("planRace() has items for all slots of lanes, rather than more rounds of few", () => {
  const sample = sampleFor({ computeMs: 40, waitMs: 40, items: 40, total: 400 });
  const size = { alone: 40, most: 400 };
  const planned = (slots: number) =>
    planRace({ sample, machine: MACHINE }, [SEQUENTIAL, threads(2), threads(2, slots)], {
      ...size,
      leftMs: 60_000,
    })!;
  assert(planned(8).items >= 24, `${planned(8).items}`);
  assert(planned(1).rounds > planned(8).rounds, "there is time for more rounds of few");
});

Deno.test("planRace() gives each lane three items at least, as far as there is time", () => {
  const sample = sampleFor({ computeMs: 10 });
  const startMs = 2 * 120 + MACHINE.startMs.eventLoop + 1.5 * MACHINE.startMs.workers;
  const size = { alone: 100, most: 100 };
  const plan = planRace({ sample, machine: MACHINE }, [SEQUENTIAL, threads(4)], {
    ...size,
    leftMs: startMs + 80,
  });
  assertEquals([plan?.rounds, plan?.items, plan?.sequentialItems], [1, 12, 2]);
});

Deno.test("planFor() races waiting tasks on far more items than were sampled", () => {
  const long = probedOf({ waitMs: 100, items: 30, total: 100_000 });
  const { plan } = planFor(long, MACHINE, { items: undefined, job: JOB }, 60_000);
  assert(plan!.items > 200 && plan!.items <= 4096, `${plan?.items}`);
});

Deno.test("planRace() stays below two sequential runs of the sample, whatever the job", () => {
  for (
    const  of of[
      { computeMs: 20 }, { waitMs: 20 }, { computeMs: 8, waitMs: 8 }, { computeMs: 400, items: 9 }
    ]
  ) {
    const sample = sampleFor(of);
    const { raced } = promising(
      { sample, machine: MACHINE, total: null, horizon: 1000 },
      8 * sample.items,
    );
    const plan = planRace({ sample, machine: MACHINE }, raced, {
      alone: sample.items,
      most: 8 * sample.items,
      leftMs: 60_000,
    });
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
  const { raced } = promising({ sample, machine: MACHINE, total: 100, horizon: 100 }, 100);
  assertEquals(
    planRace({ sample, machine: MACHINE }, raced, { alone: 100, most: 100, leftMs: 50 }),
    null,
  );
});

Deno.test("planRace() races waiting tasks on more items than the sample had time for", () => {
  const sample = sampleFor({ waitMs: 100, items: 30, total: 200 });
  const raced: Candidate[] = [SEQUENTIAL, { model: "concurrent", lanes: 1, slots: Infinity }];
  const plan = planRace({ sample, machine: MACHINE }, raced, {
    alone: 30,
    most: 200,
    leftMs: 60_000,
  });
  assertEquals(plan?.items, 200);
  assert(plan!.sequentialItems <= 30);
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
  assert(
    (planRace({ sample, machine: MACHINE }, raced, { ...size, leftMs: 60_000 })?.items ?? 0) > 60,
  );
});
