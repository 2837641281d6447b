import { assert, assertEquals } from "@std/assert";
import { downloads, itemsOf, ownJob } from "../../lib/scaling/swept_job.ts";
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

Deno.test("itemsOf() makes a trial of one's own job last a second and a half, of eight items at least", () => {
  const of = (wallMs: number) => itemsOf({ wallMs, variation: 0.1 });
  assertEquals([of(10), of(500), of(0)].map(Object.values), [[150], [8], [1.5e9]]);
  assertEquals(Object.keys(of(10)), ["perPlace"]);
});

Deno.test("itemsOf() gives all sizes the same items where these differ", () => {
  const of = (wallMs: number, variation = 0.25) => itemsOf({ wallMs, variation });
  assertEquals([of(10), of(5000), of(10, 6)], [{ same: 450 }, { same: 8 }, { same: 450 }]);
  assertEquals(of(10, 0.24), { perPlace: 150 });
});

Deno.test("ownJob() gives each place its items, within what may be run, and warms nothing up", () => {
  const items = { kind: "module", module: "file:///job.ts", export: "items" } as const;
  const job: JobSpec = {
    name: "job",
    task: { module: "file:///job.ts", export: "default" },
    items: { ...items, limit: 100 },
    options: {},
  };
  const own = ownJob(job, 30, { total: 90, computingShare: 0.5 });
  assertEquals([own.total, own.computingShare, own.chunk, own.warmupAt(4)], [90, 0.5, "auto", 0]);
  assertEquals([own.at(2).items, own.at(4).items].map((of) => "limit" in of && of.limit), [
    60,
    100,
  ]);
  assert(ownJob(job, Infinity).at(4) === job);
  const endless = ownJob({ ...job, items }, 30).at(4).items;
  assertEquals("limit" in endless && endless.limit, 120);
  const listed: JobSpec = { ...job, items: { kind: "values", values: [1, 2, 3] } };
  assert(ownJob(listed, 30).at(4) === listed);
});
