import { assertEquals, assertStringIncludes } from "@std/assert";
import { compareResults } from "../../lib/timing/compare_results.ts";
import type { ResultFile } from "../../lib/timing/result.ts";
import { model, resultFileOf } from "./fake.ts";

function result(times: Record<string, number[]>, more?: Partial<ResultFile["environment"]>) {
  const models = Object.entries(times).map(([name, of]) => model(name, of));
  return resultFileOf(models, more, { items: 160, options: { a: 1, b: 2 } });
}

const OLD = result({ sequential: [100, 101, 99], workers: [50, 51, 49] });

Deno.test("compareResults() finds nothing where nothing changed", () => {
  const { changes, warnings, tooSlow } = compareResults(OLD, OLD, { maxSlowdown: 0 });
  assertEquals(changes.map(({ verdict }) => verdict), Array(2).fill("no detectable difference"));
  assertEquals([warnings, tooSlow], [[], false]);
});

Deno.test("compareResults() names what became slower and faster, and judges what is allowed", () => {
  const now = result({ sequential: [130, 131, 129], workers: [40, 41, 39] });
  const { changes, tooSlow } = compareResults(OLD, now, { maxSlowdown: 0.1 });
  assertEquals(changes.map(({ model, verdict, tooSlow }) => [model, verdict, tooSlow]), [
    ["sequential", "slower", true],
    ["workers", "faster", false],
  ]);
  assertEquals(tooSlow, true);
  assertEquals(compareResults(OLD, now, { maxSlowdown: 0.5 }).tooSlow, false);
  assertEquals(compareResults(OLD, now).tooSlow, false);
});

Deno.test("compareResults() doesn't fail a build for noise, nor for one round", () => {
  const noisy = result({ sequential: [100, 180, 90], workers: [80] });
  const { tooSlow, changes } = compareResults(OLD, noisy, { maxSlowdown: 0.1 });
  assertEquals(changes.map(({ verdict }) => verdict), Array(2).fill("no detectable difference"));
  assertEquals(tooSlow, false);
});

Deno.test("compareResults() warns of what makes the two hard to compare", () => {
  const now = result({ sequential: [100, 101, 99], limited: [30] }, { deno: "3.0.0", cpus: 8 });
  const warnings = compareResults(OLD, now).warnings.join("\n");
  for (
    const part of [
      "Deno: 2.9.6 then, 3.0.0 now",
      "number of CPUs: 2 then",
      "limited is only in the newer result",
      "workers is only in the older result",
    ]
  ) assertStringIncludes(warnings, part);
});

Deno.test("compareResults() judges no job of other options, and says which differ", () => {
  const now = result({ sequential: [300, 301, 299] });
  now.comparisons[0]!.job.options = { a: 1, b: 3, c: "x" };
  const { changes, warnings, tooSlow } = compareResults(OLD, now, { maxSlowdown: 0.1 });
  assertEquals([changes, tooSlow], [[], false]);
  assertEquals(warnings, [
    "pages, 160 items: not compared, as the job's options differ: b (2 then, 3 now), " +
    'c (unset then, "x" now).',
  ]);
});

Deno.test("compareResults() judges no model of another size, but one that finds its own", () => {
  const now = structuredClone(OLD);
  now.comparisons[0]!.models[1]!.lanes++;
  const { lanes, slots } = OLD.comparisons[0]!.models[1]!;
  const { changes, warnings } = compareResults(OLD, now);
  assertEquals(changes.map(({ model }) => model), ["sequential"]);
  assertEquals(warnings, [
    `pages: not compared, as lanes × slots of workers differ: ${lanes} × ${slots} then, ` +
    `${lanes + 1} × ${slots} now.`,
  ]);
  const [then, later] = [OLD, now].map((of): ResultFile => {
    const copy = structuredClone(of);
    copy.comparisons[0]!.models[1]!.model = "auto";
    return copy;
  });
  assertEquals(compareResults(then!, later!).changes.length, 2);
});

Deno.test("compareResults() doesn't mind the order of options", () => {
  const now = structuredClone(OLD);
  now.comparisons[0]!.job.options = { b: 2, a: 1 };
  assertEquals(compareResults(OLD, now).warnings, []);
});

Deno.test("compareResults() matches jobs by name and items, and names those that are alone", () => {
  for (const other of [{ name: "other" }, { items: 80 }]) {
    const now = structuredClone(OLD);
    Object.assign(now.comparisons[0]!.job, other);
    const { changes, warnings } = compareResults(OLD, now);
    assertEquals(changes, []);
    const { name, items } = { name: "pages", items: 160, ...other };
    assertEquals(warnings, [
      `${name}, ${items} items: this job is only in the newer result.`,
      "pages, 160 items: this job is only in the older result.",
    ]);
  }
});

