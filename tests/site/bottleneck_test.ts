import { assert, assertEquals } from "@std/assert";
import { siteWarnings } from "../../lib/site/start.ts";

Deno.test("a site with pauses isn't called a bottleneck", () => {
  assertEquals(siteWarnings([]), []);
  assertEquals(siteWarnings([{ model: "limited", siteCpuMs: 79, runMs: 100 }]), []);
  assertEquals(siteWarnings([{ model: "limited", siteCpuMs: 0, runMs: 0 }]), []);
});

Deno.test("a site that was busy all the time is, under the model it limited alone", () => {
  const warnings = siteWarnings([
    { model: "concurrent", siteCpuMs: 98, runMs: 100 },
    { model: "limited", siteCpuMs: 20, runMs: 100 },
    { model: "concurrent", siteCpuMs: 110, runMs: 100 },
  ]);
  assertEquals(warnings.length, 1);
  assert(warnings[0]!.startsWith("Under concurrent the test site's own process was busy 100%"));
});

Deno.test("trials of one model are judged together", () => {
  const of = (siteCpuMs: number) => ({ model: "concurrent", siteCpuMs, runMs: 100 });
  assertEquals(siteWarnings([of(95), of(60)]), []);
  assertEquals(siteWarnings([of(95), of(66)]).length, 1);
});
