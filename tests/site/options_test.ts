import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { PAGE_TIMEOUT_MS, pageTimeoutMs } from "../../lib/site/options.ts";

Deno.test("a page that nobody makes fail is waited for as long as any", () => {
  assertEquals(pageTimeoutMs({ latencyMs: 20, pages: 160, faultShare: 0 }), PAGE_TIMEOUT_MS);
});

Deno.test("the stalls of deno task io --faults 5% last less than half a second each", () => {
  assertEquals(pageTimeoutMs({ latencyMs: 20, pages: 160, faultShare: 0.05 }), 320);
});

Deno.test("a site that fails on purpose is given many times its latency, up to the usual time", () => {
  const latency = fc.double({ min: 0, max: 1e6, noNaN: true });
  fc.assert(fc.property(latency, fc.integer({ min: 2, max: 1e6 }), (latencyMs, pages) => {
    const ms = pageTimeoutMs({ latencyMs, pages, faultShare: 1 });
    assert(Number.isInteger(ms) && ms >= 1 && ms <= PAGE_TIMEOUT_MS);
    assert(ms === PAGE_TIMEOUT_MS || ms >= 8 * latencyMs);
  }));
});
