import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { choosePlan } from "../../lib/scaling/choose_plan.ts";
import { adviceOn, asPredicted } from "../advice/advice_on.ts";
import { sampleFor } from "../advice/fixture.ts";

const chosen = (made: Parameters<typeof sampleFor>[0], items = 1e6) => {
  const { plan, why } = choosePlan(sampleFor(made), items);
  return [plan.axis, why];
};

Deno.test("choosePlan() sweeps slots of what waits, and lanes of what computes", () => {
  assertEquals(chosen({ computeMs: 1, waitMs: 9 }), [
    "slots",
    "it waits 90% of the time, so slots are swept",
  ]);
  assertEquals(chosen({ computeMs: 9.5, waitMs: 0.5 }), [
    "lanes",
    "it computes 95% of the time, so lanes are swept",
  ]);
});

Deno.test("choosePlan() doesn't take computing on a loaded machine for waiting, nor waiting for computing", () => {
  assertEquals(chosen({ computeMs: 10, available: 0.45 })[0], "lanes");
  // Tasks computed 4 ms with half a core each, and waited 2 ms.
  assertEquals(
    chosen({ computeMs: 4, waitMs: 2, available: 0.5 })[1],
    "it computes 67% of the time, so lanes are swept",
  );
  assertEquals(chosen({ computeMs: 2, waitMs: 6, available: 0.5 })[0], "slots");
});

Deno.test("choosePlan() sweeps slots of what computes beside its event loop, and where nothing can be sent", () => {
  assertEquals(chosen({ computeMs: 20, onLoop: 0.05 }), [
    "slots",
    "it computes 100% of the time, but beside its event loop, so slots are swept",
  ]);
  const uncloneable = "item 0: it is a function";
  assertEquals(chosen({ computeMs: 20, transfer: { uncloneable } }), [
    "slots",
    `nothing can be sent to lanes (${uncloneable}), so slots are swept`,
  ]);
});

Deno.test("choosePlan() sweeps slots of what each lane would have of its own, as advice keeps it in one loop", () => {
  const shared = { name: "cache", module: "file:///jobs/memo.ts", line: 4 };
  const { plan, why } = choosePlan(sampleFor({ computeMs: 20 }), 1e6, shared);
  assertEquals([plan.axis, why], [
    "slots",
    "line 4 of memo.ts changes cache, and each lane would have its own, so slots are swept",
  ]);
});

Deno.test("choosePlan() sweeps no more lanes of what waits for its programs to compute than of what computes", () => {
  const waits = { computeMs: 1, waitMs: 19, blocks: true };
  const { plan, why } = choosePlan({ ...sampleFor(waits), cpuShare: 0.97 }, 1e6);
  assertEquals([plan.axis, plan.extendTo], ["lanes", 0]);
  assertEquals(why, "it computes 97% of the time, so lanes are swept");
  const programs = choosePlan({ ...sampleFor(waits), programsMs: 9, cpuMs: 10 }, 1e6);
  assertStringIncludes(programs.why, "until the programs that it runs have ended, so lanes");
});

Deno.test("choosePlan() sweeps more lanes than cores of what holds up its thread while it waits", () => {
  const { plan, why } = choosePlan(sampleFor({ computeMs: 1, waitMs: 19, blocks: true }), 1e6);
  assertEquals([plan.axis, plan.extendTo], ["lanes", 12.5]);
  assertEquals(why, "it holds up its thread while it waits, so lanes are swept");
});

Deno.test("choosePlan() asks for no more slots than there are items, nor for few items each", () => {
  const planOf = (total: number | null, items = 1e6) =>
    choosePlan(sampleFor({ computeMs: 0.1, waitMs: 9.9, items: 20, total }), items).plan;
  assertEquals(planOf(6).sizes, [1, 2, 4, 6]);
  const { sizes, extendTo } = planOf(160);
  assertEquals([sizes.at(-1), extendTo], [64, 20], "64 are measured, but nothing beyond");
  assertEquals(planOf(null).extendTo, 1024, "endless items");
  assertEquals(planOf(null, 400).extendTo, 50, "no more than are run");
});

Deno.test("choosePlan() sweeps lanes of what advice gives lanes, and slots of what it gives slots", async () => {
  const kinds: Parameters<typeof sampleFor>[0][] = [
    { computeMs: 20 },
    { waitMs: 20 },
    { computeMs: 8, waitMs: 4 },
    { computeMs: 20, onLoop: 0.05 },
    { computeMs: 1, waitMs: 19, blocks: true },
    { waitMs: 20, transfer: { uncloneable: "item 0: it is a function" } },
  ];
  for (const kind of kinds) {
    const { recommended } = await adviceOn(kind, asPredicted);
    const lanes = recommended.lanes > 1;
    assert(recommended.model !== "sequential", JSON.stringify(kind));
    assertEquals(chosen(kind)[0], lanes ? "lanes" : "slots", JSON.stringify(kind));
  }
});
