import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { PATIENCE_MS, patienceMs } from "../../lib/site/patience.ts";

Deno.test("a page that nobody makes fail is waited for as long as any", () => {
  assertEquals(patienceMs({ latencyMs: 20, pages: 160, faultShare: 0 }), PATIENCE_MS);
});

Deno.test("the stalls of deno task io --faults 5% last less than half a second each", () => {
  assertEquals(patienceMs({ latencyMs: 20, pages: 160, faultShare: 0.05 }), 320);
});

Deno.test("a site that fails on purpose is given many times its latency, up to the usual time", () => {
  const latency = fc.double({ min: 0, max: 1e6, noNaN: true });
  fc.assert(fc.property(latency, fc.integer({ min: 2, max: 1e6 }), (latencyMs, pages) => {
    const ms = patienceMs({ latencyMs, pages, faultShare: 1 });
    assert(Number.isInteger(ms) && ms >= 1 && ms <= PATIENCE_MS);
    assert(ms === PATIENCE_MS || ms >= 8 * latencyMs);
  }));
});
