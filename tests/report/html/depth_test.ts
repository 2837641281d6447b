import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { depthOverTime } from "../../../lib/report/html/depth.ts";

Deno.test("depthOverTime() counts what is in flight at once", () => {
  assertEquals(depthOverTime([0, 0, 5], [10, 5, 10], 10, 2), [
    { fromMs: 0, toMs: 10, depth: 2, ended: 3 },
  ]);
});

Deno.test("depthOverTime() counts a slot that is handed on as one", () => {
  assertEquals(depthOverTime([0, 5], [5, 10], 10, 10).map(({ depth }) => depth), [1]);
});

Deno.test("depthOverTime() leaves idle time out", () => {
  const stretches = depthOverTime([0, 8], [2, 10], 10, 10);
  assertEquals(stretches.map(({ fromMs, toMs }) => [fromMs, toMs]), [[0, 2], [8, 10]]);
});

Deno.test("depthOverTime() finds the deepest moment and every end, whatever the buckets", () => {
  const spans = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 1, max: 10 })),
  );
  fc.assert(fc.property(spans, fc.integer({ min: 1, max: 50 }), (spans, buckets) => {
    const from = spans.map(([start]) => start), to = spans.map(([start, length]) => start + length);
    const stretches = depthOverTime(from, to, 100, buckets);
    const deepest = Math.max(
      0,
      ...from.map((at) =>
        spans.filter(([start, length]) => start <= at && at < start + length).length
      ),
    );
    assertEquals(Math.max(0, ...stretches.map(({ depth }) => depth)), deepest);
    assertEquals(stretches.reduce((sum, { ended }) => sum + ended, 0), spans.length);
    stretches.forEach(({ fromMs }, i) =>
      assert(i === 0 || fromMs >= stretches[i - 1]!.toMs - 1e-9)
    );
  }));
});