Deno.test("compareResults() calls nothing faster that fails", () => {
  const withFailures = (succeeded: number, failed: number) =>
    resultFileOf([model("sequential", [10, 11, 9], { succeeded, failed })], {}, {
      items: 160,
      options: { a: 1, b: 2 },
    });
  const verdictOf = (then: ResultFile, now: ResultFile) => {
    const { changes, isWorse, tooSlow } = compareResults(then, now, { maxSlowdown: 0.1 });
    return [changes[0]!.verdict, isWorse, tooSlow];
  };
  const [well, half, none] = [withFailures(4, 0), withFailures(2, 2), withFailures(0, 4)];
  assertEquals(verdictOf(OLD, none), ["fails more now", true, false]);
  assertEquals(verdictOf(well, half), ["fails more now", true, false]);
  assertEquals(verdictOf(half, well), ["failed more then", false, false]);
  assertEquals(verdictOf(none, none), ["fails then and now", false, false]);
  assertEquals(verdictOf(half, half), ["no detectable difference", false, false]);
});

Deno.test("one flaky item of many is told of and fails nothing; one in every round does", () => {
  const of = (...failed: number[]) => {
    const sequential = model("sequential", failed.map(() => 10));
    const rounds = sequential.rounds.map((round, n) => ({
      ...round,
      succeeded: 160 - failed[n]!,
      failed: failed[n]!,
    }));
    return resultFileOf([{ ...sequential, rounds }]);
  };
  const judged = (then: ResultFile, now: ResultFile) => {
    const { changes, isWorse, warnings } = compareResults(then, now);
    return [changes[0]!.verdict, isWorse, warnings.length];
  };
  assertEquals(judged(of(0, 0, 0), of(0, 1, 0)), ["no detectable difference", false, 1]);
  assertEquals(judged(of(0, 1, 0), of(1, 2, 1)), ["no detectable difference", false, 1]);
  assertEquals(judged(of(0, 1, 0), of(0, 0, 0)), ["no detectable difference", false, 1]);
  assertEquals(judged(of(0, 0, 0), of(1, 1, 1)), ["fails more now", true, 1]);
  assertEquals(judged(of(0, 0, 0), of(0, 0, 160)), ["fails more now", true, 1]);
  assertEquals(judged(of(0, 0, 0), of(0, 12, 0)), ["fails more now", true, 1]);
  assertEquals(judged(of(0, 0, 160), of(0, 0, 0)), ["failed more then", false, 1]);
  assertEquals(judged(of(0), of(1)), ["fails more now", true, 1]);
});

Deno.test("compareResults() compares shares of failures, and counts them over all rounds", () => {
  const of = (succeeded: number, failed: number) =>
    resultFileOf([model("sequential", [10, 11, 9], { succeeded, failed })]);
  const verdictOf = (then: ResultFile, now: ResultFile) =>
    compareResults(then, now).changes[0]!.verdict;
  assertEquals(verdictOf(of(3, 1), of(6, 2)), "no detectable difference");
  assertEquals(verdictOf(of(2, 2), of(1, 3)), "fails more now");
  const { warnings } = compareResults(of(4, 0), of(2, 2));
  assertEquals(warnings, ["pages: failures of sequential differ: 0 of 12 then, 6 of 12 now."]);
  const more = resultFileOf([model("sequential", [10, 11, 9, 10], { succeeded: 2, failed: 2 })]);
  assertEquals(compareResults(of(2, 2), more).warnings, []);
});

Deno.test("compareResults() doesn't mind what one of the two doesn't know", () => {
  const { cpuModel: _, ...environment } = OLD.environment;
  const without = { ...OLD, environment };
  const with_ = { ...OLD, environment: { ...environment, cpuModel: "a CPU" } };
  assertEquals(compareResults(without, with_).warnings, []);
  assertEquals(compareResults(with_, without).warnings, []);
});

Deno.test("compareResults() judges no times where models disagreed, then or now", () => {
  const odd: ResultFile = structuredClone(OLD);
  odd.comparisons[0]!.agree = false;
  for (const [then, now, when] of [[OLD, odd, "now"], [odd, OLD, "then"]] as const) {
    const { changes, warnings, isWorse } = compareResults(then, now, { maxSlowdown: 0 });
    assertEquals(changes.map(({ verdict }) => verdict), Array(2).fill("results differ"));
    assertEquals(isWorse, when === "now");
    assertStringIncludes(warnings.join(), `gave different results ${when}, so no times`);
  }
});
