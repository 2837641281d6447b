import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ModelResult } from "../../lib/timing/result.ts";
import { judge as judgeOn } from "../../lib/timing/verdict.ts";
import { model } from "./fake.ts";

/** A fixed number of processors, independent of this machine. */
const PROCESSORS = 2;
const judge = (evidence: Parameters<typeof judgeOn>[0]) => judgeOn(evidence, PROCESSORS);
const verdictOf = (models: ModelResult[]) => judge({ models, ceiling: null })!;
const waiting = { runCpuMs: 100 };

Deno.test("judge() calls a job that waits I/O-bound and recommends concurrency", () => {
  const verdict = verdictOf([
    model("sequential", [3500, 3520, 3480], waiting),
    model("concurrent", [110, 112, 108], waiting),
    model("limited", [720, 730, 715], waiting),
    model("workers", [760, 770, 750], waiting),
  ]);
  assertEquals([verdict.bound, verdict.recommended], ["io", "concurrent"]);
  assert(verdict.confidence > 0.99 && verdict.cpuShare < 0.05);
  assertStringIncludes(
    verdict.reason,
    "Concurrency pays: concurrent took 110 ms instead of 3.50 s",
  );
});

Deno.test("judge() says that a gain is the rounds' own where it isn't that of the times beside it", () => {
  const { reason } = verdictOf([
    model("sequential", [1050, 1000, 1200], waiting),
    model("limited", [100, 120, 115], waiting),
  ]);
  assertStringIncludes(reason, "took 115 ms instead of 1.05 s, round by round 10 times as fast (");
});

Deno.test("judge() tells a small gain so that it can be told from none", () => {
  const { reason } = verdictOf([
    model("sequential", Array.from({ length: 10 }, (_, at) => 1000 + at), waiting),
    model("limited", Array.from({ length: 10 }, (_, at) => 930 + at), waiting),
  ]);
  assertStringIncludes(reason, "1.07 times as fast (1.07 to 1.08)");
});

Deno.test("judge() calls a job that computes CPU-bound and recommends lanes", () => {
  const verdict = verdictOf([
    model("sequential", [2000, 2010, 1990], { runCpuMs: 1980 }),
    model("concurrent", [2005, 2000, 2012], { runCpuMs: 1980 }),
    model("workers", [1050, 1060, 1040], { startMs: 30 }),
    model("processes", [1048, 1059, 1041], { startMs: 30 }),
  ]);
  assertEquals([verdict.bound, verdict.recommended], ["cpu", "workers"]);
  assertStringIncludes(verdict.reason, "the CPU was busy 99% of the sequential run.");
  assertStringIncludes(verdict.reason, "Parallelism pays");
  assertStringIncludes(verdict.reason, "concurrency alone gained nothing");
});

Deno.test("judge() says of a gain by a GPU in software that no card was seen", () => {
  const computing = model("sequential", [2000, 2010, 1990], { runCpuMs: 1980 });
  const fast = model("gpu", [600, 610, 590], { startMs: 150 });
  const reasonWith = (software: boolean) =>
    verdictOf([computing, { ...fast, device: { name: "a driver", software } }]).reason;
  assertStringIncludes(reasonWith(true), "gpu computed on the same cores");
  assert(!reasonWith(false).includes("same cores"));
});

Deno.test("judge() doesn't call a long job small for a GPU that is no faster", () => {
  const verdict = verdictOf([
    model("sequential", [2000, 2010, 1990], { runCpuMs: 1980 }),
    {
      ...model("gpu", [3000, 3010, 2990], { startMs: 150 }),
      device: { name: "a driver", software: true },
    },
  ]);
  assertEquals([verdict.bound, verdict.recommended], ["cpu", "sequential"]);
});

