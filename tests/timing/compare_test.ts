import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ENVIRONMENT } from "../environment.ts";
import { agreementOf, compare } from "../../lib/timing/compare.ts";
import { parseWritten } from "../../lib/timing/json_file.ts";
import { RESULT_FORMAT } from "../../lib/timing/result.ts";
import { NoLaneError } from "../../lib/timing/run_trial.ts";
import type { ComparisonSpec, TimingEvent, TrialSpec } from "../../lib/timing/spec.ts";
import { fakeMeter } from "./meter/fake.ts";
import { answer, fakeRunner, JOB, model } from "./fake.ts";

const SPEC: ComparisonSpec = {
  job: JOB,
  models: [{ model: "sequential" }, { model: "limited", slots: 5 }, { model: "workers", lanes: 2 }],
  rounds: 4,
  seed: 11,
  ceiling: false,
};

const TIMES: Record<string, number> = { sequential: 100, limited: 50, workers: 25 };
const steady = () => fakeRunner((trial) => answer(trial, TIMES[trial.model]! + trial.round));

Deno.test("compare() runs every model once a round, rounds one after the other", async () => {
  const { runTrial, asked } = steady();
  await compare(SPEC, { runTrial });
  assertEquals(asked.map((name) => Number(name.split(" ")[1])), [
    0,
    0,
    0,
    1,
    1,
    1,
    2,
    2,
    2,
    3,
    3,
    3,
  ]);
  assertEquals(new Set(asked).size, 12);
});

Deno.test("compare() orders models by the seed: the same again for the same, else another", async () => {
  const orderOf = async (seed: number) => {
    const { runTrial, asked } = steady();
    await compare({ ...SPEC, seed }, { runTrial });
    return asked.join();
  };
  assertEquals(await orderOf(1), await orderOf(1));
  const orders = new Set(await Promise.all(Array.from({ length: 12 }, (_, seed) => orderOf(seed))));
  assert(orders.size > 3);
});

Deno.test("compare() pairs speedups by round and judges", async () => {
  // The tasks wait, because computing can't gain four times on two cores.
  const { runTrial } = fakeRunner((trial) =>
    answer(trial, TIMES[trial.model]! + trial.round, { runCpuMs: 5 })
  );
  const { comparison, partial } = await compare(SPEC, { runTrial });
  assertEquals(partial, false);
  assertEquals(comparison.models.map(({ model }) => model), ["sequential", "limited", "workers"]);
  const [sequential, limited] = comparison.models;
  assertEquals(sequential!.speedup, { median: 1, low: 1, high: 1 });
  assert(Math.abs(limited!.speedup!.median - 1.96) < 0.03);
  assertEquals(comparison.verdict!.recommended, "workers");
  assertEquals(comparison.job, { name: JOB.name, task: "data:…", items: 4, options: {} });
});

Deno.test("compare() keeps of each model the timeline of its median round", async () => {
  const wall = [90, 10, 50, 70, 30];
  const { runTrial } = fakeRunner((trial) => answer(trial, wall[trial.round]!));
  const { comparison } = await compare({ ...SPEC, rounds: 5 }, { runTrial });
  for (const { timeline } of comparison.models) assertEquals(timeline!.round, 2);
});

Deno.test("compare() has that timeline also of many rounds, of which it keeps few, and rounds in their order", async () => {
  // The round with the median time comes first, and would be lost if trials weren't kept by their times.
  const wall = [50, 90, 80, 70, 60, 40, 30, 20, 10];
  const { runTrial } = fakeRunner((trial) => answer(trial, wall[trial.round]!));
  const numbers: [number, number][] = [];
  const { comparison } = await compare({ ...SPEC, rounds: 9 }, {
    runTrial,
    onEvent: (event) => {
      if (event.type === "trial-started") numbers.push([event.number, event.of]);
    },
  });
  for (const { timeline, rounds } of comparison.models) {
    assertEquals(timeline!.round, 0);
    assertEquals(rounds.map(({ wallMs }) => wallMs), wall);
  }
  assertEquals(numbers, Array.from({ length: 27 }, (_, at) => [at + 1, 27]));
});

Deno.test({
  name:
    "compare() measures the ceiling of jobs that compute, for as many lanes as may gain from it",
  ignore: navigator.hardwareConcurrency < 2,
  async fn() {
    const ceilingsOf = async (spec: Partial<ComparisonSpec>, share: number) => {
      const asked: number[] = [];
      const { ceiling: _, ...rest } = SPEC;
      const { comparison } = await compare({ ...rest, ...spec }, {
        runTrial: fakeRunner((trial) =>
          // The CPU time of lanes says nothing about the job.
          answer(trial, 100, { runCpuMs: trial.model === "sequential" ? 100 * share : 0 })
        ).runTrial,
        measureCeiling: (_, lanes) => {
          asked.push(lanes);
          return Promise.resolve({ speedup: 1.9, lanes });
        },
      });
      return [asked, comparison.ceiling?.speedup];
    };
    assertEquals(await ceilingsOf({}, 0.5), [[2], 1.9]);
    assertEquals(await ceilingsOf({}, 0.49), [[], undefined]);
    assertEquals(await ceilingsOf({ ceiling: true }, 0), [[2], 1.9]);
    const loops = [{ model: "sequential" }, { model: "concurrent" }] as const;
    assertEquals(await ceilingsOf({ models: loops, ceiling: true }, 1), [[], undefined]);
  },
});

