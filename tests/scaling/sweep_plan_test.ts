import { assertEquals } from "@std/assert";
import { choosePlan, itemMsOf } from "../../lib/scaling/sweep_plan.ts";

const sampleOf = (cpuMs: number, available = 1, total: number | null = 500) => ({
  stretches: [
    { count: 6, wallMs: 60, cpuMs: 0.6 * cpuMs },
    { count: 4, wallMs: 40, cpuMs: 0.4 * cpuMs },
  ],
  done: { available, total },
});

Deno.test("choosePlan() sweeps slots of what waits, and lanes of what computes", () => {
  const waits = choosePlan(sampleOf(10), 1e6);
  assertEquals([waits.plan.axis, waits.why], [
    "slots",
    "it waits 90% of the time, so slots are swept",
  ]);
  const computes = choosePlan(sampleOf(95), 1e6);
  assertEquals([computes.plan.axis, computes.why], [
    "lanes",
    "it computes 95% of the time, so lanes are swept",
  ]);
});

Deno.test("choosePlan() doesn't take computing on a loaded machine for waiting", () => {
  // Others left 45% of a CPU, and the tasks used all of it.
  assertEquals(choosePlan(sampleOf(44, 0.45), 1e6).plan.axis, "lanes");
  assertEquals(choosePlan(sampleOf(44), 1e6).plan.axis, "slots");
});

Deno.test("choosePlan() takes no more off a busy machine than its computing lost", () => {
  // 40 ms computed with half a core each, and 20 ms waited.
  const { why } = choosePlan(sampleOf(40, 0.5), 1e6);
  assertEquals(why, "it computes 67% of the time, so lanes are swept");
  // 20 ms computed so, and 60 ms waited.
  assertEquals(choosePlan(sampleOf(20, 0.5), 1e6).plan.axis, "slots");
});

Deno.test("choosePlan() believes what the system counted, programs that tasks run included", () => {
  const load = { available: 0.45, childrenCpuMs: 0 };
  assertEquals(choosePlan({ ...sampleOf(44), load }, 1e6).plan.axis, "lanes");
  const programs = { available: 1, childrenCpuMs: 90 };
  assertEquals(choosePlan({ ...sampleOf(2), load: programs }, 1e6).plan.axis, "lanes");
});

Deno.test("choosePlan() asks for no more slots than there are items, nor for few items each", () => {
  assertEquals(choosePlan(sampleOf(1, 1, 6), 1e6).plan.sizes, [1, 2, 4, 6]);
  const { sizes, extendTo } = choosePlan(sampleOf(1, 1, 160), 1e6).plan;
  assertEquals([sizes.at(-1), extendTo], [64, 20], "64 are measured, but nothing beyond");
  assertEquals(choosePlan(sampleOf(1, 1, null), 1e6).plan.extendTo, 1024, "endless items");
  assertEquals(
    choosePlan({ stretches: [{ count: 1, wallMs: 0, cpuMs: 0 }] }, 9).plan.axis,
    "lanes",
  );
  assertEquals(choosePlan(sampleOf(1, 1, null), 400).plan.extendTo, 50, "no more than are run");
});

Deno.test("itemMsOf() is the mean over all items", () => {
  assertEquals(itemMsOf(sampleOf(10)), 10);
  assertEquals(itemMsOf({ stretches: [] }), 0);
});