Deno.test("judge() believes lanes of other machines that gain more than this machine's cores", () => {
  const computing = model("sequential", [16_000, 16_100, 15_900], { runCpuMs: 15_900 });
  const elsewhere = { ...model("cluster", [1300, 1310, 1290], { startMs: 200 }), lanes: 16 };
  const verdict = judge({ models: [computing, elsewhere], ceiling: { speedup: 1.9, lanes: 2 } })!;
  assertEquals(verdict.recommended, "cluster");
  assertStringIncludes(verdict.reason, "Parallelism pays: cluster took 1.30 s instead of 16.0 s");
});

Deno.test("judge() recommends the simpler of two models that can't be told apart", () => {
  const { recommended } = verdictOf([
    model("sequential", [3500, 3510, 3490], waiting),
    model("workers", [99, 100, 101], waiting),
    model("concurrent", [101, 100, 102], waiting),
  ]);
  assertEquals(recommended, "concurrent");
});

Deno.test("judge() passes over a gain of less than 5 %, however sure, and says that there is one", () => {
  const verdict = verdictOf([
    model("sequential", Array(10).fill(1000)),
    model("concurrent", Array(10).fill(980)),
    model("workers", Array(10).fill(970)),
  ]);
  assertEquals(verdict.recommended, "sequential");
  assertStringIncludes(
    verdict.reason,
    "No model surely gained enough on sequential, which took 1.00 s: workers was 1.03 times as fast " +
      "(1.03 to 1.03).",
  );
});

Deno.test("judge() names a model that may well be faster than the simpler one that it takes", () => {
  const { recommended, reason } = verdictOf([
    model("sequential", [1000, 1000, 1000], waiting),
    model("limited", [100, 100, 100], waiting),
    model("workers", [60, 130, 75], waiting),
  ]);
  assertEquals(recommended, "limited");
  assertStringIncludes(reason, "Workers may well be faster still, which these rounds can't tell.");
});

Deno.test("judge() calls a job small when starting lanes eats what they could gain", () => {
  const verdict = verdictOf([
    model("sequential", [60, 61, 59]),
    model("workers", [62, 63, 64], { startMs: 30 }),
    model("processes", [70, 71, 72], { startMs: 40 }),
  ]);
  assertEquals([verdict.bound, verdict.recommended], ["small", "sequential"]);
  assertStringIncludes(verdict.reason, "starting lanes alone takes 30.0 ms (workers)");
});

Deno.test("judge() calls a job small up to where lanes gain twice what their start takes, of the quickest", () => {
  const reasonWith = (startMs: number) => {
    const verdict = verdictOf([
      model("sequential", [60, 60, 60]),
      model("processes", [70, 71, 72], { startMs: startMs + 5 }),
      model("workers", [62, 63, 64], { startMs }),
    ]);
    return verdict.bound === "small" ? verdict.reason : verdict.bound;
  };
  // Two lanes save at most half of 60 ms.
  assertStringIncludes(reasonWith(15), "starting lanes alone takes 15.0 ms (workers)");
  assertEquals(reasonWith(14.9), "cpu");
});

Deno.test("judge() calls a job that waits as much as can be I/O-bound, however small it is", () => {
  const { bound } = verdictOf([
    model("sequential", [100, 100, 100], { runCpuMs: 35 }),
    model("workers", [120, 121, 122], { startMs: 80 }),
  ]);
  assertEquals(bound, "io");
});

Deno.test("judge() calls no job small of which lanes gain, though a simpler model may gain as much", () => {
  const { bound, recommended } = verdictOf([
    model("sequential", [60, 60, 60], { runCpuMs: 30 }),
    // The median of `concurrent` is as good, but its gain isn't shown.
    model("concurrent", [20, 100, 39], { runCpuMs: 30 }),
    model("workers", [40, 40, 40], { runCpuMs: 30, startMs: 30 }),
  ]);
  assertEquals([bound, recommended], ["cpu", "sequential"]);
});

Deno.test("judge() believes a loop's own CPU time from 100 ms on", () => {
  const gainOf = (runCpuMs: number) =>
    judge({
      models: [
        model("sequential", Array(3).fill(runCpuMs), { runCpuMs, loopCpuMs: runCpuMs / 10 }),
        model("concurrent", Array(3).fill(0.6 * runCpuMs), { runCpuMs }),
      ],
      ceiling: { speedup: 2, lanes: 2 },
    })!.recommended;
  assertEquals([gainOf(100), gainOf(99)], ["concurrent", "sequential"]);
});

