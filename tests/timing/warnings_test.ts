import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  deviceWarnings,
  eventLoopWarnings,
  outlierWarnings,
  passesCeiling,
  warningsOf,
} from "../../lib/timing/warnings.ts";
import { model } from "./fake.ts";

Deno.test("A speedup above the ceiling is flagged with its likely causes", () => {
  const sequential = [2000, 2000, 2000];
  const ceiling = { speedup: 1.9, lanes: 2 };
  const fast = model("workers", [500, 502, 498], {}, sequential);
  const right = model("processes", [1050, 1049, 1051], {}, sequential);
  assertStringIncludes(warningsOf([fast, right], ceiling)[0]!, "baseline is too slow");
  assertEquals(passesCeiling([right], ceiling), false);
  assertEquals(passesCeiling([fast], null), false);
  // One event loop gains by waiting, which no ceiling limits.
  const loop = model("concurrent", [500, 502, 498], {}, sequential);
  assertEquals(passesCeiling([loop], ceiling), false);
});

Deno.test("What a GPU was is said, and that software is none", () => {
  const device = { name: "llvmpipe (LLVM 15)", software: true };
  const gpu = model("gpu", [100]);
  assertEquals(deviceWarnings([model("workers", [1]), { ...gpu, device }]), [
    "gpu ran on llvmpipe (LLVM 15): that is software, which computes on this machine's own cores, and " +
    "no graphics card.",
  ]);
  assertEquals(deviceWarnings([{ ...gpu, device: { name: "a card", software: false } }]), [
    "gpu ran on a card.",
  ]);
});

Deno.test("An event loop that computes all the time while tasks wait is named the limit", () => {
  const waits = model("sequential", [1000], { runCpuMs: 100 });
  const busy = model("concurrent", [100], { runCpuMs: 97 });
  assertStringIncludes(eventLoopWarnings([waits, busy])[0]!, "Under concurrent");
  assertStringIncludes(eventLoopWarnings([waits, busy])[0]!, "busy 97% of the time");
  assertEquals(eventLoopWarnings([waits, model("concurrent", [100], { runCpuMs: 90 })]).length, 1);
  assertEquals(eventLoopWarnings([model("sequential", [100], { runCpuMs: 50 }), busy]), []);
  assertEquals(eventLoopWarnings([waits, model("concurrent", [100], { runCpuMs: 50 })]), []);
  // Tasks that compute keep the event loop busy anyway.
  assertEquals(eventLoopWarnings([model("sequential", [100], { runCpuMs: 99 }), busy]), []);
  // While others used the core, the event loop wasn't the limit.
  const queued = model("concurrent", [100], { runCpuMs: 32, queuedMs: 68 });
  assertEquals(eventLoopWarnings([waits, queued]), []);
});

Deno.test("An event loop beside which other threads compute is not named the limit", () => {
  const waits = model("sequential", [1000], { runCpuMs: 400 });
  const beside = (loopCpuMs: number) =>
    eventLoopWarnings([waits, model("concurrent", [250], { runCpuMs: 480, loopCpuMs })]);
  assertEquals(beside(20), []);
  assertStringIncludes(beside(240)[0]!, "busy 96% of the time");
});

Deno.test("Lanes of other machines, and a graphics card, may gain more than this machine's cores", () => {
  const times = [2000, 2000, 2000];
  const elsewhere = { ...model("cluster", [300, 301, 299], {}, times), lanes: 2 };
  assertEquals(passesCeiling([elsewhere], { speedup: 1.9, lanes: 2 }), false);
});

Deno.test("Outliers are named with their round, and stay in the result", () => {
  const wild = model("limited", [100, 101, 400, 99, 100]);
  assertStringIncludes(outlierWarnings([wild])[0]!, "limited, round 3, took 400 ms");
  assertEquals(wild.rounds.length, 5);
});

Deno.test("Fewer than three rounds are said to be few", () => {
  const of = (rounds: number) => warningsOf([model("workers", Array(rounds).fill(5))], null);
  assertStringIncludes(of(1)[0]!, "1 round tells nothing");
  assertStringIncludes(of(2)[0]!, "2 rounds tell little");
  assertEquals(of(3), []);
});

Deno.test("Others that compute are told with how much, unless it is hardly anything", () => {
  const models = [model("sequential", [100, 100, 100])];
  const said = (used: number) => warningsOf(models, null, { used, cores: 2 }).join();
  assertStringIncludes(said(1.4), "Other programs used 1.4 of 2 cores meanwhile");
  assertEquals(said(0.1), "");
});
