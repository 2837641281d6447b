import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  ceilingWarnings,
  deviceWarnings,
  driftWarning,
  eventLoopWarnings,
  outlierWarnings,
  warningsOf,
} from "../../lib/timing/warnings.ts";
import { model } from "./fake.ts";

Deno.test("A speedup above the ceiling is flagged with its likely cause", () => {
  const sequential = [2000, 2000, 2000];
  const fast = model("workers", [500, 502, 498], {}, sequential);
  const right = model("processes", [1050, 1049, 1051], {}, sequential);
  const [warning, ...more] = ceilingWarnings([fast, right], { speedup: 1.9, lanes: 2 });
  assertStringIncludes(warning!, "workers gained 4.00 times, more than the 1.90");
  assertStringIncludes(warning!, "baseline is too slow");
  assertEquals(more, []);
  assertEquals(ceilingWarnings([fast], null), []);
  // One event loop gains by waiting, which no ceiling bounds.
  const loop = model("concurrent", [500, 502, 498], {}, sequential);
  assertEquals(ceilingWarnings([loop], { speedup: 1.9, lanes: 2 }), []);
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
  // Tasks that compute keep it busy by their nature.
  assertEquals(eventLoopWarnings([model("sequential", [100], { runCpuMs: 99 }), busy]), []);
  // Others had the core: for as long it wasn't the event loop that was full.
  const queued = model("concurrent", [100], { runCpuMs: 32, queuedMs: 68 });
  assertEquals(eventLoopWarnings([waits, queued]), []);
});

Deno.test("Outliers are named with their round, and stay in the result", () => {
  const wild = model("limited", [100, 101, 400, 99, 100]);
  assertStringIncludes(outlierWarnings([wild])[0]!, "limited, round 3, took 400 ms");
  assertEquals(wild.rounds.length, 5);
});

Deno.test("A machine that slows down steadily is noticed, one that is only noisy isn't", () => {
  const trials = (of: (place: number) => number) =>
    Array.from({ length: 15 }, (_, place) => ({ model: "abc"[place % 3]!, wallMs: of(place) }));
  assertStringIncludes(driftWarning(trials((place) => 100 * 1.03 ** place))!, "slower");
  assertStringIncludes(driftWarning(trials((place) => 100 * 0.97 ** place))!, "faster");
  assertEquals(driftWarning(trials((place) => place % 2 === 0 ? 80 : 120)), undefined);
  assertEquals(driftWarning(trials(() => 100)), undefined);
});

Deno.test("A drift is told with its size, over models of any speed, if it is sure and not small", () => {
  const speeds = { a: 100, b: 1000, c: 10 };
  const models = ["a", "b", "c"] as const;
  const drifting = (count: number, of: (place: number) => number) =>
    driftWarning(Array.from({ length: count }, (_, place) => {
      const model = models[place % 3]!;
      return { model, wallMs: speeds[model] * of(place) };
    }));
  assertStringIncludes(drifting(15, (place) => 1.03 ** place)!, "became 49% slower");
  assertStringIncludes(drifting(15, (place) => 0.97 ** place)!, "became 34% faster");
  assertEquals(drifting(15, (place) => 1.003 ** place), undefined);
  // Student's t of the slope is 2.97 and 3.12; 3.01 is sure enough.
  const noisy = (slope: number) =>
    driftWarning(Array.from({ length: 15 }, (_, place) => ({
      model: "a",
      wallMs: 100 * Math.exp(slope * place + (place % 2 === 0 ? 0.1 : -0.1)),
    })));
  assertEquals(noisy(0.019), undefined);
  assertStringIncludes(noisy(0.02)!, "slower");
  const few = (count: number) =>
    driftWarning(Array.from({ length: count }, (_, place) => ({
      model: "a",
      wallMs: 100 * 1.05 ** place,
    })));
  assertEquals(few(7), undefined);
  assertStringIncludes(few(8)!, "became 41% slower");
});

Deno.test("Fewer than three rounds are said to be few", () => {
  const of = (rounds: number) => warningsOf([model("workers", Array(rounds).fill(5))], null, []);
  assertStringIncludes(of(1)[0]!, "1 round tells nothing");
  assertStringIncludes(of(2)[0]!, "2 rounds tell little");
  assertEquals(of(3), []);
});

Deno.test("Others that compute are told with how much, unless it is hardly anything", () => {
  const models = [model("sequential", [100, 100, 100])];
  const said = (used: number) => warningsOf(models, null, [], { used, cores: 2 }).join();
  assertStringIncludes(said(1.4), "Other programs used 1.4 of 2 cores meanwhile");
  assertEquals(said(0.1), "");
});