Deno.test("judge() names the gain that is farthest beyond what can be", () => {
  const worstOf = (concurrentMs: number, workersMs: number) =>
    judge({
      models: [
        model("sequential", Array(3).fill(1000), { loopCpuMs: 1000 }),
        model("concurrent", Array(3).fill(concurrentMs), { loopCpuMs: 1000 }),
        model("workers", Array(3).fill(workersMs)),
      ],
      ceiling: { speedup: 64, lanes: 2 },
    })!.reason;
  // The first case is 2.5 of 1 against 100 of 64, the second 1.7 of 1 against 200 of 64.
  assertStringIncludes(worstOf(400, 10), "can't be right: concurrent was 2.5 times");
  assertStringIncludes(worstOf(590, 5), "can't be right: workers was 200 times");
});

Deno.test("judge() calls a job that computes so also where other programs take the CPU", () => {
  const busy = { runCpuMs: 1000 };
  const { bound } = verdictOf([
    model("sequential", [2000, 2010, 1990], busy),
    model("concurrent", [2000, 2020, 1985], busy),
    model("workers", [1050, 1060, 1040], busy),
  ]);
  assertEquals(bound, "cpu");
});

Deno.test("judge() calls a job mixed when both slots and lanes gain", () => {
  const half = { runCpuMs: 1000 };
  const verdict = verdictOf([
    model("sequential", [2000, 2010, 1990], half),
    model("concurrent", [1100, 1110, 1090], half),
    model("workers", [600, 610, 590], half),
  ]);
  assertEquals([verdict.bound, verdict.recommended], ["mixed", "workers"]);
  assertStringIncludes(verdict.reason, "More lanes pay: workers");
});

Deno.test("judge() says of auto what paid by where it ended", () => {
  const found = (lanes: number, slots: number, runCpuMs: number, ...others: ModelResult[]) =>
    verdictOf([
      model("sequential", [2000, 2010, 1990], { runCpuMs }),
      ...others,
      { ...model("auto", [1050, 1060, 1040], { runCpuMs }), lanes, slots },
    ]).reason;
  assertStringIncludes(found(1, 64, 100), "Concurrency pays: auto");
  assertStringIncludes(found(2, 1, 1980), "Parallelism pays: auto");
  assertStringIncludes(found(2, 16, 1000), "Concurrency and parallelism pay: auto");
  const limited = model("limited", [1300, 1310, 1290], { runCpuMs: 100 });
  assertStringIncludes(found(1, 64, 100, limited), "Concurrency pays: auto");
});

Deno.test("judge() calls no job small for what auto takes to start, which is nothing", () => {
  const { reason } = verdictOf([
    model("sequential", [2, 2, 2], { runCpuMs: 2 }),
    model("auto", [2, 2, 2], { startMs: 1, runCpuMs: 2 }),
  ]);
  assertStringIncludes(reason, "No model was detectably faster");
});

Deno.test("judge() is unsure when rounds differ more than models", () => {
  const verdict = verdictOf([
    model("sequential", [100, 300, 200]),
    model("workers", [250, 110, 190]),
  ]);
  assertEquals(verdict.recommended, "sequential");
  assert(verdict.confidence < 0.8);
});

Deno.test("judge() compares only rounds that both models finished", () => {
  const cut = model("concurrent", [10, 11, 10], waiting);
  cut.rounds.shift();
  const { recommended } = verdictOf([model("sequential", [900, 3000, 3000], waiting), cut]);
  assertEquals(recommended, "concurrent");
});

Deno.test("judge() has no verdict without a sequential run, or with nothing beside it", () => {
  assertEquals(
    judge({ models: [model("workers", [1]), model("limited", [1])], ceiling: null }),
    null,
  );
  assertEquals(judge({ models: [model("sequential", [1])], ceiling: null }), null);
});

