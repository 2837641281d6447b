import { assert, assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../lib/text/option_values.ts";
import { readSweepOptions } from "../../lib/scaling/sweep_options.ts";

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
