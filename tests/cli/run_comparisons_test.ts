import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type ComparingOptions,
  type PlannedComparison,
  runComparisons,
} from "../../lib/cli/run_comparisons.ts";
import { UsageError } from "../../lib/text/option_values.ts";
import { parseWritten } from "../../lib/timing/json_file.ts";
import { type Comparison, RESULT_FORMAT } from "../../lib/timing/result.ts";
import type { ComparisonSpec } from "../../lib/timing/spec.ts";
import { cpuComparison, hostileResult, ioComparison, resultOf } from "../report/fixture.ts";
import { granted } from "../granted.ts";

function specOf(name: string): ComparisonSpec {
  return {
    job: {
      name,
      task: { module: "file:///task.ts", export: "default" },
      items: { kind: "values", values: [] },
      options: {},
    },
    models: [{ model: "sequential" }],
    rounds: 3,
    seed: 1,
  };
}

/** Runs comparisons with made-up measurements; `log` holds the events in order. */
function setUp(comparisons: Record<string, Comparison>, partialAt?: string) {
  const log: string[] = [];
  const interruption = new AbortController();
  const options: ComparingOptions = {
    signal: interruption.signal,
    environment: resultOf().environment,
    files: {},
    style: { columns: 80, colour: false },
    compare: (spec) => {
      log.push(`measure ${spec.job.name}`);
      const partial = spec.job.name === partialAt;
      if (partial) interruption.abort();
      return Promise.resolve({ comparison: comparisons[spec.job.name]!, partial });
    },
    progress: {
      begin: ({ job }) => log.push(`begin ${job}`),
      onEvent: () => {},
      end: () => log.push("end"),
    },
    print: (text) => log.push(`print ${text.split("\n")[0]}`),
    printError: (text) => log.push(`error ${text}`),
  };
  return { log, options, plan: Object.keys(comparisons).map((name) => ({ spec: specOf(name) })) };
}

Deno.test("each comparison's report is printed as soon as it is measured", async () => {
  const { log, options, plan } = setUp({ io: ioComparison(), cpu: cpuComparison() });
  const { code, result } = await runComparisons(plan, options);
  assertEquals(log, [
    "begin io",
    "measure io",
    "end",
    "print download 160 pages: 160 items, 3 rounds, medians",
    "begin cpu",
    "measure cpu",
    "end",
    "print 20 sums of squares: 20 items, 3 rounds, medians",
    "print Deno 2.9.6, linux x86_64, 2 CPUs, load 0.42, seed 42, 2026-01-02 03:04 UTC",
  ]);
  assertEquals(code, 0);
  assertEquals(result.comparisons.length, 2);
  assertEquals(result.partial, undefined);
});

Deno.test("after Ctrl-C nothing more is measured, and what was is kept and marked partial", async () => {
  const { log, options, plan } = setUp({ io: ioComparison(), cpu: cpuComparison() }, "io");
  const { result } = await runComparisons(plan, options);
  assert(!log.includes("measure cpu"));
  assertEquals(result.partial, true);
  assertEquals(result.comparisons.length, 1);
  assert(log.some((line) => line.startsWith("print Partial: ")));
});

Deno.test("trials that gave no result are counted at the end, and the exit code is 1", async () => {
  const [sequential] = ioComparison().models;
  const models = [{ ...sequential!, rounds: sequential!.rounds.slice(0, 2) }];
  const { log, options, plan } = setUp({ io: { ...ioComparison(), models } });
  const { code } = await runComparisons(plan, options);
  assertEquals(log.at(-1), "error io: 1 of 3 trials gave no result; see the warnings");
  assertEquals(code, 1);
});

Deno.test("a server that can't be used is told as bad input, once what was measured is printed", async () => {
  const why = "could not be had: Cannot use nats://a:1: nobody answers there; start a server";
  const warnings = [`cluster was not measured, for no lane can be started: ${why}`];
  const { log, options, plan } = setUp({
    io: { ...ioComparison(), warnings },
    cpu: cpuComparison(),
  });
  await assertRejects(
    () => runComparisons(plan, options),
    UsageError,
    '--servers "nats://a:1": nobody answers there; start a server',
  );
  assert(log.some((line) => line.startsWith("print download 160 pages")));
  assert(!log.includes("measure cpu"));
});

Deno.test("failed tasks make the exit code 1 and are counted with their reasons", async () => {
  const { log, options, plan } = setUp({ io: hostileResult().comparisons[0]! });
  const { code } = await runComparisons(plan, options);
  assertEquals(code, 1);
  assert(log.some((line) => line.startsWith("error a|b|c: 3 of 160 failed")));
});

Deno.test("results that differ make the exit code 1", async () => {
  const { log, options, plan } = setUp({ io: { ...ioComparison(), agree: false } });
  const { code } = await runComparisons(plan, options);
  assertEquals(code, 1);
  assert(log.includes("error download 160 pages: the models gave different results"));
});

Deno.test("the progress line is taken away when measuring fails", async () => {
  const { log, options, plan } = setUp({ io: ioComparison() });
  const compare = () => Promise.reject(new Error("no process"));
  let failed: unknown;
  await runComparisons(plan, { ...options, compare }).catch((error) => failed = error);
  assertEquals((failed as Error).message, "no process");
  assertEquals(log, ["begin io", "end"]);
});

Deno.test("the next comparison is asked for when the one before is there, and may add to it", async () => {
  const { log, options } = setUp({ io: ioComparison(), cpu: cpuComparison() });
  async function* plan(): AsyncGenerator<PlannedComparison> {
    yield { spec: specOf("io"), warn: () => ["a busy site"] };
    log.push("asked for the next");
    yield { spec: specOf("cpu") };
    await Promise.resolve();
  }
  const { result } = await runComparisons(plan(), options);
  assertEquals(result.comparisons[0]!.warnings, ["a busy site"]);
  assert(log.indexOf("asked for the next") > log.indexOf("measure io"));
});

Deno.test({
  name: "files are written before anything of the report is printed",
  ignore: !granted("read", "write"),
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const { log, options, plan } = setUp({ io: ioComparison(), cpu: cpuComparison() });
      const json = `${folder}/a.json`;
      let held = 0;
      const print = (text: string) => {
        if (held === 0) {
          held =
            parseWritten(Deno.readTextFileSync(json), json, [RESULT_FORMAT]).comparisons.length;
        }
        options.print!(text);
      };
      await runComparisons(plan, { ...options, files: { json }, print });
      assertEquals(held, 2);
      assertEquals(log.filter((line) => line.startsWith("print 20 sums")).length, 1);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("what was measured is written and printed though a later comparison fails", async () => {
  const { log, options } = setUp({ io: ioComparison() });
  async function* plan(): AsyncGenerator<PlannedComparison> {
    yield { spec: specOf("io") };
    await Promise.reject(new Error("no calibration"));
  }
  await assertRejects(() => runComparisons(plan(), options), Error, "no calibration");
  assert(log.some((line) => line.startsWith("print download 160 pages")));
  assert(log.some((line) => line.startsWith("print Partial: ")));
});