Deno.test("compare() shows no speedup and no verdict when results differ, and says who", async () => {
  const { runTrial } = fakeRunner((trial) =>
    answer(trial, 10, trial.model === "workers" ? { checksum: "bad" } : {})
  );
  const { comparison } = await compare(SPEC, { runTrial });
  assertEquals([comparison.agree, comparison.verdict], [false, null]);
  assertEquals(comparison.models.map(({ speedup }) => speedup), [null, null, null]);
  assertStringIncludes(comparison.warnings[0]!, "workers gave other results than sequential");
});

Deno.test("compare() keeps what was finished when it is aborted, and says it is partial", async () => {
  const stopping = new AbortController();
  const { runTrial } = fakeRunner((trial) => {
    if (trial.round === 1) {
      stopping.abort();
      throw stopping.signal.reason;
    }
    return answer(trial, TIMES[trial.model]!);
  });
  const { comparison, partial } = await compare(SPEC, { runTrial, signal: stopping.signal });
  assertEquals(partial, true);
  assertEquals(comparison.models.map(({ rounds }) => rounds.length), [1, 1, 1]);
  assert(!comparison.warnings.some((warning) => warning.includes("is missing")));
});

Deno.test("compare() gives an empty partial comparison when it is aborted at once", async () => {
  const { runTrial, asked } = steady();
  const { comparison, partial } = await compare(SPEC, { runTrial, signal: AbortSignal.abort() });
  assertEquals([asked, comparison.models, comparison.verdict, partial], [[], [], null, true]);
});

Deno.test("compare() goes on without a trial that failed, and says which", async () => {
  const { runTrial } = fakeRunner((trial) => {
    if (trial.model === "limited" && trial.round === 2) throw new Error("it died");
    return answer(trial, TIMES[trial.model]!);
  });
  const { comparison } = await compare(SPEC, { runTrial });
  assertEquals(comparison.models.map(({ rounds }) => rounds.length), [4, 3, 4]);
  assertStringIncludes(comparison.warnings.join(), "limited, round 3, is missing: it died");
});

Deno.test("compare() tells once why trials gave nothing, and in which rounds", async () => {
  const { runTrial } = fakeRunner((trial) => {
    const { model, round } = trial;
    if (model === "limited") {
      throw new Error(`The trial of limited, round ${round + 1} gave no result: no file`);
    }
    return answer(trial, TIMES[model]!);
  });
  const { comparison } = await compare(SPEC, { runTrial });
  const told = comparison.warnings.filter((warning) => warning.includes("missing"));
  assertEquals(told, ["limited, rounds 1, 2, 3 and 4, are missing: it gave no result: no file"]);
});

Deno.test("compare() leaves out a model that never finished, and keeps the others", async () => {
  const { runTrial } = fakeRunner((trial) => {
    if (trial.model === "workers") throw new Error("no threads here");
    return answer(trial, TIMES[trial.model]!);
  });
  const { comparison } = await compare(SPEC, { runTrial });
  assertEquals(comparison.models.map(({ model }) => model), ["sequential", "limited"]);
  assertStringIncludes(comparison.warnings.join(), "no threads here");
});

Deno.test("compare() tries a model only once that can have no lanes, and says what is missing", async () => {
  const { runTrial, asked } = fakeRunner((trial) => {
    if (trial.model === "workers") throw new NoLaneError("workers", "found no threads; buy some");
    return answer(trial, TIMES[trial.model]!);
  });
  const { comparison } = await compare(SPEC, { runTrial });
  assertEquals(comparison.models.map(({ model }) => model), ["sequential", "limited"]);
  assertEquals(asked.filter((name) => name.startsWith("workers")).length, 1);
  assertEquals(comparison.warnings.filter((text) => text.includes("workers")), [
    "workers was not measured, for no lane can be started: found no threads; buy some",
  ]);
});

Deno.test("compare() throws what the first trial threw when no trial can run", async () => {
  const { runTrial, asked } = fakeRunner(() => Promise.reject(new TypeError("no such task")));
  await assertRejects(() => compare(SPEC, { runTrial }), TypeError, "no such task");
  assertEquals(asked.length, 3);
});

