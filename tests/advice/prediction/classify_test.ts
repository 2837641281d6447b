import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { classByShare, classFor } from "../../../lib/advice/prediction/classify.ts";
import { sampleOf } from "../../../lib/advice/probe/sample.ts";
import { MACHINE, probedOf, sampleFor } from "../fixture.ts";

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

Deno.test("classByShare() is less sure near a bound", () => {
  const near = classByShare({ cpuShare: 0.36, cpuShareError: 0.02, items: 50 });
  const far = classByShare({ cpuShare: 0.55, cpuShareError: 0.02, items: 50 });
  assert(near.confidence < far.confidence);
});

Deno.test("classByShare() is less sure where others compute", () => {
  const found = { cpuShare: 0.54, cpuShareError: 0.02, items: 50 };
  const sure = [1, 0.9, 0.4].map((available) => classByShare({ ...found, available }).confidence);
  assert(sure[0]! >= sure[1]! && sure[1]! > 0.9 && sure[2]! < 0.8, sure.join());
  assertEquals(classByShare(found).confidence, sure[0]);
});

/** A sample of which the system counted what the process got of a core. */
function countedSample(of: { computeMs: number; waitMs: number; available: number }) {
  const probed = probedOf({ items: 60, ...of });
  return sampleOf({
    ...probed,
    // A loop that happened to run while the others rested.
    done: { ...probed.done!, available: 1 },
    load: {
      available: of.available,
      queuedMs: 0,
      childrenCpuMs: 0,
      uncountedCpuMs: 0,
      others: { used: 2 * (1 - of.available), cores: 2 },
    },
  });
}

Deno.test("classFor() gives the class of an idle machine on a busy one, or is unsure", () => {
  fc.assert(fc.property(
    fc.double({ min: 0.1, max: 30, noNaN: true }),
    fc.double({ min: 0, max: 30, noNaN: true }),
    fc.double({ min: 0.2, max: 1, noNaN: true }),
    (computeMs, waitMs, available) => {
      const idle = classFor(sampleFor({ items: 60, computeMs, waitMs }), MACHINE, 10_000);
      const busy = classFor(countedSample({ computeMs, waitMs, available }), MACHINE, 10_000);
      assert(busy.bound === idle.bound || busy.confidence < 0.8, JSON.stringify([idle, busy]));
    },
  ));
});

Deno.test("classFor() gives the class of programs on an idle machine, or is unsure where others use the cores", () => {
  fc.assert(fc.property(
    fc.double({ min: 1, max: 30, noNaN: true }),
    fc.double({ min: 0, max: 30, noNaN: true }),
    fc.double({ min: 0, max: 2, noNaN: true }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    (programMs, sleepMs, othersUse, queued) => {
      const of = (queuedMs: number, othersUse: number) => {
        const waitMs = programMs + sleepMs + queuedMs;
        const sample = sampleFor({ items: 60, computeMs: 0.1, waitMs, programMs, othersUse });
        return classFor(sample, MACHINE, 10_000);
      };
      // It queues at most while others have all cores.
      const alone = 1 - othersUse / 2;
      const mostMs = alone > 0.01 ? (programMs + sleepMs) * (1 / alone - 1) : 100;
      const [idle, busy] = [of(0, 0), of(queued * mostMs, othersUse)];
      assert(busy.bound === idle.bound || busy.confidence < 0.8, JSON.stringify([idle, busy]));
    },
  ));
});
