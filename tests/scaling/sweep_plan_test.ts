import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { choosePlan, readSweepOptions } from "../../lib/scaling/sweep_plan.ts";
import { adviceOn, asPredicted } from "../advice/advice_on.ts";
import { sampleFor } from "../advice/fixture.ts";
import { UsageError } from "../../lib/options.ts";

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
  // 4 ms computed with half a core each, and 2 ms waited.
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

type Raw = Parameters<typeof readSweepOptions>[1];

async function refuses(target: string, raw: Raw, option: string, permissions = {}) {
  const error = await assertRejects(() => readSweepOptions(target, raw, permissions), UsageError);
  assert(error.message.startsWith(option), `${JSON.stringify(raw)}: ${error.message}`);
}

const planOf = async (target: string, raw: Raw = {}) => (await readSweepOptions(target, raw)).sweep;

Deno.test("readSweepOptions() sweeps slots of the test site, lanes of sums, and of a module what it is told", async () => {
  const io = (await planOf("io"))!;
  assertEquals([io.model, io.axis, io.sizes], ["limited", "slots", [1, 2, 4, 8, 16, 32, 64]]);
  assertEquals([io.refine, io.extendTo], [true, 1024]);
  const cpu = (await planOf("cpu"))!;
  assertEquals([cpu.model, cpu.axis, cpu.slotsPerLane], ["workers", "lanes", 1]);
  assertEquals((await planOf("gpu"))!.model, "gpu");
  assertEquals(await planOf("./job.ts"), undefined);
  assertEquals((await planOf("./job.ts", { slots: "2,1" }))!.sizes, [1, 2]);
  const lanes = (await planOf("./job.ts", { lanes: "4,2", slots: "3" }))!;
  assertEquals([lanes.model, lanes.sizes, lanes.slotsPerLane], ["workers", [2, 4], 3]);
  assertEquals((await planOf("io", { model: "processes" }))!.axis, "lanes");
});

Deno.test("readSweepOptions() refines a list only if told, and goes on beyond none", async () => {
  const of = async (raw: Raw) => {
    const { refine, extendTo } = (await planOf("io", raw))!;
    return [refine, extendTo];
  };
  assertEquals(await of({ slots: "1,2" }), [false, 0]);
  assertEquals(await of({ slots: "1,2", refine: true }), [true, 0]);
  assertEquals(await of({ lanes: "1,2", model: "workers" }), [false, 0]);
});

Deno.test("readSweepOptions() takes what is given, and has a default for the rest", async () => {
  const usual = await readSweepOptions("./job.ts", {});
  assertEquals([usual.rounds, usual.durationMs, usual.items, usual.itemsGiven], [
    3,
    undefined,
    1000,
    false,
  ]);
  assertEquals([usual.latencyMs, usual.timeoutMs, usual.export], [20, 30_000, "default"]);
  assert(Number.isInteger(usual.seed) && usual.openLoop === undefined);
  const raw = { rounds: "5", seed: "7", items: "9", timeout: "2s", export: "run" };
  const given = await readSweepOptions("./job.ts", raw, { net: ["a"] });
  assertEquals([given.rounds, given.seed, given.items, given.itemsGiven], [5, 7, 9, true]);
  assertEquals([given.timeoutMs, given.export, given.permissions], [2000, "run", { net: ["a"] }]);
  const site = await readSweepOptions("io", { latency: "5ms", duration: "50ms" });
  assertEquals([site.latencyMs, site.durationMs], [5, 50]);
});

Deno.test("readSweepOptions() paces requests with --rate, twice, on one event loop unless told", async () => {
  const of = async (raw: Raw) =>
    (await readSweepOptions("io", { rate: "20,10.5", ...raw })).openLoop;
  const { rounds, sweep } = await readSweepOptions("io", { rate: "10" });
  assertEquals([rounds, sweep], [2, undefined]);
  assertEquals(await of({}), { rates: [10.5, 20], model: { model: "concurrent" } });
  assertEquals((await of({ slots: "8" }))?.model, { model: "limited", slots: 8 });
  const cpus = navigator.hardwareConcurrency;
  assertEquals((await of({ model: "workers" }))?.model, {
    model: "workers",
    lanes: cpus,
    slots: 1,
  });
  assertEquals((await of({ lanes: "3", slots: "2" }))?.model, {
    model: "workers",
    lanes: 3,
    slots: 2,
  });
});

Deno.test("readSweepOptions() refuses what means nothing for a target", async () => {
  await refuses("./job.ts", { latency: "5ms" }, "--latency");
  await refuses("cpu", { latency: "5ms" }, "--latency");
  for (const name of ["export", "items", "timeout"] as const) {
    await refuses("io", { [name]: "1" }, `--${name}`);
    await refuses("cpu", { [name]: "1" }, `--${name}`);
  }
  await refuses("io", {}, "--allow-net", { net: true });
  await refuses("gpu", {}, "--allow-read", { read: ["a", "b"] });
  await refuses("./job.ts", { duration: "1s" }, "--duration");
  assertEquals(
    (await readSweepOptions("./job.ts", { duration: "1s", rate: "5" })).durationMs,
    1000,
  );
  await refuses("io", { rate: "5", refine: true }, "--refine");
  await refuses("cpu", { rate: "5" }, "--rate");
  await refuses("io", { lanes: "2", model: "limited" }, "--lanes");
  await refuses("io", { model: "gpu" }, "--model");
  await refuses("io", { model: "gpu", rate: "5" }, "--model");
});

Deno.test("readSweepOptions() refuses lists that can't be measured", async () => {
  const most = Array.from({ length: 32 }, (_, i) => i + 1);
  assertEquals((await planOf("io", { slots: most.join() }))!.sizes, most);
  await refuses("io", { slots: [...most, 33].join() }, "--slots");
  await refuses("io", { slots: "1,,2" }, "--slots");
  await refuses("io", { slots: "2,1,2" }, "--slots");
  await refuses("io", { slots: "5001" }, "--slots");
  assertEquals((await planOf("gpu", { slots: "8192" }))!.sizes, [8192]);
  await refuses("gpu", { slots: "65537" }, "--slots");
  await refuses("cpu", { lanes: "257" }, "--lanes");
  await refuses("cpu", { lanes: "2", slots: "1,2" }, "--slots");
  await refuses("io", { rate: "0.05" }, "--rate");
});

Deno.test("readSweepOptions() refuses more requests in a trial than memory needs", async () => {
  const of = (rate: string, duration?: string) =>
    readSweepOptions("io", { rate, ...(duration !== undefined && { duration }) });
  assertEquals((await of("100000", "2s")).openLoop?.rates, [100_000]);
  await refuses("io", { rate: "100000", duration: "3s" }, "--rate");
  await refuses("io", { rate: "70000" }, "--rate");
  assertEquals((await of("60000")).openLoop?.rates, [60_000]);
  assertEquals((await of("20/s,10")).openLoop?.rates, [10, 20]);
});
