import { assert, assertEquals } from "@std/assert";
import { downloads, itemsFor, ownJob } from "../../lib/scaling/swept_job.ts";
import { type SweepPlan, sweepPlanFor } from "../../lib/scaling/sweep_plan.ts";
import type { JobSpec } from "../../lib/timing/spec.ts";

const site = {
  hosts: ["127.0.0.1:1"],
  urls: (count: number) => Array.from({ length: 2 * count }, (_, i) => `http://127.0.0.1:1/${i}`),
};

Deno.test("downloads() are as many for each place, eight at least, and no more than trials need", () => {
  const countOf = (latencyMs: number, places: number, trialMs?: number) => {
    const { items } = downloads(site, latencyMs, trialMs).at(places);
    return items.kind === "values" ? items.values.length : NaN;
  };
  assertEquals([countOf(18, 1), countOf(18, 4)], [30, 120]);
  assertEquals(countOf(18, 1, 1200), 60);
  assertEquals([countOf(998, 1), countOf(998, 3)], [8, 24]);
  assertEquals([countOf(1, 100), countOf(18, 1000)], [5_000, 8_000]);
  const job = downloads(site, 18);
  assertEquals([job.warmupAt(1), job.warmupAt(64), job.chunk], [8, 64, 1]);
  assertEquals(job.at(1).permissions, { net: site.hosts });
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
