import { assert, assertEquals } from "@std/assert";
import { type Candidate, nameOf, SEQUENTIAL } from "../../../lib/advice/prediction/candidate.ts";
import { possibleCandidates, promising } from "../../../lib/advice/prediction/choose_candidates.ts";
import { planRace } from "../../../lib/advice/race/race_plan.ts";
import { predict } from "../../../lib/advice/prediction/predict.ts";
import { MACHINE, sampleFor } from "../fixture.ts";

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
  const names = (beside: boolean, loopShare = 1) => {
    const sample = sampleFor({ computeMs: 1, waitMs: 19 });
    const partly = { ...sample, loopMs: sample.cpuMs * loopShare };
    return promising(partly, MACHINE, 100, 100, 100, beside).raced.map(nameOf);
  };
  const few = ["limited (2 slots)", "limited (4 slots)"];
  assertEquals(names(false).filter((name) => few.includes(name)), []);
  assertEquals(names(true).filter((name) => few.includes(name)), few);
  assertEquals(names(false, 0.2).filter((name) => few.includes(name)), few);
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
