import { assert, assertEquals } from "@std/assert";
import { classFor, classOf } from "../../../lib/advice/prediction/classify.ts";
import { MACHINE, sampleFor } from "../fixture.ts";

const CASES = [
  { computeMs: 0.2, waitMs: 20, bound: "io" },
  { computeMs: 3, waitMs: 9, bound: "io" },
  { computeMs: 5, waitMs: 5, bound: "mixed" },
  { computeMs: 6.5, waitMs: 3.5, bound: "mixed" },
  { computeMs: 9, waitMs: 1, bound: "cpu" },
  { computeMs: 20, waitMs: 0, bound: "cpu" },
] as const;

for (const { computeMs, waitMs, bound } of CASES) {
  Deno.test(`classFor() calls tasks that compute ${computeMs} ms and wait ${waitMs} ms ${bound}`, () => {
    const classified = classFor(sampleFor({ computeMs, waitMs }), MACHINE, 100);
    assertEquals(classified.bound, bound);
    assert(classified.confidence > 0.9);
  });
}

Deno.test("classFor() calls a job small if lanes would take longer to start than it takes", () => {
  assertEquals(classFor(sampleFor({ computeMs: 0.1 }), MACHINE, 100).bound, "small");
  assertEquals(classFor(sampleFor({ waitMs: 5, items: 3 }), MACHINE, 3).bound, "small");
});

Deno.test("classFor() calls tasks small that are shorter than sending them, however many they are", () => {
  assertEquals(classFor(sampleFor({ computeMs: 0.0005 }), MACHINE, 1e7).bound, "small");
});

Deno.test("classOf() is less sure near a bound", () => {
  const near = classOf({ cpuShare: 0.36, cpuShareError: 0.02, items: 50 }, 1e4, 20);
  const far = classOf({ cpuShare: 0.55, cpuShareError: 0.02, items: 50 }, 1e4, 20);
  assert(near.confidence < far.confidence);
});
