import { assertEquals, assertStringIncludes } from "@std/assert";
import { tryAuto } from "../../../lib/advice/race/auto_trial.ts";
import type { Race } from "../../../lib/advice/race/runner.ts";
import type { Round } from "../../../lib/timing/result.ts";
import type { TrialResult, TrialSpec } from "../../../lib/timing/spec.ts";
import { adviceOn, asPredicted } from "../advice_on.ts";
import { roundOf } from "../fixture.ts";

const candidate = { model: "limited", lanes: 1, slots: 8 } as const;

function raceOf(...rounds: Round[]): Race {
  return {
    runners: [{ candidate, items: 40, rounds }],
    costMs: 0,
    trials: 1,
    partial: false,
    unrepeatable: false,
    otherResults: false,
    untried: 0,
  };
}

const RACED = raceOf(roundOf({ runMs: 90 }), roundOf({ runMs: 100 }), roundOf({ runMs: 110 }));

async function found(
  result: Partial<TrialResult> | Error,
  { race = RACED, leftMs = 10_000 }: { race?: Race | undefined; leftMs?: number } = {},
) {
  const trials: TrialSpec[] = [];
  const values = Array.from({ length: 100 }, (_, at) => at);
  const task = { module: "file:///job.ts", export: "default" };
  const auto = await tryAuto(race, candidate, {
    job: { name: "job", task, items: { kind: "values", values }, options: {} },
    leftMs: () => leftMs,
    signal: new AbortController().signal,
    runTrial: (trial) => {
      trials.push(trial);
      if (result instanceof Error) return Promise.reject(result);
      const round = roundOf({ runMs: 106 });
      return Promise.resolve({ round, lanes: 2, slots: 8, warnings: [], ...result });
    },
  });
  return { auto, trials };
}

Deno.test("auto runs the recommended model's items once, and is held against its median time", async () => {
  const { auto, trials } = await found({});
  assertEquals(auto, {
    text:
      "auto settled on 2 lanes × 8 slots, 1.06 of the recommended model's time (one run of 40 items).",
    lanes: 2,
    slots: 8,
    timeRatio: 1.06,
    runMs: 106,
  });
  const [{ model, job, mostMs }, ...more] = trials as [TrialSpec, ...TrialSpec[]];
  assertEquals([model, mostMs, more.length], ["auto", 9700, 0]);
  assertEquals(job.items.kind === "values" && job.items.values.length, 40);
});

Deno.test("what keeps auto from being held against a model is said", async () => {
  const failed = roundOf({ runMs: 106, failed: 3 });
  const odd = roundOf({ runMs: 106, checksum: "odd" });
  const cases: [Awaited<ReturnType<typeof found>>, string, number][] = [
    [await found({}, { race: raceOf() }), "limited (8 slots) wasn't raced", 0],
    [await found({}, { leftMs: 400 }), "the budget was spent; a larger --budget", 0],
    [await found({ stopped: true }), "auto was stopped after 106 ms", 1],
    [await found({ round: failed }), "auto failed with 3 of 40 items", 1],
    [await found({ round: odd }), "auto gave other results than limited (8 slots)", 1],
    [await found(new Error("no \x1b[2Jlane")), "auto couldn't be run: no ", 1],
  ];
  for (const [{ auto, trials }, text, ran] of cases) {
    assertStringIncludes(auto.text, text);
    assertEquals([auto.timeRatio, trials.length], [undefined, ran]);
    assertEquals(auto.text.includes("\x1b"), false);
  }
  const alike = raceOf(roundOf({ runMs: 100, failed: 3, checksum: "other" }));
  assertEquals((await found({ round: failed }, { race: alike })).auto.timeRatio, 1.06);
});

Deno.test("advise() runs auto only where that was asked for, and counts what it cost", async () => {
  const without = await adviceOn({ waitMs: 20 }, asPredicted);
  const { auto, cost } = await adviceOn({ waitMs: 20 }, asPredicted, { withAuto: true });
  assertEquals(without.auto, undefined);
  assertStringIncludes(auto!.text, "auto settled on 1 lane × 8 slots, ");
  assertEquals(cost.timesRun, without.cost.timesRun + 1);
  assertEquals(Math.round(cost.tasksMs - without.cost.tasksMs), Math.round(auto!.runMs!));
  const tiny = await adviceOn({ computeMs: 0.001, items: 3, total: 3 }, asPredicted, {
    withAuto: true,
  });
  assertStringIncludes(tiny.auto!.text, "wasn't raced");
});
