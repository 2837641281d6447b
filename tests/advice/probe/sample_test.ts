import { assert, assertAlmostEquals, assertThrows } from "@std/assert";
import { sampleOf } from "../../../lib/advice/probe/sample.ts";
import { probedOf, sampleFor } from "../fixture.ts";

Deno.test("sampleOf() takes CPU over wall time for the share of computing", () => {
  assertAlmostEquals(sampleFor({ computeMs: 3, waitMs: 9 }).cpuShare, 0.25, 0.001);
});

Deno.test("sampleOf() doesn't take a CPU that others used for waiting", () => {
  const busy = sampleFor({ computeMs: 10, available: 0.5 });
  assert(busy.cpuShare > 0.95, String(busy.cpuShare));
});

Deno.test("sampleOf() still sees the waiting on a busy machine", () => {
  const busy = sampleFor({ computeMs: 1, waitMs: 19, available: 0.6 });
  assert(busy.cpuShare < 0.1, String(busy.cpuShare));
});

Deno.test("sampleOf() counts a sample that was cut off as far as it came", () => {
  const probed = probedOf({ items: 4, computeMs: 2 });
  const cut = sampleOf({ ...probed, done: undefined, cutOff: "item 4 did not settle within 1 s" });
  assertAlmostEquals(cut.wallMs, 2, 0.2);
  assert(cut.total === null);
});

Deno.test("sampleOf() refuses a sample without items", () => {
  assertThrows(() => sampleOf({ ...probedOf({}), stretches: [] }), RangeError, "no item");
});
