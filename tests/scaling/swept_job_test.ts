import { assertEquals } from "@std/assert";
import { downloads } from "../../lib/scaling/swept_job.ts";

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
