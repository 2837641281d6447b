import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { bootstrapMedian } from "../../lib/timing/bootstrap.ts";
import { median } from "../../lib/timing/statistics.ts";

Deno.test("bootstrapMedian() gives the same interval for the same seed", () => {
  const values = [3, 1, 4, 1, 5, 9, 2, 6];
  assertEquals(bootstrapMedian(values, { seed: 1 }), bootstrapMedian(values, { seed: 1 }));
});

Deno.test("bootstrapMedian() holds the median and stays within the sample", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 12 }),
      fc.integer(),
      (values, seed) => {
        const [low, high] = bootstrapMedian(values, { seed, resamples: 200 });
        assert(low >= Math.min(...values) && high <= Math.max(...values));
        assert(low <= median(values) && median(values) <= high);
      },
    ),
  );
});

Deno.test("bootstrapMedian() is narrower when less confidence is asked for", () => {
  const values = [10, 20, 30, 40, 50, 60, 70, 80];
  const width = (confidence: number) => {
    const [low, high] = bootstrapMedian(values, { seed: 3, confidence });
    return high - low;
  };
  assert(width(0.5) < width(0.95));
});

Deno.test("bootstrapMedian() refuses an empty sample", () => {
  assertThrows(() => bootstrapMedian([], { seed: 1 }), RangeError, "empty");
});
