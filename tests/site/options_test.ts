import { assert, assertEquals } from "@std/assert";
import fc from "../properties.ts";
import { PAGE_TIMEOUT_MS, pageTimeoutMs } from "../../lib/site/site_options.ts";

const USUAL = { latencyMs: 20, pages: 160, pageBytes: 10_000 };

Deno.test("a page that nobody makes fail is waited for as long as any", () => {
  assertEquals(pageTimeoutMs({ ...USUAL, faultShare: 0 }), PAGE_TIMEOUT_MS);
});

Deno.test("the stalls of deno task io --faults 5% last some half a second each", () => {
  assertEquals(pageTimeoutMs({ ...USUAL, faultShare: 0.05 }), 522);
});

Deno.test("a few quick pages are given time enough for a busy machine, and large ones for their bytes", () => {
  const few = { latencyMs: 0, pages: 2, pageBytes: 0, faultShare: 1 };
  assert(pageTimeoutMs(few) >= 250);
  assert(pageTimeoutMs({ ...USUAL, pageBytes: 1_000_000, faultShare: 1 }) > 3_000);
});

Deno.test("a site that fails on purpose is given many times its latency, up to the usual time", () => {
  const latency = fc.double({ min: 0, max: 1e6, noNaN: true });
  fc.assert(fc.property(latency, fc.integer({ min: 2, max: 1e6 }), (latencyMs, pages) => {
    const ms = pageTimeoutMs({ latencyMs, pages, pageBytes: 10_000, faultShare: 1 });
    assert(Number.isInteger(ms) && ms >= 1 && ms <= PAGE_TIMEOUT_MS);
    assert(ms === PAGE_TIMEOUT_MS || ms >= 8 * latencyMs);
  }));
});