Deno.test("compare() measures the ceiling for jobs that compute, and not for those that wait", async () => {
  const lanesAsked: number[] = [];
  const measureCeiling = (_: unknown, lanes: number) => {
    lanesAsked.push(lanes);
    return Promise.resolve({ speedup: 1.9, lanes });
  };
  const { ceiling: _, ...auto } = SPEC;
  const run = (share: number, spec: ComparisonSpec) => {
    const { runTrial } = fakeRunner((trial) => answer(trial, 10, { runCpuMs: 10 * share }));
    return compare(spec, { runTrial, measureCeiling });
  };
  const expected = navigator.hardwareConcurrency < 2 ? null : { speedup: 1.9, lanes: 2 };
  assertEquals((await run(0.9, auto)).comparison.ceiling, expected);
  assertEquals((await run(0.1, auto)).comparison.ceiling, null);
  assertEquals((await run(0.9, SPEC)).comparison.ceiling, null);
  assertEquals((await run(0.1, { ...SPEC, ceiling: true })).comparison.ceiling, expected);
  assertEquals(lanesAsked, expected === null ? [] : [2, 2]);
});

Deno.test("compare() goes on without a ceiling that can't be measured, and says so", async () => {
  const measureCeiling = () => Promise.reject(new Error("no processes"));
  const { runTrial } = steady();
  const { comparison } = await compare({ ...SPEC, ceiling: true }, { runTrial, measureCeiling });
  assertEquals(comparison.ceiling, null);
  if (navigator.hardwareConcurrency > 1) {
    assertStringIncludes(comparison.warnings.join(), "The ceiling is missing: no processes");
  }
});

Deno.test("compare() tells when each trial starts and ends, and how many there are", async () => {
  const events: TimingEvent[] = [];
  await compare({ ...SPEC, rounds: 1 }, {
    runTrial: steady().runTrial,
    onEvent: (event) => events.push(event),
  });
  assertEquals(
    events.map((event) =>
      event.type === "trial-started" ? `${event.number}/${event.of}` : event.type
    ),
    ["1/3", "trial-ended", "2/3", "trial-ended", "3/3", "trial-ended"],
  );
});

Deno.test("What compare() gives is valid against the result file's schema", async () => {
  const { comparison } = await compare(SPEC, { runTrial: steady().runTrial });
  const file = { schemaVersion: 1, environment: ENVIRONMENT, comparisons: [comparison] };
  assertEquals<unknown>(parseWritten(JSON.stringify(file), "new.json", [RESULT_FORMAT]), file);
});

Deno.test("compare() tells what others used meanwhile, where a meter knows it", async () => {
  const { runTrial } = steady();
  const meter = fakeMeter({ othersUsed: 1.5 });
  const { comparison } = await compare(SPEC, { runTrial, meter });
  assertEquals(comparison.others, { used: 1.5, cores: 2 });
  assertStringIncludes(comparison.warnings.join(), "1.5 of 2 cores");
  const without = await compare(SPEC, { runTrial });
  assertEquals(without.comparison.others, undefined);
});

Deno.test("compare() draws no gain and no verdict from items that all failed", async () => {
  const failing = (trial: TrialSpec) =>
    answer(trial, TIMES[trial.model]!, { succeeded: 0, failed: 4, reasons: { refused: 4 } });
  const { comparison } = await compare(
    { ...SPEC, rounds: 1, ceiling: true },
    {
      runTrial: fakeRunner(failing).runTrial,
      measureCeiling: () => Promise.reject(new Error("not to be asked for")),
    },
  );
  assertEquals(comparison.models.map(({ speedup }) => speedup), [null, null, null]);
  assertEquals([comparison.verdict, comparison.ceiling, comparison.warnings], [null, null, []]);
});

Deno.test("agreementOf() agrees when all checksums are equal", () => {
  const models = [model("sequential", [3, 3]), model("workers", [2, 2])];
  assertEquals(agreementOf(models), { agree: true, warnings: [] });
});

Deno.test("agreementOf() has nothing against a model that has no rounds", () => {
  assertEquals(agreementOf([{ ...model("sequential", [3]), rounds: [] }]), {
    agree: true,
    warnings: [],
  });
  assertEquals(agreementOf([]), { agree: true, warnings: [] });
});

Deno.test("agreementOf() names the model that differs, and in what", () => {
  const { agree, warnings } = agreementOf([
    model("workers", [2, 2], { checksum: "bad" }),
    model("sequential", [3, 3]),
    model("limited", [3], { checksum: "worse", succeeded: 3, failed: 1 }),
  ]);
  assertEquals([agree, warnings.length], [false, 2]);
  assertStringIncludes(warnings[0]!, "workers gave other results than sequential in 2 of 2 rounds");
  assertStringIncludes(warnings[0]!, "their results differ");
  assertStringIncludes(warnings[1]!, "3 succeeded, 1 failed, against 4 succeeded, 0 failed");
});

Deno.test("agreementOf() finds a model that differs from itself", () => {
  const flaky = model("sequential", [3, 3]);
  flaky.rounds[1]!.checksum = "other";
  const { agree, warnings } = agreementOf([flaky]);
  assertEquals(agree, false);
  assertStringIncludes(warnings[0]!, "sequential gave other results in round 2 than in round 1");
});