Deno.test("judge() calls a job mixed where the system counted that it didn't queue for a core", () => {
  const half = { runCpuMs: 1000, queuedMs: 20 };
  const { bound, reason } = verdictOf([
    model("sequential", [2000, 2010, 1990], half),
    model("concurrent", [2000, 2020, 1985], half),
    model("workers", [1050, 1060, 1040], half),
  ]);
  assertEquals(bound, "mixed");
  assertStringIncludes(reason, "Parallelism pays: workers");
});

Deno.test("judge() takes no queueing for a core for waiting", () => {
  const kept = { runCpuMs: 600, queuedMs: 1390 };
  const { bound, cpuShare, reason } = verdictOf([
    model("sequential", [2000, 2010, 1990], kept),
    model("workers", [1900, 2210, 1890], kept),
  ]);
  assertEquals(bound, "cpu");
  assertStringIncludes(reason, "of the sequential run, its waits for a core left out.");
  assert(cpuShare > 0.95 && cpuShare <= 1);
});

Deno.test("judge() can't tell what tasks do that queued for a core nearly all the time", () => {
  const hidden = { runCpuMs: 200, queuedMs: 1900 };
  const { bound, cpuShare, confidence, reason } = judge({
    models: [
      model("sequential", [2000, 2010, 1990], hidden),
      model("limited", [1000, 1010, 990], hidden),
    ],
    ceiling: null,
  })!;
  assertEquals([bound, cpuShare, confidence], ["unknown", 0.1, 0.5]);
  assertStringIncludes(reason, "can't be told, for others had the cores");
});

Deno.test("judge() still sees the waiting of tasks that queue as well", () => {
  const { bound } = verdictOf([
    model("sequential", [2000, 2010, 1990], { runCpuMs: 100, queuedMs: 500 }),
    model("concurrent", [200, 210, 190], { runCpuMs: 100, queuedMs: 50 }),
  ]);
  assertEquals(bound, "io");
});

Deno.test("judge() calls no gain what may as well be none, and says that it can't tell", () => {
  const models = [
    model("sequential", [2000, 900, 2100, 1500]),
    model("workers", [1000, 1400, 1100, 1200]),
  ];
  const others = { used: 1.6, cores: 2 };
  const verdict = judge({ models, ceiling: null, others })!;
  assertEquals(verdict.recommended, "sequential");
  assertStringIncludes(
    verdict.reason,
    "Whether another model is faster can't be told on so busy a machine: workers",
  );
  assert(!judge({ models, ceiling: null })!.reason.includes("busy a machine"));
});

Deno.test("judge() takes noise for no error of measurement, however much of a gain it looks", () => {
  const computes = { runCpuMs: 1000, loopCpuMs: 1000, queuedMs: 0 };
  const { bound, recommended } = verdictOf([
    model("sequential", [1000, 1400, 950], computes),
    model("concurrent", [760, 1040, 1000], computes),
    model("workers", [560, 640, 520], computes),
  ]);
  assertEquals([bound, recommended], ["cpu", "workers"]);
});

Deno.test("judge() takes a gain that cores and waiting can't give for an error of measurement", () => {
  const computes = { runCpuMs: 1000, loopCpuMs: 1000, queuedMs: 0 };
  const models = [
    model("sequential", [1000, 1010, 990], computes),
    model("concurrent", [580, 585, 575], computes),
  ];
  const verdict = judge({ models, ceiling: null })!;
  assertEquals([verdict.bound, verdict.recommended, verdict.confidence], [
    "cpu",
    "sequential",
    0.5,
  ]);
  assertStringIncludes(verdict.reason, "The measurement can't be right: concurrent was 1.7 times");
  // Work outside the event loop may gain from the cores.
  const beside = models.map((of) => ({
    ...of,
    rounds: of.rounds.map((round) => ({ ...round, loopCpuMs: 20 })),
  }));
  const gained = judge({ models: beside, ceiling: { speedup: 2, lanes: 2 } })!;
  assertEquals(gained.recommended, "concurrent");
});
