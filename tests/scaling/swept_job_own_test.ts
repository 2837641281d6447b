import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { choosePlan, itemsFor, ownJob } from "../../lib/scaling/swept_job.ts";
import { type SweepPlan, sweepPlanFor } from "../../lib/scaling/sweep_options.ts";
import type { JobSpec } from "../../lib/timing/spec.ts";
import { adviceOn, asPredicted } from "../advice/advice_on.ts";
import { sampleFor } from "../advice/fixture.ts";

const chosen = (made: Parameters<typeof sampleFor>[0], items = 1e6) => {
  const { plan, why } = choosePlan(sampleFor(made), items);
  return [plan.axis, why];
};

Deno.test("choosePlan() sweeps slots of what waits, and lanes of what computes", () => {
  assertEquals(chosen({ computeMs: 1, waitMs: 9 }), [
    "slots",
    "it waits 90% of the time, so slots are swept",
  ]);
  assertEquals(chosen({ computeMs: 9.5, waitMs: 0.5 }), [
    "lanes",
    "it computes 95% of the time, so lanes are swept",
  ]);
});

Deno.test("choosePlan() doesn't take computing on a loaded machine for waiting, nor waiting for computing", () => {
  assertEquals(chosen({ computeMs: 10, available: 0.45 })[0], "lanes");
  // Tasks computed 4 ms with half a core each, and waited 2 ms.
  assertEquals(
    chosen({ computeMs: 4, waitMs: 2, available: 0.5 })[1],
    "it computes 67% of the time, so lanes are swept",
  );
  assertEquals(chosen({ computeMs: 2, waitMs: 6, available: 0.5 })[0], "slots");
});

Deno.test("choosePlan() sweeps slots of what computes beside its event loop, and where nothing can be sent", () => {
  assertEquals(chosen({ computeMs: 20, onLoop: 0.05 }), [
    "slots",
    "it computes 100% of the time, but beside its event loop, so slots are swept",
  ]);
  const uncloneable = "item 0: it is a function";
  assertEquals(chosen({ computeMs: 20, transfer: { uncloneable } }), [
    "slots",
    `nothing can be sent to lanes (${uncloneable}), so slots are swept`,
  ]);
});

Deno.test("choosePlan() sweeps slots of what each lane would have of its own, as advice keeps it in one loop", () => {
  const shared = { name: "cache", module: "file:///jobs/memo.ts", line: 4 };
  const { plan, why } = choosePlan(sampleFor({ computeMs: 20 }), 1e6, shared);
  assertEquals([plan.axis, why], [
    "slots",
    "line 4 of memo.ts changes cache, and each lane would have its own, so slots are swept",
  ]);
});

Deno.test("choosePlan() sweeps no more lanes of what waits for its programs to compute than of what computes", () => {
  const waits = { computeMs: 1, waitMs: 19, blocks: true };
  const { plan, why } = choosePlan({ ...sampleFor(waits), cpuShare: 0.97 }, 1e6);
  assertEquals([plan.axis, plan.extendTo], ["lanes", 0]);
  assertEquals(why, "it computes 97% of the time, so lanes are swept");
  const programs = choosePlan({ ...sampleFor(waits), programsMs: 9, cpuMs: 10 }, 1e6);
  assertStringIncludes(programs.why, "until the programs that it runs have ended, so lanes");
});

Deno.test("choosePlan() sweeps more lanes than cores of what holds up its thread while it waits", () => {
  const { plan, why } = choosePlan(sampleFor({ computeMs: 1, waitMs: 19, blocks: true }), 1e6);
  assertEquals([plan.axis, plan.extendTo], ["lanes", 12.5]);
  assertEquals(why, "it holds up its thread while it waits, so lanes are swept");
});

Deno.test("choosePlan() asks for no more slots than there are items, nor for few items each", () => {
  const planOf = (total: number | null, items = 1e6) =>
    choosePlan(sampleFor({ computeMs: 0.1, waitMs: 9.9, items: 20, total }), items).plan;
  assertEquals(planOf(6).sizes, [1, 2, 4, 6]);
  const { sizes, extendTo } = planOf(160);
  assertEquals([sizes.at(-1), extendTo], [64, 20], "64 are measured, but nothing beyond");
  assertEquals(planOf(null).extendTo, 1024, "endless items");
  assertEquals(planOf(null, 400).extendTo, 50, "no more than are run");
});

Deno.test("choosePlan() sweeps lanes of what advice gives lanes, and slots of what it gives slots", async () => {
  const kinds: Parameters<typeof sampleFor>[0][] = [
    { computeMs: 20 },
    { waitMs: 20 },
    { computeMs: 8, waitMs: 4 },
    { computeMs: 20, onLoop: 0.05 },
    { computeMs: 1, waitMs: 19, blocks: true },
    { waitMs: 20, transfer: { uncloneable: "item 0: it is a function" } },
  ];
  for (const kind of kinds) {
    const { recommended } = await adviceOn(kind, asPredicted);
    const lanes = recommended.lanes > 1;
    assert(recommended.model !== "sequential", JSON.stringify(kind));
    assertEquals(chosen(kind)[0], lanes ? "lanes" : "slots", JSON.stringify(kind));
  }
});

Deno.test("itemsFor() gives every size the items that the smallest runs in a few seconds", () => {
  const of = (wallMs: number, total: number | null = null, plan?: SweepPlan, cpuShare = 0) =>
    itemsFor({ wallMs, sourceMs: 0, cpuShare, total }, plan, 2);
  assertEquals([of(10), of(50), of(100), of(2000)], [448, 64, 32, 8]);
  // A list that is only a little longer runs whole, because the rest may be what matters.
  assertEquals([of(10, 900), of(10, 901), of(10, 5)], [900, 448, 5]);
  const lanes = sweepPlanFor("workers", { lanes: "2,4,6" });
  assertEquals(of(10, null, lanes), 900);
  assertEquals(of(10, null, lanes, 0.8), 900);
  assertEquals(of(10, null, sweepPlanFor("limited", { slots: "8,20" }), 1), 900);
  // Sizes given by the user get enough items to fill them, though that takes longer.
  assertEquals(of(2000, null, sweepPlanFor("limited", { slots: "1,100" })), 100);
  assertEquals(of(2000, null, sweepPlanFor("limited", {})), 8);
  // If the source is slow, items take the same time at every size.
  const slow = { wallMs: 5, sourceMs: 100, cpuShare: 0, total: null };
  assertEquals(itemsFor(slow, undefined, 2), 32);
});

Deno.test("ownJob() gives all sizes the same items, and warms nothing up", () => {
  const job: JobSpec = {
    name: "job",
    task: { module: "file:///job.ts", export: "default" },
    items: { kind: "module", module: "file:///job.ts", export: "items", limit: 100 },
    options: {},
  };
  const own = ownJob(job, { total: 90, computingShare: 0.5 });
  assertEquals([own.total, own.computingShare, own.chunk, own.warmupAt(4)], [90, 0.5, "auto", 0]);
  assert(own.at(1) === job && own.at(64) === job);
});
