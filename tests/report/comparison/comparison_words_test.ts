import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  awaitCostText,
  exampleLines,
  failureLines,
  verdictText,
} from "../../../lib/report/comparison/comparison_report.ts";
import type { Comparison, ModelResult } from "../../../lib/timing/result.ts";
import { cpuComparison, hostileResult, ioComparison } from "../fixture.ts";

Deno.test("the verdict says what the job is bound by, what to take and what it gains", async (t) => {
  await t.assertSnapshot([verdictText(ioComparison()), verdictText(cpuComparison())]);
});

Deno.test("no verdict where the models disagree, and no speedup either", () => {
  const text = verdictText({ ...ioComparison(), agree: false });
  assert(text.startsWith("No verdict"), text);
  assert(!text.includes("×"), text);
});

Deno.test("no verdict without sequential, and how to get one", () => {
  const comparison = { ...ioComparison(), verdict: null };
  const models = comparison.models.slice(1);
  assert(verdictText({ ...comparison, models }).includes("--models"));
  assert(verdictText(comparison).includes("too little"));
});

Deno.test("leaving it sequential is told without a gain", () => {
  const comparison = ioComparison();
  const verdict = { ...comparison.verdict!, recommended: "sequential", bound: "small" as const };
  const text = verdictText({ ...comparison, verdict });
  assert(text.startsWith("Leave it sequential. "), text);
  assert(!text.includes("×"), text);
});

Deno.test("a verdict says how unsure it is", () => {
  const comparison = ioComparison();
  const of = (confidence: number) =>
    verdictText({ ...comparison, verdict: { ...comparison.verdict!, confidence } });
  assert(!of(0.95).includes("sure"));
  assert(of(0.7).endsWith("Only 70% sure: more --rounds make it surer."));
  assert(of(0.5).endsWith("Only 50% sure: more --rounds make it surer."));
  assert(!of(0.9).includes("sure"));
  assert(of(0.02).includes("too much to be sure"));
});

Deno.test("failures that are alike in all rounds are told once, the most frequent reason first", () => {
  const comparison = ioComparison();
  const [model] = comparison.models;
  const rounds = model!.rounds.map((round) => ({
    ...round,
    succeeded: 157,
    failed: 3,
    reasons: { "timed out": 1, refused: 2 },
  }));
  const of = (rounds: ModelResult["rounds"]) =>
    failureLines({ ...comparison, models: [{ ...model!, rounds }] });
  const told = "3 of 160 failed: 2 refused, 1 timed out";
  assertEquals(of(rounds.slice(0, 1)), [`sequential: ${told}`]);
  assertEquals(of(rounds), [`sequential: ${told} in each of 3 rounds`]);
  assertEquals(of([rounds[0]!, model!.rounds[1]!]), [`sequential, round 1: ${told}`]);
  assertEquals(of([rounds[0]!, { ...rounds[1]!, reasons: { refused: 3 } }]), [
    `sequential, round 1: ${told}`,
    "sequential, round 2: 3 of 160 failed: 3 refused",
  ]);
  assertEquals(failureLines(ioComparison()), []);
});

Deno.test("hostile reasons stay on one line", () => {
  for (const line of failureLines(hostileResult().comparisons[0]!)) {
    // deno-lint-ignore no-control-regex
    assert(!/[\u0000-\u001f\u007f-\u009f]/.test(line));
  }
});

Deno.test("on a busy machine, and where rounds differ too much, nothing is left sequential", () => {
  const comparison = cpuComparison();
  const verdict = { ...comparison.verdict!, recommended: "sequential" };
  const told = (more: Partial<Comparison>) =>
    verdictText({ ...comparison, ...more }).split(/\.(?: |$)/)[0];
  const unsure = { ...verdict, confidence: 0.3 };
  const small = { ...unsure, bound: "small" as const };
  const others = { used: 1.3, cores: 2 };
  assertEquals(told({ verdict: unsure }), "Which model is best can't be told");
  const impossible = { ...verdict, confidence: 0.5 };
  assertEquals(told({ verdict: impossible }), "Which model is best can't be told");
  assertEquals(told({ verdict: small }), "Leave it sequential");
  assertEquals(
    told({ verdict: small, others }),
    "Which model is best can't be told on so busy a machine",
  );
  assertEquals(told({ verdict: { ...verdict, confidence: 0.97 }, others }), "Leave it sequential");
  assert(
    !verdictText({ ...comparison, verdict: { ...verdict, confidence: 0.89 }, others }).includes(
      "sure",
    ),
  );
  const reasoned = [small, unsure].map((of) =>
    verdictText({ ...comparison, verdict: { ...of, reason: "REASON" }, others }).includes("REASON")
  );
  assertEquals(reasoned, [false, true], "times that can't be trusted make no job small");
});

Deno.test("of each reason one example is told, with the model that met it first", () => {
  const [model, ...others] = ioComparison().models;
  const rounds: ModelResult["rounds"] = [
    { ...model!.rounds[0]!, examples: { refused: "item 0", "timed out": "item 7" } },
    { ...model!.rounds[1]!, examples: { refused: "item 1" } },
  ];
  const models = [{ ...model!, rounds }, ...others.map((other) => ({ ...other, rounds }))];
  assertEquals(exampleLines({ ...ioComparison(), models }), [
    "refused: item 0 (sequential)",
    "timed out: item 7 (sequential)",
  ]);
});

Deno.test("awaiting every call is said with its ratio and both times", () => {
  assertStringIncludes(
    awaitCostText({ plainMs: 2.5e-6, awaitedMs: 65e-6 }),
    "takes 26.0 times as long as a plain one: 65.0 ns instead of 2.50 ns",
  );
  const same = awaitCostText({ plainMs: 2e-6, awaitedMs: 2e-6 });
  assertStringIncludes(same, "no longer than a plain");
});
